//===- LowerSoftmaxLikeLiteRT.cpp - softmax in fixed point ----------------===//
//
// e^(x − max) of 8-bit values takes 256 values: a table. Their sum is Q12.19, its
// inverse Q0.31, and each element is one product of the two.
//
//===----------------------------------------------------------------------===//
#include "FixedPointBuilder.h"
#include "LiteRTTables.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
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
  SmallVector<int64_t> rows(type.getShape());
  rows[axis] = 1;

  Value lowest = FixedPointBuilder{b, loc}.i32(INT32_MIN);
  Value max = qnn::reduceAxes(
      b, loc, x, axis, lowest, [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        return f.make<arith::MaxSIOp>(f.extend(s[0], isUnsigned), s[1]);
      });
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
      b, loc, i32.clone(rows), sum,
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

namespace {
struct LowerSoftmaxLikeLiteRT : OpConversionPattern<qnn::SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::SoftmaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isLiteRTExact(op))
      return failure();
    auto from = activationTypeOf(op, op.getInput()),
         to = activationTypeOf(op, op.getOutput());
    if (failed(from) || failed(to))
      return failure();
    auto type = storageTensorOf(op.getOutput());
    if (static_cast<int64_t>(op.getAxis()) != type.getRank() - 1 ||
        from->getStorageTypeIntegralWidth() != 8 ||
        to->getStorageTypeIntegralWidth() != 8)
      return rewriter.notifyMatchFailure(op, "expected rows of 8 bits");
    HostTensor table(ElementKind::I32, {256});
    llvm::copy(litert::softmaxExponentials(from->getScale()),
               table.as<int32_t>().begin());
    Value exponentials = dyadic::ConstantOp::create(
        rewriter, op.getLoc(), RankedTensorType::get({256}, rewriter.getI32Type()),
        makeConstant(std::move(table), op.getContext()));
    auto compute = qnn::buildCompute(
        rewriter, op.getLoc(), "Softmax", type,
        {adaptor.getInput(), exponentials},
        [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return buildSoftmax(b, loc, arguments, !from->isSigned(),
                              to->getStorageTypeMin());
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
