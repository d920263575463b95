//===- DecodingState.cpp - what a decoder keeps from one call to the next -===//
//
// LinearAttention's matrices, the last inputs of a causal convolution, and
// caches that rows are written into.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {

namespace {
/// Attention as a recurrence over a matrix for each head: it decays, is
/// corrected by what the key retrieves, takes in key ⊗ value and is read by the
/// query.
class LinearAttention {
public:
  explicit LinearAttention(NodeImporter &node) : node(node) {}

  LogicalResult run() {
    if (failed(read()))
      return failure();
    Type f32 = node.getBuilder().getF32Type();
    RankedTensorType types[] = {
        RankedTensorType::get({batch, steps, heads * width}, f32),
        RankedTensorType::get({batch, stateHeads, size, width}, f32)};
    auto results = emitTensors(
        node, types, operands,
        [&](const Formula &f, ValueRange tensors) -> SmallVector<Value> {
          Scalar output = f.of(f.filled(types[0].getShape(), f32, 0));
          Scalar state = continues
                             ? f.of(tensors[3])
                             : f.of(f.filled(types[1].getShape(), f32, 0));
          auto done = f.loop(
              {batch, stateHeads, steps}, {output, state},
              [&](const Formula &f, ArrayRef<Scalar> at, ArrayRef<Scalar> all) {
                Scalar matrix = update(f, at, all[1], tensors);
                return SmallVector<Scalar>{
                    retrieve(f, at, all[0], matrix, tensors), matrix};
              });
          return {done[0], done[1]};
        });
    for (size_t i : {0, 1})
      if (node.isUsed(i) && failed(node.setOutput(i, results[i])))
        return failure();
    return success();
  }

private:
  LogicalResult read();
  LogicalResult readShapes();

  /// The state's matrices of batch, head and step `at` after the step. Columns
  /// don't depend on each other.
  Scalar update(const Formula &f, ArrayRef<Scalar> at, Scalar matrices,
                ValueRange tensors) const {
    return f
        .loop(width, matrices,
              [&](const Formula &f, ArrayRef<Scalar> column,
                  ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                return {updateColumn(f, at, column[0], state[0], tensors)};
              })
        .front();
  }

  Scalar updateColumn(const Formula &f, ArrayRef<Scalar> at, Scalar column,
                      Scalar matrix, ValueRange tensors) const {
    Scalar b = at[0], h = at[1], t = at[2];
    auto key = [&](const Formula &f, Scalar row) {
      return f.read(tensors[1], {b, t, h * double(size) + row});
    };
    if (gates)
      matrix = replaceColumn(
          f, at, column, matrix, [&](const Formula &f, Scalar row, Scalar old) {
            Scalar gate = decays == 1 ? h : h * double(size) + row;
            return old * expOf(f.read(tensors[decayIndex], {b, t, gate}));
          });
    Scalar value = f.read(tensors[2], {b, t, h * double(width) + column});
    if (corrects) {
      Scalar retrieved =
          f.sum(size, f.real(0), [&](const Formula &f, ArrayRef<Scalar> row) {
            return f.read(matrix, {b, h, row[0], column}) * key(f, row[0]);
          });
      Scalar beta =
          f.read(tensors[betaIndex], {b, t, sharesBeta ? f.index(0) : h});
      value = beta * (value - retrieved);
    }
    return replaceColumn(f, at, column, matrix,
                         [&](const Formula &f, Scalar row, Scalar old) {
                           return old + key(f, row) * value;
                         });
  }

  Scalar replaceColumn(
      const Formula &f, ArrayRef<Scalar> at, Scalar column, Scalar matrix,
      llvm::function_ref<Scalar(const Formula &, Scalar row, Scalar old)>
          element) const {
    return f
        .loop(size, matrix,
              [&](const Formula &f, ArrayRef<Scalar> row,
                  ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                SmallVector<Scalar> place{at[0], at[1], row[0], column};
                Scalar old = f.read(state[0], place);
                return {
                    f.of(f.write(state[0], place, element(f, row[0], old)))};
              })
        .front();
  }

