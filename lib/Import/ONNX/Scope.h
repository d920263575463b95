//===- Scope.h - where a name means something -------------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_SCOPE_H
#define DYADIC_LIB_IMPORT_ONNX_SCOPE_H

#include "NodeImporter.h"

#include "mlir/IR/Block.h"

namespace dyadic::onnx_import {

/// The blocks of an op whose regions see nothing of what is outside of them:
/// what they read of it becomes an operand of the op and an argument of each
/// block, behind the arguments that the blocks have of their own.
struct Capture {
  llvm::SmallVector<mlir::Block *, 2> blocks;
  llvm::SmallVector<mlir::Value> operands;

  /// The argument of `block`, one of `blocks`, that `outside` is there.
  mlir::Value get(mlir::Block *block, mlir::Value outside);
};

/// The names of one graph: the model's, a branch's, a loop's body or a
/// function's.
struct Scope {
  explicit Scope(const onnx::GraphProto &graph, int64_t opset,
                 Scope *parent = nullptr);

  const onnx::GraphProto &graph;
  int64_t opset;
  /// Whose names are known here too; a function has none.
  Scope *parent;
  /// What stands before the names of nodes in messages and reports.
  std::string prefix;
  /// Where the graph's ops are in a region: which block, and how they come by
  /// what is outside.
  mlir::Block *block = nullptr;
  Capture *capture = nullptr;
  /// Of a graph that is read once: its initializers are emptied as they are
  /// read, so that weights aren't held twice.
  onnx::GraphProto *consumed = nullptr;

  llvm::StringMap<int> initializers; // by their place in the graph
  llvm::StringMap<GraphValue> values;
  /// How many reads of a name are still to come.
  llvm::StringMap<int> uses;
};

/// Calls `visit` with every name that the node reads: its inputs, and what the
/// graphs among its attributes read of the graph it is in.
void forEachRead(const onnx::NodeProto &node,
                 llvm::function_ref<void(llvm::StringRef)> visit);

} // namespace dyadic::onnx_import

#endif
