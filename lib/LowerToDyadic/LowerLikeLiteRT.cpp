//===- LowerLikeLiteRT.cpp - ops whose arithmetic LiteRT defines ----------===//
//
// Where a function's requantizations round twice, its ops give what TensorFlow
// Lite's reference kernels give, byte for byte. Contractions, products and
// rescales need no more than the multipliers and the rounding that goes with
// them; what is here takes other steps than the ops of our own quantizer do.
//
//===----------------------------------------------------------------------===//
#include "LiteRTPattern.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"

#include "dyadic/Support/ConstantData.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
/// x ± y: both operands in units of twice the greater scale · 2^−shift, then
/// one requantization of the sum.
template <typename Op> struct LowerSumLikeLiteRT : LiteRTPattern<Op> {
  using LiteRTPattern<Op>::LiteRTPattern;
  LogicalResult lower(Op op, typename Op::Adaptor adaptor,
                      ArrayRef<ActivationType> types,
                      ConversionPatternRewriter &rewriter) const override {
    ActivationType lhs = types[0], rhs = types[1], out = types[2];
    int32_t inputShift = isInteger16(out) ? 15 : 20;
    double unit = 2 * std::max(lhs.getScale(), rhs.getScale());
    auto left = multiplierOf(op, lhs.getScale() / unit),
         right = multiplierOf(op, rhs.getScale() / unit),
         total = multiplierOf(op, unit / std::ldexp(out.getScale(), inputShift));
    if (failed(left) || failed(right) || failed(total))
      return failure();
    bool isSmall = inputShift == 20 &&
                   llvm::all_of(ArrayRef{*left, *right, *total},
                                [](const FixedPointMultiplier &m) {
                                  return m.shift >= 31 && m.shift < kMaxShift;
                                });
    bool subtracts = std::is_same_v<Op, qnn::SubOp>;
    Value sum = qnn::buildElementwise(
        rewriter, op.getLoc(), subtracts ? "Sub" : "Add",
        storageTensorOf(op.getOutput()), {adaptor.getLhs(), adaptor.getRhs()},
        [&](OpBuilder &b, Location loc, ValueRange scalars) {
          FixedPointBuilder f{b, loc};
          auto summand = [&](Value q, ActivationType type, FixedPointMultiplier m) {
            Value x = f.extend(q, !type.isSigned());
            x = f.sub(x, f.i32(type.getZeroPoint()));
            if (isSmall)
              return f.requantizeByte(x, m);
            return f.requantize(f.shiftLeft(x, f.i32(inputShift)), m);
          };
          Value x = summand(scalars[0], lhs, *left),
                y = summand(scalars[1], rhs, *right);
          Value sum = subtracts ? f.sub(x, y) : f.add(x, y);
          return f.toStorage(isSmall ? f.requantizeSmall(sum, *total)
                                     : f.requantize(sum, *total),
                             out);
        });
    rewriter.replaceOp(op, sum);
    return success();
  }
};

/// x · y: the factors' scales are multiplied as floats.
struct LowerMulLikeLiteRT : LiteRTPattern<qnn::MulOp> {
  using LiteRTPattern::LiteRTPattern;
  LogicalResult lower(qnn::MulOp op, Adaptor adaptor,
                      ArrayRef<ActivationType> types,
                      ConversionPatternRewriter &rewriter) const override {
    ActivationType lhs = types[0], rhs = types[1], out = types[2];
    float scale = static_cast<float>(lhs.getScale()) *
                  static_cast<float>(rhs.getScale()) /
                  static_cast<float>(out.getScale());
    auto multiplier = multiplierOf(op, scale);
    if (failed(multiplier))
      return failure();
    auto resultType = storageTensorOf(op.getOutput());
    Value product = dyadic::MulOp::create(
        rewriter, op.getLoc(), resultType.clone(rewriter.getI32Type()),
        adaptor.getLhs(), adaptor.getRhs(), lhs.getZeroPoint(), rhs.getZeroPoint());
    rewriter.replaceOp(
        op, requantizeTo(rewriter, op, product, *multiplier, resultType, out));
    return success();
  }
};

