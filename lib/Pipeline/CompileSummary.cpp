//===- CompileSummary.cpp - what is computed in integers, and what not ----===//
#include "dyadic/Pipeline/Compile.h"

#include "dyadic/Dialect/QNN/Dynamic.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;

namespace dyadic {

void countOps(ModuleOp module, CompileSummary &summary) {
  module.walk([&](Operation *op) {
    if (op->getNumResults() == 0 || op->hasTrait<OpTrait::ConstantLike>() ||
        !isa_and_nonnull<qnn::QNNDialect>(op->getDialect()) || qnn::isBorder(op) ||
        isa<qnn::DynamicRoundOp>(op))
      return;
    if (qnn::sumsIntegers(op)) {
      ++summary.integerOps;
      return;
    }
    auto isOf = [&](auto predicate) {
      return llvm::any_of(op->getResultTypes(), [&](Type type) {
        return predicate(cast<RankedTensorType>(type).getElementType());
      });
    };
    if (!isOf([](Type type) { return isa<FloatType>(type); })) {
      // Others on integers move indices and masks.
      summary.integerOps +=
          isa<qnn::ComputeOp>(op) || isOf([](Type type) { return isa<quant::QuantizedType>(type); });
      return;
    }
    auto named = op->getLoc()->findInstanceOf<NameLoc>();
    auto reason = op->getAttrOfType<StringAttr>(kFloatReasonAttr);
    summary.floatOps.push_back({named ? named.getName().str() : "", qnn::reportedKind(op).str(),
                                reason ? reason.str() : ""});
  });
}

void settleFloatOps(ModuleOp module, CompileSummary &summary) {
  CompileSummary left;
  countOps(module, left);
  llvm::erase_if(summary.floatOps, [&](const FloatOp &op) {
    bool isLeft = llvm::any_of(left.floatOps, [&](const FloatOp &other) {
      return op.name == other.name && op.kind == other.kind;
    });
    summary.integerOps += !isLeft;
    return !isLeft;
  });
}

} // namespace dyadic
