//===- Repetition.h - what Loop and Scan have in common ---------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_REPETITION_H
#define DYADIC_LIB_IMPORT_ONNX_REPETITION_H

#include "ControlFlow.h"

#include "llvm/ADT/StringSet.h"

namespace dyadic::onnx_import {

/// A scalar that is known.
GraphValue knownNumber(ElementKind kind, int64_t number);

/// A body that is run with values which one iteration hands to the next, and
/// whose other outputs are collected.
class Repetition {
public:
  Repetition(GraphImporter &importer, NodeImporter &node,
             const onnx::GraphProto &body)
      : importer(importer), node(node), body(body) {}
  virtual ~Repetition() = default;

  mlir::LogicalResult run(llvm::MutableArrayRef<GraphValue> results);

protected:
  /// The body's inputs in the iteration of this number.
  virtual mlir::FailureOr<llvm::SmallVector<GraphValue>>
  argumentsOf(const GraphValue &iteration,
              llvm::ArrayRef<GraphValue> carried) = 0;
  /// Dimension of the result number `i` of those that are collected along which
  /// it is, of `rank` dimensions, and whether the last iteration comes first.
  virtual mlir::FailureOr<int64_t> collectedAxis(size_t i, int64_t rank) {
    return 0;
  }
  virtual bool isReversed(size_t i) { return false; }

  GraphImporter &importer;
  NodeImporter &node;
  const onnx::GraphProto &body;
  /// The values before the first iteration.
  llvm::SmallVector<GraphValue> initial;
  /// Where the carried values are among the body's inputs and outputs. The
  /// output before them, if there is one, is the condition.
  size_t carriedInput = 0, carriedOutput = 0;
  /// The number of iterations, if it is limited and known, or the input that
  /// has it.
  std::optional<int64_t> trips;
  std::optional<size_t> tripsInput;
  /// The condition before the first iteration; none: it is true.
  GraphValue *condition = nullptr;
  /// In a qnn.loop, how its body comes by what is outside; null otherwise.
  Capture *capture = nullptr;

private:
  size_t numCollected() const {
    return body.output_size() - carriedOutput - initial.size();
  }
  void findRunTimeNames();
  bool isWorthUnrolling() const;
  mlir::LogicalResult unroll(llvm::MutableArrayRef<GraphValue> results);
  mlir::FailureOr<GraphValue> stack(size_t i,
                                    llvm::MutableArrayRef<GraphValue> parts);
  mlir::LogicalResult emitLoop(llvm::MutableArrayRef<GraphValue> results);
  /// The first `count` of the body's outputs as it yields them.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  importBody(mlir::Block *block, mlir::TypeRange carriedTypes, size_t count);
  mlir::LogicalResult checkCollected(const GraphValue &next);
  mlir::Value arrange(size_t i, mlir::Value whole);

  /// The body's names that are not known when the iteration's number is.
  llvm::StringSet<> runTime;
};

} // namespace dyadic::onnx_import

#endif
