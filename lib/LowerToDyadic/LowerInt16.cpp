//===- LowerInt16.cpp - 16-bit activations, 8-bit weights -----------------===//
//
// A contraction of 16-bit values is one of their upper and one of their lower
// bytes, for which there are kernels:
//
//   Σ x·w + bias = 2^8 · Σ ⌊x / 2^8⌋·w + Σ (x mod 2^8)·w + bias
//
// in 64 bits, as LiteRT's reference sums. Functions of one element are computed in
// f32.
//
//===----------------------------------------------------------------------===//
#include "LiteRTPattern.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// The upper bytes, signed, and the lower ones, unsigned.
static std::pair<Value, Value> splitBytes(OpBuilder &builder, Location loc,
                                          Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  auto upper = type.clone(builder.getI8Type()),
       lower = type.clone(builder.getIntegerType(8, /*isSigned=*/false));
  auto compute = qnn::buildCompute(
      builder, loc, "SplitBytes", {upper, lower}, x,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        auto bytes = [&](int64_t shift) {
          return qnn::mapElements(
              b, loc, qnn::memoryType(upper), arguments,
              [&](OpBuilder &b, Location loc, ValueRange s) {
                FixedPointBuilder f{b, loc};
                return f.truncate(f.shiftRight(s[0], f.constant(shift, s[0])), 8);
              });
        };
        return SmallVector<Value>{bytes(8), bytes(0)};
      });
  return {compute.getResult(0), compute.getResult(1)};
}

namespace {
/// How the sums of each channel become results: a bias, and a factor that is
/// either a multiplier with its shift, or a real.
struct Scaling {
  enum class Kind {
    Even,    // of 24 bits, to nearest, ties to even
    HalfUp,  // or up; of 16 bits as LiteRT has it
    Real     // as f64: LiteRT's fully connected layers
  };
  Kind kind;
  SmallVector<int64_t> bias;
  SmallVector<FixedPointMultiplier> multipliers;
  SmallVector<double> factors;

  LogicalResult append(Operation *op, double bias, double factor, bool isExact);
};
} // namespace

/// One channel more, of a `bias` in sums. Fails where LiteRT's factor would be 2^14 or
/// more.
LogicalResult Scaling::append(Operation *op, double newBias, double factor, bool isExact) {
  bias.push_back(static_cast<int64_t>(newBias));
  factors.push_back(factor);
  if (!isExact) {
    auto multiplier = multiplierOf(op, factor);
    if (failed(multiplier))
      return failure();
    if (multiplier->shift < 1)
      return op->emitError() << "expected sums of at most 2^23 times the result's scale, "
                                "but got "
                             << factor << " times";
    multipliers.push_back(*multiplier);
    return success();
  }
  auto whole = litert::quantizeMultiplier(factor);
  if (!whole || whole->shift < 17)
    return failure();
  int64_t rounded = (int64_t{whole->multiplier} + (1 << 15)) >> 16;
  multipliers.push_back({static_cast<int32_t>(std::min<int64_t>(rounded, INT16_MAX)),
                         whole->shift - 16});
  return success();
}

/// The magnitude of each channel's sums, whatever the input, is less than 2^39, so
/// that a product with a multiplier of 24 bits fits 64.
static LogicalResult checkSums(Operation *op, Value weights, const Scaling &scaling) {
  constexpr int64_t kMost = int64_t(1) << 39, kGreatestProduct = int64_t(128) << 15;
  auto type = cast<RankedTensorType>(weights.getType());
  int64_t depth = type.getNumElements() / std::max<int64_t>(scaling.bias.size(), 1);
  for (int64_t bias : scaling.bias)
    if (depth * kGreatestProduct + std::abs(bias) >= kMost)
      return op->emitError() << "expected sums below 2^39, but got " << depth
                             << " products and a bias of " << bias;
  return success();
}

