//===- LowerInt16LikeLiteRT.cpp - 16-bit activations, 8-bit weights -------===//
//
// A contraction of 16-bit values is one of their upper and one of their lower
// bytes, for which there are kernels:
//
//   Σ x·w + bias = 2^8 · Σ ⌊x / 2^8⌋·w + Σ (x mod 2^8)·w + bias
//
// in 64 bits, as LiteRT's reference sums. Functions of one element are
// interpolated in small tables.
//
//===----------------------------------------------------------------------===//
#include "LiteRTPattern.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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
/// either a multiplier of 16 bits with its shift, or a real.
struct Scaling {
  SmallVector<int64_t> bias, multipliers, shifts;
  SmallVector<double> factors;
  bool isReal;
};
} // namespace

/// LiteRT scales the sums of a fully connected layer as f64 and all others by a
/// multiplier of 16 bits. Fails where the result's scale is more than 2^14 times
/// smaller than that of the sums.
static FailureOr<Scaling> scalingOf(Operation *op, Value weights, Value bias,
                                    ActivationType input, ActivationType output) {
  Scaling scaling;
  scaling.isReal = isa<qnn::MatmulOp>(op);
  int64_t dim = scaling.isReal ? 1 : 0;
  auto scales = weightScales(op, cast<RankedTensorType>(weights.getType()), dim);
  if (failed(scales))
    return failure();
  scaling.bias.assign(scales->size(), 0);
  if (bias) {
    FailureOr<HostTensor> known = readConstant(bias);
    if (failed(known) || known->kind != ElementKind::I32)
      return failure();
    scaling.bias.assign(known->as<int32_t>().begin(), known->as<int32_t>().end());
  }
  for (double scale : *scales) {
    double factor = input.getScale() * scale / output.getScale();
    auto whole = litert::quantizeMultiplier(factor);
    if (!whole || whole->shift < 17)
      return failure();
    int64_t rounded = (int64_t{whole->multiplier} + (1 << 15)) >> 16;
    scaling.multipliers.push_back(std::min<int64_t>(rounded, INT16_MAX));
    scaling.shifts.push_back(whole->shift - 16);
    scaling.factors.push_back(factor);
  }
  return scaling;
}

/// A number for each channel as a tensor that broadcasts.
template <typename T>
static Value perChannel(OpBuilder &builder, Location loc, ArrayRef<T> numbers) {
  constexpr bool isReal = std::is_floating_point_v<T>;
  HostTensor data(isReal ? ElementKind::F64 : ElementKind::I64,
                  {static_cast<int64_t>(numbers.size())});
  llvm::copy(numbers, data.as<T>().begin());
  Type element = isReal ? Type(builder.getF64Type()) : builder.getI64Type();
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

/// The result of a contraction of which `upper` and `lower` are the sums.
static Value finish(OpBuilder &builder, Operation *op, Value upper, Value lower,
                    const Scaling &scaling, ActivationType output) {
  Location loc = op->getLoc();
  SmallVector<Value> operands{upper, lower,
                              perChannel<int64_t>(builder, loc, scaling.bias)};
  if (scaling.isReal) {
    operands.push_back(perChannel<double>(builder, loc, scaling.factors));
  } else {
    operands.push_back(perChannel<int64_t>(builder, loc, scaling.multipliers));
    operands.push_back(perChannel<int64_t>(builder, loc, scaling.shifts));
  }
  return qnn::buildElementwise(
      builder, loc, "ScaleSums", storageTensorOf(op->getResult(0)), operands,
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value high = f.extend(s[0], false, 64), low = f.extend(s[1], false, 64);
        Value sum = f.add(f.shiftLeft(high, f.constant(8, high)), f.add(low, s[2]));
        if (scaling.isReal)
          return f.toStorage(multiplyReal(f, sum, s[3]), output);
        Value one = f.constant(1, sum);
        Value half = f.shiftLeft(one, f.sub(s[4], one));
        return f.toStorage(f.shiftRight(f.add(f.mul(sum, s[3]), half), s[4]), output);
      });
}

static Value noBias(OpBuilder &builder, Location loc, int64_t channels) {
  auto type = RankedTensorType::get({channels}, builder.getI32Type());
  return dyadic::ConstantOp::create(
      builder, loc, type,
      DenseElementsAttr::get(type, builder.getI32IntegerAttr(0)));
}

/// The common part: `contract` sums the products of bytes. What doesn't match, as
/// zero points other than 0, is computed in float.
static LogicalResult
lowerContraction(ConversionPatternRewriter &rewriter, Operation *op, Value input,
                 Value storedInput, Value weights, Value bias,
                 llvm::function_ref<Value(Value bytes, Value noBias)> contract) {
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
  auto scaling = scalingOf(op, weights, bias, from, *to);
  if (failed(scaling))
    return failure();
  auto [upper, lower] = splitBytes(rewriter, op->getLoc(), storedInput);
  Value zeros = noBias(rewriter, op->getLoc(), scaling->bias.size());
  rewriter.replaceOp(op, finish(rewriter, op, contract(upper, zeros),
                                contract(lower, zeros), *scaling, *to));
  return success();
}

