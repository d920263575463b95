//===- Loops.cpp - Loop and Scan ------------------------------------------===//
//
// A loop whose number of iterations is known, and is small, is imported once an
// iteration: the counter and the shapes that follow from it are known then. Others
// are a qnn.loop.
//
//===----------------------------------------------------------------------===//
#include "Loops.h"

#include "dyadic/Dialect/QNN/Control.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {
namespace {

/// How many iterations, and nodes in all of them, are worth repeating.
constexpr int64_t kMostIterations = 64, kMostNodes = 4096;

GraphValue known(HostTensor tensor) {
  GraphValue value;
  value.constant = std::make_shared<const HostTensor>(std::move(tensor));
  return value;
}

GraphValue knownNumber(ElementKind kind, int64_t number) {
  HostTensor tensor(kind, {});
  setInt(tensor, 0, number);
  return known(std::move(tensor));
}

/// What Loop and Scan have in common: a body that is run with values which one
/// iteration hands to the next, and whose other outputs are collected.
class Repetition {
public:
  Repetition(GraphImporter &importer, NodeImporter &node,
             const onnx::GraphProto &body)
      : importer(importer), node(node), body(body) {}
  virtual ~Repetition() = default;

  LogicalResult run(MutableArrayRef<GraphValue> results);

protected:
  /// The body's inputs in the iteration of this number.
  virtual FailureOr<SmallVector<GraphValue>>
  argumentsOf(const GraphValue &iteration, ArrayRef<GraphValue> carried) = 0;
  /// Dimension of the result number `i` of those that are collected along which
  /// it is, of `rank` dimensions, and whether the last iteration comes first.
  virtual FailureOr<int64_t> collectedAxis(size_t i, int64_t rank) { return 0; }
  virtual bool isReversed(size_t i) { return false; }

  GraphImporter &importer;
  NodeImporter &node;
  const onnx::GraphProto &body;
  /// The values before the first iteration.
  SmallVector<GraphValue> initial;
  /// Where the carried values are among the body's inputs and outputs. The
  /// output before them, if there is one, is the condition.
  size_t carriedInput = 0, carriedOutput = 0;
  /// The number of iterations, if it is limited and known, or the input that
  /// has it.
  std::optional<int64_t> trips;
  std::optional<size_t> tripsInput;
  /// The condition before the first iteration; none: it is true.
  GraphValue *condition = nullptr;
  /// In a qnn.loop, how its body comes by what is outside; null otherwise.
  Capture *capture = nullptr;

private:
  size_t numCollected() const {
    return body.output_size() - carriedOutput - initial.size();
  }
  void findRunTimeNames();
  bool isWorthUnrolling() const;
  LogicalResult unroll(MutableArrayRef<GraphValue> results);
  FailureOr<GraphValue> stack(size_t i, MutableArrayRef<GraphValue> parts);
  LogicalResult emitLoop(MutableArrayRef<GraphValue> results);
  /// The first `count` of the body's outputs as it yields them.
  FailureOr<SmallVector<Value>> importBody(Block *block,
                                           TypeRange carriedTypes, size_t count);
  LogicalResult checkCollected(const GraphValue &next);
  Value arrange(size_t i, Value whole);

  /// The body's names that are not known when the iteration's number is.
  llvm::StringSet<> runTime;
};

void Repetition::findRunTimeNames() {
  for (auto [i, value] : llvm::enumerate(initial))
    if (!value.constant)
      runTime.insert(body.input(carriedInput + i).name());
  llvm::StringSet<> inside;
  for (const onnx::ValueInfoProto &input : body.input())
    inside.insert(input.name());
  for (const onnx::TensorProto &tensor : body.initializer())
    inside.insert(tensor.name());
  for (const onnx::NodeProto &each : body.node())
    inside.insert(each.output().begin(), each.output().end());

  auto isRunTime = [&](StringRef name) {
    if (inside.contains(name))
      return runTime.contains(name);
    auto value = importer.lookup(name);
    return failed(value) || !(*value)->constant;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const onnx::NodeProto &each : body.node()) {
      bool dependent = false;
      if (each.op_type() != "Shape" && each.op_type() != "Size")
        forEachRead(each, [&](StringRef name) { dependent |= isRunTime(name); });
      for (const std::string &output : each.output())
        changed |= dependent && runTime.insert(output).second;
    }
    for (size_t i = 0; i < initial.size(); ++i)
      changed |= isRunTime(body.output(carriedOutput + i).name()) &&
                 runTime.insert(body.input(carriedInput + i).name()).second;
  }
}

