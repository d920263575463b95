//===- GraphImporter.h - from graph to function -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define DYADIC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "ConstantFolder.h"
#include "Scope.h"

#include "dyadic/Import/ONNX/ImportONNX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dyadic::onnx_import {

/// Builds `@main` from a parsed model. The graph's tensors are emptied as they
/// are read, so that weights are not held twice.
class GraphImporter {
public:
  GraphImporter(onnx::ModelProto &model, int64_t opset, llvm::StringRef folder,
                const ONNXImportOptions &options, mlir::ModuleOp module);

  mlir::LogicalResult run();

  //===--- For nodes that hold graphs or call functions -------------------===//

  /// Imports a graph where the builder stands. `arguments` are its inputs;
  /// `results` become its outputs, unknown ones where a node failed.
  mlir::LogicalResult inlineGraph(Scope &inside,
                                  llvm::ArrayRef<GraphValue> arguments,
                                  llvm::SmallVectorImpl<GraphValue> &results);
  /// The graph around the node that is being imported.
  Scope &currentScope() { return *scope; }
  mlir::OpBuilder &getBuilder() { return builder; }
  /// The value of a name, reading an initializer at its first use.
  mlir::FailureOr<GraphValue *> lookup(llvm::StringRef name) {
    return lookup(*scope, name);
  }
  /// The model's own function of this name; null where there is none.
  const onnx::FunctionProto *findFunction(const onnx::NodeProto &call) const;

private:
  mlir::Location locOf(llvm::StringRef name);

  mlir::LogicalResult addInputs();
  /// Writes that a dimension of an argument is the program's length.
  mlir::LogicalResult leaveOpen(unsigned argument,
                                const onnx::ValueInfoProto &input,
                                const ONNXImportOptions::OpenDimension &open);
  /// Makes an input that the user gave a value a constant; false for others.
  mlir::FailureOr<bool> fixInput(const onnx::ValueInfoProto &input);
  /// The input's shape: the model's where it is fixed, the user's elsewhere.
  /// Where both are silent, a line is added to `missing`.
  mlir::FailureOr<Shape> resolveInputShape(const onnx::ValueInfoProto &input,
                                           std::string &missing);
  mlir::LogicalResult checkSymbols(const onnx::ValueInfoProto &input,
                                   llvm::ArrayRef<int64_t> shape);

  void countUses(llvm::ArrayRef<const onnx::NodeProto *> nodes);
  /// The nodes of the current scope's graph.
  mlir::LogicalResult importNodes();
  mlir::LogicalResult importNode(const onnx::NodeProto &proto);
  mlir::LogicalResult foldOrConvert(const onnx::NodeProto &proto,
                                    llvm::ArrayRef<GraphValue *> inputs,
                                    llvm::ArrayRef<bool> usedOutputs,
                                    llvm::SmallVectorImpl<GraphValue> &results);
  mlir::FailureOr<GraphValue *> lookup(Scope &at, llvm::StringRef name);
  void release(const onnx::NodeProto &proto);
  mlir::LogicalResult addOutputs();

  onnx::ModelProto &model;
  onnx::GraphProto &graph;
  llvm::StringRef folder;
  const ONNXImportOptions &options;
  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  mlir::func::FuncOp function;
  ConstantAllowance allowance;
  Scope top;
  Scope *scope = &top;
  /// How many graphs are around the one being imported, and how many nodes all
  /// of them together have had so far.
  int depth = 0;
  int64_t inlinedNodes = 0;
  /// What a symbolic dimension was given, and by which input.
  llvm::StringMap<std::pair<int64_t, std::string>> symbols;
};

} // namespace dyadic::onnx_import

#endif
