//===- LowerHardSwish.cpp - hard swish on unrounded sums ------------------===//
//
//   quantize(a_c · hard_swish(dequantize(h)) + b_c)
//
// with 16-bit h is a product of integers, which is rounded once, by a multiplier
// per channel (docs/Quantization.md, "Hard swish").
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
/// factor[c] · hard_swish(argument) + offset[c]; one element serves all channels.
struct ScaledHardSwish {
  Value argument;
  SmallVector<double> factors{1}, offsets{0};

  /// Recognizes what computes `value` and is read by nothing else.
  static std::optional<ScaledHardSwish> behind(Value value) {
    ScaledHardSwish found;
    while (Operation *op = value.getDefiningOp()) {
      if (!value.hasOneUse())
        break;
      if (auto swish = dyn_cast<qnn::HardSwishOp>(op)) {
        found.argument = swish.getOperand();
        return found;
      }
      if (!isa<qnn::AddOp, qnn::SubOp, qnn::MulOp>(op) ||
          op->getOperand(0).getType() != op->getResult(0).getType() ||
          !found.take(op))
        break;
      value = op->getOperand(0);
    }
    return std::nullopt;
  }

private:
  /// Takes an addition to its first operand, or a multiplication of it, on.
  bool take(Operation *op) {
    Value constant = op->getOperand(1);
    if (!matchPattern(constant, m_Constant()))
      return false;
    auto numbers = readConstant(constant);
    if (failed(numbers) || numbers->kind != ElementKind::F32)
      return false;
    auto shape = cast<RankedTensorType>(constant.getType()).getShape();
    ArrayRef<float> values = numbers->as<float>();
    size_t count = values.size();
    size_t channels = cast<RankedTensorType>(op->getResult(0).getType()).getShape().back();
    if (count != 1 && (count != channels || shape.back() != int64_t(channels)))
      return false;
    if (count > factors.size()) {
      factors.resize(count, factors.front());
      offsets.resize(count, offsets.front());
    }
    for (size_t c = 0; c < factors.size(); ++c) {
      double number = values[count > 1 ? c : 0];
      if (isa<qnn::MulOp>(op))
        factors[c] *= number;
      else
        offsets[c] += factors[c] * (isa<qnn::SubOp>(op) ? -number : number);
    }
    return true;
  }
};

struct LowerHardSwish : OpConversionPattern<quant::QuantizeCastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(quant::QuantizeCastOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr int64_t kMost = int64_t(1) << 31;
    auto swish = ScaledHardSwish::behind(op.getInput());
    auto reals = swish ? swish->argument.getDefiningOp<quant::DequantizeCastOp>() : nullptr;
    if (!reals || isLiteRTExact(op))
      return failure();
    auto elementOf = [](Value value) {
      return dyn_cast<ActivationType>(cast<RankedTensorType>(value.getType()).getElementType());
    };
    ActivationType from = elementOf(reals.getInput()), to = elementOf(op.getResult());
    if (!from || !to || from.getZeroPoint() != 0 || !from.isSigned() ||
        from.getStorageTypeIntegralWidth() != 16)
      return failure();
    double scale = from.getScale();
    // hard_swish(h·s) = h·(clamp(h, −K, K) + K) · s²/6, K standing for 3.
    int64_t knee = static_cast<int64_t>(roundHalfEven(3 / scale));
    if (knee < 1 || knee > from.getStorageTypeMax())
      return failure();

    SmallVector<FixedPointMultiplier> multipliers;
    std::optional<int64_t> offset;
    for (auto [factor, added] : llvm::zip_equal(swish->factors, swish->offsets)) {
      double unit = factor * scale * scale / 6;
      auto multiplier = unit > 0 ? quantizeMultiplier(unit / to.getScale()) : std::nullopt;
      double inUnits = added / unit;
      if (!multiplier || !(std::abs(inUnits) < kMost) ||
          (offset && std::abs(inUnits - *offset) > 1))
        return failure();
      multipliers.push_back(*multiplier);
      if (!offset)
        offset = static_cast<int64_t>(roundHalfEven(inUnits));
    }
    int64_t low = std::max<int64_t>(-knee, from.getStorageTypeMin());
    if (2 * knee * from.getStorageTypeMax() + std::abs(*offset) >= kMost ||
        (low - knee) * from.getStorageTypeMin() + std::abs(*offset) >= kMost)
      return failure();

    Location loc = op.getLoc();
    Value h = rewriter.getRemappedValue(reals.getInput());
    Value gate = dyadic::ClampOp::create(rewriter, loc, h.getType(), h, low, knee);
    RankedTensorType storage = storageTensorOf(op.getResult());
    Value product = dyadic::MulOp::create(
        rewriter, loc, storage.clone(rewriter.getI32Type()), h, gate, /*lhs_zp=*/0,
        /*rhs_zp=*/-knee);
    rewriter.replaceOp(op, requantizeTo(rewriter, op, product, multipliers, storage, to,
                                        static_cast<int32_t>(-*offset)));
    return success();
  }
};
} // namespace

void dyadic::populateHardSwishPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerHardSwish>(converter, patterns.getContext(), /*benefit=*/2);
}
