//===- RecurrentFormula.cpp -----------------------------------------------===//
#include "RecurrentFormula.h"

#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <functional>

using namespace mlir;

namespace dyadic::onnx_import {

static Scalar sigmoid(Scalar x) { return 1 / (expOf(0 - x) + 1); }

/// An activation by its name in ONNX, with its two parameters.
struct NamedActivation {
  StringLiteral name;
  double alpha, beta; // unless given; 0 where it takes none
  Scalar (*function)(Scalar, double, double);
};
static constexpr NamedActivation kActivations[] = {
    {"Sigmoid", 0, 0, [](Scalar x, double, double) { return sigmoid(x); }},
    {"Tanh", 0, 0, [](Scalar x, double, double) { return tanhOf(x); }},
    {"Relu", 0, 0, [](Scalar x, double, double) { return maximum(x, x.like(0)); }},
    {"Affine", 1, 0, [](Scalar x, double a, double b) { return x * a + b; }},
    {"LeakyRelu", 0.01, 0,
     [](Scalar x, double a, double) { return select(x < 0, x * a, x); }},
    {"ThresholdedRelu", 1, 0,
     [](Scalar x, double a, double) { return select(x < a, x.like(0), x); }},
    {"ScaledTanh", 1, 1,
     [](Scalar x, double a, double b) { return tanhOf(x * b) * a; }},
    {"HardSigmoid", 0.2, 0.5,
     [](Scalar x, double a, double b) { return clamp(x * a + b, 0, 1); }},
    {"Elu", 1, 0,
     [](Scalar x, double a, double) {
       return select(x < 0, (expOf(x) - 1) * a, x);
     }},
    {"Softsign", 0, 0,
     [](Scalar x, double, double) { return x / (absOf(x) + 1); }},
    {"Softplus", 0, 0,
     [](Scalar x, double, double) {
       return maximum(x, x.like(0)) + logOf(expOf(0 - absOf(x)) + 1);
     }},
};

namespace {
class Recurrence {
public:
  explicit Recurrence(NodeImporter &node)
      : node(node), kind(llvm::StringSwitch<Kind>(node.getOpType())
                             .Case("GRU", GRU)
                             .Case("LSTM", LSTM)
                             .Default(RNN)),
        gates(kind == LSTM ? 4 : kind == GRU ? 3 : 1) {}

  LogicalResult run();

private:
  enum Kind { RNN, GRU, LSTM };

  LogicalResult readAttributes();
  LogicalResult readInputs();
  Value projection();

  Scalar activate(size_t i, int64_t direction, Scalar x) const {
    return activations[direction * perDirection() + i](x);
  }
  size_t perDirection() const { return kind == LSTM ? 3 : kind == GRU ? 2 : 1; }

  /// One of the tensors that the steps read, by its place among the operands.
  struct Operands {
    Value input, weights, bias, lengths, hidden, cell, peepholes;
  };
  using State = SmallVector<Scalar>; // hidden, cell, sequence, scratch
  State step(const Formula &f, const Operands &from, int64_t direction, Scalar b,
             Scalar t, ArrayRef<Scalar> state) const;

