//===- OpRegistry.cpp -----------------------------------------------------===//
#include "OpRegistry.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace dyadic::tflite_import {

const OpEntry *lookupOp(const Operator &op) {
  using Key = std::pair<int32_t, StringRef>;
  auto keyOf = [](tflite::BuiltinOperator code, StringRef name) {
    bool isCustom = code == tflite::BuiltinOperator::CUSTOM;
    return Key(static_cast<int32_t>(code), isCustom ? name : StringRef());
  };
  static const llvm::DenseMap<Key, const OpEntry *> table = [&] {
    llvm::DenseMap<Key, const OpEntry *> map;
    for (ArrayRef<OpEntry> entries :
         {arithmeticOps(), contractionOps(), detectionOps(), elementwiseOps(),
          movementOps(), poolingOps(), quantizationOps(), recurrentOps(),
          resizeOps(), selectionOps()})
      for (const OpEntry &entry : entries)
        map[keyOf(entry.code, entry.customName)] = &entry;
    return map;
  }();
  return table.lookup(keyOf(op.code, op.customName));
}

} // namespace dyadic::tflite_import
