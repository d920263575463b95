//===- LowerGRUToIntegers.cpp - qnn.gru without floats --------------------===//
//
// docs/Spec.md, section 10: the arithmetic of the LSTM there, but that the hidden state,
// of 16 bits, is all that a step leaves to the next.
//
//===----------------------------------------------------------------------===//
#include "dyadic/LowerToDyadic/Passes.h"

#include "JoinBorders.h"
#include "RecurrentBody.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

namespace dyadic {
#define GEN_PASS_DEF_LOWERGRUTOINTEGERS
#include "dyadic/LowerToDyadic/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

enum Gate { Update, Reset, Candidate };
/// Bits behind the point of what gates are.
constexpr int64_t kGateBits = 15;

namespace {
/// Writes the steps of one GRU, a row of the batch after the other.
class GRUBody : RecurrentBody {
public:
  GRUBody(OpBuilder &b, Location loc, const IntegerRecurrence &sizes, bool linearBeforeReset)
      : RecurrentBody(b, loc, sizes), linearBeforeReset(linearBeforeReset) {}

  /// `arguments`: projection, weights of update and reset, weights of the candidate,
  /// hidden state, the numbers and the bias of the candidate's products, if it has one.
  /// Returns the hidden states of all steps.
  SmallVector<Value> write(ValueRange arguments) {
    constexpr size_t kNumbers = 4;
    projection = arguments[0], gateWeights = arguments[1], candidateWeights = arguments[2];
    setNumbers(arguments.drop_front(4));
    if (arguments.size() > 4 + kNumbers)
      bias = arguments.back();
    return loop(batch, empty({steps, batch, units}, 16),
                [&](Value n, ValueRange results) -> SmallVector<Value> {
                  Value hidden = rowOf(arguments[3], n), state = encode(hidden, emptyState());
                  return {loopOverSteps({state, hidden, results[0]},
                                        [&](Value t, ValueRange carried) {
                                          return step(n, t, carried);
                                        })[2]};
                });
  }

private:
  SmallVector<Value> step(Value n, Value t, ValueRange carried) {
    Value state = carried[0], hidden = carried[1];
    Value gates = argumentsOf(productsOf(state, gateWeights), Update, n, t), candidate;
    if (linearBeforeReset) {
      candidate = candidateOf(productsOf(state, candidateWeights), gates, n, t);
    } else {
      Value kept = encode(keptOf(gates, hidden), emptyState());
      candidate = argumentsOf(productsOf(kept, candidateWeights), Candidate, n, t);
    }
    Value next = hiddenOf(gates, candidate, hidden);
    return {encode(next, state), next, insert(next, carried[2], {t, n})};
  }

  /// σ(reset) · hidden
  Value keptOf(Value gates, Value hidden) {
    return map({gates, hidden}, empty({units}, 16), {gate(Reset), {d(0)}},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value kept = f.mul(sigmoidOf(f, s[0]), wide(f, s[1]));
                 return saturate(f, f.shiftHalfUp(kept, kGateBits));
               });
  }

  /// σ(reset) · (product + bias) and what the input adds, the argument of the candidate's
  /// function, 1×H.
  Value candidateOf(Value products, Value gates, Value n, Value t) {
    return map({products, gates}, empty({1, units}, 16),
               {{d(0), d(1)}, {b.getAffineConstantExpr(Reset), d(1)}},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value number = qnn::indexConstant(f.b, f.loc, Candidate),
                       unit = indexIn(f, 1);
                 Value part = scaled(f, s[0], number, unit);
                 if (bias)
                   part = f.add(part, read(f, bias, unit));
                 part = f.mul(wide(f, sigmoidOf(f, s[1]), 64), f.shiftHalfUp(part, kGateBits));
                 return argument(f, f.add(part, inputTo(f, n, t, number, unit)));
               });
  }

  /// σ(update) · hidden + (1 − σ(update)) · tanh(candidate)
  Value hiddenOf(Value gates, Value candidate, Value hidden) {
    return map({gates, candidate}, hidden, {gate(Update), gate(0)},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value update = sigmoidOf(f, s[0]);
                 Value rest = f.sub(f.i32(1 << kGateBits), update);
                 Value sum = f.add(f.mul(update, wide(f, s[2])),
                                   f.mul(rest, tanhOf(f, s[1])));
                 return saturate(f, f.shiftHalfUp(sum, kGateBits));
               });
  }

  const bool linearBeforeReset;
  Value gateWeights, candidateWeights, bias;
};
} // namespace

/// The bias of the candidate's products in steps of 2^−(F + shift), with room for these
/// beside it in 64 bits; null if it isn't a finite constant.
static Value quantizeBias(OpBuilder &b, Location loc, Value bias, int64_t shift) {
  constexpr double kMost = 1LL << 61;
  FailureOr<HostTensor> known = readConstant(bias);
  if (failed(known) || known->kind != ElementKind::F32)
    return {};
  SmallVector<int64_t> numbers;
  for (float x : known->as<float>()) {
    if (!std::isfinite(x))
      return {};
    double whole = std::nearbyint(std::ldexp(double(x), kTanhGate.fractionBits + shift));
    numbers.push_back(static_cast<int64_t>(std::min(std::max(whole, -kMost), kMost)));
  }
  return constantOf(b, loc, numbers);
}

namespace {
struct GRUToIntegers : OpRewritePattern<qnn::GRUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(qnn::GRUOp op,
                                PatternRewriter &rewriter) const override {
    auto net = IntegerRecurrence::of(op, rewriter, {&kSigmoidGate, &kSigmoidGate, &kTanhGate});
    if (failed(net))
      return failure();
    Location loc = op.getLoc();
    Value bias;
    if (op.getBias()) {
      bias = quantizeBias(rewriter, loc, op.getBias(), net->scaling.shift);
      if (!bias)
        return rewriter.notifyMatchFailure(op, "its bias isn't a finite constant");
    }
    SmallVector<Value> operands{net->projectionByGate(rewriter, loc),
                                net->weightsOf(rewriter, loc, Update, 2),
                                net->weightsOf(rewriter, loc, Candidate, 1),
                                quantizeState(rewriter, loc, op.getHidden(), kHiddenBits)};
    llvm::append_range(operands, net->numbersOf(rewriter, loc));
    if (bias)
      operands.push_back(bias);
    auto compute = qnn::buildCompute(
        rewriter, loc, "GRU",
        IntegerRecurrence::numbers(rewriter, {net->steps, net->batch, net->units}), operands,
        [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return GRUBody(b, loc, *net, op.getLinearBeforeReset()).write(arguments);
        });
    rewriter.replaceOp(op, dequantizeState(rewriter, loc, compute.getResult(0), kHiddenBits));
    return success();
  }
};

struct LowerGRUToIntegersPass
    : dyadic::impl::LowerGRUToIntegersBase<LowerGRUToIntegersPass> {
  using LowerGRUToIntegersBase::LowerGRUToIntegersBase;

  void runOnOperation() override {
    if (failed(rewriteJoiningBorders<GRUToIntegers, qnn::GRUOp>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