  /// `output` with what the queries that share a matrix read from it.
  Scalar retrieve(const Formula &f, ArrayRef<Scalar> at, Scalar output,
                  Scalar matrix, ValueRange tensors) const {
    Scalar b = at[0], h = at[1], t = at[2];
    auto shared = static_cast<double>(heads / stateHeads);
    return f
        .loop({heads / stateHeads, width}, output,
              [&](const Formula &f, ArrayRef<Scalar> part,
                  ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                Scalar head = h * shared + part[0];
                Scalar sum = f.sum(
                    size, f.real(0),
                    [&](const Formula &f, ArrayRef<Scalar> row) {
                      return f.read(tensors[0],
                                    {b, t, head * double(size) + row[0]}) *
                             f.read(matrix, {b, h, row[0], part[1]});
                    });
                return {f.of(f.write(state[0],
                                     {b, t, head * double(width) + part[1]},
                                     sum * scale))};
              })
        .front();
  }

  NodeImporter &node;
  SmallVector<Value> operands;
  int64_t batch = 0, steps = 0, heads = 0, stateHeads = 0, size = 0, width = 0;
  /// Elements of the decay for a head: one, or one a row.
  int64_t decays = 1;
  size_t decayIndex = 0, betaIndex = 0;
  double scale = 0;
  bool gates = false, corrects = false, continues = false, sharesBeta = false;
};

LogicalResult LinearAttention::read() {
  std::string rule = node.getString("update_rule", "gated_delta");
  gates = rule == "gated" || rule == "gated_delta";
  corrects = rule == "delta" || rule == "gated_delta";
  if (!gates && !corrects && rule != "linear")
    return node.unsupported("the update rule '" + rule + "'");
  node.ignore("chunk_size");
  if (gates != node.hasInput(4) || corrects != node.hasInput(5))
    return node.emitError()
           << "expected a decay for gated rules and beta for delta "
              "rules alone";
  heads = node.getInt("q_num_heads", 0);
  stateHeads = node.getInt("kv_num_heads", 0);
  continues = node.hasInput(3);
  for (size_t i : {0, 1, 2, 3, 4, 5})
    if (i < 3 || node.hasInput(i))
      operands.push_back(node.input(i));
  if (llvm::is_contained(operands, Value()) || failed(readShapes()))
    return failure();
  scale = node.getFloat("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(size));
  return success();
}

LogicalResult LinearAttention::readShapes() {
  Shape query(shapeOf(operands[0])), key(shapeOf(operands[1])),
      value(shapeOf(operands[2]));
  if (query.size() != 3 || key.size() != 3 || value.size() != 3 || heads < 1 ||
      stateHeads < 1 || heads % stateHeads || query[2] % heads ||
      key[2] != query[2] / heads * stateHeads || value[2] % stateHeads)
    return node.emitError()
           << "expected query, key and value of " << heads << " and "
           << stateHeads << " heads, but got " << toString(query) << ", "
           << toString(key) << " and " << toString(value);
  batch = query[0], steps = query[1], size = query[2] / heads;
  width = value[2] / stateHeads;
  Shape state{batch, stateHeads, size, width};
  if (continues && shapeOf(operands[3]) != ArrayRef<int64_t>(state))
    return node.emitError() << "expected a state of " << toString(state)
                            << ", but got " << toString(shapeOf(operands[3]));
  decayIndex = continues ? 4 : 3;
  betaIndex = decayIndex + gates;
  auto fits = [&](size_t i, int64_t most) {
    Shape shape(shapeOf(operands[i]));
    return shape.size() == 3 && shape[0] == batch && shape[1] == steps &&
           (shape[2] == stateHeads || shape[2] == most);
  };
  if (key[0] != batch || value[0] != batch || key[1] != steps ||
      value[1] != steps || (gates && !fits(decayIndex, stateHeads * size)) ||
      (corrects && !fits(betaIndex, 1)))
    return node.emitError()
           << "expected keys, values, decay and beta for " << toString(query);
  if (gates)
    decays = shapeOf(operands[decayIndex])[2] / stateHeads;
  sharesBeta = corrects && shapeOf(operands[betaIndex])[2] == 1;
  return success();
}
} // namespace

static LogicalResult convertLinearAttention(NodeImporter &node) {
  return LinearAttention(node).run();
}

/// A depthwise convolution that continues where the last one ended.
static LogicalResult convertCausalConvWithState(NodeImporter &node) {
  Value input = node.input(0), filter = node.input(1);
  std::string activation = node.getString("activation", "none");
  if (!input || !filter)
    return failure();
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.unsupported("the activation '" + activation + "'");
  Shape shape(shapeOf(input)), weights(shapeOf(filter));
  if (shape.size() != 3 || weights.size() != 3 || weights[0] != shape[1] ||
      weights[1] != 1)
    return node.emitError()
           << "expected a filter of one channel for each of " << toString(shape)
           << ", but got " << toString(weights);
  int64_t taps = weights[2], before = taps - 1, length = shape[2];
  Value padded = input;
  Value past = node.hasInput(3) ? node.input(3) : Value();
  Value bias = node.hasInput(2) ? node.input(2) : Value();
  if ((node.hasInput(3) && !past) || (node.hasInput(2) && !bias))
    return failure();
  if ((past &&
       shapeOf(past) != ArrayRef<int64_t>{shape[0], shape[1], before}) ||
      (bias && shapeOf(bias) != ArrayRef<int64_t>(shape[1])))
    return node.emitError()
           << "expected a bias and a state for " << toString(shape);
  if (before > 0 && past)
    padded = node.concat({past, input}, 2);
  else if (before > 0)
    padded = node.pad(input, {0, 0, before}, {0, 0, 0}, 0);
  SmallVector<Value> operands{padded, filter};
  if (bias)
    operands.push_back(bias);
  if (llvm::is_contained(operands, Value()))
    return failure();
  Value output = emitFormula(
      node, shape, node.getBuilder().getF32Type(), operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar addend = bias ? f.read(tensors[2], at[1]) : f.real(0);
        return addend +
               f.sum(taps, f.real(0),
                     [&](const Formula &f, ArrayRef<Scalar> tap) {
                       return f.read(tensors[0],
                                     {at[0], at[1], at[2] + tap[0]}) *
                              f.read(tensors[1], {at[1], f.index(0), tap[0]});
                     });
      });
  if (activation != "none")
    output = node.emit<qnn::SwishOp>(output);
  if (node.isUsed(1) &&
      failed(node.setOutput(1, node.slice(padded, {0, 0, length},
                                          {shape[0], shape[1], before},
                                          {1, 1, 1}))))
    return failure();
  return node.setOutput(output);
}