  NodeImporter &node;
  const Kind kind;
  const int64_t gates;
  std::vector<std::function<Scalar(Scalar)>> activations;
  SmallVector<bool> isReversed; // each direction
  bool batchFirst = false, resetsLast = false, couples = false;
  double clip = 0;
  int64_t directions = 1, steps = 0, batch = 0, features = 0, units = 0;
  Value input, inputWeights;
  SmallVector<Value> operands; // those present of `Operands`
  Operands present;
};
} // namespace

FailureOr<SmallVector<bool>> readDirections(NodeImporter &node) {
  std::string direction = node.getString("direction", "forward");
  if (direction == "forward")
    return SmallVector<bool>{false};
  if (direction == "reverse")
    return SmallVector<bool>{true};
  if (direction == "bidirectional")
    return SmallVector<bool>{false, true};
  return node.emitError() << "expected a direction of forward, reverse or "
                             "bidirectional, but got "
                          << direction;
}

LogicalResult Recurrence::readAttributes() {
  auto read = readDirections(node);
  if (failed(read))
    return failure();
  isReversed = *read;
  directions = isReversed.size();
  batchFirst = node.getInt("layout", 0) != 0;
  clip = node.getFloat("clip", 0);
  couples = kind == LSTM && node.getInt("input_forget", 0) != 0;
  resetsLast = kind == GRU && node.getInt("linear_before_reset", 0) != 0;
  SmallVector<std::string> names = node.getStrings("activations");
  SmallVector<float> alphas = node.getFloats("activation_alpha"),
                     betas = node.getFloats("activation_beta");
  size_t count = perDirection() * directions;
  if (names.empty())
    for (size_t i = 0; i < count; ++i)
      names.push_back(kind != RNN && i % perDirection() == 0 ? "Sigmoid" : "Tanh");
  if (names.size() != count)
    return node.emitError() << "expected " << count << " activations, but got "
                            << names.size();
  size_t nextAlpha = 0, nextBeta = 0;
  for (const std::string &name : names) {
    const auto *found = llvm::find_if(kActivations, [&](const NamedActivation &a) {
      return a.name.equals_insensitive(name);
    });
    if (found == std::end(kActivations))
      return node.unsupported("the activation '" + name + "'");
    // The lists have entries for those alone that take one.
    double alpha = found->alpha, beta = found->beta;
    if (alpha != 0 && nextAlpha < alphas.size())
      alpha = alphas[nextAlpha++];
    if (beta != 0 && nextBeta < betas.size())
      beta = betas[nextBeta++];
    activations.push_back([=](Scalar x) {
      return found->function(x, alpha, beta);
    });
  }
  return success();
}

LogicalResult Recurrence::readInputs() {
  input = node.input(0), inputWeights = node.input(1);
  if (!input || !inputWeights)
    return failure();
  if (batchFirst && shapeOf(input).size() == 3)
    input = node.transpose(input, {1, 0, 2});
  Shape shape(shapeOf(input));
  Value recurrent = node.input(2);
  if (shape.size() != 3 || !recurrent || shapeOf(recurrent).size() != 3)
    return node.emitError() << "expected an input of steps x batch x features and "
                               "recurrent weights, but got "
                            << toString(shape);
  steps = shape[0], batch = shape[1], features = shape[2];
  units = shapeOf(recurrent)[2];
  if (node.getInt("hidden_size", units) != units)
    return node.emitError() << "expected hidden_size " << units
                            << ", that of the recurrent weights";
  struct Expected {
    size_t index;
    Value *place;
    Shape shape;
    bool isState;
  };
  Shape state{directions, batch, units};
  const Expected all[] = {
      {2, &present.weights, {directions, gates * units, units}, false},
      {3, &present.bias, {directions, 2 * gates * units}, false},
      {4, &present.lengths, {batch}, false},
      {5, &present.hidden, state, true},
      {6, &present.cell, state, true},
      {7, &present.peepholes, {directions, 3 * units}, false}};
  if (shapeOf(inputWeights) !=
      ArrayRef<int64_t>{directions, gates * units, features})
    return node.emitError() << "expected weights of "
                            << toString({directions, gates * units, features})
                            << ", but got " << toString(shapeOf(inputWeights));
  for (const Expected &expected : all) {
    if (!node.hasInput(expected.index))
      continue;
    Value value = expected.index == 4 ? node.anyInput(4)
                                      : node.input(expected.index);
    if (value && expected.isState && batchFirst)
      value = node.transpose(value, {1, 0, 2});
    if (!value)
      return failure();
    if (shapeOf(value) != ArrayRef<int64_t>(expected.shape))
      return node.emitError() << "expected input " << expected.index << " of "
                              << toString(expected.shape) << ", but got "
                              << toString(shapeOf(value));
    *expected.place = value;
  }
  return success();
}

/// What all steps take from the input: steps × batch × (directions · gates · units).
Value Recurrence::projection() {
  int64_t columns = directions * gates * units;
  Value weights = node.transpose(
      node.reshape(inputWeights, {columns, features}), {1, 0});
  Value rows = node.reshape(input, {steps * batch, features});
  Value product = node.emit<qnn::MatmulOp>({rows, weights});
  return node.reshape(product, {steps, batch, columns});
}

Recurrence::State Recurrence::step(const Formula &f, const Operands &from,
                                   int64_t d, Scalar b, Scalar t,
                                   ArrayRef<Scalar> state) const {
  // Unit u is row g·units + u of the weights of gate g.
  auto sums = [&](const Formula &f, Scalar u, int64_t g, Value hidden,
                  bool withInput, bool withRecurrence) {
    Scalar row = u + double(g * units);
    Scalar sum = f.real(0);
    if (withInput) {
      sum = f.read(from.input, {t, b, row + double(d * gates * units)});
      if (from.bias)
        sum = sum + f.read(from.bias, {f.index(d), row});
    }
    if (!withRecurrence)
      return sum;
    Scalar product = f.sum(units, f.real(0), [&](const Formula &f, ArrayRef<Scalar> k) {
      return f.read(from.weights, {f.index(d), row, k[0]}) *
             f.read(hidden, {f.index(d), b, k[0]});
    });
    if (from.bias)
      product = product + f.read(from.bias, {f.index(d), row + double(gates * units)});
    return sum + product;
  };
  auto clipped = [&](Scalar x) { return clip > 0 ? clamp(x, -clip, clip) : x; };
  Scalar inSequence = f.index(0) == 0;
  if (from.lengths)
    inSequence = t < f.read(from.lengths, b).toIndex();
  auto place = [&](const Formula &f, Scalar u) {
    return SmallVector<Scalar>{f.index(d), b, u};
  };
  // The new state is computed beside the old one, which every unit reads.
  Value hidden = state[0];
  SmallVector<Scalar> inner{state[1], state[3]}; // cell, scratch
  if (kind == GRU && !resetsLast)
    // The reset gate's product with the state comes before the recurrence.
    inner = f.loop(units, inner, [&](const Formula &f, ArrayRef<Scalar> u, ArrayRef<Scalar> s) -> State {
      Scalar reset = activate(0, d, clipped(sums(f, u[0], 1, hidden, true, true)));
      Scalar kept = reset * f.read(hidden, place(f, u[0]));
      return {f.of(f.write(s[0], place(f, u[0]), kept)), s[1]};
    });
  inner = f.loop(units, inner, [&](const Formula &f, ArrayRef<Scalar> at, ArrayRef<Scalar> s) -> State {
    Scalar u = at[0];
    auto gate = [&](int64_t g) { return sums(f, u, g, hidden, true, true); };
    Scalar old = f.read(hidden, place(f, u));
    auto finish = [&](Scalar next, Scalar cell) -> State {
      Scalar kept = select(inSequence, next, old);
      return {cell, f.of(f.write(s[1], place(f, u), kept))};
    };
    if (kind == RNN)
      return finish(activate(0, d, clipped(gate(0))), s[0]);
    if (kind == GRU) {
      Scalar update = activate(0, d, clipped(gate(0)));
      Scalar candidate = sums(f, u, 2, hidden, true, false);
      if (resetsLast)
        candidate = candidate + activate(0, d, clipped(gate(1))) *
                                    sums(f, u, 2, hidden, false, true);
      else
        candidate = candidate + sums(f, u, 2, s[0], false, true);
      candidate = activate(1, d, clipped(candidate));
      return finish((1 - update) * candidate + update * old, s[0]);
    }
    // Gates in the order input, output, forget, cell.
    Scalar before = f.read(s[0], place(f, u));
    auto peep = [&](Scalar x, int64_t i, Scalar cell) {
      return from.peepholes ? x + cell * f.read(from.peepholes, {f.index(d), u + double(i * units)}) : x;
    };
    Scalar in = activate(0, d, clipped(peep(gate(0), 0, before)));
    Scalar forget = couples ? 1 - in : activate(0, d, clipped(peep(gate(2), 2, before)));
    Scalar cell = forget * before + in * activate(1, d, clipped(gate(3)));
    Scalar out = activate(0, d, clipped(peep(gate(1), 1, cell)));
    Scalar next = out * activate(2, d, cell);
    Scalar keptCell = select(inSequence, cell, before);
    return finish(next, f.of(f.write(s[0], place(f, u), keptCell)));
  });
  auto copied = f.loop(units, {state[0], state[2]}, [&](const Formula &f, ArrayRef<Scalar> u, ArrayRef<Scalar> s) -> State {
    Scalar next = f.read(inner[1], place(f, u[0]));
    Scalar shown = select(inSequence, next, f.real(0));
    return {f.of(f.write(s[0], place(f, u[0]), next)),
            f.of(f.write(s[1], {t, f.index(d), b, u[0]}, shown))};
  });
  return {copied[0], inner[0], copied[1], inner[1]};
}

LogicalResult Recurrence::run() {
  if (failed(readAttributes()) || failed(readInputs()))
    return failure();
  present.input = projection();
  SmallVector<Value *> places{&present.input,  &present.weights, &present.bias,
                              &present.lengths, &present.hidden, &present.cell,
                              &present.peepholes};
  for (Value *place : places)
    if (*place)
      operands.push_back(*place);
  if (!present.input)
    return failure();
  Type f32 = node.getBuilder().getF32Type();
  Shape stateShape{directions, batch, units},
      sequence{steps, directions, batch, units};
  RankedTensorType types[] = {RankedTensorType::get(sequence, f32),
                              RankedTensorType::get(stateShape, f32),
                              RankedTensorType::get(stateShape, f32)};
  auto results = emitTensors(
      node, types, operands,
      [&](const Formula &f, ValueRange tensors) -> SmallVector<Value> {
        Operands from = present;
        size_t next = 0;
        for (Value *place : {&from.input, &from.weights, &from.bias, &from.lengths,
                             &from.hidden, &from.cell, &from.peepholes})
          if (*place)
            *place = tensors[next++];
        auto zeros = [&](ArrayRef<int64_t> shape) {
          return f.of(f.filled(shape, f32, 0));
        };
        State state{from.hidden ? f.of(from.hidden) : zeros(stateShape),
                    from.cell ? f.of(from.cell) : zeros(stateShape),
                    zeros(sequence), zeros(stateShape)};
        for (int64_t d = 0; d < directions; ++d) {
          bool reverse = isReversed[d];
          state = f.loop(
              {batch, steps}, state,
              [&](const Formula &f, ArrayRef<Scalar> at, ArrayRef<Scalar> state) {
                Scalar t = at[1];
                if (reverse) {
                  // From the last of a sequence's own steps back.
                  Scalar length = from.lengths ? f.read(from.lengths, at[0]).toIndex()
                                               : f.index(steps);
                  t = select(t < length, length - 1 - t, t);
                  t = clamp(t, 0, double(steps - 1));
                }
                return step(f, from, d, at[0], t, state);
              });
        }
        return {state[2], state[0], state[1]};
      });
  // Y, Y_h and Y_c.
  for (auto [i, result] : llvm::enumerate(results)) {
    if (!node.isUsed(i))
      continue;
    if (batchFirst)
      result = node.transpose(result, i == 0 ? Shape{2, 0, 1, 3} : Shape{1, 0, 2});
    if (failed(node.setOutput(i, result)))
      return failure();
  }
  return success();
}

LogicalResult convertRecurrence(NodeImporter &node) {
  return Recurrence(node).run();
}

} // namespace dyadic::onnx_import
