//===- TensorReader.h - stored tensors into memory --------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_TENSORREADER_H
#define DYADIC_LIB_IMPORT_ONNX_TENSORREADER_H

#include "TensorShape.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Types.h"

#include "onnx-ml.pb.h"

namespace dyadic::onnx_import {

/// Reads a stored tensor: from its typed fields, its raw bytes, or a file
/// below `folder`. Half-precision elements become float32. Nothing is
/// allocated before the bytes that the shape asks for are known to exist.
mlir::FailureOr<HostTensor>
readTensor(const onnx::TensorProto &tensor, llvm::StringRef folder,
           llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// Makes the bytes of a tensor proto available to others.
void releaseBytes(onnx::TensorProto &tensor);

/// The name of an element type as ONNX writes it: "FLOAT16".
std::string dataTypeName(int32_t type);

/// The element type that tensors of an ONNX type have at the graph's border,
/// where those of 16-bit floats are no float32 yet; null where there is none.
mlir::Type borderElement(int32_t type, mlir::MLIRContext *context);

/// The kind that tensors of an ONNX element type are held in.
std::optional<ElementKind> kindOfDataType(int32_t type);

} // namespace dyadic::onnx_import

#endif
