//===- GraphOrder.h - which nodes run, and in which order -------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_GRAPHORDER_H
#define DYADIC_LIB_IMPORT_ONNX_GRAPHORDER_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include "onnx-ml.pb.h"

namespace dyadic::onnx_import {

/// Whether a graph around this one defines a name.
using IsOutside = llvm::function_ref<bool(llvm::StringRef)>;

/// The nodes that the graph's outputs depend on, each after those it reads
/// from, otherwise in the file's order. Reports names that are defined twice
/// or read but never defined, and cycles with the nodes on them.
mlir::FailureOr<llvm::SmallVector<const onnx::NodeProto *>>
orderNodes(const onnx::GraphProto &graph, IsOutside isOutside,
           mlir::Location loc);

} // namespace dyadic::onnx_import

#endif
