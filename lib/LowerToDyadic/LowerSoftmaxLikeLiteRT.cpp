//===- LowerSoftmaxLikeLiteRT.cpp - softmax in fixed point ----------------===//
//
// e^(x − max) of 8-bit values takes 256 values: a table. Their sum is Q12.19, its
// inverse Q0.31, and each element is one product of the two.
//
//===----------------------------------------------------------------------===//
#include "IntegerFunctions.h"
#include "LiteRTPattern.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace dyadic;

/// Integer bits of a sum of exponentials.
constexpr int64_t kSumBits = 12;

/// The body: elements of x, between `least` and `least` + 255, and the table.
static SmallVector<Value> buildSoftmax(OpBuilder &b, Location loc,
                                       ValueRange arguments, bool isUnsigned,
                                       int64_t resultMin) {
  Value x = arguments[0], table = arguments[1];
  auto type = cast<RankedTensorType>(x.getType());
  int64_t axis = type.getRank() - 1;
  auto i32 = type.clone(b.getI32Type());

  Value max = maxOfRows(b, loc, x, axis, isUnsigned);
  Value exponentials = qnn::mapElements(
      b, loc, i32, {x, max}, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value below = f.sub(s[1], f.extend(s[0], isUnsigned));
        Value at = arith::IndexCastOp::create(b, loc, b.getIndexType(), below);
        return tensor::ExtractOp::create(b, loc, table, at).getResult();
      });
  Value zero = FixedPointBuilder{b, loc}.i32(0);
  Value sum = qnn::reduceAxes(
      b, loc, exponentials, axis, zero,
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        // They aren't negative: half up is half away from zero. Unsigned, as
        // the greatest would overflow.
        Value e = f.extend(s[0], false, 64);
        return f.add(f.truncate(f.shiftHalfUp(e, kSumBits), 32), s[1]);
      });
  Value inverse = qnn::mapElements(
      b, loc, onePerRow(i32, axis), sum,
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value zeros = f.make<math::CountLeadingZerosOp>(s[0]);
        Value fraction = f.sub(f.shiftLeft(s[0], zeros), f.i32(INT32_MIN));
        return f.reciprocalOfOnePlus(fraction);
      });
  Value result = qnn::mapElements(
      b, loc, type, {exponentials, sum, inverse},
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value zeros = f.make<math::CountLeadingZerosOp>(s[1]);
        Value exponent = f.sub(f.i32(kSumBits + 31 - 8), zeros);
        // Products come near to 2^31: half of a unit more needs i64.
        Value product = f.extend(f.multiplyHigh(s[2], s[0]), false, 64);
        Value y = f.shiftHalfAway(product, f.extend(exponent, false, 64));
        y = f.truncate(y, 32);
        y = f.clamp(f.add(y, f.i32(resultMin)), resultMin, resultMin + 255);
        return f.truncate(y, 8);
      });
  return {result};
}

/// A constant of i32 elements.
template <typename Range>
static Value tableOf(OpBuilder &builder, Location loc, const Range &values) {
  HostTensor table(ElementKind::I32, {static_cast<int64_t>(values.size())});
  llvm::copy(values, table.as<int32_t>().begin());
  auto type = RankedTensorType::get(table.shape, builder.getI32Type());
  return dyadic::ConstantOp::create(
      builder, loc, type, makeConstant(std::move(table), builder.getContext()));
}

