//===- LowerFunctions16.cpp - functions of one element between 16 bits ----===//
//
// A function of 16-bit elements is linear between 1025 of its values; one of 8-bit
// elements with a 16-bit result is a table of 256 (docs/Spec.md, section 9).
//
//===----------------------------------------------------------------------===//
#include "IntegerFunctions.h"
#include "ScalarFunction.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// Fraction bits of a table's entries, and of what is between two of them.
constexpr int64_t kEntryBits = 8, kStepBits = 6;
constexpr int64_t kSteps = 1 << (16 - kStepBits);

namespace {
/// f of a storage value, in the result's steps.
class InSteps {
public:
  InSteps(const ScalarFunction &function, ActivationType from, ActivationType to)
      : function(function), from(from), to(to) {}

  double operator()(double q) const {
    double y = function.evaluate(static_cast<float>((q - from.getZeroPoint()) * from.getScale()));
    // An element that the function isn't defined for means nothing.
    return y == y ? y / to.getScale() : 0.0;
  }

private:
  const ScalarFunction &function;
  ActivationType from, to;
};
} // namespace

static int32_t entryOf(double steps) {
  constexpr double kMost = 1 << 23;
  return static_cast<int32_t>(
      std::min(std::max(roundHalfEven(std::ldexp(steps, kEntryBits)), -kMost), kMost));
}

/// f at each 64th storage value. An entry is moved by half of what lines on both of its
/// sides miss in their middles: the error of a parabola halves.
static SmallVector<int32_t> interpolationTable(const InSteps &f) {
  constexpr int64_t kStep = 1 << kStepBits;
  auto missedAfter = [&](int64_t i) {
    double x = INT16_MIN + i * kStep;
    double missed = (f(x) + f(x + kStep)) / 2 - f(x + kStep / 2);
    return std::isfinite(missed) ? missed : 0.0;
  };
  SmallVector<int32_t> table;
  double before = missedAfter(0);
  for (int64_t i = 0; i <= kSteps; ++i) {
    double after = i < kSteps ? missedAfter(i) : before;
    table.push_back(entryOf(f(INT16_MIN + i * kStep) - (before + after) / 4));
    before = after;
  }
  return table;
}

static SmallVector<int32_t> wholeTable(const InSteps &f, ActivationType from) {
  SmallVector<int32_t> table;
  for (int64_t i = 0; i < 256; ++i)
    table.push_back(entryOf(f((from.isSigned() ? INT8_MIN : 0) + i)));
  return table;
}

static Value lookUp(FixedPointBuilder &f, Value table, Value place) {
  Value index = arith::IndexCastOp::create(f.b, f.loc, f.b.getIndexType(), place);
  return tensor::ExtractOp::create(f.b, f.loc, table, index);
}

/// The result, Q8, of a storage value x.
static Value interpolate(FixedPointBuilder &f, Value table, Value x) {
  Value place = f.add(f.shiftRight(x, f.i32(kStepBits)), f.i32(kSteps / 2));
  Value rest = f.make<arith::AndIOp>(x, f.i32((1 << kStepBits) - 1));
  Value here = lookUp(f, table, place), next = lookUp(f, table, f.add(place, f.i32(1)));
  return f.add(f.shiftLeft(here, f.i32(kStepBits)), f.mul(f.sub(next, here), rest));
}

namespace {
struct LowerInterpolated : OpInterfaceConversionPattern<qnn::ElementwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult
  matchAndRewrite(qnn::ElementwiseOpInterface op, ArrayRef<Value>,
                  ConversionPatternRewriter &rewriter) const override {
    // Those have exact forms.
    if (isa<qnn::AddOp, qnn::SubOp, qnn::MulOp, qnn::SqrtOp, qnn::ReciprocalOp>(
            op.getOperation()))
      return failure();
    auto function = ScalarFunction::endingAt(op);
    if (!function)
      return failure();
    auto from = activationTypeOf(op, function->input),
         to = activationTypeOf(op, op->getResult(0));
    if (failed(from) || failed(to))
      return failure();
    bool isWide = from->getStorageTypeIntegralWidth() == 16;
    if ((!isWide && to->getStorageTypeIntegralWidth() == 8) ||
        (isWide && isa<qnn::ReluOp, qnn::ClampOp>(op.getOperation())))
      return failure(); // dyadic.lookup, dyadic.clamp
    InSteps inSteps(*function, *from, *to);
    Value table = constantOf(rewriter, op->getLoc(),
                             isWide ? interpolationTable(inSteps) : wholeTable(inSteps, *from));
    auto type = storageTensorOf(op->getResult(0));
    auto compute = qnn::buildCompute(
        rewriter, op->getLoc(), op->getName().stripDialect(), type,
        {rewriter.getRemappedValue(function->input), table},
        [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return SmallVector<Value>{qnn::mapElements(
              b, loc, qnn::memoryType(type), arguments[0],
              [&](OpBuilder &b, Location loc, ValueRange s) {
                FixedPointBuilder f{b, loc};
                Value x = toI32(f, s[0], *from), y;
                if (isWide)
                  y = f.shiftHalfUp(interpolate(f, arguments[1], x), kEntryBits + kStepBits);
                else
                  y = f.shiftHalfUp(
                      lookUp(f, arguments[1], from->isSigned() ? f.add(x, f.i32(128)) : x),
                      kEntryBits);
                return f.toStorage(y, *to);
              })};
        });
    rewriter.replaceOp(op, compute);
    return success();
  }
};
} // namespace

void dyadic::populateFunctions16Patterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  // Before LowerUnary, which has tables of 8 bits.
  patterns.add<LowerInterpolated>(converter, patterns.getContext(), /*benefit=*/3);
}
