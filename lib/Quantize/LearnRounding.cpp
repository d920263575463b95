//===- LearnRounding.cpp --------------------------------------------------===//
#include "LearnRounding.h"

#include "InputMoments.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Quantize/RoundWeights.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// Three square matrices of a layer's inputs are in memory at a time.
static constexpr int64_t kMostInputs = 2560;
/// Of the mean power of the inputs.
static constexpr double kDamping = 0.01;

namespace {
/// Integers or the entries of a codebook, times a scale an output.
class ScaledGrid : public WeightGrid {
public:
  ScaledGrid(Operation *op, quant::UniformQuantizedPerAxisType type)
      : scales(type.getScales().begin(), type.getScales().end()),
        min(type.getStorageTypeMin()), max(type.getStorageTypeMax()) {
    if (auto entries = op->getAttrOfType<DenseI8ArrayAttr>(kCodebookAttr))
      codebook.assign(entries.asArrayRef().begin(), entries.asArrayRef().end());
  }

  Neighbours around(int64_t output, int64_t, float value) const override {
    float scale = scales[output], q = value / scale;
    if (codebook.empty())
      return {scale * std::clamp(std::floor(q), min, max),
              scale * std::clamp(std::ceil(q), min, max)};
    const float *above = llvm::lower_bound(codebook, q);
    const float *below = above == codebook.end() || (*above > q && above != codebook.begin())
                             ? above - 1
                             : above;
    return {scale * *below, scale * *(above == codebook.end() ? below : above)};
  }

  float storage(int64_t output, float value) const { return std::round(value / scales[output]); }

private:
  SmallVector<float> scales;
  /// Ascending; empty for integers.
  SmallVector<float> codebook;
  float min, max;
};

/// Weights of few bits.
class GridOfCodes : public WeightGrid {
public:
  explicit GridOfCodes(const CodedGrid &grid) : grid(grid) {}

  Neighbours around(int64_t output, int64_t input, float value) const override {
    unsigned code = grid.encode(output, input, value);
    float near = grid.decode(output, input, code);
    // The next one on the other side of the value; a scale may be negative.
    bool isUp = (value > near) == (grid.scales[grid.scaleOf(output, input)] > 0);
    unsigned next = isUp ? std::min<unsigned>(code + 1, grid.values.size() - 1)
                         : code - (code > 0);
    float other = near == value ? near : grid.decode(output, input, next);
    return {std::min(near, other), std::max(near, other)};
  }

private:
  const CodedGrid &grid;
};
} // namespace

/// Rounds some outputs of a group, of which `rounder` knows the inputs.
static std::vector<float> round(const WeightRounder &rounder, const WeightRows &rows,
                                WeightRounding rounding) {
  auto rounded = rounding == WeightRounding::AdaRound ? rounder.adaRound(rows) : rounder.gptq(rows);
  rounder.improve(rows, rounded);
  return rounded;
}

/// Rounds the weights of all outputs of `matrix`, of which `weight` gives each, and
/// hands them to `set`, with the number of the output and of the input.
static void roundAll(MLIRContext *context, const ContractionMatrix &matrix,
                     InputMoments &moments, const WeightGrid &grid, WeightRounding rounding,
                     llvm::function_ref<float(int64_t, int64_t)> weight,
                     llvm::function_ref<void(int64_t, int64_t, float)> set) {
  auto roundSome = [&](const WeightRounder &rounder, int64_t first, int64_t count) {
    std::vector<float> rows;
    for (int64_t o = first; o < first + count; ++o)
      for (int64_t k = 0; k < matrix.inputs; ++k)
        rows.push_back(weight(o, k));
    auto rounded = round(rounder, {rows, first, grid}, rounding);
    for (auto [i, value] : llvm::enumerate(rounded))
      set(first + i / matrix.inputs, i % matrix.inputs, value);
  };
  // Depthwise filters have many small matrices, others one large one.
  constexpr int64_t kOutputs = 16;
  parallelFor(context, 0, matrix.groups, [&](size_t g) {
    WeightRounder rounder(matrix.inputs, moments.takeCovariance(g), kDamping);
    parallelFor(context, 0, llvm::divideCeil(matrix.outputs, kOutputs), [&](size_t i) {
      int64_t begin = i * kOutputs;
      roundSome(rounder, g * matrix.outputs + begin,
                std::min(kOutputs, matrix.outputs - begin));
    });
  });
}

std::optional<ElementsAttr> dyadic::learnRounding(Operation *op, Operation *real,
                                                  ArrayRef<const HostTensor *> inputs,
                                                  WeightRounding rounding) {
  auto constant = op->getOperand(1).getDefiningOp<qnn::ConstantOp>();
  auto matrix = ContractionMatrix::of(op);
  if (!constant || !constant->hasOneUse() || !matrix || matrix->inputs > kMostInputs ||
      rounding == WeightRounding::Nearest)
    return std::nullopt;
  auto weights = readConstant(real->getOperand(1));
  if (failed(weights) || weights->kind != ElementKind::F32)
    return std::nullopt;
  ArrayRef<float> reals = weights->as<float>();
  auto weight = [&](int64_t o, int64_t k) { return reals[matrix->weight(o, k)]; };
  auto gather = [&] {
    InputMoments moments(op, *matrix, inputs.size());
    for (const HostTensor *input : inputs)
      moments.add(*input);
    moments.finish();
    return moments;
  };

  if (auto attribute = dyn_cast<coded::WeightsAttr>(constant.getValue())) {
    auto codes = attribute.read();
    if (failed(codes) || static_cast<int64_t>(reals.size()) != attribute.getNumElements())
      return std::nullopt;
    InputMoments moments = gather();
    roundAll(op->getContext(), *matrix, moments, GridOfCodes(codes->grid), rounding, weight,
             [&](int64_t o, int64_t k, float value) {
               codes->codes[o * matrix->inputs + k] = codes->grid.encode(o, k, value);
             });
    return coded::WeightsAttr::get(attribute.getType(), attribute.getAxis(), *codes);
  }
  auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(
      cast<RankedTensorType>(constant.getType()).getElementType());
  auto stored = readConstant(constant.getOutput());
  if (!type || failed(stored) || stored->kind != ElementKind::I8 ||
      weights->shape != stored->shape)
    return std::nullopt;
  InputMoments moments = gather();
  ScaledGrid grid(op, type);
  MutableArrayRef<int8_t> integers = stored->as<int8_t>();
  roundAll(op->getContext(), *matrix, moments, grid, rounding, weight,
           [&](int64_t o, int64_t k, float value) {
             integers[matrix->weight(o, k)] = static_cast<int8_t>(grid.storage(o, value));
           });
  return makeConstant(std::move(*stored),
                      cast<RankedTensorType>(constant.getValue().getType()));
}
