//===- Recurrent.cpp - LSTM and GRU ---------------------------------------===//
//
// What every step takes from the input is one matrix product for all of them;
// qnn.lstm or qnn.gru does the rest, once a direction.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"
#include "RecurrentFormula.h"

#include "llvm/ADT/STLExtras.h"


using namespace mlir;

namespace dyadic::onnx_import {

namespace {
class RecurrenceImporter {
public:
  explicit RecurrenceImporter(NodeImporter &node)
      : node(node), isGRU(node.getOpType() == "GRU"), gates(isGRU ? 3 : 4),
        linearBeforeReset(isGRU && node.getInt("linear_before_reset", 0) != 0) {}

  LogicalResult run() {
    if (failed(checkAttributes()) || failed(checkInputs()))
      return failure();
    SmallVector<Value> sequences, lastHidden, lastCell;
    for (int64_t d = 0; d < directions; ++d) {
      bool reverse = isReversed[d];
      Value result = direct(d, reverse);
      if (!result)
        return failure();
      auto step = [&](int64_t begin, int64_t count) {
        return node.slice(result, {begin, 0, 0}, {count, batch, units}, {1, 1, 1});
      };
      Value sequence = hasCell() ? step(0, steps) : result;
      sequences.push_back(node.reshape(sequence, {steps, 1, batch, units}));
      if (node.isUsed(1))
        lastHidden.push_back(step(reverse ? 0 : steps - 1, 1));
      if (hasCell())
        lastCell.push_back(step(steps, 1));
    }
    if (node.isUsed(0) && failed(node.setOutput(0, joined(sequences, 1))))
      return failure();
    if (node.isUsed(1) && failed(node.setOutput(1, joined(lastHidden, 0))))
      return failure();
    return hasCell() ? node.setOutput(2, joined(lastCell, 0)) : success();
  }

private:
  /// Whether the cell behind the last step is a result.
  bool hasCell() { return !isGRU && node.isUsed(2); }

  Value joined(ArrayRef<Value> values, int64_t axis) {
    return values.size() == 1 ? values.front() : node.concat(values, axis);
  }

  LogicalResult checkAttributes() {
    auto read = readDirections(node);
    if (failed(read))
      return failure();
    isReversed = *read;
    directions = isReversed.size();
    return success();
  }

  LogicalResult checkInputs() {
    input = node.input(0);
    if (!input)
      return failure();
    ArrayRef<int64_t> shape = shapeOf(input);
    if (shape.size() != 3)
      return node.emitError() << "expected an input of steps x batch x features, "
                                 "but got "
                              << toString(shape);
    steps = shape[0], batch = shape[1], features = shape[2];
    for (size_t i : {1, 2, 3})
      weights[i - 1] = node.constant(i);
    if (weights[1]->shape.size() != 3)
      return node.emitError() << "expected recurrent weights of 3 dimensions, "
                                 "but got "
                              << describe(*weights[1]);
    units = weights[1]->shape[2];
    if (node.getInt("hidden_size", units) != units)
      return node.emitError() << "expected hidden_size " << units
                              << ", that of the recurrent weights";
    const Shape shapes[] = {{directions, gates * units, features},
                            {directions, gates * units, units},
                            {directions, 2 * gates * units}};
    for (auto [tensor, shape] : llvm::zip(weights, shapes))
      if (tensor && (tensor->shape != shape || tensor->kind != ElementKind::F32))
        return node.emitError() << "expected weights of " << toString(shape)
                                << " float32, but got " << describe(*tensor);
    return success();
  }

  /// Direction `d` of a D×M×N tensor as N×M.
  Value transposed(const HostTensor &tensor, int64_t d) {
    int64_t rows = tensor.shape[1], columns = tensor.shape[2];
    HostTensor result(ElementKind::F32, {columns, rows});
    ArrayRef<float> from = tensor.as<float>().slice(d * rows * columns,
                                                    rows * columns);
    MutableArrayRef<float> to = result.as<float>();
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        to[j * rows + i] = from[i * columns + j];
    return node.constantTensor(std::move(result));
  }

  /// Bias `i` of direction `d`: those of the input and then those of the state.
  double biasAt(int64_t d, int64_t i) {
    return weights[2] ? weights[2]->as<float>()[d * 2 * gates * units + i] : 0;
  }

