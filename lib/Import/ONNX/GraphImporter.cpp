//===- GraphImporter.cpp --------------------------------------------------===//
#include "GraphImporter.h"

#include "ControlFlow.h"
#include "GraphOrder.h"
#include "NarrowTypes.h"
#include "OpRegistry.h"
#include "TensorReader.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// The depth to which functions and graphs may be nested: each level is a few
/// calls deep here.
constexpr int kMaxDepth = 64;
/// How many nodes branches, unrolled loops and functions may come to.
constexpr int64_t kMaxInlinedNodes = 200'000;

GraphImporter::GraphImporter(onnx::ModelProto &model, int64_t opset,
                             StringRef folder, const ONNXImportOptions &options,
                             ModuleOp module)
    : model(model), graph(*model.mutable_graph()), folder(folder),
      options(options), module(module), builder(module.getContext()),
      allowance(options.fillBytes), top(graph, opset) {
  top.consumed = &graph;
}

Location GraphImporter::locOf(StringRef name) {
  return NameLoc::get(builder.getStringAttr(scope->prefix + name));
}

LogicalResult GraphImporter::run() {
  function = func::FuncOp::create(builder, module.getLoc(), "main",
                                  builder.getFunctionType({}, {}));
  module.push_back(function);
  builder.setInsertionPointToEnd(function.addEntryBlock());
  if (failed(addInputs()) || failed(importNodes()))
    return failure();
  return addOutputs();
}

LogicalResult GraphImporter::importNodes() {
  auto isOutside = [&](StringRef name) {
    for (Scope *at = scope->parent; at; at = at->parent)
      if (at->values.count(name) || at->initializers.count(name))
        return true;
    return false;
  };
  auto nodes = orderNodes(scope->graph, isOutside, module.getLoc());
  if (failed(nodes))
    return failure();
  countUses(*nodes);
  // A failed node leaves its results unknown; what depends on them is passed
  // over, so each message is about a fault of its own.
  bool valid = true;
  for (const onnx::NodeProto *node : *nodes) {
    valid &= succeeded(importNode(*node));
    release(*node);
  }
  return success(valid);
}

LogicalResult
GraphImporter::inlineGraph(Scope &inside, ArrayRef<GraphValue> arguments,
                           SmallVectorImpl<GraphValue> &results) {
  inlinedNodes += inside.graph.node_size();
  if (depth == kMaxDepth || inlinedNodes > kMaxInlinedNodes)
    return emitError(locOf(inside.graph.name()))
           << "graphs and functions inside of others are deeper than "
           << kMaxDepth << " or come to more than " << kMaxInlinedNodes
           << " nodes";
  for (auto [input, argument] : llvm::zip(inside.graph.input(), arguments))
    inside.values[input.name()] = argument;
  Scope *around = scope;
  scope = &inside;
  ++depth;
  LogicalResult imported = importNodes();
  for (const onnx::ValueInfoProto &output : inside.graph.output()) {
    auto value = lookup(output.name());
    if (failed(value))
      imported = failure();
    results.push_back(succeeded(value) ? **value : GraphValue());
  }
  --depth;
  scope = around;
  return imported;
}

void GraphImporter::countUses(ArrayRef<const onnx::NodeProto *> nodes) {
  for (const onnx::NodeProto *node : nodes)
    forEachRead(*node, [&](StringRef name) { ++scope->uses[name]; });
  for (const onnx::ValueInfoProto &output : scope->graph.output())
    ++scope->uses[output.name()];
}

void GraphImporter::release(const onnx::NodeProto &proto) {
  forEachRead(proto, [&](StringRef name) {
    if (--scope->uses[name] == 0)
      scope->values.erase(name);
  });
}

FailureOr<GraphValue *> GraphImporter::lookup(Scope &at, StringRef name) {
  auto [it, isNew] = at.values.try_emplace(name);
  GraphValue &value = it->second;
  if (!isNew)
    return &value;
  auto found = at.initializers.find(name);
  if (found != at.initializers.end()) {
    int index = found->second;
    auto tensor = readTensor(at.graph.initializer(index), folder, [&] {
      return emitError(locOf(name)) << "initializer '" << name << "': ";
    });
    if (failed(tensor))
      return failure();
    allowance.add(tensor->bytes.size());
    if (at.consumed)
      releaseBytes(*at.consumed->mutable_initializer(index));
    value.constant = std::make_shared<const HostTensor>(std::move(*tensor));
    value.dataType = at.graph.initializer(index).data_type();
    return &value;
  }
  if (!at.parent)
    return &value;
  auto outside = lookup(*at.parent, name);
  if (failed(outside) || !at.capture) {
    at.values.erase(name); // so that it is released out there
    return outside;
  }
  value.constant = (*outside)->constant;
  value.dependsOnInputs = (*outside)->dependsOnInputs;
  value.dataType = (*outside)->dataType;
  if (!value.constant && (*outside)->value)
    value.value = at.capture->get(at.block, (*outside)->value);
  return &value;
}

