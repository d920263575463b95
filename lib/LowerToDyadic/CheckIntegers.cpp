//===- CheckIntegers.cpp - no floats between the borders ------------------===//
#include "dyadic/LowerToDyadic/Integers.h"
#include "dyadic/LowerToDyadic/Passes.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"

namespace dyadic {
#define GEN_PASS_DEF_CHECKINTEGERS
#include "dyadic/LowerToDyadic/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// Whether `op` is between floats and integers, and not a half of a rescale.
static bool isBorder(Operation *op) {
  if (isa<QuantizeOp>(op))
    return !op->getOperand(0).getDefiningOp<DequantizeOp>();
  return isa<DequantizeOp>(op) && llvm::none_of(op->getUsers(), [](Operation *user) {
           return isa<QuantizeOp>(user);
         });
}

bool dyadic::computesOnIntegers(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>() || isBorder(op))
    return true;
  auto hasFloats = [](TypeRange types) {
    return llvm::any_of(types,
                        [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); });
  };
  auto result = op->walk([&](Operation *inside) {
    return hasFloats(inside->getOperandTypes()) || hasFloats(inside->getResultTypes())
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return !result.wasInterrupted();
}

namespace {
struct CheckIntegersPass : dyadic::impl::CheckIntegersBase<CheckIntegersPass> {
  void runOnOperation() override {
    int64_t count = 0;
    for (Operation &op : getOperation().getBody().getOps()) {
      if (isa<func::ReturnOp>(op) || computesOnIntegers(&op))
        continue;
      ++count;
      auto reason = op.getAttrOfType<StringAttr>(kFloatReasonAttr);
      InFlightDiagnostic error = op.emitError();
      error << "expected integers only, but '" << qnn::reportedKind(&op) << "' stays in float";
      if (reason)
        error << " because " << reason.getValue();
    }
    if (count == 0)
      return;
    getOperation().emitError()
        << "expected integers only, but " << count
        << " ops compute in float: write those that have no integer form by others, give "
           "samples in which ranges are finite, or leave out --integer-only";
    signalPassFailure();
  }
};
} // namespace
