//===- Quantized.cpp - Spec §3 on the types of level 2 --------------------===//
#include "Quantized.h"
#include "Tensors.h"

#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

#include <algorithm>
#include <type_traits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

namespace {
/// The scale and zero point of each element.
struct Parameters {
  SmallVector<double> scales;
  SmallVector<int64_t> zeroPoints;
  /// Elements between two neighbours along the quantized dimension.
  int64_t stride = 1;
  int64_t qmin, qmax;

  /// Calls fn(begin, end, channel) for the stretches of equal parameters in a
  /// tensor of `count` elements.
  template <typename Fn> void forEachStretch(int64_t count, Fn fn) const {
    int64_t channels = scales.size();
    int64_t length = channels == 1 ? std::max<int64_t>(count, 1) : stride;
    for (int64_t begin = 0, c = 0; begin < count; begin += length) {
      fn(begin, begin + length, c);
      c = c + 1 == channels ? 0 : c + 1;
    }
  }
};
} // namespace

static FailureOr<Parameters> parametersOf(Operation *op, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  Parameters result;
  if (auto perTensor =
          dyn_cast<quant::UniformQuantizedType>(tensor.getElementType())) {
    result.scales = {perTensor.getScale()};
    result.zeroPoints = {perTensor.getZeroPoint()};
  } else if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(
                 tensor.getElementType())) {
    int64_t axis = perAxis.getQuantizedDimension();
    result.scales = llvm::to_vector(perAxis.getScales());
    result.zeroPoints = llvm::to_vector(perAxis.getZeroPoints());
    if (axis >= tensor.getRank() ||
        tensor.getDimSize(axis) != static_cast<int64_t>(result.scales.size()))
      return op->emitOpError() << "expected one scale for each index of the "
                                  "quantized dimension, but got "
                               << tensor;
    result.stride = rowMajorStrides(tensor.getShape())[axis];
  } else {
    return op->emitOpError()
           << "expected scales per tensor or per axis, but got " << tensor;
  }
  auto quantized = cast<quant::QuantizedType>(tensor.getElementType());
  result.qmin = quantized.getStorageTypeMin();
  result.qmax = quantized.getStorageTypeMax();
  for (int64_t zeroPoint : result.zeroPoints)
    if (zeroPoint < result.qmin || zeroPoint > result.qmax)
      return op->emitOpError() << "expected zero points in [" << result.qmin
                               << ", " << result.qmax << "], but got "
                               << zeroPoint;
  return result;
}

FailureOr<HostTensor> reference::dequantize(Operation *op, Type type,
                                            const HostTensor &storage) {
  auto parameters = parametersOf(op, type);
  if (failed(parameters))
    return failure();
  HostTensor reals(ElementKind::F32, storage.shape);
  float *out = reals.as<float>().data();
  withIntegers(storage, [&](auto q) {
    parameters->forEachStretch(q.size(), [&](int64_t begin, int64_t end, int64_t c) {
      float scale = static_cast<float>(parameters->scales[c]);
      int32_t zeroPoint = parameters->zeroPoints[c];
      for (int64_t i = begin; i < end; ++i)
        out[i] = dyadic::dequantize(q[i], scale, zeroPoint);
    });
  });
  return reals;
}

FailureOr<HostTensor> reference::quantize(Operation *op, Type type,
                                          const HostTensor &reals) {
  auto parameters = parametersOf(op, type);
  if (failed(parameters))
    return failure();
  HostTensor storage = makeResult(type);
  ArrayRef<float> x = reals.as<float>();
  int32_t qmin = parameters->qmin, qmax = parameters->qmax;
  withIntegers(storage, [&](auto q) {
    using T = typename decltype(q)::value_type;
    parameters->forEachStretch(q.size(), [&](int64_t begin, int64_t end, int64_t c) {
      double scale = parameters->scales[c];
      float inverse = inverseScale(scale);
      int32_t zeroPoint = parameters->zeroPoints[c];
      for (int64_t i = begin; i < end; ++i)
        // i32 is the type of biases: f32 can't hold its bounds.
        if constexpr (std::is_same_v<T, int32_t>)
          q[i] = clamp(saturateToInt32(x[i] / scale) + int64_t{zeroPoint}, qmin, qmax);
        else
          q[i] = dyadic::quantize(x[i], inverse, zeroPoint, qmin, qmax);
    });
  });
  return storage;
}