const onnx::FunctionProto *
GraphImporter::findFunction(const onnx::NodeProto &call) const {
  for (const onnx::FunctionProto &function : model.functions())
    if (function.name() == call.op_type() &&
        function.domain() == call.domain() &&
        function.overload() == call.overload())
      return &function;
  return nullptr;
}

static bool anyRunTime(ArrayRef<GraphValue *> inputs) {
  return llvm::any_of(inputs,
                      [](GraphValue *v) { return v && v->isRunTime(); });
}

/// Ops that give the elements of a tensor another shape or order.
static bool isMovement(StringRef opType) {
  return llvm::is_contained({"Flatten", "Identity", "Reshape", "Squeeze",
                             "Transpose", "Unsqueeze"},
                            opType);
}

/// The type of an operand whose bytes at run time are the bits of floats, where
/// the op would take them for integers.
static std::optional<int32_t> bitsOfFloats(StringRef opType,
                                           ArrayRef<GraphValue *> inputs) {
  if (isMovement(opType) ||
      llvm::is_contained({"Cast", "CastLike", "DequantizeLinear", "QuantizeLinear"},
                         opType))
    return std::nullopt;
  for (GraphValue *input : inputs) {
    auto format = input && !input->constant ? quantizedFormat(input->dataType)
                                            : std::nullopt;
    if (format && format->isFloat())
      return input->dataType;
  }
  return std::nullopt;
}

constexpr StringLiteral kRunTimeOperand = "an operand";

LogicalResult GraphImporter::importNode(const onnx::NodeProto &proto) {
  SmallVector<GraphValue *> inputs;
  bool valid = true;
  for (const std::string &name : proto.input()) {
    if (name.empty()) {
      inputs.push_back(nullptr);
      continue;
    }
    auto value = lookup(name);
    valid &= succeeded(value);
    inputs.push_back(succeeded(value) ? *value : nullptr);
  }
  SmallVector<bool> usedOutputs;
  for (const std::string &name : proto.output())
    usedOutputs.push_back(!name.empty() && scope->uses.count(name));
  SmallVector<GraphValue> results(proto.output_size());
  valid =
      valid && succeeded(foldOrConvert(proto, inputs, usedOutputs, results));
  for (auto [name, result] : llvm::zip(proto.output(), results)) {
    result.dependsOnInputs |= !result.isKnown() && anyRunTime(inputs);
    if (!name.empty() && scope->uses.count(name))
      scope->values[name] = result;
  }
  return success(valid);
}

