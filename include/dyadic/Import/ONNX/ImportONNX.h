//===- ImportONNX.h - an ONNX file as a qnn module --------------*- C++ -*-===//
#ifndef DYADIC_IMPORT_ONNX_IMPORTONNX_H
#define DYADIC_IMPORT_ONNX_IMPORTONNX_H

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"


#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace dyadic {

/// What the model file leaves open.
struct ONNXImportOptions {
  /// The full shape of an input by its name, required where the model's own
  /// has symbolic dimensions.
  llvm::StringMap<llvm::SmallVector<int64_t>> shapes;
  /// The dimension of an input that stays open: `shapes` has its longest extent,
  /// and all that are open are the same length.
  struct OpenDimension {
    int64_t dim;
    LengthRange lengths;
  };
  llvm::StringMap<OpenDimension> open;
  /// The value of an input that is fixed to it and so no input of the program:
  /// what decides shapes or axes must be known. A list of numbers takes the
  /// input's shape, and numbers its element type if that changes none of them.
  llvm::StringMap<HostTensor> values;
  /// How many bytes of weights a file may have as nothing but a shape and a number
  /// (ConstantOfShape): what else is made is bounded by the weights there are.
  int64_t fillBytes = int64_t{1} << 30;
};

/// Sets the shape of an input: "1x3x48x320", or with a dimension left open
/// "1x3x48x32..640" and "1x3x48x32..640:8". False where `text` is none.
bool addInputShape(llvm::StringRef name, llvm::StringRef text,
                   ONNXImportOptions &options);

/// Reads "name=1,2,3" or "name=file.npy" into `options.values`.
llvm::Error addInputValue(llvm::StringRef text, ONNXImportOptions &options);

/// Reads the model at `path` (opset 6 and newer, weights inside or in files
/// beside it) into a module with one function `@main` of static f32 tensors at
/// level 1. Every fault of the model is reported at its node; unsupported nodes
/// are all reported before the function fails.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::StringRef path, const ONNXImportOptions &options,
           mlir::MLIRContext *context);

/// The same from memory. The buffer's identifier names the model in messages;
/// weights outside of it are looked for in `folder`.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::MemoryBufferRef model, llvm::StringRef folder,
           const ONNXImportOptions &options, mlir::MLIRContext *context);

} // namespace dyadic

#endif