/// The cache with rows replaced from a position on, which each of a batch has.
static LogicalResult convertTensorScatter(NodeImporter &node) {
  Value cache = node.number(0), update = node.number(1);
  Value places = node.hasInput(2) ? node.anyInput(2) : Value();
  std::string mode = node.getString("mode", "linear");
  if (!cache || !update || (node.hasInput(2) && !places))
    return failure();
  Shape shape(shapeOf(cache)), part(shapeOf(update));
  auto axis = normalizeAxis(node.getInt("axis", -2), shape.size());
  if (mode != "linear" && mode != "circular")
    return node.unsupported("the mode '" + mode + "'");
  Shape expected(shape);
  if (axis && part.size() == shape.size())
    expected[*axis] = part[*axis];
  if (!axis || *axis == 0 || part != expected || part[*axis] > shape[*axis] ||
      elementOf(cache) != elementOf(update) ||
      (places && shapeOf(places) != ArrayRef<int64_t>(shape[0])))
    return node.emitError()
           << "expected an update that fits " << toString(shape) << ", but got "
           << toString(part);
  SmallVector<Value> operands{cache, update};
  if (places)
    operands.push_back(places);
  auto extent = static_cast<double>(shape[*axis]);
  return node.setOutput(emitFormula(
      node, shape, elementOf(cache), operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar begin =
            places ? f.read(tensors[2], at[0]).toIndex() : f.index(0);
        Scalar offset = at[*axis] - begin;
        if (mode == "circular")
          offset = ((offset % extent) + extent) % extent;
        SmallVector<Scalar> from(at);
        from[*axis] = offset;
        return f.readOr(tensors[1], from, f.read(tensors[0], at));
      }));
}

ArrayRef<OpEntry> decodingStateOps() {
  static const OpEntry entries[] = {
      {"LinearAttention", 3, 6, convertLinearAttention},
      {"CausalConvWithState", 2, 4, convertCausalConvWithState},
      {"TensorScatter", 2, 3, convertTensorScatter, 24},
  };
  return entries;
}

} // namespace dyadic::onnx_import