/// Functions of one element: a clamp, or the reference's table.
struct LowerUnaryLikeLiteRT
    : OpInterfaceConversionPattern<qnn::ElementwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ElementwiseOpInterface op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isLiteRTExact(op) || op->getNumOperands() != 1)
      return failure();
    auto from = activationTypeOf(op, op->getOperand(0)),
         to = activationTypeOf(op, op->getResult(0));
    if (failed(from) || failed(to))
      return failure();
    auto replaceByClamp = [&](float min, float max) {
      rewriter.replaceOpWithNewOp<dyadic::ClampOp>(
          op, operands[0].getType(), operands[0], litert::quantizeBound(min, *to),
          litert::quantizeBound(max, *to));
      return success();
    };
    if (*from == *to && isa<qnn::ReluOp>(op))
      return replaceByClamp(0, INFINITY);
    if (auto clamp = dyn_cast<qnn::ClampOp>(op.getOperation()); clamp && *from == *to)
      return replaceByClamp(clamp.getMin().convertToFloat(),
                            clamp.getMax().convertToFloat());
    auto table = litert::tabulate(op, *from, *to);
    if (!table)
      return failure();
    if (isa<qnn::SqrtOp>(op.getOperation()))
      op->emitWarning("is a table of the nearest results: LiteRT's reference may "
                      "be a step away");
    rewriter.replaceOpWithNewOp<LookupOp>(
        op, storageTensorOf(op->getResult(0)), operands[0],
        makeConstant(std::move(*table), op->getContext()));
    return success();
  }
};

/// The mean of each window, half away from zero, without its zero point: both
/// types are one. Slightly more than 1/count decides ties: a product that is
/// further from zero than the tie rounds away from it. Multipliers of 24 bits are
/// enough for bytes and windows of up to 2^14 elements, 2^8 · count · 2^−23 / count
/// < 1 / (2 · count), and those of 31 bits for 16.
struct LowerAvgPool2DLikeLiteRT : LiteRTPattern<qnn::AvgPool2DOp> {
  using LiteRTPattern::LiteRTPattern;
  LogicalResult lower(qnn::AvgPool2DOp op, Adaptor adaptor,
                      ArrayRef<ActivationType> types,
                      ConversionPatternRewriter &rewriter) const override {
    ActivationType to = types[1];
    int64_t count = op.getKernel()[0] * op.getKernel()[1];
    bool isPadded = llvm::any_of(op.getPads(), [](int64_t p) { return p != 0; });
    if (types[0] != to || count > 1 << 14 || (isPadded && op.getCountIncludePad()))
      return failure();
    auto resultType = storageTensorOf(op.getOutput());
    // Zeros add nothing to raw sums, whatever they stand for.
    Value sum = SumPool2DOp::create(
        rewriter, op.getLoc(), resultType.clone(rewriter.getI32Type()),
        padImage(rewriter, op.getLoc(), adaptor.getInput(), op.getPads(), 0), 0,
        op.getKernel(), op.getStrides());
    if (isPadded) {
      rewriter.replaceOp(op, divide(rewriter, op, sum, to));
      return success();
    }
    FixedPointMultiplier mean =
        *quantizeMultiplier(1.0 / double(count), isInteger16(to) ? 31 : 24);
    if (std::ldexp(1.0, mean.shift) >= double(count) * mean.multiplier)
      ++mean.multiplier;
    rewriter.replaceOpWithNewOp<RequantizeOp>(
        op, resultType, sum, ArrayRef<int32_t>(mean.multiplier),
        ArrayRef<int32_t>(mean.shift), 0, 0, to.getStorageTypeMin(),
        to.getStorageTypeMax(), Rounding::NearestEven);
    return success();
  }

private:
  /// Sums over how many elements of each window are in the image.
  static Value divide(OpBuilder &builder, qnn::AvgPool2DOp op, Value sum,
                      ActivationType to) {
    auto type = storageTensorOf(op.getOutput());
    Value rows = countsOf(builder, op, 0), columns = countsOf(builder, op, 1);
    return qnn::buildElementwise(
        builder, op.getLoc(), "AveragePool", type, {sum, rows, columns},
        [&](OpBuilder &b, Location loc, ValueRange scalars) {
          FixedPointBuilder f{b, loc};
          Value x = scalars[0], count = f.mul(scalars[1], scalars[2]);
          Value half = f.shiftRight(count, f.i32(1));
          Value isPositive =
              f.make<arith::CmpIOp>(arith::CmpIPredicate::sgt, x, f.i32(0));
          Value above = f.make<arith::SelectOp>(isPositive, f.add(x, half),
                                                f.sub(x, half));
          Value mean = f.make<arith::DivSIOp>(above, count); // towards zero
          mean = f.clamp(mean, to.getStorageTypeMin(), to.getStorageTypeMax());
          return f.truncate(mean, to.getStorageTypeIntegralWidth());
        });
  }