bool Repetition::isWorthUnrolling() const {
  if (tripsInput || (condition && !condition->constant) ||
      (carriedOutput > 0 && runTime.contains(body.output(0).name())))
    return false;
  bool isFree = llvm::none_of(body.output(), [&](const auto &output) {
    return runTime.contains(output.name());
  });
  return isFree || !trips ||
         (*trips <= kMostIterations && *trips * body.node_size() <= kMostNodes);
}

LogicalResult Repetition::run(MutableArrayRef<GraphValue> results) {
  size_t outputs = initial.size() + numCollected();
  if (results.size() > outputs)
    return node.emitError() << "expected at most " << outputs
                            << " outputs, but got " << results.size();
  findRunTimeNames();
  return isWorthUnrolling() ? unroll(results) : emitLoop(results);
}

LogicalResult Repetition::unroll(MutableArrayRef<GraphValue> results) {
  Scope &around = importer.currentScope();
  Scope shared(body, around.opset, &around); // the initializers
  SmallVector<GraphValue> carried(initial);
  std::vector<SmallVector<GraphValue>> collected(numCollected());
  bool goesOn = !condition || condition->constant->get(0) != 0;
  for (int64_t i = 0; goesOn && (!trips || i < *trips); ++i) {
    auto arguments = argumentsOf(knownNumber(ElementKind::I64, i), carried);
    if (failed(arguments))
      return failure();
    Scope inside(body, around.opset, &shared);
    inside.initializers.clear();
    inside.prefix = around.prefix + Node::displayName(node.getProto()) + "[" +
                    std::to_string(i) + "]/";
    SmallVector<GraphValue> outputs;
    if (failed(importer.inlineGraph(inside, *arguments, outputs)))
      return failure();
    if (!llvm::all_of(outputs, [](GraphValue &v) { return v.isKnown(); }))
      return success(); // what an error elsewhere has left unknown
    if (carriedOutput > 0) {
      if (!outputs[0].constant || outputs[0].constant->numElements() != 1)
        return node.unsupported("a condition that isn't one known element");
      goesOn = outputs[0].constant->get(0) != 0;
    }
    auto rest = llvm::drop_begin(outputs, carriedOutput);
    llvm::copy(llvm::make_range(rest.begin(), rest.begin() + carried.size()),
               carried.begin());
    for (auto [parts, value] :
         llvm::zip(collected, llvm::drop_begin(rest, carried.size())))
      parts.push_back(value);
  }
  for (auto [result, value] : llvm::zip(results, carried))
    result = value;
  for (size_t i = carried.size(); i < results.size(); ++i) {
    auto whole = stack(i - carried.size(), collected[i - carried.size()]);
    if (failed(whole))
      return failure();
    results[i] = *whole;
  }
  return success();
}

/// What the iterations gave, along a dimension of its own.
FailureOr<GraphValue> Repetition::stack(size_t i,
                                        MutableArrayRef<GraphValue> parts) {
  if (parts.empty())
    return node.unsupported("an output that no iteration adds to");
  Shape shape(parts.front().shape());
  for (GraphValue &part : parts)
    if (part.shape() != ArrayRef<int64_t>(shape))
      return node.emitError()
             << "expected every iteration to give output "
             << carriedOutput + initial.size() + i << " the same shape, but got "
             << toString(shape) << " and " << toString(part.shape());
  auto axis = collectedAxis(i, shape.size() + 1);
  if (failed(axis))
    return failure();
  if (isReversed(i))
    std::reverse(parts.begin(), parts.end());
  bool allKnown = llvm::all_of(parts, [&](GraphValue &part) {
    return part.constant && part.constant->kind == parts[0].constant->kind;
  });
  if (allKnown && *axis == 0) {
    HostTensor whole(parts[0].constant->kind, {});
    whole.bytes.clear();
    for (GraphValue &part : parts)
      llvm::append_range(whole.bytes, part.constant->bytes);
    whole.shape.push_back(parts.size());
    llvm::append_range(whole.shape, shape);
    return known(std::move(whole));
  }
  shape.insert(shape.begin() + *axis, 1);
  SmallVector<Value> values;
  for (GraphValue &part : parts)
    values.push_back(node.reshape(tensorOf(node, part), shape));
  GraphValue whole;
  whole.value = node.concat(values, *axis);
  if (!whole.value)
    return failure();
  return whole;
}

//===----------------------------------------------------------------------===//
// qnn.loop
//===----------------------------------------------------------------------===//

/// Collected are parts of a known number of iterations.
LogicalResult Repetition::checkCollected(const GraphValue &next) {
  auto isTrue = [](const GraphValue &value) {
    return value.constant && value.constant->numElements() == 1 &&
           value.constant->get(0) != 0;
  };
  if (trips && (!condition || isTrue(*condition)) && isTrue(next))
    return success();
  if (tripsInput)
    return node.mustBeKnown(*tripsInput, "the number of iterations, each of which "
                                         "adds a part to an output,");
  return node.unsupported("an output with a part of every iteration, whose "
                          "number isn't known,");
}

