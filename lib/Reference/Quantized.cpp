//===- Quantized.cpp - Spec §3 on the types of level 2 --------------------===//
#include "Quantized.h"
#include "Tensors.h"

#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

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

  int64_t channel(int64_t i) const { return i / stride % scales.size(); }
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
  std::vector<int32_t> q = integers(storage);
  float *out = reals.as<float>().data();
  for (int64_t i = 0, e = q.size(); i < e; ++i) {
    int64_t c = parameters->channel(i);
    out[i] = dyadic::dequantize(q[i], static_cast<float>(parameters->scales[c]),
                                parameters->zeroPoints[c]);
  }
  return reals;
}

FailureOr<HostTensor> reference::quantize(Operation *op, Type type,
                                          const HostTensor &reals) {
  auto parameters = parametersOf(op, type);
  if (failed(parameters))
    return failure();
  HostTensor storage = makeResult(type);
  ArrayRef<float> x = reals.as<float>();
  std::vector<int32_t> q(x.size());
  for (int64_t i = 0, e = q.size(); i < e; ++i) {
    int64_t c = parameters->channel(i);
    double scale = parameters->scales[c];
    int64_t zeroPoint = parameters->zeroPoints[c];
    // i32 is the type of biases: f32 can't hold its bounds.
    q[i] = storage.kind == ElementKind::I32
               ? clamp(saturateToInt32(x[i] / scale) + zeroPoint,
                       parameters->qmin, parameters->qmax)
               : dyadic::quantize(x[i], inverseScale(scale), zeroPoint,
                                  parameters->qmin, parameters->qmax);
  }
  store(storage, q);
  return storage;
}
