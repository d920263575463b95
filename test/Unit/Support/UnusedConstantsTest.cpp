//===- UnusedConstantsTest.cpp - what is released, and what stays ---------===//
#include "dyadic/Support/UnusedConstants.h"

#include "dyadic/Support/AlignedBytes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include "gtest/gtest.h"

using namespace dyadic;

namespace {
constexpr int64_t kBytes = 2 * kInlineConstantBytes;

struct UnusedConstantsTest : testing::Test {
  mlir::MLIRContext context;
  mlir::Builder builder{&context};

  mlir::ElementsAttr constant() { return makeConstant(AlignedBytes(kBytes, 7), &context); }
  mlir::OwningOpRef<mlir::ModuleOp> moduleWith(mlir::Attribute attribute) {
    mlir::OwningOpRef<mlir::ModuleOp> module =
        mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    module.get()->setAttr("test.constant", attribute);
    return module;
  }
  static bool isThere(mlir::Attribute attribute) {
    return mlir::succeeded(readConstant(attribute));
  }
};
} // namespace

TEST_F(UnusedConstantsTest, ReleasesWhatNoModuleHas) {
  UnusedConstants constants(&context);
  mlir::ElementsAttr kept = constant(), dropped = constant();
  auto module = moduleWith(builder.getArrayAttr({kept}));
  EXPECT_EQ(kBytes, constants.release({*module}));
  EXPECT_TRUE(isThere(kept));
  EXPECT_FALSE(isThere(dropped));
  EXPECT_EQ(0, constants.release({*module}));
}

TEST_F(UnusedConstantsTest, KeepsThoseOfOthers) {
  mlir::ElementsAttr foreign = constant();
  UnusedConstants constants(&context);
  EXPECT_EQ(0, constants.release({}));
  EXPECT_TRUE(isThere(foreign));
}

TEST_F(UnusedConstantsTest, ReleasesWhatItsOwnerHasNoMore) {
  mlir::ElementsAttr before = constant();
  auto module = moduleWith(before);
  UnusedConstants constants(&context, *module);
  mlir::ElementsAttr after = constant();
  module.get()->setAttr("test.constant", after);
  EXPECT_EQ(kBytes, constants.release({*module}));
  EXPECT_FALSE(isThere(before));
  EXPECT_TRUE(isThere(after));
}

TEST_F(UnusedConstantsTest, CompiledCodeReadsBytesInPlace) {
  AlignedBytes bytes(kBytes);
  const char *where = bytes.data();
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(where) % 64);
  std::vector<int8_t> storage;
  auto view = viewConstant(makeConstant(std::move(bytes), &context), storage);
  ASSERT_TRUE(mlir::succeeded(view));
  EXPECT_EQ(where, reinterpret_cast<const char *>(view->data()));
}
