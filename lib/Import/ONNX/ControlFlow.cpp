//===- ControlFlow.cpp - If -----------------------------------------------===//
//
// Where the condition is known, the branch is imported in the node's place;
// otherwise both are regions of a qnn.if.
//
//===----------------------------------------------------------------------===//
#include "ControlFlow.h"

#include "FlexAttention.h"
#include "Loops.h"

#include "dyadic/Dialect/QNN/Control.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

Value tensorOf(NodeImporter &node, GraphValue &value) {
  if (!value.value && value.constant)
    value.value = node.constantTensor(*value.constant);
  return value.value;
}

/// What a branch gives, at the end of `block`.
static FailureOr<SmallVector<Value>>
importBranch(GraphImporter &importer, NodeImporter &node,
             const onnx::GraphProto &branch, Block *block, Capture &capture) {
  OpBuilder &b = importer.getBuilder();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(block);
  Scope &around = importer.currentScope();
  Scope inside(branch, around.opset, &around);
  inside.block = block;
  inside.capture = &capture;
  SmallVector<GraphValue> outputs;
  SmallVector<Value> values;
  if (failed(importer.inlineGraph(inside, {}, outputs)))
    return failure();
  for (GraphValue &output :
       MutableArrayRef(outputs).take_front(node.numOutputs())) {
    values.push_back(tensorOf(node, output));
    if (!values.back())
      return failure(); // reported
  }
  qnn::ControlYieldOp::create(b, node.getLoc(), values);
  return values;
}

/// A branch for each value of a condition that is computed at run time.
static LogicalResult importBranches(GraphImporter &importer, NodeImporter &node,
                                    ArrayRef<const onnx::GraphProto *> branches,
                                    MutableArrayRef<GraphValue> results) {
  Value condition = node.anyInput(0);
  if (!condition)
    return failure();
  if (countElements(shapeOf(condition)) != 1)
    return node.emitError() << "expected a condition of one element, but got "
                            << condition.getType();
  Region regions[2];
  Capture capture;
  for (Region &region : regions) {
    region.push_back(new Block());
    capture.blocks.push_back(&region.front());
  }
  FailureOr<SmallVector<Value>> values[2];
  for (int i : {0, 1})
    values[i] = importBranch(importer, node, *branches[i], capture.blocks[i],
                             capture);
  if (failed(values[0]) || failed(values[1]))
    return failure();
  for (auto [i, then, otherwise] : llvm::enumerate(*values[0], *values[1]))
    if (then.getType() != otherwise.getType())
      return node.emitError()
             << "expected both branches to give output " << i
             << " the same type where the condition is computed at run time, "
                "but got "
             << then.getType() << " and " << otherwise.getType();
  auto op = qnn::IfOp::create(importer.getBuilder(), node.getLoc(),
                              ValueRange(*values[0]).getTypes(), condition,
                              capture.operands, /*arena_offsets=*/nullptr);
  op.getThenBody().takeBody(regions[0]);
  op.getElseBody().takeBody(regions[1]);
  for (auto [result, value] : llvm::zip_equal(results, op.getResults()))
    result.value = value;
  return success();
}

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
    return importBranches(importer, node, branches, results);
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
      {"If", importIf},
      {"Loop", importLoop},
      {"Scan", importScan},
      {"ai.onnx.preview.FlexAttention", importFlexAttention}};
  const ControlEntry *found = llvm::find_if(
      entries, [&](const ControlEntry &entry) { return entry.opType == opType; });
  return found == std::end(entries) ? nullptr : found;
}

} // namespace dyadic::onnx_import
