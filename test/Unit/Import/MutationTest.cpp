//===- MutationTest.cpp - damaged models are refused, never a crash -------===//
#include "dyadic/Import/ONNX/ImportONNX.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir;

namespace {

/// Imports bytes from a file in a folder of its own.
class Mutation : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("dyadic-import", folder));
    path = folder;
    llvm::sys::path::append(path, "model.onnx");
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  static std::vector<std::string> models() {
    std::vector<std::string> bytes;
    std::error_code error;
    llvm::sys::fs::directory_iterator file(
        DYADIC_TEST_SOURCE_DIR "/Inputs/onnx", error),
        end;
    for (; !error && file != end; file.increment(error))
      if (llvm::StringRef(file->path()).ends_with(".onnx"))
        bytes.push_back(
            (*llvm::MemoryBuffer::getFile(file->path()))->getBuffer().str());
    return bytes;
  }

  /// The import either succeeds or says why not.
  void importBytes(llvm::StringRef bytes) {
    {
      std::error_code error;
      llvm::raw_fd_ostream file(path, error);
      ASSERT_FALSE(error);
      file << bytes;
    }
    MLIRContext context(MLIRContext::Threading::DISABLED);
    int errors = 0;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
    });
    auto module = dyadic::importONNX(path, {}, &context);
    EXPECT_EQ(failed(module), errors > 0);
  }

  llvm::SmallString<128> folder, path;
};

TEST_F(Mutation, Truncated) {
  for (const std::string &model : models())
    for (size_t size = 0; size < model.size(); size += 3)
      importBytes(llvm::StringRef(model).take_front(size));
}

TEST_F(Mutation, FlippedBytes) {
  std::mt19937 random(7);
  for (const std::string &model : models())
    for (int round = 0; round < 100; ++round) {
      std::string damaged = model;
      for (int flips = 1 + random() % 4; flips; --flips)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      importBytes(damaged);
    }
}

TEST_F(Mutation, SplicedModels) {
  // Fields of one message may come in any order and twice, so that the tails
  // of other models mostly parse.
  std::mt19937 random(11);
  std::vector<std::string> all = models();
  for (int round = 0; round < 500; ++round) {
    const std::string &a = all[random() % all.size()];
    const std::string &b = all[random() % all.size()];
    importBytes(a + b);
    importBytes(a.substr(0, random() % a.size()) +
                b.substr(random() % b.size()));
  }
}

} // namespace