  /// Both biases of a direction are added to the same sums, but for the one that is
  /// behind a reset gate.
  Value bias(int64_t d) {
    SmallVector<float> sum;
    for (int64_t i = 0; i < gates * units; ++i) {
      bool isReset = linearBeforeReset && i >= 2 * units;
      sum.push_back(static_cast<float>(
          biasAt(d, i) + (isReset ? 0 : biasAt(d, gates * units + i))));
    }
    return node.constantTensor(sum, {gates * units});
  }

  /// That of the candidate's product, which the reset gate multiplies.
  Value biasOfState(int64_t d) {
    SmallVector<float> part;
    for (int64_t i = 5 * units; i < 6 * units; ++i)
      part.push_back(static_cast<float>(biasAt(d, i)));
    return node.constantTensor(part, {units});
  }

  Value initialState(size_t index, int64_t d) {
    if (!node.hasInput(index)) {
      if (failed(node.checkAllowance(batch * units, sizeof(float))))
        return {};
      return node.constantTensor(HostTensor(ElementKind::F32, {batch, units}));
    }
    Value state = node.input(index);
    if (!state)
      return {};
    if (shapeOf(state) != ArrayRef<int64_t>{directions, batch, units}) {
      node.emitError() << "expected an initial state of "
                       << toString({directions, batch, units}) << ", but got "
                       << toString(shapeOf(state));
      return {};
    }
    if (directions > 1)
      state = node.slice(state, {d, 0, 0}, {1, batch, units}, {1, 1, 1});
    return node.reshape(state, {batch, units});
  }

  Value direct(int64_t d, bool reverse) {
    Value hidden = initialState(5, d), cell = isGRU ? Value() : initialState(6, d);
    if (!hidden || (!isGRU && !cell))
      return {};
    Value projection = node.emit<qnn::MatmulOp>(
        {input, transposed(*weights[0], d), bias(d)});
    if (!projection)
      return {};
    Value recurrent = transposed(*weights[1], d);
    NamedAttribute backwards = node.boolAttr("reverse", reverse);
    if (!isGRU)
      return node.emit<qnn::LSTMOp>(
          {projection, recurrent, hidden, cell},
          {backwards, node.boolAttr("with_cell", hasCell())});
    SmallVector<Value> operands{projection, recurrent, hidden};
    if (linearBeforeReset && weights[2])
      operands.push_back(biasOfState(d));
    return node.emit<qnn::GRUOp>(
        operands,
        {backwards, node.boolAttr("linear_before_reset", linearBeforeReset)});
  }

  NodeImporter &node;
  const bool isGRU;
  const int64_t gates;
  const bool linearBeforeReset;
  SmallVector<bool> isReversed; // each direction
  Value input;
  int64_t directions = 1, steps = 0, batch = 0, features = 0, units = 0;
  const HostTensor *weights[3] = {}; // of the input, recurrent, biases
};
} // namespace

/// Whether the activations are those that the op has unless it says otherwise.
static bool hasUsualActivations(NodeImporter &node) {
  size_t count = node.getOpType() == "GRU" ? 2 : 3; // a direction
  for (auto [i, name] : llvm::enumerate(node.getStrings("activations")))
    if (!StringRef(name).equals_insensitive(i % count == 0 ? "Sigmoid" : "Tanh"))
      return false;
  return true;
}

/// Lengths are fine where they say what the shape does.
static bool hasWholeSequences(NodeImporter &node) {
  if (!node.hasInput(4))
    return true;
  const HostTensor *lengths = node.constant(4);
  Value input = lengths ? node.number(0) : Value();
  if (!input || shapeOf(input).empty())
    return false;
  for (int64_t i = 0; i < lengths->numElements(); ++i)
    if (lengths->get(i) != static_cast<double>(shapeOf(input)[0]))
      return false;
  return true;
}

/// Whether qnn.lstm or qnn.gru says it all.
static bool isUsual(NodeImporter &node) {
  bool known = node.constant(1) && node.constant(2) &&
               (node.constant(3) || !node.hasInput(3));
  return known && !node.hasInput(7) && node.getInt("layout", 0) == 0 &&
         node.getInt("input_forget", 0) == 0 && node.getFloat("clip", 0) == 0 &&
         hasUsualActivations(node) && hasWholeSequences(node);
}

static LogicalResult convertGated(NodeImporter &node) {
  return isUsual(node) ? RecurrenceImporter(node).run() : convertRecurrence(node);
}

ArrayRef<OpEntry> recurrentOps() {
  static const OpEntry entries[] = {
      {"LSTM", 3, 8, convertGated},
      {"GRU", 3, 6, convertGated},
      {"RNN", 3, 6, convertRecurrence},
  };
  return entries;
}

} // namespace dyadic::onnx_import
