//===- NodeImporter.h - what an operator's converter works with -*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TFLITE_NODEIMPORTER_H
#define DYADIC_LIB_IMPORT_TFLITE_NODEIMPORTER_H

#include "Model.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"

#include "mlir/IR/Builders.h"

namespace dyadic::tflite_import {

inline mlir::Type elementOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}

/// The element type of a tensor: f32, an integer, or a quantized type with the
/// file's scales. Null where qnn has no such type.
mlir::Type elementTypeOf(const Tensor &tensor, mlir::MLIRContext *context);

/// One operator with its operands, and the means to emit qnn ops for it. A null
/// Value stands for an error that was reported; every method passes it on.
class NodeImporter {
public:
  NodeImporter(const Model &model, const Operator &op, mlir::Location loc,
               mlir::OpBuilder &builder,
               llvm::ArrayRef<mlir::Value> values)
      : model(model), op(op), loc(loc), builder(builder), values(values),
        outputs(op.outputs.size()) {}

  mlir::Location getLoc() const { return loc; }
  mlir::OpBuilder &getBuilder() { return builder; }
  const Operator &getOperator() const { return op; }
  /// "CONV_2D: ", at the operator's name.
  mlir::InFlightDiagnostic emitError() const;
  mlir::InFlightDiagnostic unsupported(const llvm::Twine &what) const;

  size_t numInputs() const { return op.inputs.size(); }
  size_t numOutputs() const { return op.outputs.size(); }
  bool hasInput(size_t i) const {
    return i < op.inputs.size() && op.inputs[i] >= 0;
  }
  const Tensor &inputTensor(size_t i) const {
    return model.tensors[op.inputs[i]];
  }
  const Tensor &outputTensor(size_t i = 0) const {
    return model.tensors[op.outputs[i]];
  }
  /// The element type of a result.
  mlir::Type outputType(size_t i = 0) const;
  /// Whether the first result is quantized.
  bool isQuantized() const { return outputTensor().isQuantized(); }

  /// Input `i`, whatever its elements.
  mlir::Value input(size_t i);
  /// Input `i` if its elements are in the file.
  std::optional<HostTensor> constant(size_t i) const;
  /// The integers that input `i` is, or an error that it isn't known.
  mlir::FailureOr<Shape> integers(size_t i, llvm::StringRef what) const;

  /// The operator's options of type `T`, or an error.
  template <typename T> const T *options() const {
    const T *found = op.table->builtin_options_as<T>();
    if (!found)
      emitError() << "its options are missing or of another operator";
    return found;
  }

  /// The same, and input 0 in `input`; null if there is an error with either.
  template <typename T> const T *options(mlir::Value &input) {
    const T *found = options<T>();
    input = this->input(0);
    return input ? found : nullptr;
  }

  mlir::LogicalResult setOutput(mlir::Value value, size_t i = 0);
  llvm::ArrayRef<mlir::Value> getOutputs() const { return outputs; }

  //===--- Emitting ops ---------------------------------------------------===//

  /// An op whose shape is inferred, with elements of type `element` (null: as
  /// inferred); null after reporting why it can't be.
  template <typename OpTy>
  mlir::Value emit(mlir::ValueRange operands, mlir::Type element,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    return emit(OpTy::getOperationName(), operands, element, attributes);
  }
  mlir::Value emit(llvm::StringRef opName, mlir::ValueRange operands,
                   mlir::Type element,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes);

  /// A constant whose elements are those of `type`: storage values where it is
  /// quantized.
  mlir::Value constantTensor(HostTensor tensor, mlir::Type element);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  /// The integers that store a quantized tensor; other tensors as they are.
  mlir::Value stored(mlir::Value value);
  /// Stored integers as elements of result `i`.
  mlir::Value quantized(mlir::Value value, size_t i = 0);
  /// The shape that the values broadcast to, or an error.
  mlir::FailureOr<Shape> broadcast(mlir::ValueRange values) const;
  /// `axis` counted from the front, or an error.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank) const;
  /// The function that an operator applies to its result.
  mlir::Value activate(mlir::Value value, tflite::Activation activation);

  mlir::NamedAttribute attr(llvm::StringRef name, llvm::ArrayRef<int64_t> value);
  mlir::NamedAttribute attr(llvm::StringRef name, int64_t value);
  mlir::NamedAttribute floatAttr(llvm::StringRef name, float value);
  mlir::NamedAttribute boolAttr(llvm::StringRef name, bool value);

private:
  const Model &model;
  const Operator &op;
  mlir::Location loc;
  mlir::OpBuilder &builder;
  llvm::ArrayRef<mlir::Value> values;
  llvm::SmallVector<mlir::Value> outputs;
};

/// "[1, 2, 3]"
std::string toString(llvm::ArrayRef<int64_t> shape);


} // namespace dyadic::tflite_import

#endif
