//===- CrossRun.cpp -------------------------------------------------------===//
#include "CrossRun.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace dyadic;

static constexpr llvm::StringLiteral kCompiler = "aarch64-linux-gnu-gcc";
static constexpr llvm::StringLiteral kEmulator = "qemu-aarch64";

/// Reads buffers of the sizes it is told, runs the program, writes them back.
static constexpr llvm::StringLiteral kMain = R"(
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void test_invoke(const void *const *, void *const *, void *);
int main(int argc, char **argv) {
  int64_t before = atoll(argv[2]), arena = atoll(argv[3]), inputs = atoll(argv[4]);
  FILE *file = fopen(argv[1], "r+b");
  void *buffers[64], *data[64];
  int64_t n = argc - 5;
  for (int64_t i = 0; i < n; ++i) {
    int64_t size = atoll(argv[5 + i]);
    buffers[i] = malloc(size);
    data[i] = (char *)buffers[i] + before;
    if (fread(buffers[i], 1, size, file) != size)
      return 2;
  }
  void *memory = aligned_alloc(64, arena);
  memset(memory, 0x7e, arena);
  test_invoke((const void *const *)data, data + inputs, memory);
  rewind(file);
  for (int64_t i = 0; i < n; ++i)
    fwrite(buffers[i], 1, atoll(argv[5 + i]), file);
  return fclose(file);
}
)";

Runner Runner::parse(llvm::StringRef text) {
  Runner runner;
  auto [target, rest] = text.split('/');
  if (rest.empty()) {
    runner.target.cpu = text.str();
    return runner;
  }
  auto [cpu, emulated] = rest.split('/');
  runner.target = {target.str(), cpu.str()};
  runner.emulatedCPU = emulated.str();
  return runner;
}

std::string dyadic::missingForCrossRun() {
  for (llvm::StringRef program : {kCompiler, kEmulator})
    if (!llvm::sys::findProgramByName(program))
      return program.str();
  return "";
}

namespace {
/// A folder for one run; `execute` collects what commands print.
class Workplace {
public:
  Workplace() { llvm::sys::fs::createUniqueDirectory("dyadic-cross", folder); }
  ~Workplace() { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result(folder);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  void write(llvm::StringRef name, llvm::StringRef bytes) const {
    std::error_code error;
    llvm::raw_fd_ostream(path(name), error) << bytes;
  }
  bool execute(llvm::ArrayRef<std::string> command, std::string &message) const {
    auto program = llvm::sys::findProgramByName(command.front());
    llvm::SmallVector<llvm::StringRef> words(command.begin(), command.end());
    std::string log = path("log");
    std::optional<llvm::StringRef> redirects[] = {"", log, log};
    int status = llvm::sys::ExecuteAndWait(*program, words, std::nullopt,
                                           redirects, /*SecondsToWait=*/120);
    if (status == 0)
      return true;
    message = llvm::join(command, " ") + ": exit " + std::to_string(status);
    if (auto text = llvm::MemoryBuffer::getFile(log))
      message += "\n" + (*text)->getBuffer().str();
    return false;
  }

private:
  llvm::SmallString<128> folder;
};
} // namespace

bool dyadic::crossRun(const Runner &runner, llvm::ArrayRef<char> object,
                      std::vector<GuardedBuffer> &inputs,
                      std::vector<GuardedBuffer> &outputs, int64_t arenaBytes,
                      std::string &message) {
  // The main function is the same in every run.
  static Workplace shared;
  static const bool compiled = [&] {
    shared.write("main.c", kMain);
    return shared.execute({kCompiler.str(), "-O1", "-c", shared.path("main.c"),
                           "-o", shared.path("main.o")},
                          message);
  }();
  if (!compiled)
    return false;

  Workplace place;
  place.write("test.o", {object.data(), object.size()});
  if (!place.execute({kCompiler.str(), "-static", shared.path("main.o"),
                      place.path("test.o"), "-lm", "-o", place.path("test")},
                     message))
    return false;
  std::vector<std::string> command = {kEmulator.str(),
                                      "-cpu",
                                      runner.emulatedCPU,
                                      place.path("test"),
                                      place.path("data"),
                                      std::to_string(GuardedBuffer::kBefore),
                                      std::to_string((arenaBytes + 127) / 64 * 64),
                                      std::to_string(inputs.size())};
  std::string bytes;
  auto forAll = [&](auto body) {
    for (auto *list : {&inputs, &outputs})
      for (GuardedBuffer &buffer : *list)
        body(buffer.all());
  };
  forAll([&](std::vector<char> &all) {
    command.push_back(std::to_string(all.size()));
    bytes.append(all.begin(), all.end());
  });
  place.write("data", bytes);
  if (!place.execute(command, message))
    return false;
  auto result = llvm::MemoryBuffer::getFile(place.path("data"));
  if (!result || (*result)->getBufferSize() != bytes.size()) {
    message = "expected " + std::to_string(bytes.size()) + " bytes back";
    return false;
  }
  const char *next = (*result)->getBufferStart();
  forAll([&](std::vector<char> &all) {
    std::copy(next, next + all.size(), all.begin());
    next += all.size();
  });
  return true;
}
