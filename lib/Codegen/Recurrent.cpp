//===- Recurrent.cpp - qnn.lstm and qnn.gru -------------------------------===//
//
// One kernel runs all steps. Where a register tile ends with all gates of some units,
// gates and result never reach memory in between. Recurrent weights are the only
// operand of size; they stay in the cache from step to step.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "RecurrentEmitter.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

//===----------------------------------------------------------------------===//
// LSTM
//===----------------------------------------------------------------------===//

namespace {
class LSTMEmitter : RecurrentEmitter {
public:
  LSTMEmitter(KernelBuilder &k, ResultSink &sink, qnn::LSTMOp op,
              const HostTensor &weights)
      : RecurrentEmitter(k, sink, op.getProjection(), weights,
                         op.getRecurrentScales(), op.getReverse(), /*gates=*/4,
                         /*states=*/2),
        op(op) {}

  void emit() {
    Product gates = pack({0, 1, 2, 3}); // input, output, forget, cell
    Value cell = scratch();
    int64_t count = steps + op.getWithCell();
    forUnits([&](const Units &at) {
      storeState(loadInitial(op.getHidden(), at), k.index(0), at);
      store(loadInitial(op.getCell(), at), cell, at);
    });
    forSteps([&](Value step) {
      multiply(gates, from, [&](const Units &at, ArrayRef<Value> sums) {
        auto gate = [&](int64_t i) { return add(sums[i], projected(step, at, i)); };
        Value kept = multiply(sigmoid(gate(2)), load(cell, at));
        Value added = multiply(sigmoid(gate(0)), tanh(gate(3)));
        Value c = add(kept, added);
        store(c, cell, at);
        Value h = multiply(sigmoid(gate(1)), tanh(c));
        storeState(h, to, at);
        emitResult(step, count, at, h);
      });
    });
    if (op.getWithCell())
      forUnits([&](const Units &at) {
        emitResult(k.index(steps), count, at, load(cell, at));
      });
  }

private:
  qnn::LSTMOp op;
};
} // namespace

//===----------------------------------------------------------------------===//
// GRU
//===----------------------------------------------------------------------===//

namespace {
/// The state is twice in memory: as products read it, and as f32, of which a part is
/// kept.
class GRUEmitter : RecurrentEmitter {
public:
  GRUEmitter(KernelBuilder &k, ResultSink &sink, qnn::GRUOp op,
             const HostTensor &weights)
      : RecurrentEmitter(k, sink, op.getProjection(), weights,
                         op.getRecurrentScales(), op.getReverse(), /*gates=*/3,
                         /*states=*/op.getLinearBeforeReset() ? 2 : 3),
        op(op), hidden(scratch()) {}

  void emit() {
    forUnits([&](const Units &at) {
      Value h = loadInitial(op.getHidden(), at);
      storeState(h, k.index(0), at);
      store(h, hidden, at);
    });
    op.getLinearBeforeReset() ? emitOneProduct() : emitTwoProducts();
  }

private:
  enum Gate { Update, Reset, Candidate };

  Value gate(Value step, const Units &at, Gate which, Value sum) {
    return add(sum, projected(step, at, which));
  }

  /// (1 − update) · candidate + update · h
  void finish(Value step, const Units &at, Value update, Value candidate) {
    Value h = add(candidate,
                  multiply(update, subtract(load(hidden, at), candidate)));
    store(h, hidden, at);
    storeState(h, to, at);
    emitResult(step, steps, at, h);
  }

  /// The reset gate is behind the product: a tile has all of a step.
  void emitOneProduct() {
    Product gates = pack({Update, Reset, Candidate});
    forSteps([&](Value step) {
      multiply(gates, from, [&](const Units &at, ArrayRef<Value> sums) {
        Value part = sums[Candidate];
        if (Value bias = op.getBias()) {
          Value added = k.loadVector(k.buffer(bias), at.unit, at.width);
          part = add(part, k.widen(added, lanes));
        }
        part = multiply(sigmoid(gate(step, at, Reset, sums[Reset])), part);
        finish(step, at, sigmoid(gate(step, at, Update, sums[Update])),
               tanh(gate(step, at, Candidate, part)));
      });
    });
  }

  /// The candidate's product waits for the reset gates of all units.
  void emitTwoProducts() {
    Product gates = pack({Update, Reset}), candidates = pack({Candidate});
    Value updates = scratch();
    forSteps([&](Value step) {
      Value resetState = k.index(2 * stateSize());
      multiply(gates, from, [&](const Units &at, ArrayRef<Value> sums) {
        store(sigmoid(gate(step, at, Update, sums[0])), updates, at);
        Value reset = sigmoid(gate(step, at, Reset, sums[1]));
        storeState(multiply(reset, load(hidden, at)), resetState, at);
      });
      multiply(candidates, resetState, [&](const Units &at, ArrayRef<Value> sums) {
        finish(step, at, load(updates, at),
               tanh(gate(step, at, Candidate, sums[0])));
      });
    });
  }

  qnn::GRUOp op;
  Value hidden;
};
} // namespace

template <typename Emitter, typename OpTy>
static LogicalResult emitRecurrence(KernelBuilder &k, Operation *anchor) {
  auto op = cast<OpTy>(anchor);
  FailureOr<HostTensor> weights = readConstant(op.getRecurrent());
  if (failed(weights))
    return op.emitError("expected recurrent weights known at compile time");
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  Emitter(k, *sink, op, *weights).emit();
  return success();
}

LogicalResult codegen::emitLSTM(KernelBuilder &k, Operation *anchor) {
  return emitRecurrence<LSTMEmitter, qnn::LSTMOp>(k, anchor);
}
LogicalResult codegen::emitGRU(KernelBuilder &k, Operation *anchor) {
  return emitRecurrence<GRUEmitter, qnn::GRUOp>(k, anchor);
}
