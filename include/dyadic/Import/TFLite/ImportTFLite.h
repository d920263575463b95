//===- ImportTFLite.h - a TensorFlow Lite file as a qnn module --*- C++ -*-===//
#ifndef DYADIC_IMPORT_TFLITE_IMPORTTFLITE_H
#define DYADIC_IMPORT_TFLITE_IMPORTTFLITE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/Support/MemoryBufferRef.h"

namespace dyadic {

/// Whether bytes are a TensorFlow Lite model: by the file identifier TFL3.
bool isTFLite(llvm::StringRef bytes);

/// Reads a model into a module with one function `@main` of static shapes.
/// Float models are at level 1. Quantized ones are at level 2, with the file's
/// scales and zero points, and the function says so (kRoundingAttr): their
/// integer arithmetic is that of LiteRT's reference kernels. The buffer's
/// identifier names the model in messages. The file is verified before it is
/// read; every unsupported operator is reported, at the name of its result.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importTFLite(llvm::MemoryBufferRef model, mlir::MLIRContext *context);

} // namespace dyadic

#endif
