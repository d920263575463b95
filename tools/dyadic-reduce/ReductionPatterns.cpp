//===- ReductionPatterns.cpp ----------------------------------------------===//
//
// An op becomes its operand, where the types agree, or a constant of zeros.
// What fed it is then dead. Each replacement is first tried on a copy of the
// module: the reducer itself only tries all of them at once, and can't go on
// from a module that its test finds uninteresting.
//
//===----------------------------------------------------------------------===//
#include "ReductionPatterns.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Reducer/ReductionPatternInterface.h"

using namespace mlir;

namespace dyadic {

namespace {
/// Matches the computing ops of one dialect.
template <typename DialectT> struct ReplaceOp : RewritePattern {
  ReplaceOp(MLIRContext *context, PatternBenefit benefit, const Tester &tester)
      : RewritePattern(MatchAnyOpTypeTag(), benefit, context), tester(tester) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<DialectT>(op->getDialect()) ||
        op->getNumResults() != 1 || op->getNumRegions() != 0 ||
        op->hasTrait<OpTrait::ConstantLike>() || !staysInteresting(op))
      return failure();
    rewriter.replaceOp(op, replacement(op, rewriter));
    return success();
  }
  virtual Value replacement(Operation *op, OpBuilder &b) const = 0;

private:
  bool staysInteresting(Operation *op) const {
    auto module = op->getParentOfType<ModuleOp>();
    IRMapping mapping;
    OwningOpRef<ModuleOp> copy(cast<ModuleOp>(module->clone(mapping)));
    Operation *there = mapping.lookupOrNull(op);
    if (!there)
      return false;
    OpBuilder b(there);
    Value value = replacement(there, b);
    if (!value)
      return false;
    there->getResult(0).replaceAllUsesWith(value);
    there->erase();
    return tester.isInteresting(*copy).first == Tester::Interestingness::True;
  }

  const Tester &tester;
};

template <typename DialectT> struct ReplaceByOperand : ReplaceOp<DialectT> {
  using ReplaceOp<DialectT>::ReplaceOp;
  Value replacement(Operation *op, OpBuilder &) const override {
    for (Value operand : op->getOperands())
      if (operand.getType() == op->getResult(0).getType())
        return operand;
    return {};
  }
};

template <typename DialectT, typename ConstantT>
struct ReplaceByZeros : ReplaceOp<DialectT> {
  using ReplaceOp<DialectT>::ReplaceOp;
  Value replacement(Operation *op, OpBuilder &b) const override {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    auto kind = type ? elementKindOf(type.getElementType()) : std::nullopt;
    if (!kind || !type.hasStaticShape())
      return {};
    return ConstantT::create(
        b, op->getLoc(), type,
        makeConstant(HostTensor(*kind, type.getShape()), b.getContext()));
  }
};

template <typename DialectT, typename ConstantT>
struct ReductionPatterns : DialectReductionPatternInterface {
  explicit ReductionPatterns(Dialect *dialect)
      : DialectReductionPatternInterface(dialect) {}
  void populateReductionPatterns(RewritePatternSet &) const override {}
  void populateReductionPatternsWithTester(RewritePatternSet &patterns,
                                           Tester &tester) const override {
    patterns.add<ReplaceByOperand<DialectT>>(patterns.getContext(), 2, tester);
    patterns.add<ReplaceByZeros<DialectT, ConstantT>>(patterns.getContext(), 1,
                                                      tester);
  }
};
} // namespace

void registerReductionPatterns(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, qnn::QNNDialect *dialect) {
    dialect
        ->addInterfaces<ReductionPatterns<qnn::QNNDialect, qnn::ConstantOp>>();
  });
  registry.addExtension(+[](MLIRContext *, DyadicDialect *dialect) {
    dialect->addInterfaces<ReductionPatterns<DyadicDialect, ConstantOp>>();
  });
}

} // namespace dyadic
