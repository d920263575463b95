//===- DynamicModels.cpp - scales that are found at run time --------------===//
//
// docs/Spec.md, sections 3 and 8. The vectors of generated code do the same
// operations on f32 in the same order.
//
//===----------------------------------------------------------------------===//
#include "Models.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Support/DynamicParams.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

/// Calls `fn` with each group of elements and its parameters.
static void
forEachGroup(const HostTensor &input, int64_t outer,
             llvm::function_ref<void(int64_t group, int64_t first, ArrayRef<float> x,
                                     DynamicParams params)>
                 fn) {
  int64_t groups = ShapedType::getNumElements(ArrayRef(input.shape).take_front(outer)),
          extent = ShapedType::getNumElements(ArrayRef(input.shape).drop_front(outer));
  for (int64_t group = 0; group < groups; ++group) {
    ArrayRef<float> x = input.as<float>().slice(group * extent, extent);
    float lo = 0, hi = 0;
    for (float value : x) { // false for NaN
      lo = value < lo ? value : lo;
      hi = value > hi ? value : hi;
    }
    fn(group, group * extent, x, chooseDynamicParams(lo, hi));
  }
}

namespace {
struct DynamicQuantizeModel
    : ReferenceOpInterface::ExternalModel<DynamicQuantizeModel, DynamicQuantizeOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    HostTensor output = makeResult(op->getResult(0).getType()),
               scale = makeResult(op->getResult(1).getType()),
               zeroPoint = makeResult(op->getResult(2).getType());
    forEachGroup(*operands[0], cast<DynamicQuantizeOp>(op).getOuter(),
                 [&](int64_t group, int64_t first, ArrayRef<float> x, DynamicParams p) {
                   scale.as<float>()[group] = p.scale;
                   zeroPoint.as<int32_t>()[group] = p.zeroPoint;
                   for (auto [i, value] : llvm::enumerate(x))
                     output.as<uint8_t>()[first + i] = static_cast<uint8_t>(
                         quantize(value, p.inverse, p.zeroPoint, 0, 255));
                 });
    for (HostTensor *result : {&output, &scale, &zeroPoint})
      results.push_back(std::move(*result));
    return success();
  }
};

struct ScaleSumsModel
    : ReferenceOpInterface::ExternalModel<ScaleSumsModel, ScaleSumsOp> {
  LogicalResult interpret(Operation *operation, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto op = cast<ScaleSumsOp>(operation);
    HostTensor output = makeResult(op.getOutput().getType());
    auto scales = broadcastFloats(*operands[1], output.shape);
    auto zeroPoints = broadcastIntegers(*operands[2], output.shape);
    ArrayRef<int32_t> sums = operands[0]->as<int32_t>(), weightSums = op.getWeightSums();
    for (auto [i, x] : llvm::enumerate(output.as<float>())) {
      size_t channel = i % weightSums.size();
      int32_t sum = wrap(sums[i] - int64_t{zeroPoints[i]} * weightSums[channel]);
      x = static_cast<float>(sum) * op.getWeightScales()[channel];
      x *= scales[i];
      if (auto bias = op.getBias())
        x += (*bias)[channel];
    }
    results.push_back(std::move(output));
    return success();
  }
};

struct DynamicRoundModel
    : ReferenceOpInterface::ExternalModel<DynamicRoundModel, qnn::DynamicRoundOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    HostTensor output = makeResult(op->getResult(0).getType());
    forEachGroup(*operands[0], cast<qnn::DynamicRoundOp>(op).getOuter(),
                 [&](int64_t, int64_t first, ArrayRef<float> x, DynamicParams p) {
                   for (auto [i, value] : llvm::enumerate(x))
                     output.as<float>()[first + i] = dequantize(
                         quantize(value, p.inverse, p.zeroPoint, 0, 255), p.scale,
                         p.zeroPoint);
                 });
    results.push_back(std::move(output));
    return success();
  }
};
} // namespace

void reference::registerDynamicModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DyadicDialect *) {
    DynamicQuantizeOp::attachInterface<DynamicQuantizeModel>(*context);
    ScaleSumsOp::attachInterface<ScaleSumsModel>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    qnn::DynamicRoundOp::attachInterface<DynamicRoundModel>(*context);
  });
}
