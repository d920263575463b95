//===- FlexAttention.cpp - attention with graphs for scores and weights ---===//
#include "FlexAttention.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {

/// What a graph of one input and one output makes of `input`, whose shape it keeps;
/// `input` where there is no graph.
static FailureOr<Value> apply(GraphImporter &importer, NodeImporter &node,
                              const onnx::GraphProto *graph, Value input) {
  if (!graph || !input)
    return input;
  if (graph->input_size() != 1 || graph->output_size() != 1)
    return node.emitError() << "expected '" << graph->name()
                            << "' to have one input and one output, but got "
                            << graph->input_size() << " and "
                            << graph->output_size();
  Scope &around = importer.currentScope();
  Scope inside(*graph, around.opset, &around);
  GraphValue argument;
  argument.value = input;
  SmallVector<GraphValue> outputs;
  if (failed(importer.inlineGraph(inside, argument, outputs)))
    return failure();
  Value output = tensorOf(node, outputs.front());
  if (output && output.getType() != input.getType())
    return node.emitError() << "expected '" << graph->name() << "' to give "
                            << input.getType() << ", but got " << output.getType();
  return output;
}

/// lhs · rhs of each head, B×H×M×K and B×G×K×N: H/G heads of `lhs` share one.
static Value productOfHeads(NodeImporter &node, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return {};
  Shape a(shapeOf(lhs)), b(shapeOf(rhs));
  lhs = node.reshape(lhs, {a[0], b[1], a[1] / b[1] * a[2], a[3]});
  return node.reshape(node.emit<qnn::MatmulOp>({lhs, rhs}),
                      {a[0], a[1], a[2], b[3]});
}

LogicalResult importFlexAttention(GraphImporter &importer, NodeImporter &node,
                                  ArrayRef<GraphValue *>,
                                  MutableArrayRef<GraphValue> results) {
  Value query = node.input(0), key = node.input(1), value = node.input(2);
  if (!query || !key || !value)
    return failure();
  Shape q(shapeOf(query)), k(shapeOf(key)), v(shapeOf(value));
  bool fits = q.size() == 4 && k.size() == 4 && v.size() == 4 && q[0] == k[0] &&
              k[0] == v[0] && k[1] == v[1] && k[2] == v[2] && q[3] == k[3] &&
              k[1] > 0 && q[1] % k[1] == 0;
  if (!fits)
    return node.emitError() << "expected query, key and value of fitting shapes, "
                               "but got "
                            << toString(q) << ", " << toString(k) << " and "
                            << toString(v);
  // In which the softmax is computed: float32 is the least.
  node.ignore("softmax_precision");
  float scale =
      node.getFloat("scale", 1 / std::sqrt(static_cast<float>(q[3])));
  const onnx::GraphProto *scoreGraph = node.getGraph("score_mod"),
                         *weightGraph = node.getGraph("prob_mod");
  if (failed(node.finish()))
    return failure();
  Value scaled = node.emit<qnn::MulOp>({query, node.constantTensor({scale}, {})});
  auto scores = apply(importer, node, scoreGraph,
                      productOfHeads(node, scaled,
                                     node.transpose(key, {0, 1, 3, 2})));
  if (failed(scores))
    return failure();
  auto weights = apply(importer, node, weightGraph,
                       node.emit<qnn::SoftmaxOp>(*scores, node.attr("axis", 3)));
  if (failed(weights))
    return failure();
  results.front().value = productOfHeads(node, *weights, value);
  return success(bool(results.front().value));
}

} // namespace dyadic::onnx_import
