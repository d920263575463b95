//===- LowerInt16LikeLiteRT.cpp - functions of one element of 16 bits -----===//
//
// LiteRT's reference interpolates them in small tables. Contractions are in
// LowerInt16.cpp.
//
//===----------------------------------------------------------------------===//
#include "LiteRTPattern.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

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

void dyadic::populateLiteRTInt16Patterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerUnary16>(converter, patterns.getContext(), /*benefit=*/4);
}
