//===- Scope.cpp ----------------------------------------------------------===//
#include "Scope.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

Value Capture::get(Block *block, Value outside) {
  size_t index = llvm::find(operands, outside) - operands.begin();
  if (index == operands.size()) {
    operands.push_back(outside);
    for (Block *each : blocks)
      each->addArgument(outside.getType(), outside.getLoc());
  }
  return block->getArgument(block->getNumArguments() - operands.size() + index);
}

Scope::Scope(const onnx::GraphProto &graph, int64_t opset, Scope *parent)
    : graph(graph), opset(opset), parent(parent) {
  if (parent)
    prefix = parent->prefix;
  for (int i = 0; i < graph.initializer_size(); ++i)
    initializers[graph.initializer(i).name()] = i;
}

using Names = llvm::StringSet<>;

/// Adds to `free` what `graph` reads but doesn't define.
static void collectFree(const onnx::GraphProto &graph, Names &free) {
  Names defined, read;
  for (const onnx::ValueInfoProto &input : graph.input())
    defined.insert(input.name());
  for (const onnx::TensorProto &tensor : graph.initializer())
    defined.insert(tensor.name());
  for (const onnx::NodeProto &node : graph.node()) {
    forEachRead(node, [&](StringRef name) { read.insert(name); });
    for (const std::string &output : node.output())
      defined.insert(output);
  }
  for (const onnx::ValueInfoProto &output : graph.output())
    read.insert(output.name());
  for (const auto &entry : read)
    if (!defined.contains(entry.first()))
      free.insert(entry.first());
}

void forEachRead(const onnx::NodeProto &node,
                 llvm::function_ref<void(StringRef)> visit) {
  for (const std::string &input : node.input())
    if (!input.empty())
      visit(input);
  Names free;
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      collectFree(attribute.g(), free);
    for (const onnx::GraphProto &graph : attribute.graphs())
      collectFree(graph, free);
  }
  SmallVector<StringRef> names(free.keys());
  llvm::sort(names); // a set's order is no order
  llvm::for_each(names, visit);
}

} // namespace dyadic::onnx_import