  /// How many rows (or columns) of the image the window of each has.
  static Value countsOf(OpBuilder &builder, qnn::AvgPool2DOp op, unsigned dim) {
    auto shapeOf = [](Value image) {
      return cast<RankedTensorType>(image.getType()).getShape();
    };
    int64_t from = shapeOf(op.getInput())[1 + dim],
            to = shapeOf(op.getOutput())[1 + dim];
    SmallVector<int64_t> shape(2 - dim, 1); // aligned at the channels
    shape[0] = to;
    shape.push_back(1);
    HostTensor counts(ElementKind::I32, shape);
    for (int64_t i = 0; i < to; ++i) {
      int64_t first = i * op.getStrides()[dim] - op.getPads()[dim];
      counts.as<int32_t>()[i] = static_cast<int32_t>(
          std::min(first + op.getKernel()[dim], from) - std::max<int64_t>(first, 0));
    }
    return dyadic::ConstantOp::create(
        builder, op.getLoc(), RankedTensorType::get(shape, builder.getI32Type()),
        makeConstant(std::move(counts), op.getContext()));
  }
};

/// The mean over dimensions: the count is divided into the multiplier, which
/// loses bits.
struct LowerReduceMeanLikeLiteRT : LiteRTPattern<qnn::ReduceMeanOp> {
  using LiteRTPattern::LiteRTPattern;
  LogicalResult lower(qnn::ReduceMeanOp op, Adaptor adaptor,
                      ArrayRef<ActivationType> types,
                      ConversionPatternRewriter &rewriter) const override {
    ActivationType from = types[0], to = types[1];
    auto ratio = multiplierOf(op, from.getScale() / to.getScale());
    if (failed(ratio))
      return failure();
    int64_t count = 1;
    for (int64_t axis : op.getAxes())
      count *= cast<RankedTensorType>(op.getInput().getType()).getDimSize(axis);
    int64_t exponent = 31 - ratio->shift;
    int64_t shift = std::min<int64_t>(
        {static_cast<int64_t>(llvm::Log2_64(count)), 32, 31 + exponent});
    FixedPointMultiplier mean{
        static_cast<int32_t>((int64_t{ratio->multiplier} << shift) / count),
        static_cast<int32_t>(ratio->shift + shift)};
    auto resultType = storageTensorOf(op.getOutput());
    Value sum = ReduceSumOp::create(
        rewriter, op.getLoc(), resultType.clone(rewriter.getI32Type()),
        adaptor.getInput(), from.getZeroPoint(), op.getAxes(), op.getKeepDims());
    rewriter.replaceOp(op, requantizeTo(rewriter, op, sum, mean, resultType, to));
    return success();
  }
};

/// Unsigned bytes of differing scales side by side. One tensor alone is a rescale
/// of the importer's, which has a multiplier.
struct LowerConcatLikeLiteRT : LiteRTPattern<qnn::ConcatOp> {
  using LiteRTPattern::LiteRTPattern;
  LogicalResult lower(qnn::ConcatOp op, Adaptor adaptor,
                      ArrayRef<ActivationType> types,
                      ConversionPatternRewriter &rewriter) const override {
    ActivationType to = types.back();
    if (types.size() < 3 || llvm::any_of(types, [](ActivationType type) {
          return type.isSigned() || type.getStorageTypeIntegralWidth() != 8;
        }))
      return failure();
    auto type = storageTensorOf(op.getOutput());
    SmallVector<Value> inputs;
    for (auto [input, from] : llvm::zip_equal(adaptor.getInputs(), types.drop_back())) {
      inputs.push_back(input);
      if (from != to)
        inputs.back() = LookupOp::create(
            rewriter, op.getLoc(), input.getType(), input,
            makeConstant(litert::concatTable(from, to), op->getContext()));
    }
    rewriter.replaceOpWithNewOp<dyadic::ConcatOp>(op, type, inputs, op.getAxis());
    return success();
  }
};
} // namespace

void dyadic::populateLiteRTPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerSumLikeLiteRT<qnn::AddOp>, LowerSumLikeLiteRT<qnn::SubOp>,
               LowerMulLikeLiteRT, LowerUnaryLikeLiteRT,
               LowerAvgPool2DLikeLiteRT, LowerReduceMeanLikeLiteRT,
               LowerConcatLikeLiteRT>(
      converter, patterns.getContext(), /*benefit=*/3);
}
