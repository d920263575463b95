//===- ImportModel.h - a model file of any kind as a module -----*- C++ -*-===//
#ifndef DYADIC_IMPORT_IMPORTMODEL_H
#define DYADIC_IMPORT_IMPORTMODEL_H

#include "dyadic/Import/ONNX/ImportONNX.h"

namespace dyadic {

/// Reads the model at `path`, whose content says what it is: TensorFlow Lite by
/// its file identifier, ONNX otherwise. `options` are for what an ONNX model
/// leaves open.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(llvm::StringRef path, const ONNXImportOptions &options,
            mlir::MLIRContext *context);

/// The same from memory, with importONNX's parameters.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(llvm::MemoryBufferRef model, llvm::StringRef folder,
            const ONNXImportOptions &options, mlir::MLIRContext *context);

} // namespace dyadic

#endif
