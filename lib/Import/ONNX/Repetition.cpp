//===- Repetition.cpp -----------------------------------------------------===//
//
// A loop whose number of iterations is known, and is small, is imported once an
// iteration: the counter and the shapes that follow from it are known then.
// Others are a qnn.loop.
//
//===----------------------------------------------------------------------===//
#include "Repetition.h"

#include "dyadic/Dialect/QNN/Control.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// How many iterations, and nodes in all of them, are worth repeating.
static constexpr int64_t kMostIterations = 64, kMostNodes = 4096;

static GraphValue known(HostTensor tensor) {
  GraphValue value;
  value.constant = std::make_shared<const HostTensor>(std::move(tensor));
  return value;
}

GraphValue knownNumber(ElementKind kind, int64_t number) {
  HostTensor tensor(kind, {});
  setInt(tensor, 0, number);
  return known(std::move(tensor));
}

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
        forEachRead(each,
                    [&](StringRef name) { dependent |= isRunTime(name); });
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
      return node.emitError() << "expected every iteration to give output "
                              << carriedOutput + initial.size() + i
                              << " the same shape, but got " << toString(shape)
                              << " and " << toString(part.shape());
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
    return node.mustBeKnown(*tripsInput,
                            "the number of iterations, each of which "
                            "adds a part to an output,");
  return node.unsupported("an output with a part of every iteration, whose "
                          "number isn't known,");
}

FailureOr<SmallVector<Value>>
Repetition::importBody(Block *block, TypeRange carriedTypes, size_t count) {
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
  SmallVector<Value> operands{tripsInput ? node.anyInput(*tripsInput)
                                         : tensorOf(node, limit),
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
  auto loop =
      qnn::LoopOp::create(b, node.getLoc(), types, operands[0], operands[1],
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

} // namespace dyadic::onnx_import