static RankedTensorType sumsOf(OpBuilder &builder, Value result) {
  return cast<RankedTensorType>(result.getType()).clone(builder.getI32Type());
}

namespace {
struct LowerConv2D16 : OpConversionPattern<qnn::Conv2DOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::Conv2DOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return lowerContraction(
        rewriter, op, op.getInput(), adaptor.getInput(), op.getFilter(),
        adaptor.getBias(), [&](Value bytes, Value zeros) -> Value {
          return dyadic::Conv2DOp::create(
              rewriter, op.getLoc(), sumsOf(rewriter, op.getOutput()),
              padImage(rewriter, op.getLoc(), bytes, op.getPads(), 0),
              adaptor.getFilter(), zeros, op.getStrides(), op.getDilations(),
              op.getGroups(), /*codebook=*/DenseI8ArrayAttr());
        });
  }
};

struct LowerMatmul16 : OpConversionPattern<qnn::MatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (qnn::isRunTimeProduct(op))
      return failure();
    return lowerContraction(
        rewriter, op, op.getLhs(), adaptor.getLhs(), op.getRhs(),
        adaptor.getBias(), [&](Value bytes, Value zeros) -> Value {
          return dyadic::MatmulOp::create(
              rewriter, op.getLoc(), sumsOf(rewriter, op.getOutput()), bytes,
              adaptor.getRhs(), zeros, /*codebook=*/DenseI8ArrayAttr());
        });
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Functions of one element
//===----------------------------------------------------------------------===//

namespace {
/// How sigmoid and tanh are read off one table: |x| in steps of 2^`bits`, and what
/// lies beyond it; y = entry + above for x ≥ 0 and below − entry for x < 0, both
/// without `drop` bits.
struct SigmoidForm {
  int64_t bits, greatest, above, below, drop;
};
} // namespace

constexpr SigmoidForm kSigmoid{9, 0x7FFF << 10, 512, (1 << 25) + 511, 10};
constexpr SigmoidForm kTanh{8, 0xFFFF << 8, 128 - (1 << 23), (1 << 23) + 127, 8};

static Value buildSigmoid(FixedPointBuilder &f, Value x, Value table,
                          litert::SigmoidInput input, const SigmoidForm &form) {
  x = f.shiftHalfUp(f.mul(f.extend(x, false), f.i32(input.multiplier)), input.shift);
  Value isNegative = f.make<arith::CmpIOp>(arith::CmpIPredicate::slt, x, f.i32(0));
  Value magnitude = f.make<arith::SelectOp>(isNegative, f.sub(f.i32(0), x), x);
  Value step = f.shiftRight(magnitude, f.i32(form.bits));
  Value isBeyond = f.make<arith::CmpIOp>(arith::CmpIPredicate::sge, step, f.i32(255));
  Value place = f.clamp(step, 0, 254);
  auto entry = [&](Value i) -> Value {
    Value index = arith::IndexCastOp::create(f.b, f.loc, f.b.getIndexType(), i);
    return tensor::ExtractOp::create(f.b, f.loc, table, index);
  };
  Value first = entry(place), second = entry(f.add(place, f.i32(1)));
  Value rest = f.make<arith::AndIOp>(magnitude, f.i32((1 << form.bits) - 1));
  Value y = f.add(f.shiftLeft(first, f.i32(form.bits)),
                  f.mul(rest, f.sub(second, first)));
  y = f.make<arith::SelectOp>(isBeyond, f.i32(form.greatest), y);
  y = f.make<arith::SelectOp>(isNegative, f.sub(f.i32(form.below), y),
                              f.add(y, f.i32(form.above)));
  return f.truncate(f.shiftRight(y, f.i32(form.drop)), 16);
}

