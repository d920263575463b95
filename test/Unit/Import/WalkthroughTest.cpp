//===- WalkthroughTest.cpp - the interpreter on a TOSA network ------------===//
//
// test/Plugin/walkthrough.mlir goes to machine code with stock tools, and its
// output must be test/Plugin/Inputs/walkthrough.expected; here the interpreter
// must give the same.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Import/TOSA/Passes.h"
#include "dyadic/InitAll.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "gtest/gtest.h"

#include <fstream>

using namespace mlir;
using namespace dyadic;

static const std::string kFolder = DYADIC_TEST_SOURCE_DIR "/Plugin/";

/// The numbers of walkthrough.c.
static HostTensor makeInput() {
  HostTensor input(ElementKind::F32, {1, 8, 8, 2});
  for (auto [i, x] : llvm::enumerate(input.as<float>()))
    x = (static_cast<int>(i) * 37 % 64 - 32) / 32.0f;
  return input;
}

static std::vector<float> readExpected() {
  std::ifstream file(kFolder + "Inputs/walkthrough.expected");
  std::vector<float> values;
  for (std::string line; std::getline(file, line);)
    values.push_back(std::stof(line));
  return values;
}

TEST(WalkthroughTest, IntegerLevelGivesWhatTheExecutablePrints) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  auto module =
      parseSourceFile<ModuleOp>(kFolder + "walkthrough.mlir", &context);
  ASSERT_TRUE(module);
  PassManager pm(&context);
  pm.nest<func::FuncOp>().addPass(createTosaToQNN());
  buildSimplifyPipeline(pm);
  buildQuantizePipeline(pm);
  buildLowerToDyadicPipeline(pm);
  ASSERT_TRUE(succeeded(pm.run(*module)));
  auto results =
      interpret(module->lookupSymbol<func::FuncOp>("main"), makeInput());
  ASSERT_TRUE(succeeded(results));
  std::vector<float> expected = readExpected();
  ASSERT_EQ(expected.size(), 3u);
  EXPECT_EQ(results->front().as<float>(), llvm::ArrayRef<float>(expected));
}