/// LiteRT scales the sums of a fully connected layer as f64 and all others by a
/// multiplier of 16 bits.
static FailureOr<Scaling> scalingOf(Operation *op, Value weights, Value bias,
                                    ActivationType input, ActivationType output,
                                    Rounding rounding) {
  bool isExact = isLiteRTExact(op), isMatmul = isa<qnn::MatmulOp>(op);
  Scaling scaling;
  scaling.kind = isExact && isMatmul                            ? Scaling::Kind::Real
                 : isExact || rounding == Rounding::HalfUp ? Scaling::Kind::HalfUp
                                                           : Scaling::Kind::Even;
  if (!isExact && rounding == Rounding::DoubleRound)
    return op->emitError("expected no --requantize double_round beside activations of 16 "
                         "bits that the model didn't bring");
  auto scales = weightScales(op, cast<RankedTensorType>(weights.getType()), isMatmul);
  if (failed(scales))
    return failure();
  FailureOr<HostTensor> known = HostTensor(ElementKind::I32, {int64_t(scales->size())});
  if (bias)
    known = readConstant(bias);
  if (failed(known) || (known->kind != ElementKind::I32 && known->kind != ElementKind::F32))
    return failure();
  constexpr double kMostBias = 1e11;
  for (auto [channel, scale] : llvm::enumerate(*scales)) {
    double unit = input.getScale() * scale, number = known->get(channel);
    if (known->kind == ElementKind::F32)
      number = roundHalfEven(number / unit);
    if (!(std::abs(number) <= kMostBias))
      return op->emitError() << "expected a bias of less than 10^11 times the sums' scale, "
                                "but that of channel "
                             << channel << " is " << number << " times";
    if (failed(scaling.append(op, number, unit / output.getScale(), isExact)))
      return failure();
  }
  if (!isExact && failed(checkSums(op, weights, scaling)))
    return failure();
  return scaling;
}

/// A number for each channel as a tensor that broadcasts.
template <typename T>
static Value perChannel(OpBuilder &builder, Location loc, ArrayRef<T> numbers) {
  constexpr bool isReal = std::is_floating_point_v<T>;
  constexpr ElementKind kind = isReal           ? ElementKind::F64
                               : sizeof(T) == 8 ? ElementKind::I64
                                                : ElementKind::I32;
  HostTensor data(kind, {static_cast<int64_t>(numbers.size())});
  llvm::copy(numbers, data.as<T>().begin());
  Type element = isReal ? Type(builder.getF64Type())
                        : builder.getIntegerType(8 * sizeof(T));
  auto type = RankedTensorType::get(data.shape, element);
  return qnn::ConstantOp::create(builder, loc, type,
                                 makeConstant(std::move(data), type));
}

/// round(x · factor), half away from zero, as an i64.
static Value multiplyReal(FixedPointBuilder &f, Value x, Value factor) {
  OpBuilder &b = f.b;
  Value real = arith::SIToFPOp::create(b, f.loc, b.getF64Type(), x);
  real = arith::MulFOp::create(b, f.loc, real, factor);
  // Almost a half: a whole one would lift what is just below.
  Value half = qnn::scalarConstant(b, f.loc, b.getF64Type(), 0x1.fffffffffffffp-2);
  half = math::CopySignOp::create(b, f.loc, half, real);
  real = arith::AddFOp::create(b, f.loc, real, half);
  for (auto [limit, isMax] : {std::pair(-0x1p31, true), std::pair(0x1p31, false)}) {
    Value bound = qnn::scalarConstant(b, f.loc, b.getF64Type(), limit);
    real = isMax ? Value(arith::MaximumFOp::create(b, f.loc, real, bound))
                 : Value(arith::MinimumFOp::create(b, f.loc, real, bound));
  }
  return arith::FPToSIOp::create(b, f.loc, b.getI64Type(), real); // towards zero
}