FailureOr<SmallVector<Value>> Repetition::importBody(Block *block,
                                                     TypeRange carriedTypes,
                                                     size_t count) {
  OpBuilder::InsertionGuard guard(importer.getBuilder());
  importer.getBuilder().setInsertionPointToEnd(block);
  Scope &around = importer.currentScope();
  Scope inside(body, around.opset, &around);
  inside.prefix = around.prefix + Node::displayName(node.getProto()) + "/";
  inside.block = block;
  inside.capture = capture;
  SmallVector<GraphValue> carried, outputs;
  GraphValue iteration;
  iteration.value = block->getArgument(0);
  for (size_t i = 0; i < initial.size(); ++i) {
    carried.emplace_back();
    carried.back().value = block->getArgument(1 + i);
  }
  auto arguments = argumentsOf(iteration, carried);
  if (failed(arguments) ||
      failed(importer.inlineGraph(inside, *arguments, outputs)))
    return failure();
  if (carriedOutput == 0)
    outputs.insert(outputs.begin(), knownNumber(ElementKind::Bool, 1));
  if (count > carried.size() && failed(checkCollected(outputs.front())))
    return failure();
  SmallVector<Value> values;
  for (GraphValue &output : MutableArrayRef(outputs).take_front(1 + count)) {
    values.push_back(tensorOf(node, output));
    if (!values.back())
      return failure(); // reported
  }
  for (auto [i, value, type] :
       llvm::enumerate(ArrayRef(values).slice(1, carried.size()), carriedTypes))
    if (value.getType() != type)
      return node.emitError()
             << "expected '" << body.input(carriedInput + i).name()
             << "' to keep its type from one iteration to the next, but "
             << type << " becomes " << value.getType();
  return values;
}

LogicalResult Repetition::emitLoop(MutableArrayRef<GraphValue> results) {
  GraphValue always = knownNumber(ElementKind::Bool, 1);
  GraphValue limit = knownNumber(ElementKind::I64, trips.value_or(INT64_MAX));
  SmallVector<Value> operands{
      tripsInput ? node.anyInput(*tripsInput) : tensorOf(node, limit),
      tensorOf(node, condition ? *condition : always)};
  SmallVector<Type> types;
  auto region = std::make_unique<Region>();
  auto *block = new Block();
  region->push_back(block);
  block->addArgument(
      RankedTensorType::get({}, importer.getBuilder().getI64Type()),
      node.getLoc());
  for (GraphValue &value : initial) {
    operands.push_back(tensorOf(node, value));
    if (!operands.back())
      return failure();
    types.push_back(operands.back().getType());
    block->addArgument(types.back(), node.getLoc());
  }
  if (!operands[0] || !operands[1])
    return failure();

  Capture captured;
  captured.blocks.push_back(block);
  capture = &captured;
  size_t count = std::max(results.size(), initial.size());
  auto values = importBody(block, types, count);
  capture = nullptr;
  if (failed(values))
    return failure();
  OpBuilder &b = importer.getBuilder();
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    qnn::ControlYieldOp::create(b, node.getLoc(), *values);
  }
  for (Value part : ArrayRef(*values).drop_front(1 + initial.size())) {
    auto type = cast<RankedTensorType>(part.getType());
    Shape shape{*trips};
    llvm::append_range(shape, type.getShape());
    types.push_back(type.clone(shape));
  }
  auto loop = qnn::LoopOp::create(
      b, node.getLoc(), types, operands[0], operands[1],
      ArrayRef(operands).drop_front(2), captured.operands,
      /*arena_offsets=*/nullptr);
  loop.getBody().takeBody(*region);
  for (auto [i, result] : llvm::enumerate(results)) {
    Value value = loop.getResult(i);
    result.value =
        i < initial.size() ? value : arrange(i - initial.size(), value);
    if (!result.value)
      return failure();
  }
  return success();
}

/// The parts along the dimension, and in the order, that the node wants.
Value Repetition::arrange(size_t i, Value whole) {
  int64_t rank = shapeOf(whole).size();
  auto axis = collectedAxis(i, rank);
  if (failed(axis))
    return {};
  if (isReversed(i)) {
    Shape last(shapeOf(whole).front());
    for (auto [number, index] : llvm::enumerate(last))
      index = last.size() - 1 - number;
    whole = node.emit<qnn::GatherOp>(
        {whole, node.constantTensor(makeInts(last))}, node.attr("axis", 0));
  }
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank));
  permutation.insert(permutation.begin() + *axis, 0);
  return node.transpose(whole, permutation);
}

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
