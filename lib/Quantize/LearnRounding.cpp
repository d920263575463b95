//===- LearnRounding.cpp --------------------------------------------------===//
#include "LearnRounding.h"

#include "InputMoments.h"
#include "LowBitWeights.h"

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
/// Integers, numbers of four bits times factors of groups, or the entries of a codebook,
/// times a scale an output.
class ScaledGrid : public WeightGrid {
public:
  /// `factors` must outlive the grid; null without groups.
  ScaledGrid(Operation *op, quant::UniformQuantizedPerAxisType type,
             const GroupFactors *factors)
      : factors(factors), scales(type.getScales().begin(), type.getScales().end()),
        min(type.getStorageTypeMin()), max(type.getStorageTypeMax()) {
    if (auto entries = op->getAttrOfType<DenseI8ArrayAttr>(kCodebookAttr))
      codebook.assign(entries.asArrayRef().begin(), entries.asArrayRef().end());
  }

  Neighbours around(int64_t output, int64_t input, float value) const override {
    float scale = scales[output];
    if (factors) {
      int factor = factors->at(output, input);
      float step = scale * factor, number = value / step;
      NumberRange range = numbersFor(factor);
      auto at = [&](float n) {
        return step * std::clamp<float>(n, range.least, range.most);
      };
      auto [below, above] = std::minmax({at(std::floor(number)), at(std::ceil(number))});
      return {below, above};
    }
    float q = value / scale;
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
  const GroupFactors *factors;
  SmallVector<float> scales;

private:
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

/// The scales, of some parts of those there are, with which `gptq` loses least.
static void chooseScales(const WeightRounder &rounder, const WeightRows &rows, ScaledGrid &grid,
                         int64_t count) {
  MutableArrayRef<float> scales = MutableArrayRef(grid.scales).slice(rows.first, count);
  SmallVector<float> given(scales.begin(), scales.end()), best = given;
  std::vector<double> least = rounder.errors(rows, rounder.gptq(rows));
  for (float part : {0.7f, 0.775f, 0.85f, 0.925f, 1.075f, 1.15f, 1.25f}) {
    for (auto [scale, from] : llvm::zip_equal(scales, given))
      scale = from * part;
    std::vector<double> errors = rounder.errors(rows, rounder.gptq(rows));
    for (auto [i, error] : llvm::enumerate(errors))
      if (error < least[i]) {
        least[i] = error;
        best[i] = scales[i];
      }
  }
  llvm::copy(best, scales.begin());
}

/// Rounds some outputs of a group, of which `rounder` knows the inputs.
static std::vector<float> round(const WeightRounder &rounder, const WeightRows &rows,
                                WeightRounding rounding) {
  auto rounded = rounder.gptq(rows);
  rounder.improve(rows, rounded);
  if (rounding != WeightRounding::AdaRound)
    return rounded;
  // What `gptq` found stays for the outputs that descent did worse on.
  auto learned = rounder.adaRound(rows);
  rounder.improve(rows, learned);
  std::vector<double> before = rounder.errors(rows, rounded), after = rounder.errors(rows, learned);
  int64_t inputs = rounded.size() / before.size();
  for (auto [o, error] : llvm::enumerate(after))
    if (error < before[o])
      std::copy_n(learned.begin() + o * inputs, inputs, rounded.begin() + o * inputs);
  return rounded;
}

/// Rounds the weights of all outputs of `matrix`, of which `weight` gives each, and
/// hands them to `set`, with the number of the output and of the input. Where `moments`
/// know what the ops before have lost, the weights to round make up for it. With
/// `coarse`, which is the grid then, its scales are chosen first.
static void roundAll(MLIRContext *context, const ContractionMatrix &matrix,
                     InputMoments &moments, const WeightGrid &grid, WeightRounding rounding,
                     llvm::function_ref<float(int64_t, int64_t)> weight,
                     llvm::function_ref<void(int64_t, int64_t, float)> set,
                     ScaledGrid *coarse = nullptr) {
  auto roundSome = [&](const WeightRounder &rounder, ArrayRef<double> errors, int64_t first,
                       int64_t count) {
    std::vector<float> values;
    for (int64_t o = first; o < first + count; ++o)
      for (int64_t k = 0; k < matrix.inputs; ++k)
        values.push_back(weight(o, k));
    if (!errors.empty())
      values = rounder.makingUpFor(errors, values);
    WeightRows rows{values, first, grid};
    if (coarse)
      chooseScales(rounder, rows, *coarse, count);
    auto rounded = round(rounder, rows, rounding);
    for (auto [i, value] : llvm::enumerate(rounded))
      set(first + i / matrix.inputs, i % matrix.inputs, value);
  };
  // Depthwise filters have many small matrices, others one large one.
  constexpr int64_t kOutputs = 16;
  parallelFor(context, 0, matrix.groups, [&](size_t g) {
    WeightRounder rounder(matrix.inputs, moments.takeCovariance(g), kDamping);
    std::vector<double> errors = moments.takeErrorCovariance(g);
    parallelFor(context, 0, llvm::divideCeil(matrix.outputs, kOutputs), [&](size_t i) {
      int64_t begin = i * kOutputs;
      roundSome(rounder, errors, g * matrix.outputs + begin,
                std::min(kOutputs, matrix.outputs - begin));
    });
  });
}

bool dyadic::hasFewValues(Operation *op) {
  if (auto coded = codedWeights(op->getOperand(1)))
    return coded->getBits() < 8;
  if (codedIntegers(op->getOperand(1)))
    return true;
  auto type = dyn_cast<quant::QuantizedType>(
      cast<RankedTensorType>(op->getOperand(1).getType()).getElementType());
  return type && !op->hasAttr(kCodebookAttr) && type.getStorageTypeIntegralWidth() < 8;
}

std::optional<RoundedWeights> dyadic::learnRounding(Operation *op, Operation *real,
                                                    const Lockstep &network,
                                                    const Lockstep *realNetwork,
                                                    const MaskedRows &masked,
                                                    WeightRounding rounding) {
  auto constant = op->getOperand(1).getDefiningOp<qnn::ConstantOp>();
  auto matrix = ContractionMatrix::of(op);
  if (!constant || !constant->hasOneUse() || !matrix || matrix->inputs > kMostInputs ||
      rounding == WeightRounding::Nearest)
    return std::nullopt;
  auto weights = readConstant(real->getOperand(1));
  if (failed(weights) || weights->kind != ElementKind::F32)
    return std::nullopt;
  Value input = op->getOperand(0), realInput = real->getOperand(0);
  auto realType = cast<RankedTensorType>(realInput.getType());
  bool makesUp = realNetwork && realType.getElementType().isF32() &&
                 realType.getShape() == cast<RankedTensorType>(input.getType()).getShape();
  ArrayRef<float> reals = weights->as<float>();
  auto weight = [&](int64_t o, int64_t k) { return reals[matrix->weight(o, k)]; };
  auto gather = [&]() -> std::optional<InputMoments> {
    InputMoments moments(op, *matrix, network.samples(), makesUp);
    auto shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
    auto add = [&](size_t i, const HostTensor *realTensor) {
      moments.add(network.at(input, i), realTensor, masked.of(i, shape));
    };
    if (!makesUp) {
      for (size_t i = 0; i < network.samples(); ++i)
        add(i, nullptr);
    } else if (failed(realNetwork->forEachSample(
                   realInput, [&](size_t i, const HostTensor &tensor) { add(i, &tensor); }))) {
      return std::nullopt;
    }
    moments.finish();
    return moments;
  };

  if (auto attribute = dyn_cast<coded::WeightsAttr>(constant.getValue())) {
    auto codes = attribute.read();
    if (failed(codes) || static_cast<int64_t>(reals.size()) != attribute.getNumElements())
      return std::nullopt;
    auto moments = gather();
    if (!moments)
      return std::nullopt;
    roundAll(op->getContext(), *matrix, *moments, GridOfCodes(codes->grid), rounding, weight,
             [&](int64_t o, int64_t k, float value) {
               codes->codes[o * matrix->inputs + k] = codes->grid.encode(o, k, value);
             });
    return RoundedWeights{
        coded::WeightsAttr::get(attribute.getType(), attribute.getAxis(), *codes),
        cast<RankedTensorType>(constant.getOutput().getType())};
  }
  auto tensorType = cast<RankedTensorType>(constant.getType());
  auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(tensorType.getElementType());
  auto stored = readConstant(constant.getOutput());
  if (!type || failed(stored) || stored->kind != ElementKind::I8 ||
      weights->shape != stored->shape)
    return std::nullopt;
  auto moments = gather();
  if (!moments)
    return std::nullopt;
  auto attribute = dyn_cast<coded::IntegersAttr>(constant.getValue());
  auto coded = attribute ? attribute.read() : FailureOr<CodedIntegers>(CodedIntegers());
  if (failed(coded))
    return std::nullopt;
  ScaledGrid grid(op, type, attribute ? &coded->factors : nullptr);
  MutableArrayRef<int8_t> integers = stored->as<int8_t>();
  roundAll(
      op->getContext(), *matrix, *moments, grid, rounding, weight,
      [&](int64_t o, int64_t k, float value) {
        auto integer = static_cast<int8_t>(grid.storage(o, value));
        integers[matrix->weight(o, k)] = integer;
        if (grid.factors)
          coded->numbers[o * matrix->inputs + k] = integer / grid.factors->at(o, k);
      },
      makesUp ? &grid : nullptr);
  SmallVector<double> scales(grid.scales.begin(), grid.scales.end());
  auto rescaled = quant::UniformQuantizedPerAxisType::get(
      type.getFlags(), type.getStorageType(), type.getExpressedType(), scales,
      type.getZeroPoints(), type.getQuantizedDimension(), type.getStorageTypeMin(),
      type.getStorageTypeMax());
  auto valueType = cast<RankedTensorType>(constant.getValue().getType());
  return RoundedWeights{
      attribute ? coded::IntegersAttr::get(valueType, attribute.getAxis(), *coded)
                : makeConstant(std::move(*stored), valueType),
      tensorType.clone(rescaled)};
}
