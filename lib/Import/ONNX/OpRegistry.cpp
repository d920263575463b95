//===- OpRegistry.cpp -----------------------------------------------------===//
#include "OpRegistry.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace dyadic::onnx_import {

const OpEntry *lookupOp(StringRef opType, int64_t opset) {
  static const llvm::StringMap<const OpEntry *> table = [] {
    llvm::StringMap<const OpEntry *> map;
    // One a line, so that it stays sorted.
    for (ArrayRef<OpEntry> entries : {
             activationOps(),
             attentionOps(),
             contractionOps(),
             convolutionOps(),
             decodingStateOps(),
             elementwiseOps(),
             gatheringOps(),
             integerProductOps(),
             interpolationOps(),
             linearOps(),
             logicOps(),
             lossOps(),
             movementOps(),
             normalizationForms(),
             normalizationOps(),
             paddingOps(),
             poolingOps(),
             quantizationOps(),
             recurrentOps(),
             reductionOps(),
             resizeOps(),
             rowFunctionOps(),
             selectionOps(),
             signalOps(),
             transposedConvolutionOps(),
             transposedWindowOps(),
         })
      for (const OpEntry &entry : entries)
        map[entry.opType] = &entry;
    return map;
  }();
  const OpEntry *entry = table.lookup(opType);
  bool valid = entry && opset >= entry->since &&
               (!entry->until || opset <= entry->until);
  return valid ? entry : nullptr;
}

LogicalResult convertNode(const OpEntry &entry, NodeImporter &node) {
  node.alignLegacyOperand();
  for (size_t i = 0; i < entry.minInputs; ++i)
    if (!node.hasInput(i))
      return node.emitError() << "input " << i << " is missing";
  if (entry.maxInputs && node.numInputs() > entry.maxInputs)
    return node.emitError() << "expected at most " << entry.maxInputs
                            << " inputs, but got " << node.numInputs();
  if (failed(entry.convert(node)) || failed(node.finish()))
    return failure();
  for (auto [i, value] : llvm::enumerate(node.getOutputs()))
    if (!value && node.isUsed(i) && !(i == 0 && node.getKnownOutput()))
      return node.unsupported("output " + std::to_string(i));
  return success();
}

} // namespace dyadic::onnx_import
