//===- ImportModel.cpp ----------------------------------------------------===//
#include "dyadic/Import/ImportModel.h"

#include "dyadic/Import/TFLite/ImportTFLite.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace dyadic {

FailureOr<OwningOpRef<ModuleOp>>
importModel(llvm::MemoryBufferRef model, StringRef folder,
            const ONNXImportOptions &options, MLIRContext *context) {
  if (!isTFLite(model.getBuffer()))
    return importONNX(model, folder, options, context);
  if (!options.shapes.empty())
    return emitError(NameLoc::get(
               StringAttr::get(context, model.getBufferIdentifier())))
           << "expected no --shape: a TensorFlow Lite model says the shapes of "
              "all its tensors";
  return importTFLite(model, context);
}

FailureOr<OwningOpRef<ModuleOp>> importModel(StringRef path,
                                             const ONNXImportOptions &options,
                                             MLIRContext *context) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return emitError(NameLoc::get(StringAttr::get(context, path)))
           << "cannot read the model: " << buffer.getError().message();
  return importModel({(*buffer)->getBuffer(), path},
                     llvm::sys::path::parent_path(path), options, context);
}

} // namespace dyadic