LogicalResult GraphImporter::foldOrConvert(
    const onnx::NodeProto &proto, ArrayRef<GraphValue *> inputs,
    ArrayRef<bool> usedOutputs, SmallVectorImpl<GraphValue> &results) {
  NodeImporter node(proto, scope->opset, locOf(Node::displayName(proto)),
                    allowance, builder, inputs, usedOutputs);
  const onnx::FunctionProto *called = findFunction(proto);
  bool standard = proto.domain().empty() || proto.domain() == "ai.onnx";
  std::string opType =
      (standard ? "" : proto.domain() + ".") + proto.op_type();
  const FoldEntry *folder = lookupFold(opType);
  const OpEntry *entry = lookupOp(opType, scope->opset);
  const ControlEntry *control = lookupControl(opType);
  if (!folder && !entry && !control && !called) {
    if (!standard)
      return emitError(node.getLoc())
             << "op '" << proto.domain() << "." << proto.op_type()
             << "' is not supported";
    return emitError(node.getLoc())
           << "op '" << proto.op_type() << "' of opset " << scope->opset
           << " is not supported";
  }
  bool onlyShape = proto.op_type() == "Shape" || proto.op_type() == "Size";
  // What this one reads failed before and was reported then.
  if (llvm::any_of(inputs, [](GraphValue *v) { return v && !v->isKnown(); })) {
    if (!entry && !control && !called && !onlyShape && anyRunTime(inputs))
      return reportMustBeKnown(node, inputs, kRunTimeOperand);
    return success();
  }
  bool allConstant =
      llvm::all_of(inputs, [](GraphValue *v) { return !v || v->constant; });
  if (auto type = bitsOfFloats(proto.op_type(), inputs))
    return node.unsupported("an operand of " + dataTypeName(*type));
  if (called)
    return importCall(*this, node, *called, inputs, results);
  if (control)
    return control->import(*this, node, inputs, results);
  if (folder && (allConstant || onlyShape)) {
    HostTensor placeholder;
    SmallVector<const HostTensor *> tensors;
    for (GraphValue *input : inputs)
      tensors.push_back(input ? input->constant.get() : nullptr);
    if (onlyShape && !inputs.empty() && inputs[0] && !inputs[0]->constant) {
      // Shape and Size look at nothing else.
      placeholder.shape = Shape(inputs[0]->shape());
      tensors[0] = &placeholder;
    }
    FoldContext context{node, tensors, results.size(), this->folder, {}};
    if (failed(foldNode(*folder, context)))
      return failure();
    for (const HostTensor &tensor : context.results)
      if (failed(node.reserve(tensor.bytes.size())))
        return failure();
    for (auto [result, tensor] : llvm::zip(results, context.results))
      result.constant = std::make_shared<const HostTensor>(std::move(tensor));
    // What moves weights keeps what is stored beside their reals.
    bool keepsStored = entry && !inputs.empty() && inputs[0] &&
                       isQuantizedConstant(inputs[0]->value) &&
                       isMovement(proto.op_type());
    if (keepsStored && succeeded(convertNode(*entry, node)))
      results.front().value = node.getOutputs().front();
    return success();
  }
  if (!entry)
    return reportMustBeKnown(node, inputs, kRunTimeOperand);
  if (failed(convertNode(*entry, node)))
    return failure();
  for (auto [result, value] : llvm::zip(results, node.getOutputs()))
    result.value = value;
  if (results.empty())
    return success();
  if (node.getKnownOutput())
    results.front().constant = node.getKnownOutput();
  results.front().dataType = isMovement(proto.op_type())
                                 ? inputs.front()->dataType
                                 : node.getOutputType();
  return success();
}

/// A graph output in the type that the model says it has. What is computed as
/// f32 instead of another float, or instead of a boolean, becomes that here.
static FailureOr<Value> asDeclared(NodeImporter &node, Value value,
                                   const onnx::ValueInfoProto &output) {
  int32_t declared = output.type().tensor_type().elem_type();
  Type have = elementOf(value), want = have;
  if (output.type().has_tensor_type() && declared != onnx::TensorProto::UNDEFINED)
    want = borderElement(declared, have.getContext());
  if (have == want)
    return value;
  if (want && isa<FloatType>(have) &&
      (isa<FloatType>(want) || want.isInteger(1)))
    return node.cast(value, want);
  return emitError(node.getLoc())
         << "expected output '" << output.name() << "' to be "
         << dataTypeName(declared) << ", as the model says, but it is computed as "
         << value.getType();
}

LogicalResult GraphImporter::addOutputs() {
  SmallVector<Value> operands;
  SmallVector<std::string> names;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    auto value = lookup(output.name());
    if (failed(value))
      return failure();
    onnx::NodeProto proto;
    proto.set_op_type("Output");
    NodeImporter node(proto, scope->opset, locOf(output.name()), allowance,
                      builder, {}, {});
    if (!(*value)->value)
      (*value)->value = node.copied(node.constantTensor(*(*value)->constant));
    auto result = asDeclared(node, (*value)->value, output);
    if (failed(result))
      return failure();
    operands.push_back(*result);
    names.push_back(output.name());
  }
  if (operands.empty())
    return emitError(module.getLoc()) << "the graph has no outputs";
  func::ReturnOp::create(builder, module.getLoc(), operands);
  function.setType(builder.getFunctionType(
      function.getBody().getArgumentTypes(), ValueRange(operands).getTypes()));
  for (auto [i, name] : llvm::enumerate(names))
    function.setResultAttr(i, kNameAttr, builder.getStringAttr(name));
  return success();
}

} // namespace dyadic::onnx_import
