//===- LowerLSTMToIntegers.cpp - qnn.lstm without floats ------------------===//
//
// docs/Spec.md, section 10: beside the hidden state a cell of 16 bits. After
// TensorFlow Lite's integer LSTM (Alvarez, Prabhavalkar, Bakhtin, 2016, and Li and
// Alvarez, 2021), but for the rounding, which is once for each result here.
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

namespace dyadic {
#define GEN_PASS_DEF_LOWERLSTMTOINTEGERS
#include "dyadic/LowerToDyadic/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// Bits behind the point of the cell, which reaches ±64.
constexpr int64_t kCellBits = 9;
constexpr int64_t kGates = 4;
enum Gate { Input, Output, Forget, Candidate };

namespace {
/// Writes the steps of one LSTM, a row of the batch after the other.
class LSTMBody : RecurrentBody {
public:
  LSTMBody(OpBuilder &b, Location loc, const IntegerRecurrence &sizes)
      : RecurrentBody(b, loc, sizes) {}

  /// `arguments`: projection, weights, hidden state, cell and the numbers. Returns the
  /// hidden states of all steps and the last cell.
  SmallVector<Value> write(ValueRange arguments) {
    projection = arguments[0], weights = arguments[1];
    setNumbers(arguments.drop_front(4));
    return loop(batch, {empty({steps, batch, units}, 16), empty({batch, units}, 16)},
                [&](Value n, ValueRange results) -> SmallVector<Value> {
                  return writeRow(n, arguments[2], arguments[3], results);
                });
  }

private:
  SmallVector<Value> writeRow(Value n, Value hidden, Value cell, ValueRange results) {
    Value state = encode(rowOf(hidden, n), emptyState());
    SmallVector<Value> last = loopOverSteps(
        {state, rowOf(cell, n), results[0]},
        [&](Value t, ValueRange carried) -> SmallVector<Value> {
          Value gates = argumentsOf(productsOf(carried[0], weights), Input, n, t);
          Value cell = cellOf(gates, carried[1]), hidden = hiddenOf(gates, cell);
          return {encode(hidden, carried[0]), cell, insert(hidden, carried[2], {t, n})};
        });
    return {last[2], insert(last[1], results[1], {n})};
  }

  /// σ(forget) · cell + σ(input) · tanh(candidate)
  Value cellOf(Value gates, Value cell) {
    return map({gates, gates, gates}, cell, {gate(Input), gate(Forget), gate(Candidate)},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value added = f.mul(sigmoidOf(f, s[0]), tanhOf(f, s[2]));
                 added = f.shiftHalfUp(added, 15 - kCellBits);
                 Value kept = f.mul(sigmoidOf(f, s[1]), wide(f, s[3]));
                 return saturate(f, f.shiftHalfUp(f.add(kept, added), 15));
               });
  }

  /// σ(output) · tanh(cell)
  Value hiddenOf(Value gates, Value cell) {
    return map({gates, cell}, empty({units}, 16), {gate(Output), {d(0)}},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value x = f.shiftLeft(wide(f, s[1]),
                                       f.i32(kTanhGate.fractionBits - kCellBits));
                 x = tanhOf(f, f.clamp(x, INT16_MIN, INT16_MAX));
                 return saturate(f, f.shiftHalfUp(f.mul(sigmoidOf(f, s[0]), x), 15));
               });
  }

  Value weights;
};

struct LSTMToIntegers : OpRewritePattern<qnn::LSTMOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(qnn::LSTMOp op,
                                PatternRewriter &rewriter) const override {
    auto net = IntegerRecurrence::of(
        op, rewriter, {&kSigmoidGate, &kSigmoidGate, &kSigmoidGate, &kTanhGate});
    if (failed(net))
      return failure();
    int64_t steps = net->steps, batch = net->batch, units = net->units;
    if (op.getWithCell() && !llvm::all_of(op->getUsers(), [&](Operation *user) {
          return isPartOfState(user, steps);
        }))
      return rewriter.notifyMatchFailure(op, "the hidden state and the cell are read as one");

    Location loc = op.getLoc();
    auto numbers = [&](ArrayRef<int64_t> shape) {
      return IntegerRecurrence::numbers(rewriter, shape);
    };
    SmallVector<Value> operands{net->projectionByGate(rewriter, loc),
                                net->weightsOf(rewriter, loc, 0, kGates),
                                quantizeState(rewriter, loc, op.getHidden(), kHiddenBits),
                                quantizeState(rewriter, loc, op.getCell(), kCellBits)};
    llvm::append_range(operands, net->numbersOf(rewriter, loc));
    auto compute = qnn::buildCompute(
        rewriter, loc, "LSTM", {numbers({steps, batch, units}), numbers({batch, units})},
        operands, [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return LSTMBody(b, loc, *net).write(arguments);
        });
    if (!op.getWithCell()) {
      rewriter.replaceOp(op, dequantizeState(rewriter, loc, compute.getResult(0), kHiddenBits));
      return success();
    }
    Value cell = dyadic::ReshapeOp::create(rewriter, loc, numbers({1, batch, units}),
                                           compute.getResult(1));
    for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
      auto slice = cast<qnn::SliceOp>(user);
      rewriter.setInsertionPoint(slice);
      SmallVector<int64_t> offsets(slice.getOffsets());
      bool isCell = offsets[0] == steps;
      if (isCell)
        offsets[0] = 0;
      Value part = dyadic::SliceOp::create(
          rewriter, loc, numbers(cast<RankedTensorType>(slice.getType()).getShape()),
          isCell ? cell : compute.getResult(0), offsets, slice.getSizes(), slice.getStrides());
      rewriter.replaceOp(slice, dequantizeState(rewriter, loc, part,
                                                isCell ? kCellBits : kHiddenBits));
    }
    rewriter.eraseOp(op);
    return success();
  }

  /// Whether `user` is a slice of the hidden states or of the cell behind them.
  static bool isPartOfState(Operation *user, int64_t steps) {
    auto slice = dyn_cast<qnn::SliceOp>(user);
    if (!slice)
      return false;
    int64_t first = slice.getOffsets()[0],
            last = first + (slice.getSizes()[0] - 1) * slice.getStrides()[0];
    return first == steps || last < steps;
  }
};

struct LowerLSTMToIntegersPass
    : dyadic::impl::LowerLSTMToIntegersBase<LowerLSTMToIntegersPass> {
  using LowerLSTMToIntegersBase::LowerLSTMToIntegersBase;

  void runOnOperation() override {
    if (failed(rewriteJoiningBorders<LSTMToIntegers, qnn::LSTMOp>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
