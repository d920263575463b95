//===- FoldActivations.cpp - relu and clamp by saturation -----------------===//
//
//   conv2d → A, relu → B        becomes        conv2d → B
//
//===----------------------------------------------------------------------===//
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Support/FixedPoint.h"

#include <cmath>

namespace dyadic {
#define GEN_PASS_DEF_FOLDACTIVATIONS
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using quant::UniformQuantizedType;

static UniformQuantizedType perTensorType(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return dyn_cast<UniformQuantizedType>(type.getElementType());
}

/// The interval that an activation cuts its operand to.
static std::optional<std::pair<double, double>> cutOf(Operation *op) {
  if (isa<qnn::ReluOp>(op))
    return std::make_pair(0.0, static_cast<double>(INFINITY));
  if (auto clamp = dyn_cast<qnn::ClampOp>(op))
    return std::make_pair(clamp.getMin().convertToDouble(),
                          clamp.getMax().convertToDouble());
  return std::nullopt;
}

/// Whether every value of `type` is one that the cut leaves alone: rounding to
/// `type` then cuts as much.
static bool saturatesAt(UniformQuantizedType type, double min, double max) {
  auto storage = [&](double x) {
    return roundHalfEven(x / type.getScale()) + type.getZeroPoint();
  };
  return storage(min) <= type.getStorageTypeMin() &&
         storage(max) >= type.getStorageTypeMax();
}

/// Ops that round to whatever type their result has.
static bool roundsToResultType(Operation *op) {
  auto quantizable = dyn_cast_or_null<qnn::QuantizableOpInterface>(op);
  return quantizable && !isa<qnn::ConcatOp>(op) &&
         quantizable.getQuantKind() != qnn::QuantKind::SameType;
}

namespace {
struct FoldActivationsPass
    : dyadic::impl::FoldActivationsBase<FoldActivationsPass> {
  using FoldActivationsBase::FoldActivationsBase;

  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      auto cut = cutOf(op);
      if (!cut)
        return;
      Value input = op->getOperand(0), output = op->getResult(0);
      UniformQuantizedType from = perTensorType(input),
                           to = perTensorType(output);
      if (!from || !to)
        return;
      // The type it had is one rounding more than the activation needs.
      if (from != to && input.hasOneUse() &&
          roundsToResultType(input.getDefiningOp())) {
        input.setType(output.getType());
        from = to;
      }
      if (from != to || !saturatesAt(to, cut->first, cut->second))
        return;
      output.replaceAllUsesWith(input);
      op->erase();
    });
  }
};
} // namespace
