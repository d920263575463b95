//===- UnusedConstants.cpp ------------------------------------------------===//
#include "dyadic/Support/UnusedConstants.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace mlir;
using namespace dyadic;

static DialectResourceBlobManager &blobsOf(MLIRContext *context) {
  return DenseResourceElementsHandle::getManagerInterface(context).getBlobManager();
}

/// Calls visit(name) for each constant in `module`.
static void forEachName(ModuleOp module, function_ref<void(StringRef)> visit) {
  module.walk([&](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs())
      attribute.getValue().walk([&](DenseResourceElementsAttr constant) {
        visit(constant.getRawHandle().getKey());
      });
  });
}

UnusedConstants::UnusedConstants(MLIRContext *context, ModuleOp owned) : context(context) {
  blobsOf(context).getBlobMap([&](const auto &blobs) {
    for (StringRef name : blobs.keys())
      foreign.insert(name);
  });
  if (owned)
    forEachName(owned, [&](StringRef name) { foreign.erase(name); });
}

int64_t UnusedConstants::release(ArrayRef<ModuleOp> alive) const {
  llvm::StringSet<> used;
  for (ModuleOp module : alive)
    if (module)
      forEachName(module, [&](StringRef name) { used.insert(name); });
  DialectResourceBlobManager &manager = blobsOf(context);
  SmallVector<StringRef> unused;
  int64_t bytes = 0;
  manager.getBlobMap([&](const auto &blobs) {
    for (const auto &entry : blobs) {
      const AsmResourceBlob *blob = entry.second.getBlob();
      if (!blob || blob->getData().empty() || foreign.contains(entry.first()) ||
          used.contains(entry.first()))
        continue;
      unused.push_back(entry.first());
      bytes += blob->getData().size();
    }
  });
  for (StringRef name : unused)
    manager.update(name, AsmResourceBlob());
#ifdef __GLIBC__
  // What passes and samples have left in between isn't given back by itself.
  malloc_trim(0);
#endif
  return bytes;
}
