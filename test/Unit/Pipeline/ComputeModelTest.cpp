//===- ComputeModelTest.cpp - what qnn.compute computes --------------------===//
#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/InitAll.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace dyadic;
using namespace mlir;

namespace {
class ComputeModelTest : public testing::Test {
protected:
  ComputeModelTest() : context(registry(), MLIRContext::Threading::DISABLED) {
    context.loadAllAvailableDialects();
  }
  static DialectRegistry registry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    return registry;
  }
  MLIRContext context;
};

const ElementKind kinds[] = {
    ElementKind::Bool, ElementKind::U8,  ElementKind::U16, ElementKind::U32,
    ElementKind::U64,  ElementKind::I8,  ElementKind::I16, ElementKind::I32,
    ElementKind::I64,  ElementKind::F16, ElementKind::BF16, ElementKind::F32,
    ElementKind::F64};

/// The integer of `kind` that `x` becomes: of an integer the lower bits, of a
/// float the nearest towards zero that there is.
double expectedInteger(double x, bool isFromFloat, ElementKind kind) {
  if (kind == ElementKind::Bool)
    return x != 0;
  bool isUnsigned = kind == ElementKind::U8 || kind == ElementKind::U16 ||
                    kind == ElementKind::U32 || kind == ElementKind::U64;
  int bits = 8 * byteWidth(kind);
  double span = std::ldexp(1, bits), low = isUnsigned ? 0 : -span / 2;
  if (!isFromFloat) {
    double wrapped = std::fmod(x - low, span);
    return (wrapped < 0 ? wrapped + span : wrapped) + low;
  }
  if (std::isnan(x))
    return 0;
  x = std::trunc(x);
  return x < low ? low : x >= low + span ? low + span - 1 : x;
}

TEST_F(ComputeModelTest, CastsBetweenAllTypes) {
  const double numbers[] = {0, 1, -1, 2.5, -7.75, 100, 127, -128, 200, 300,
                            -300, 40000, 65504, 70000, -1e6, 1e12, 6e-8, 1e-5};
  for (ElementKind from : kinds) {
    HostTensor input(from, {int64_t(std::size(numbers)) + 3});
    int64_t count = 0;
    for (double x : numbers)
      if (isFloat(from) || expectedInteger(x, true, from) == x)
        input.set(count++, x);
    if (isFloat(from)) {
      input.set(count++, NAN);
      input.set(count++, INFINITY);
      input.set(count++, -INFINITY);
    }
    OpBuilder b(&context);
    Location loc = b.getUnknownLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    b.setInsertionPointToEnd(module->getBody());
    RankedTensorType type = tensorTypeOf(input, &context);
    auto func = func::FuncOp::create(b, loc, "main", b.getFunctionType(type, {}));
    b.setInsertionPointToStart(func.addEntryBlock());
    SmallVector<Value> results;
    for (ElementKind to : kinds)
      results.push_back(qnn::buildCast(b, loc, func.getArgument(0),
                                       elementTypeOf(to, &context)));
    func::ReturnOp::create(b, loc, results);
    func.setType(b.getFunctionType(type, ValueRange(results).getTypes()));
    ASSERT_TRUE(succeeded(verify(*module)));
    auto got = interpret(func, input);
    ASSERT_TRUE(succeeded(got));
    for (auto [to, tensor] : llvm::zip_equal(kinds, *got))
      for (int64_t i = 0; i < count; ++i) {
        HostTensor expected(to, {1});
        double x = input.get(i);
        if (isFloat(to))
          expected.set(0, x);
        else if (to == ElementKind::U64 || to == ElementKind::I64)
          continue; // doubles don't tell the bounds
        else
          expected.set(0, expectedInteger(x, isFloat(from), to));
        double want = expected.get(0), have = tensor.get(i);
        EXPECT_TRUE(want == have || (std::isnan(want) && std::isnan(have)))
            << name(from) << " " << x << " to " << name(to) << ": expected "
            << want << ", but got " << have;
      }
  }
}

TEST_F(ComputeModelTest, HasSeveralResultsAndEmptyTensors) {
  auto module = parseSourceString<ModuleOp>(R"mlir(
    func.func @main(%x: tensor<2x3xf32>, %e: tensor<0x3xf32>) -> (tensor<3xf32>, tensor<i64>, tensor<0x3xf32>) {
      %r:3 = qnn.compute(%x, %e) : (tensor<2x3xf32>, tensor<0x3xf32>) -> (tensor<3xf32>, tensor<i64>, tensor<0x3xf32>) {
      ^bb0(%a: tensor<2x3xf32>, %n: tensor<0x3xf32>):
        %zero = arith.constant 0.0 : f32
        %i = tensor.empty() : tensor<3xf32>
        %f = linalg.fill ins(%zero : f32) outs(%i : tensor<3xf32>) -> tensor<3xf32>
        %sum = linalg.reduce ins(%a : tensor<2x3xf32>) outs(%f : tensor<3xf32>) dimensions = [0]
          (%in: f32, %acc: f32) { %s = arith.addf %in, %acc : f32 linalg.yield %s : f32 }
        %c = arith.constant dense<7> : tensor<i64>
        qnn.yield %sum, %c, %n : tensor<3xf32>, tensor<i64>, tensor<0x3xf32>
      }
      return %r#0, %r#1, %r#2 : tensor<3xf32>, tensor<i64>, tensor<0x3xf32>
    })mlir", &context);
  ASSERT_TRUE(module);
  HostTensor x(ElementKind::F32, {2, 3}), empty(ElementKind::F32, {0, 3});
  for (int64_t i = 0; i < 6; ++i)
    x.set(i, double(i));
  auto got = interpret(module->lookupSymbol<func::FuncOp>("main"), {x, empty});
  ASSERT_TRUE(succeeded(got));
  EXPECT_EQ((*got)[0].get(0), 3);
  EXPECT_EQ((*got)[0].get(2), 7);
  EXPECT_EQ((*got)[1].get(0), 7);
  EXPECT_EQ((*got)[2].numElements(), 0);
}
} // namespace
