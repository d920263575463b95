//===- ControlFlow.cpp - If -----------------------------------------------===//
//
// Where the condition is known, the branch is imported in the node's place.
//
//===----------------------------------------------------------------------===//
#include "ControlFlow.h"

#include "Loops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

static LogicalResult importIf(GraphImporter &importer, NodeImporter &node,
                              ArrayRef<GraphValue *> inputs,
                              MutableArrayRef<GraphValue> results) {
  const onnx::GraphProto *branches[] = {node.getGraph("then_branch"),
                                        node.getGraph("else_branch")};
  if (failed(node.finish()))
    return failure();
  if (!branches[0] || !branches[1] || !node.hasInput(0))
    return node.emitError()
           << "expected a condition, a then_branch and an else_branch";
  for (const onnx::GraphProto *branch : branches)
    if (branch->output_size() < static_cast<int>(results.size()) ||
        branch->input_size() != 0)
      return node.emitError()
             << "expected branches without inputs and with " << results.size()
             << " outputs, but '" << branch->name() << "' has "
             << branch->input_size() << " and " << branch->output_size();
  const HostTensor *condition = node.constant(0);
  if (!condition)
    return node.unsupported("a condition that is computed at run time");
  if (condition->numElements() != 1)
    return node.emitError() << "expected a condition of one element, but got "
                            << describe(*condition);
  Scope &around = importer.currentScope();
  Scope inside(*branches[condition->get(0) != 0 ? 0 : 1], around.opset,
               &around);
  SmallVector<GraphValue> outputs;
  LogicalResult imported = importer.inlineGraph(inside, {}, outputs);
  llvm::copy(ArrayRef(outputs).take_front(results.size()), results.begin());
  return imported;
}

const ControlEntry *lookupControl(StringRef opType) {
  static const ControlEntry entries[] = {
      {"If", importIf}, {"Loop", importLoop}, {"Scan", importScan}};
  const ControlEntry *found = llvm::find_if(
      entries, [&](const ControlEntry &entry) { return entry.opType == opType; });
  return found == std::end(entries) ? nullptr : found;
}

} // namespace dyadic::onnx_import
