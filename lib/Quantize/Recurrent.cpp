//===- Recurrent.cpp - weights of recurrent ops ---------------------------===//
//
// docs/Quantization.md, section "Recurrence": the state is in (−1, 1), so its
// scale needs no calibration.
//
//===----------------------------------------------------------------------===//
#include "Recurrent.h"

#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

static constexpr int32_t kWeightMax = 127;

bool dyadic::quantizeRecurrence(OpBuilder &builder, Operation *op) {
  OpOperand &recurrent = op->getOpOperand(1);
  FailureOr<HostTensor> weights = readConstant(recurrent.get());
  if (failed(weights) || weights->kind != ElementKind::F32)
    return false;
  ArrayRef<float> real = weights->as<float>();
  if (!llvm::all_of(real, [](float w) { return std::isfinite(w); }))
    return false;
  int64_t columns = weights->shape[1];
  SmallVector<float> magnitude(columns, 0);
  for (auto [i, w] : llvm::enumerate(real)) {
    float &m = magnitude[i % columns];
    m = std::max(m, std::fabs(w));
  }
  SmallVector<double> scales;
  for (float m : magnitude)
    scales.push_back(chooseSymmetricScale(m, kWeightMax));
  HostTensor storage(ElementKind::I8, weights->shape);
  for (auto [i, q] : llvm::enumerate(storage.as<int8_t>()))
    q = static_cast<int8_t>(roundHalfEven(real[i] / scales[i % columns]));
  auto type = quant::UniformQuantizedPerAxisType::get(
      quant::QuantizationFlags::Signed, builder.getI8Type(),
      builder.getF32Type(), scales, SmallVector<int64_t>(columns, 0),
      /*quantizedDimension=*/1, -kWeightMax, kWeightMax);
  builder.setInsertionPoint(op);
  ElementsAttr value = makeConstant(std::move(storage), op->getContext());
  recurrent.set(qnn::ConstantOp::create(
      builder, recurrent.get().getLoc(),
      cast<RankedTensorType>(recurrent.get().getType()).clone(type), value));
  return true;
}
