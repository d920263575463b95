//===- Recurrent.cpp - LSTM -----------------------------------------------===//
#include "Contractions.h"
#include "OpRegistry.h"

using namespace mlir;

namespace dyadic::tflite_import {

namespace {
/// Which inputs of UNIDIRECTIONAL_SEQUENCE_LSTM the gates have, in qnn.lstm's
/// order: input, output, forget, cell.
struct Gate {
  size_t weights, recurrent, bias;
};
} // namespace

constexpr Gate kGates[] = {{1, 5, 12}, {4, 8, 15}, {2, 6, 13}, {3, 7, 14}};

/// Inputs that change what is computed, and what they are.
constexpr std::pair<size_t, const char *> kRefused[] = {
    {9, "peepholes"},       {10, "peepholes"},           {11, "peepholes"},
    {16, "a projection"},   {17, "a projection"},        {20, "layer normalization"},
    {21, "layer normalization"}, {22, "layer normalization"},
    {23, "layer normalization"}};

/// The four matrices (or vectors) that `input` names of each gate, side by side:
/// K×4H of H×K, or 4H of H.
static std::optional<HostTensor> joinGates(NodeImporter &node, size_t Gate::*input,
                                           int64_t units, int64_t depth) {
  bool isBias = input == &Gate::bias;
  HostTensor joined(ElementKind::F32,
                    isBias ? Shape{4 * units} : Shape{depth, 4 * units});
  for (auto [g, gate] : llvm::enumerate(kGates)) {
    auto known = knownWeights(node, gate.*input, isBias ? 1 : 2);
    if (!known)
      return std::nullopt;
    const Tensor &tensor = node.inputTensor(gate.*input);
    HostTensor reals = tensor.isQuantized() ? dequantized(*known, tensor) : *known;
    if (reals.shape != (isBias ? Shape{units} : Shape{units, depth}) ||
        reals.kind != ElementKind::F32) {
      node.emitError() << "expected weights of " << units << " units and " << depth
                       << " columns, but got " << toString(reals.shape);
      return std::nullopt;
    }
    for (int64_t h = 0; h < units; ++h)
      for (int64_t k = 0; k < depth; ++k)
        joined.set(k * 4 * units + g * units + h, reals.get(h * depth + k));
  }
  return joined;
}

/// From a state of zeros in every run.
static LogicalResult convertLSTM(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::UnidirectionalSequenceLSTMOptions>(input);
  if (!options)
    return failure();
  if (!elementOf(input).isF32())
    return node.unsupported("an LSTM of quantized activations");
  for (auto [index, what] : kRefused)
    if (node.hasInput(index))
      return node.unsupported(what);
  for (const Gate &gate : kGates)
    if (!node.hasInput(gate.weights) || !node.hasInput(gate.recurrent) ||
        !node.hasInput(gate.bias))
      return node.unsupported("a cell without one of its gates");
  if (options->fused_activation_function() != tflite::Activation::TANH ||
      options->cell_clip() != 0 || options->proj_clip() != 0 ||
      options->diagonal_recurrent_tensors())
    return node.unsupported("clipping, a diagonal or another activation than tanh");
  if (shapeOf(input).size() != 3)
    return node.emitError() << "expected sequences of 3 dimensions, but got "
                            << toString(shapeOf(input));
  if (!options->time_major())
    input = node.transpose(input, {1, 0, 2});
  if (!input)
    return failure();
  int64_t batch = shapeOf(input)[1], depth = shapeOf(input)[2];
  Shape declared = node.inputTensor(kGates[0].weights).shape();
  int64_t units = declared.empty() ? 0 : declared[0];
  // The state of zeros is a constant.
  constexpr int64_t kMost = 1 << 22;
  if (units < 1 || batch > kMost / units)
    return node.emitError() << "expected a state of 1 to " << kMost
                            << " numbers, but got " << batch << " of " << units;
  auto weights = joinGates(node, &Gate::weights, units, depth),
       recurrent = joinGates(node, &Gate::recurrent, units, units),
       bias = joinGates(node, &Gate::bias, units, 1);
  if (!weights || !recurrent || !bias)
    return failure();
  Type real = elementOf(input);
  Value projection = node.emit<qnn::MatmulOp>(
      {input, node.constantTensor(std::move(*weights), real),
       node.constantTensor(std::move(*bias), real)},
      real);
  Value zeros =
      node.constantTensor(HostTensor(ElementKind::F32, {batch, units}), real);
  Value output = node.emit<qnn::LSTMOp>(
      {projection, node.constantTensor(std::move(*recurrent), real), zeros, zeros},
      real);
  return node.setOutput(options->time_major() || !output
                            ? output
                            : node.transpose(output, {1, 0, 2}));
}

ArrayRef<OpEntry> recurrentOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::UNIDIRECTIONAL_SEQUENCE_LSTM, 9, 24, convertLSTM},
  };
  return entries;
}

} // namespace dyadic::tflite_import
