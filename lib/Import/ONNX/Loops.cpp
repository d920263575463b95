//===- Loops.cpp - Loop and Scan ------------------------------------------===//
#include "Loops.h"

#include "Repetition.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {
namespace {

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

class LoopNode : public Repetition {
public:
  using Repetition::Repetition;

  LogicalResult import(ArrayRef<GraphValue *> inputs,
                       MutableArrayRef<GraphValue> results) {
    if (failed(node.finish()))
      return failure();
    for (GraphValue *input : inputs.drop_front(std::min<size_t>(2, inputs.size())))
      initial.push_back(*input);
    if (body.input_size() != static_cast<int>(initial.size()) + 2 ||
        body.output_size() < static_cast<int>(initial.size()) + 1)
      return node.emitError()
             << "expected a body with " << initial.size() + 2
             << " inputs and at least " << initial.size() + 1
             << " outputs, but got " << body.input_size() << " and "
             << body.output_size();
    carriedInput = 2;
    carriedOutput = 1;
    for (size_t i : {0, 1})
      if (const HostTensor *given = node.constant(i);
          given && given->numElements() != 1)
        return node.emitError()
               << "expected a number of iterations and a condition of one "
                  "element, but got "
               << describe(*given);
    if (node.hasInput(0)) {
      if (const HostTensor *given = node.constant(0))
        trips = getInt(*given, 0);
      else
        tripsInput = 0;
    }
    if (node.hasInput(1))
      condition = inputs[1];
    return run(results);
  }

protected:
  FailureOr<SmallVector<GraphValue>>
  argumentsOf(const GraphValue &iteration,
              ArrayRef<GraphValue> carried) override {
    // Inside, the condition has held.
    SmallVector<GraphValue> arguments{iteration,
                                      knownNumber(ElementKind::Bool, 1)};
    llvm::append_range(arguments, carried);
    return arguments;
  }
};

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

class ScanNode : public Repetition {
public:
  using Repetition::Repetition;

  LogicalResult import(ArrayRef<GraphValue *> inputs,
                       MutableArrayRef<GraphValue> results) {
    size_t numElements = node.getInt("num_scan_inputs", 0);
    inputAxes = node.getInts("scan_input_axes");
    inputDirections = node.getInts("scan_input_directions");
    outputAxes = node.getInts("scan_output_axes");
    outputDirections = node.getInts("scan_output_directions");
    if (failed(node.finish()))
      return failure();
    if (node.getOpset() < 9)
      return node.unsupported("the form of opset 8, with a batch dimension,");
    if (numElements == 0 || numElements > inputs.size() ||
        body.input_size() != static_cast<int>(inputs.size()) ||
        body.output_size() < static_cast<int>(inputs.size() - numElements))
      return node.emitError()
             << "expected a body that fits " << inputs.size() << " inputs, "
             << numElements << " of them scanned, but it has "
             << body.input_size() << " inputs and " << body.output_size()
             << " outputs";
    size_t numCarried = inputs.size() - numElements;
    for (GraphValue *input : inputs.take_front(numCarried))
      initial.push_back(*input);
    if (failed(addElements(numCarried)))
      return failure();
    return run(results);
  }

protected:
  FailureOr<SmallVector<GraphValue>>
  argumentsOf(const GraphValue &iteration,
              ArrayRef<GraphValue> carried) override {
    SmallVector<GraphValue> arguments(carried);
    for (const Scanned &each : scanned) {
      GraphValue element;
      element.value = elementOf(each, iteration);
      if (!element.value)
        return failure();
      arguments.push_back(element);
    }
    return arguments;
  }
  FailureOr<int64_t> collectedAxis(size_t i, int64_t rank) override {
    int64_t axis = i < outputAxes.size() ? outputAxes[i] : 0;
    return resolveAxis(node, axis, rank);
  }
  bool isReversed(size_t i) override {
    return i < outputDirections.size() && outputDirections[i] == 1;
  }

private:
  struct Scanned {
    Value tensor;
    int64_t axis;
    bool isReversed;
  };

  LogicalResult addElements(size_t first) {
    for (size_t i = first; i < node.numInputs(); ++i) {
      size_t number = i - first;
      Value tensor = node.anyInput(i);
      if (!tensor)
        return failure();
      auto axis = resolveAxis(
          node, number < inputAxes.size() ? inputAxes[number] : 0,
          shapeOf(tensor).size());
      if (failed(axis))
        return failure();
      int64_t length = shapeOf(tensor)[*axis];
      if (trips && *trips != length)
        return node.emitError() << "expected inputs of one length to scan, but "
                                   "got "
                                << *trips << " and " << length;
      trips = length;
      scanned.push_back({tensor, *axis,
                         number < inputDirections.size() &&
                             inputDirections[number] == 1});
    }
    return success();
  }

  Value elementOf(const Scanned &from, const GraphValue &iteration) {
    if (!iteration.constant)
      return gatherElement(from, iteration.value);
    Shape sizes(shapeOf(from.tensor)), offsets(sizes.size(), 0);
    Shape ones(sizes.size(), 1), shape = sizes;
    int64_t number = getInt(*iteration.constant, 0);
    offsets[from.axis] = from.isReversed ? *trips - 1 - number : number;
    sizes[from.axis] = 1;
    shape.erase(shape.begin() + from.axis);
    return node.reshape(node.slice(from.tensor, offsets, sizes, ones), shape);
  }

  Value gatherElement(const Scanned &from, Value number) {
    Value tensor = capture->get(capture->blocks.front(), from.tensor);
    if (from.isReversed) {
      auto numbers = llvm::to_vector(llvm::seq<int64_t>(0, *trips));
      std::reverse(numbers.begin(), numbers.end());
      number = node.emit<qnn::GatherOp>(
          {node.constantTensor(makeInts(numbers)), number}, node.attr("axis", 0));
    }
    return node.emit<qnn::GatherOp>({tensor, number},
                                    node.attr("axis", from.axis));
  }

  Shape inputAxes, inputDirections, outputAxes, outputDirections;
  SmallVector<Scanned> scanned;
};

template <typename Kind>
LogicalResult importRepetition(GraphImporter &importer, NodeImporter &node,
                               ArrayRef<GraphValue *> inputs,
                               MutableArrayRef<GraphValue> results) {
  const onnx::GraphProto *body = node.getGraph("body");
  if (!body)
    return node.emitError() << "expected a body";
  return Kind(importer, node, *body).import(inputs, results);
}
} // namespace

LogicalResult importLoop(GraphImporter &importer, NodeImporter &node,
                         ArrayRef<GraphValue *> inputs,
                         MutableArrayRef<GraphValue> results) {
  if (llvm::is_contained(inputs.drop_front(std::min<size_t>(2, inputs.size())),
                         nullptr))
    return node.emitError() << "a carried value is missing";
  return importRepetition<LoopNode>(importer, node, inputs, results);
}

LogicalResult importScan(GraphImporter &importer, NodeImporter &node,
                         ArrayRef<GraphValue *> inputs,
                         MutableArrayRef<GraphValue> results) {
  return importRepetition<ScanNode>(importer, node, inputs, results);
}

} // namespace dyadic::onnx_import
