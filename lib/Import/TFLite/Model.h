//===- Model.h - a verified model file --------------------------*- C++ -*-===//
//
// The flatbuffer's own checks say that tables and vectors lie inside of the
// file. Here is what they can't know: that numbers of tensors, buffers and
// operators exist, that shapes make sense and that constants have as many bytes
// as their shapes say. What passed can be read without further checks.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_IMPORT_TFLITE_MODEL_H
#define DYADIC_LIB_IMPORT_TFLITE_MODEL_H

#include "model_generated.h"

#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <optional>

namespace dyadic::tflite_import {

using Shape = llvm::SmallVector<int64_t>;

/// The values of a vector that may be absent.
template <typename T>
llvm::ArrayRef<T> valuesOf(const flatbuffers::Vector<T> *vector) {
  return vector ? llvm::ArrayRef<T>(vector->data(), vector->size())
                : llvm::ArrayRef<T>();
}

/// One tensor of the graph.
class Tensor {
public:
  Tensor(const tflite::Tensor *table, llvm::ArrayRef<uint8_t> bytes,
         size_t index)
      : table(table), data(bytes), number(index) {}

  /// The file's name, or "tensor 7".
  std::string name() const;
  Shape shape() const;
  tflite::TensorType type() const { return table->type(); }
  llvm::ArrayRef<float> scales() const;
  llvm::ArrayRef<int64_t> zeroPoints() const;
  int64_t quantizedDimension() const;
  /// Whether the integers stand for reals.
  bool isQuantized() const { return !scales().empty(); }
  bool isVariable() const { return table->is_variable(); }
  /// Whether the elements are in the file.
  bool isConstant() const { return !data.empty(); }
  /// The elements of a constant; f16 as f32, i4 as i8.
  HostTensor read() const;

private:
  const tflite::Tensor *table;
  llvm::ArrayRef<uint8_t> data;
  size_t number;
};

/// One operator: numbers of tensors, −1 for what is left out.
struct Operator {
  tflite::BuiltinOperator code;
  /// Of a custom operator.
  llvm::StringRef customName;
  llvm::ArrayRef<int32_t> inputs, outputs;
  const tflite::Operator *table;

  /// "CONV_2D", or a custom operator's own name.
  std::string kind() const;
};

/// "float32", "int8", … for messages.
llvm::StringRef nameOf(tflite::TensorType type);

class Model {
public:
  /// Reports the first fault at `loc`. The bytes must outlive the model.
  static mlir::FailureOr<Model> open(llvm::StringRef bytes, mlir::Location loc);

  std::vector<Tensor> tensors;
  std::vector<Operator> operators;
  llvm::ArrayRef<int32_t> inputs, outputs;

private:
  mlir::LogicalResult addTensors(const tflite::Model &model,
                                 const tflite::SubGraph &graph,
                                 llvm::StringRef bytes, mlir::Location loc);
  mlir::LogicalResult addOperators(const tflite::Model &model,
                                   const tflite::SubGraph &graph,
                                   mlir::Location loc);
};

} // namespace dyadic::tflite_import

#endif