/// R(x, multiplier, shift), without the saturation.
static Value multiplyWhole(FixedPointBuilder &f, Value x, Value multiplier, Value shift,
                           bool toEven) {
  Value product = f.mul(x, f.extend(multiplier, false, 64));
  shift = f.extend(shift, false, 64);
  Value one = f.constant(1, x);
  Value rest = f.shiftLeft(one, f.sub(shift, one));
  if (toEven) {
    Value odd = f.make<arith::AndIOp>(f.shiftRight(product, shift), one);
    rest = f.add(f.sub(rest, one), odd);
  }
  return f.shiftRight(f.add(product, rest), shift);
}

/// The result of a contraction of which `upper` and `lower` are the sums.
static Value finish(OpBuilder &builder, Operation *op, Value upper, Value lower,
                    const Scaling &scaling, ActivationType output) {
  Location loc = op->getLoc();
  bool isReal = scaling.kind == Scaling::Kind::Real;
  SmallVector<Value> operands{upper, lower,
                              perChannel<int64_t>(builder, loc, scaling.bias)};
  if (isReal) {
    operands.push_back(perChannel<double>(builder, loc, scaling.factors));
  } else {
    // 32 bits, which a product of 64 is fastest of.
    auto numbers = [&](auto field) {
      SmallVector<int32_t> of;
      for (const FixedPointMultiplier &multiplier : scaling.multipliers)
        of.push_back(field(multiplier));
      return perChannel<int32_t>(builder, loc, of);
    };
    operands.push_back(numbers([](auto &m) { return m.multiplier; }));
    operands.push_back(numbers([](auto &m) { return m.shift; }));
  }
  return qnn::buildElementwise(
      builder, loc, "ScaleSums", storageTensorOf(op->getResult(0)), operands,
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value high = f.extend(s[0], false, 64), low = f.extend(s[1], false, 64);
        Value sum = f.add(f.shiftLeft(high, f.constant(8, high)), f.add(low, s[2]));
        return f.toStorage(isReal ? multiplyReal(f, sum, s[3])
                                  : multiplyWhole(f, sum, s[3], s[4],
                                                  scaling.kind == Scaling::Kind::Even),
                           output);
      });
}

static Value noBias(OpBuilder &builder, Location loc, int64_t channels) {
  auto type = RankedTensorType::get({channels}, builder.getI32Type());
  return dyadic::ConstantOp::create(
      builder, loc, type,
      DenseElementsAttr::get(type, builder.getI32IntegerAttr(0)));
}

/// Sums the products of bytes.
using ContractFn = llvm::function_ref<Value(Value bytes, Value weights, Value noBias)>;

/// The common part. What a model brings that doesn't match, as zero points other than
/// 0, is computed in float.
static LogicalResult
lowerContraction(ConversionPatternRewriter &rewriter, Operation *op, Value input,
                 Value storedInput, Value weights, Value storedWeights, Value bias,
                 Rounding rounding, ContractFn contract) {
  auto tensor = cast<RankedTensorType>(input.getType());
  auto from = dyn_cast<ActivationType>(tensor.getElementType());
  if (!from || !isInteger16(from))
    return failure();
  auto to = activationTypeOf(op, op->getResult(0));
  if (failed(to))
    return failure();
  auto weightType = dyn_cast<ActivationType>(
      cast<RankedTensorType>(weights.getType()).getElementType());
  if (from.getZeroPoint() != 0 || (weightType && weightType.getZeroPoint() != 0))
    return failure();
  auto scaling = scalingOf(op, weights, bias, from, *to, rounding);
  auto stored = storedWeightsOf(rewriter, op, storedWeights);
  if (failed(scaling) || failed(stored))
    return failure();
  auto [upper, lower] = splitBytes(rewriter, op->getLoc(), storedInput);
  Value zeros = noBias(rewriter, op->getLoc(), scaling->bias.size());
  rewriter.replaceOp(op, finish(rewriter, op, contract(upper, *stored, zeros),
                                contract(lower, *stored, zeros), *scaling, *to));
  return success();
}

static RankedTensorType sumsOf(OpBuilder &builder, Value result) {
  return cast<RankedTensorType>(result.getType()).clone(builder.getI32Type());
}