namespace {
struct LowerUnary16 : OpInterfaceConversionPattern<qnn::ElementwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ElementwiseOpInterface op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isLiteRTExact(op) || op->getNumOperands() != 1)
      return failure();
    auto types = activationTypesOf(op);
    if (failed(types))
      return failure();
    ActivationType from = types->front(), to = types->back();
    if (!isInteger16(from) || !isInteger16(to))
      return failure();
    if (isa<qnn::SigmoidOp, qnn::TanhOp>(op.getOperation())) {
      auto input = litert::sigmoidInput(from.getScale());
      const SigmoidForm &form =
          isa<qnn::SigmoidOp>(op.getOperation()) ? kSigmoid : kTanh;
      return replaceByTable(rewriter, op, operands[0], litert::sigmoidTable(),
                            [&](FixedPointBuilder &f, Value x, Value table) {
                              return buildSigmoid(f, x, table, input, form);
                            });
    }
    if (isa<qnn::ExpOp>(op.getOperation()))
      return replaceByTable(rewriter, op, operands[0],
                            litert::interpolationTable(op, from, to),
                            [&](FixedPointBuilder &f, Value x, Value table) {
                              x = f.extend(x, false);
                              return f.truncate(f.interpolate(table, x), 16);
                            });
    if (isa<qnn::ReluOp>(op.getOperation()) && from != to)
      return rescaleAndClamp(rewriter, op, operands[0], from, to, 0, INFINITY);
    if (auto clamp = dyn_cast<qnn::ClampOp>(op.getOperation()); clamp && from != to)
      return rescaleAndClamp(rewriter, op, operands[0], from, to,
                             clamp.getMin().convertToFloat(),
                             clamp.getMax().convertToFloat());
    if (auto leaky = dyn_cast<qnn::LeakyReluOp>(op.getOperation()))
      return lowerLeakyRelu(rewriter, leaky, operands[0], from, to);
    return failure();
  }

private:
  static LogicalResult replaceByTable(
      ConversionPatternRewriter &rewriter, Operation *op, Value input,
      ArrayRef<int32_t> entries,
      llvm::function_ref<Value(FixedPointBuilder &, Value x, Value table)> body) {
    HostTensor data(ElementKind::I32, {static_cast<int64_t>(entries.size())});
    llvm::copy(entries, data.as<int32_t>().begin());
    Value table = dyadic::ConstantOp::create(
        rewriter, op->getLoc(),
        RankedTensorType::get(data.shape, rewriter.getI32Type()),
        makeConstant(std::move(data), op->getContext()));
    auto type = storageTensorOf(op->getResult(0));
    auto compute = qnn::buildCompute(
        rewriter, op->getLoc(), op->getName().stripDialect(), type, {input, table},
        [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return SmallVector<Value>{qnn::mapElements(
              b, loc, type, arguments[0],
              [&](OpBuilder &b, Location loc, ValueRange s) {
                FixedPointBuilder f{b, loc};
                return body(f, s[0], arguments[1]);
              })};
        });
    rewriter.replaceOp(op, compute);
    return success();
  }

  static LogicalResult rescaleAndClamp(ConversionPatternRewriter &rewriter,
                                       Operation *op, Value input,
                                       ActivationType from, ActivationType to,
                                       float min, float max) {
    auto ratio = multiplierOf(op, static_cast<float>(from.getScale()) /
                                      static_cast<float>(to.getScale()));
    if (failed(ratio))
      return failure();
    Value rescaled = requantizeTo(rewriter, op, input, *ratio,
                                  storageTensorOf(op->getResult(0)), to,
                                  from.getZeroPoint());
    rewriter.replaceOpWithNewOp<dyadic::ClampOp>(
        op, rescaled.getType(), rescaled, litert::quantizeBound(min, to),
        litert::quantizeBound(max, to));
    return success();
  }

  static LogicalResult lowerLeakyRelu(ConversionPatternRewriter &rewriter,
                                      qnn::LeakyReluOp op, Value input,
                                      ActivationType from, ActivationType to) {
    float in = static_cast<float>(from.getScale()),
          out = static_cast<float>(to.getScale()),
          alpha = op.getAlpha().convertToFloat();
    auto positive = multiplierOf(op, in / out),
         negative = multiplierOf(op, std::fabs(in * alpha / out));
    if (failed(positive) || failed(negative))
      return failure();
    rewriter.replaceOp(
        op, qnn::buildElementwise(
                rewriter, op.getLoc(), "LeakyRelu",
                storageTensorOf(op.getOutput()), input,
                [&](OpBuilder &b, Location loc, ValueRange s) {
                  FixedPointBuilder f{b, loc};
                  Value x = f.sub(f.extend(s[0], false), f.i32(from.getZeroPoint()));
                  Value below = f.requantize(x, *negative);
                  if (alpha < 0)
                    below = f.sub(f.i32(0), below);
                  Value isNegative = f.make<arith::CmpIOp>(
                      arith::CmpIPredicate::slt, x, f.i32(0));
                  return f.toStorage(f.make<arith::SelectOp>(
                                         isNegative, below, f.requantize(x, *positive)),
                                     to);
                }));
    return success();
  }
};
} // namespace

void dyadic::populateInt16Patterns(const TypeConverter &converter,
                                   RewritePatternSet &patterns) {
  patterns.add<LowerConv2D16, LowerMatmul16, LowerUnary16>(
      converter, patterns.getContext(), /*benefit=*/4);
}
