//===- GraphImporter.h - from graph to function -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define DYADIC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "ConstantFolder.h"
#include "NodeImporter.h"

#include "dyadic/Import/ONNX/ImportONNX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dyadic::onnx_import {

/// Builds `@main` from a parsed graph. The graph's tensors are emptied as they
/// are read, so that weights are not held twice.
class GraphImporter {
public:
  GraphImporter(onnx::GraphProto &graph, int64_t opset, llvm::StringRef folder,
                const ONNXImportOptions &options, mlir::ModuleOp module);

  mlir::LogicalResult run();

private:
  mlir::Location locOf(llvm::StringRef name);

  mlir::LogicalResult addInputs();
  /// Makes an input that the user gave a value a constant; false for others.
  mlir::FailureOr<bool> fixInput(const onnx::ValueInfoProto &input);
  /// The input's shape: the model's where it is fixed, the user's elsewhere.
  /// Where both are silent, a line is added to `missing`.
  mlir::FailureOr<Shape> resolveInputShape(const onnx::ValueInfoProto &input,
                                           std::string &missing);
  mlir::LogicalResult checkSymbols(const onnx::ValueInfoProto &input,
                                   llvm::ArrayRef<int64_t> shape);

  void countUses(llvm::ArrayRef<const onnx::NodeProto *> nodes);
  mlir::LogicalResult importNode(const onnx::NodeProto &proto);
  mlir::LogicalResult foldOrConvert(const onnx::NodeProto &proto,
                                    llvm::ArrayRef<GraphValue *> inputs,
                                    llvm::ArrayRef<bool> usedOutputs,
                                    llvm::SmallVectorImpl<GraphValue> &results);
  /// The value of a name, reading an initializer at its first use.
  mlir::FailureOr<GraphValue *> lookup(llvm::StringRef name);
  void release(const onnx::NodeProto &proto);
  mlir::LogicalResult addOutputs();

  onnx::GraphProto &graph;
  int64_t opset;
  llvm::StringRef folder;
  const ONNXImportOptions &options;
  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  mlir::func::FuncOp function;
  llvm::StringMap<onnx::TensorProto *> initializers;
  llvm::StringMap<GraphValue> values;
  /// How many reads of a name are still to come.
  llvm::StringMap<int> uses;
  /// What a symbolic dimension was given, and by which input.
  llvm::StringMap<std::pair<int64_t, std::string>> symbols;
};

} // namespace dyadic::onnx_import

#endif