namespace {
/// A pattern that knows how our own sums are rounded.
template <typename Op> struct RoundingPattern : OpConversionPattern<Op> {
  RoundingPattern(const TypeConverter &converter, MLIRContext *context, Rounding rounding)
      : OpConversionPattern<Op>(converter, context, /*benefit=*/4), rounding(rounding) {}

  Rounding rounding;
};

struct LowerConv2D16 : RoundingPattern<qnn::Conv2DOp> {
  using RoundingPattern::RoundingPattern;
  LogicalResult
  matchAndRewrite(qnn::Conv2DOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return lowerContraction(
        rewriter, op, op.getInput(), adaptor.getInput(), op.getFilter(),
        adaptor.getFilter(), adaptor.getBias(), rounding,
        [&](Value bytes, Value filter, Value zeros) -> Value {
          return dyadic::Conv2DOp::create(
              rewriter, op.getLoc(), sumsOf(rewriter, op.getOutput()),
              padImage(rewriter, op.getLoc(), bytes, op.getPads(), 0), filter, zeros,
              op.getStrides(), op.getDilations(), op.getGroups(), codebookOf(op));
        });
  }
};

struct LowerMatmul16 : RoundingPattern<qnn::MatmulOp> {
  using RoundingPattern::RoundingPattern;
  LogicalResult
  matchAndRewrite(qnn::MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (qnn::isRunTimeProduct(op))
      return failure();
    return lowerContraction(
        rewriter, op, op.getLhs(), adaptor.getLhs(), op.getRhs(), adaptor.getRhs(),
        adaptor.getBias(), rounding,
        [&](Value bytes, Value weights, Value zeros) -> Value {
          return dyadic::MatmulOp::create(rewriter, op.getLoc(),
                                          sumsOf(rewriter, op.getOutput()), bytes,
                                          weights, zeros, codebookOf(op));
        });
  }
};

//===----------------------------------------------------------------------===//
// Functions of one element
//===----------------------------------------------------------------------===//

/// A table of 2^16 entries would cost more than the function: f32 has 24 bits.
struct LowerFunction16 : OpInterfaceConversionPattern<qnn::ElementwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ElementwiseOpInterface op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (isLiteRTExact(op) || isa<qnn::ReluOp, qnn::ClampOp>(op.getOperation()))
      return failure();
    auto from = dyn_cast<ActivationType>(
        cast<RankedTensorType>(op->getOperand(0).getType()).getElementType());
    if (!from || !isInteger16(from) || op->getNumOperands() != 1)
      return failure();
    return lowerThroughFloat(rewriter, op, operands);
  }
};

/// relu and clamp: exact but for the one rounding to another scale.
template <typename Op> struct LowerCut16 : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = activationTypeOf(op, op.getInput()), to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    if (isLiteRTExact(op) || *from == *to || !isInteger16(*from))
      return failure();
    double min = 0, max = INFINITY;
    if constexpr (std::is_same_v<Op, qnn::ClampOp>) {
      min = op.getMin().convertToDouble();
      max = op.getMax().convertToDouble();
    }
    auto rescaled = rescale(rewriter, op, adaptor.getInput(), *from, *to);
    if (failed(rescaled))
      return failure();
    rewriter.replaceOpWithNewOp<dyadic::ClampOp>(op, rescaled->getType(), *rescaled,
                                                 storageOf(min, *to), storageOf(max, *to));
    return success();
  }
};
} // namespace

void dyadic::populateInt16Patterns(const TypeConverter &converter,
                                   RewritePatternSet &patterns, Rounding rounding,
                                   bool functionsInFloat) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerConv2D16, LowerMatmul16>(converter, context, rounding);
  patterns.add<LowerCut16<qnn::ReluOp>, LowerCut16<qnn::ClampOp>>(converter, context,
                                                                  /*benefit=*/3);
  if (functionsInFloat)
    patterns.add<LowerFunction16>(converter, context, /*benefit=*/3);
}
