//===- ApproximateMath.cpp ------------------------------------------------===//
#include "dyadic/Emit/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_APPROXIMATEMATHPASS
#include "dyadic/Emit/Passes.h.inc"

namespace {
struct ApproximateMath : impl::ApproximateMathPassBase<ApproximateMath> {
  void runOnOperation() override {
    // Those measured within 1e-6 (test/Unit/Emit/ApproximateMathTest.cpp).
    static const llvm::StringSet<> accurate = {
        math::ExpOp::getOperationName(),  math::TanhOp::getOperationName(),
        math::ErfOp::getOperationName(),  math::LogOp::getOperationName(),
        math::Log2Op::getOperationName(), math::ExpM1Op::getOperationName(),
        math::Log1pOp::getOperationName()};
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(
        patterns, [](StringRef name) { return accurate.contains(name); });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
