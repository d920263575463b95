//===- GraphOrder.cpp -----------------------------------------------------===//
#include "GraphOrder.h"

#include "Scope.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

#include <queue>

using namespace mlir;
using onnx::NodeProto;

namespace dyadic::onnx_import {
namespace {

/// Producer of a name that no node computes.
constexpr int kGiven = -1;

class NodeOrder {
public:
  NodeOrder(const onnx::GraphProto &graph, IsOutside isOutside, Location loc)
      : graph(graph), isOutside(isOutside), loc(loc),
        isLive(graph.node_size(), false) {}

  FailureOr<SmallVector<const NodeProto *>> run() {
    if (failed(collectNames()) || failed(markLive()))
      return failure();
    return sort();
  }

private:
  Location locOf(int node) {
    return NameLoc::get(
        StringAttr::get(loc.getContext(), Node::displayName(graph.node(node))));
  }

  LogicalResult define(StringRef name, int node, Location where) {
    if (name.empty())
      return success();
    auto [it, isNew] = producers.try_emplace(name, node);
    if (isNew)
      return success();
    return emitError(where) << "the name '" << name << "' is defined twice";
  }

  LogicalResult collectNames() {
    bool valid = true;
    llvm::StringMap<bool> initializers;
    for (const onnx::TensorProto &tensor : graph.initializer()) {
      valid &= succeeded(define(tensor.name(), kGiven, loc));
      initializers[tensor.name()] = true;
    }
    // IR version 3 lists the initializers among the inputs as well.
    for (const onnx::ValueInfoProto &input : graph.input())
      if (!initializers.count(input.name()))
        valid &= succeeded(define(input.name(), kGiven, loc));
    for (int i = 0; i < graph.node_size(); ++i)
      for (const std::string &output : graph.node(i).output())
        valid &= succeeded(define(output, i, locOf(i)));
    return success(valid);
  }

  /// From the outputs backwards. Every unknown name is reported.
  LogicalResult markLive() {
    SmallVector<int> work;
    bool valid = true;
    auto demand = [&](StringRef name, std::optional<int> reader) {
      auto it = producers.find(name);
      if (it == producers.end()) {
        if (isOutside(name))
          return;
        valid = false;
        if (reader)
          emitError(locOf(*reader))
              << graph.node(*reader).op_type() << ": reads '" << name
              << "', which no node, input or initializer defines";
        else
          emitError(loc) << "the graph's output '" << name
                         << "' is not defined by any node";
        return;
      }
      if (it->second == kGiven || isLive[it->second])
        return;
      isLive[it->second] = true;
      work.push_back(it->second);
    };
    for (const onnx::ValueInfoProto &output : graph.output())
      demand(output.name(), std::nullopt);
    while (!work.empty()) {
      int node = work.pop_back_val();
      forEachRead(graph.node(node), [&](StringRef name) { demand(name, node); });
    }
    return success(valid);
  }

  FailureOr<SmallVector<const NodeProto *>> sort() {
    std::vector<int> waiting(graph.node_size(), 0);
    std::vector<SmallVector<int, 2>> readers(graph.node_size());
    std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
    for (int i = 0; i < graph.node_size(); ++i) {
      if (!isLive[i])
        continue;
      for (int producer : producersOf(i)) {
        readers[producer].push_back(i);
        ++waiting[i];
      }
      if (!waiting[i])
        ready.push(i);
    }
    SmallVector<const NodeProto *> order;
    while (!ready.empty()) {
      int node = ready.top();
      ready.pop();
      order.push_back(&graph.node(node));
      for (int reader : readers[node])
        if (--waiting[reader] == 0)
          ready.push(reader);
    }
    if (static_cast<int64_t>(order.size()) == llvm::count(isLive, true))
      return order;
    return reportCycle(waiting);
  }

  SmallVector<int> producersOf(int node) {
    SmallVector<int> result;
    forEachRead(graph.node(node), [&](StringRef name) {
      if (auto it = producers.find(name);
          it != producers.end() && it->second != kGiven)
        result.push_back(it->second);
    });
    return result;
  }

  /// Every node that still waits has a producer that waits, so walking from
  /// one to the next must come back to a node already seen.
  LogicalResult reportCycle(ArrayRef<int> waiting) {
    int node =
        llvm::find_if(waiting, [](int n) { return n > 0; }) - waiting.begin();
    SmallVector<int> path;
    while (!llvm::is_contained(path, node)) {
      path.push_back(node);
      node = *llvm::find_if(producersOf(node),
                            [&](int p) { return waiting[p] > 0; });
    }
    path.erase(path.begin(), llvm::find(path, node));
    std::string text = Node::displayName(graph.node(node));
    constexpr size_t shown = 8;
    for (int on : llvm::reverse(llvm::drop_begin(path)))
      if (text.size() < shown * 32)
        text += " -> " + Node::displayName(graph.node(on));
    return emitError(locOf(node)) << "the graph has a cycle: " << text << " -> "
                                  << Node::displayName(graph.node(node));
  }

  const onnx::GraphProto &graph;
  IsOutside isOutside;
  Location loc;
  llvm::StringMap<int> producers;
  std::vector<bool> isLive;
};

} // namespace

FailureOr<SmallVector<const NodeProto *>>
orderNodes(const onnx::GraphProto &graph, IsOutside isOutside, Location loc) {
  return NodeOrder(graph, isOutside, loc).run();
}

} // namespace dyadic::onnx_import
