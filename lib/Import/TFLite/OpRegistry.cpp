//===- OpRegistry.cpp -----------------------------------------------------===//
#include "OpRegistry.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace dyadic::tflite_import {

const OpEntry *lookupOp(tflite::BuiltinOperator code) {
  static const llvm::DenseMap<int32_t, const OpEntry *> table = [] {
    llvm::DenseMap<int32_t, const OpEntry *> map;
    for (ArrayRef<OpEntry> entries :
         {contractionOps(), elementwiseOps(), movementOps(), poolingOps(),
          quantizationOps(), resizeOps()})
      for (const OpEntry &entry : entries)
        map[static_cast<int32_t>(entry.code)] = &entry;
    return map;
  }();
  return table.lookup(static_cast<int32_t>(code));
}

} // namespace dyadic::tflite_import
