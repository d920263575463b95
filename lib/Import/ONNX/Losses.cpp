//===- Losses.cpp - negative log likelihood and cross entropy -------------===//
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

/// The greatest element along an axis, which stays as an extent of one.
static Value greatestAlong(NodeImporter &node, Value input, int64_t axis) {
  Shape shape(shapeOf(input));
  int64_t extent = std::exchange(shape[axis], 1);
  Type element = elementOf(input);
  return emitFormula(
      node, shape, element, input,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar lowest = f.real(-std::numeric_limits<double>::infinity(), element);
        return f.loop(extent, lowest,
                      [&](const Formula &f, ArrayRef<Scalar> i,
                          ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                        SmallVector<Scalar> from(at);
                        from[axis] = i[0];
                        return {maximum(state[0], f.read(tensors[0], from))};
                      })
            .front();
      });
}

/// x − max − log Σ exp(x − max) along an axis.
static Value logSoftmax(NodeImporter &node, Value input, int64_t axis) {
  Value greatest = greatestAlong(node, input, axis);
  Shape shape(shapeOf(input)), reduced(shape);
  int64_t extent = std::exchange(reduced[axis], 1);
  Type f32 = node.getBuilder().getF32Type();
  Value sum = emitFormula(
      node, reduced, f32, {input, greatest},
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar most = f.read(tensors[1], at);
        Scalar all = f.sum(extent, f.real(0), [&](const Formula &f, ArrayRef<Scalar> i) {
          SmallVector<Scalar> from(at);
          from[axis] = i[0];
          return expOf(f.read(tensors[0], from) - most);
        });
        return most + logOf(all);
      });
  return emitFormula(
      node, shape, f32, {input, sum},
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        SmallVector<Scalar> from(at);
        from[axis] = f.index(0);
        return f.read(tensors[0], at) - f.read(tensors[1], from);
      });
}

namespace {
/// −weight · log probability of the target class, for N×C×… probabilities.
class Loss {
public:
  explicit Loss(NodeImporter &node) : node(node) {}

  LogicalResult read(Value logProbabilities) {
    probabilities = logProbabilities;
    targets = node.anyInput(1);
    reduction = node.getString("reduction", "mean");
    ignores = node.has("ignore_index");
    ignored = node.getInt("ignore_index", 0);
    if (!probabilities || !targets)
      return failure();
    if (node.hasInput(2) && !(weights = node.input(2)))
      return failure();
    Shape shape(shapeOf(probabilities));
    if (shape.size() >= 2) {
      classes = shape[1];
      shape.erase(shape.begin() + 1);
    }
    if (classes < 1 || shapeOf(targets) != ArrayRef<int64_t>(shape) ||
        !isInteger(targets) ||
        (weights && shapeOf(weights) != ArrayRef<int64_t>(classes)))
      return node.emitError() << "expected targets and weights for "
                              << toString(shapeOf(probabilities)) << ", but got "
                              << toString(shapeOf(targets));
    if (reduction != "none" && reduction != "sum" && reduction != "mean")
      return node.unsupported("the reduction '" + reduction + "'");
    positions = shape;
    return success();
  }

  Value emit() {
    SmallVector<Value> operands{probabilities, targets};
    if (weights)
      operands.push_back(weights);
    Type f32 = node.getBuilder().getF32Type();
    if (reduction == "none")
      return emitFormula(
          node, positions, f32, operands,
          [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
            auto [loss, weight] = at_(f, at, tensors);
            return loss;
          });
    return emitFormula(
        node, {}, f32, operands,
        [&](const Formula &f, ArrayRef<Scalar>, ValueRange tensors) {
          auto sums = f.loop(positions, {f.real(0), f.real(0)},
                             [&](const Formula &f, ArrayRef<Scalar> at,
                                 ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                               auto [loss, weight] = at_(f, at, tensors);
                               return {state[0] + loss, state[1] + weight};
                             });
          return reduction == "sum" ? sums[0] : sums[0] / sums[1];
        });
  }

private:
  /// The loss at a position, and its weight.
  std::pair<Scalar, Scalar> at_(const Formula &f, ArrayRef<Scalar> at,
                                ValueRange tensors) {
    Scalar target = f.read(tensors[1], at).to(f.b.getI64Type());
    Scalar number = clamp(target.toIndex(), 0, double(classes - 1));
    SmallVector<Scalar> from(at);
    from.insert(from.begin() + 1, number);
    Scalar weight = weights ? f.read(tensors[2], number) : f.real(1);
    if (ignores)
      weight = select(target == double(ignored), f.real(0), weight);
    Scalar loss = (0 - f.read(tensors[0], from)) * weight;
    return {ignores ? select(target == double(ignored), f.real(0), loss) : loss,
            weight};
  }

  NodeImporter &node;
  Value probabilities, targets, weights;
  std::string reduction;
  Shape positions;
  int64_t classes = 0, ignored = 0;
  bool ignores = false;
};
} // namespace

static LogicalResult convertNegativeLogLikelihood(NodeImporter &node) {
  Loss loss(node);
  return failed(loss.read(node.input(0))) ? failure()
                                          : node.setOutput(loss.emit());
}

static LogicalResult convertSoftmaxCrossEntropy(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  if (shapeOf(input).size() < 2)
    return node.emitError() << "expected scores of classes, but got "
                            << toString(shapeOf(input));
  Value probabilities = logSoftmax(node, input, 1);
  Loss loss(node);
  if (failed(loss.read(probabilities)))
    return failure();
  if (node.isUsed(1) && failed(node.setOutput(1, probabilities)))
    return failure();
  return node.setOutput(loss.emit());
}

ArrayRef<OpEntry> lossOps() {
  static const OpEntry entries[] = {
      {"NegativeLogLikelihoodLoss", 2, 3, convertNegativeLogLikelihood, 12},
      {"SoftmaxCrossEntropyLoss", 2, 3, convertSoftmaxCrossEntropy, 12},
  };
  return entries;
}

} // namespace dyadic::onnx_import