/// The body for 16 bits: e^(x − max) and 1 / (1 + x) are interpolated in tables,
/// Q0.15, and so is their sum, Q16.15.
static SmallVector<Value> buildSoftmax16(OpBuilder &b, Location loc,
                                         ValueRange arguments,
                                         FixedPointMultiplier toTable) {
  Value x = arguments[0], exponentialTable = arguments[1],
        inverseTable = arguments[2];
  auto type = cast<RankedTensorType>(x.getType());
  int64_t axis = type.getRank() - 1;
  auto i32 = type.clone(b.getI32Type());

  Value max = maxOfRows(b, loc, x, axis, /*isUnsigned=*/false);
  Value exponentials = qnn::mapElements(
      b, loc, i32, {x, max}, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value below = f.requantize(f.sub(f.extend(s[0], false), s[1]), toTable);
        Value at = f.clamp(f.add(below, f.i32(INT16_MAX)), INT16_MIN, INT16_MAX);
        return f.interpolate(exponentialTable, at);
      });
  Value sum = qnn::reduceAxes(
      b, loc, exponentials, axis, FixedPointBuilder{b, loc}.i32(0),
      [&](OpBuilder &b, Location loc, ValueRange s) {
        return FixedPointBuilder{b, loc}.add(s[0], s[1]);
      });
  Value inverse = qnn::mapElements(
      b, loc, onePerRow(i32, axis), sum,
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value zeros = f.make<math::CountLeadingZerosOp>(s[0]);
        // In [1, 2) as Q1.16, then as the table has it.
        Value wide = f.extend(f.shiftLeft(s[0], f.sub(zeros, f.i32(1))), false, 64);
        Value at = f.truncate(f.shiftHalfUp(wide, 14), 32);
        at = f.clamp(f.sub(at, f.i32(3 << 15)), INT16_MIN, INT16_MAX);
        return f.interpolate(inverseTable, at);
      });
  Value result = qnn::mapElements(
      b, loc, type, {exponentials, sum, inverse},
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        Value zeros = f.make<math::CountLeadingZerosOp>(s[1]);
        Value shift = f.sub(f.i32(31), zeros), one = f.i32(1);
        Value half = f.shiftLeft(one, f.sub(shift, one));
        Value y = f.shiftRight(f.add(f.mul(s[0], s[2]), half), shift);
        return f.truncate(f.clamp(y, 0, INT16_MAX), 16);
      });
  return {result};
}

namespace {
struct LowerSoftmaxLikeLiteRT : LiteRTPattern<qnn::SoftmaxOp> {
  using LiteRTPattern::LiteRTPattern;
  LogicalResult lower(qnn::SoftmaxOp op, Adaptor adaptor,
                      ArrayRef<ActivationType> types,
                      ConversionPatternRewriter &rewriter) const override {
    ActivationType from = types[0], to = types[1];
    auto type = storageTensorOf(op.getOutput());
    if (static_cast<int64_t>(op.getAxis()) != type.getRank() - 1 ||
        from.getStorageTypeIntegralWidth() != to.getStorageTypeIntegralWidth())
      return rewriter.notifyMatchFailure(op, "expected rows of one width");
    Location loc = op.getLoc();
    SmallVector<Value> operands{adaptor.getInput()};
    std::optional<FixedPointMultiplier> toTable;
    if (isInteger16(from)) {
      toTable = litert::quantizeMultiplier(from.getScale() / (10.0 / 65535.0));
      operands.push_back(tableOf(rewriter, loc, litert::exponentialTable()));
      operands.push_back(tableOf(rewriter, loc, litert::inverseTable()));
      if (!toTable)
        return rewriter.notifyMatchFailure(op, "expected a scale below 2^17");
    } else {
      operands.push_back(
          tableOf(rewriter, loc, litert::softmaxExponentials(from.getScale())));
    }
    auto compute = qnn::buildCompute(
        rewriter, loc, "Softmax", type, operands,
        [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return toTable ? buildSoftmax16(b, loc, arguments, *toTable)
                         : buildSoftmax(b, loc, arguments, !from.isSigned(),
                                        to.getStorageTypeMin());
        });
    rewriter.replaceOp(op, compute);
    return success();
  }
};
} // namespace

void dyadic::populateLiteRTSoftmaxPatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<LowerSoftmaxLikeLiteRT>(converter, patterns.getContext(),
                                       /*benefit=*/3);
}
