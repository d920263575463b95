//===- NodeImporter.h - what an op's converter works with -------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_NODEIMPORTER_H
#define DYADIC_LIB_IMPORT_ONNX_NODEIMPORTER_H

#include "Node.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"

#include "mlir/IR/Builders.h"

#include <memory>

namespace dyadic::onnx_import {

/// What a name in the graph stands for: a known tensor, a run-time value, or
/// (neither) the result of a node that failed.
struct GraphValue {
  std::shared_ptr<const HostTensor> constant;
  /// The tensor; for a constant, made when it is first used as one. For weights
  /// that the model quantized, `constant` has their reals and this is the
  /// qnn.dequantize of what is stored.
  mlir::Value value;
  /// The model's element type, where the tensor's own says less: INT4 is kept in
  /// bytes. Zero: the tensor's own.
  int32_t dataType = 0;
  /// Of a failed node's result: that it depends on the graph's inputs.
  bool dependsOnInputs = false;

  bool isRunTime() const { return !constant && (value || dependsOnInputs); }
  bool isKnown() const { return constant || value; }
  llvm::ArrayRef<int64_t> shape() const;
};

inline mlir::Type elementOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}

/// Whether a tensor holds indices or masks, not reals.
inline bool isInteger(mlir::Value value) {
  return llvm::isa<mlir::IntegerType>(elementOf(value));
}

/// Whether `value` is a constant with scales that the model gives.
bool isQuantizedConstant(mlir::Value value);

/// One node with its operands, and the means to emit qnn ops for it. A null
/// Value stands for an error that was reported; every method passes it on, so
/// that a converter checks only where it looks at a shape, and at its end.
class NodeImporter : public Node {
public:
  NodeImporter(const onnx::NodeProto &proto, int64_t opset, mlir::Location loc,
               ConstantAllowance &allowance, mlir::OpBuilder &builder,
               llvm::ArrayRef<GraphValue *> inputs,
               llvm::ArrayRef<bool> usedOutputs)
      : Node(proto, opset, loc, allowance), builder(builder), inputs(inputs),
        usedOutputs(usedOutputs), outputs(usedOutputs.size()) {}

  size_t numInputs() const { return inputs.size(); }
  size_t numOutputs() const { return outputs.size(); }
  bool hasInput(size_t i) const { return i < inputs.size() && inputs[i]; }
  /// Whether anything reads output `i`.
  bool isUsed(size_t i) const {
    return i < usedOutputs.size() && usedOutputs[i];
  }

  /// Input `i` as a f32 tensor; one of f64 is rounded.
  mlir::Value input(size_t i);
  /// Input `i` as a tensor of reals or integers.
  mlir::Value anyInput(size_t i);
  /// Input `i` as f32 if it has floats of any type, else as it is.
  mlir::Value number(size_t i);
  /// Whether input `i` is a constant that the model quantized: `input(i)` keeps
  /// what is stored, `constant(i)` has the reals.
  bool isQuantizedConstant(size_t i) const;
  /// The model's element type of input `i`, an onnx::TensorProto::DataType.
  int32_t dataType(size_t i) const;
  /// The extents of input `i`, which must be there.
  llvm::ArrayRef<int64_t> shapeOfInput(size_t i) const {
    return inputs[i]->shape();
  }
  mlir::MLIRContext *getContext() const { return builder.getContext(); }
  /// Input `i` if it is known now, else null.
  const HostTensor *constant(size_t i) const;
  /// Reports that input `i`, called `what`, would have to be known: an input of
  /// the graph that decides it can be fixed by --value.
  mlir::LogicalResult mustBeKnown(size_t i, const llvm::Twine &what) const;
  /// The one number that input `i` is, or an error.
  mlir::FailureOr<float> scalar(size_t i, llvm::StringRef what);
  /// The integers of a list that is attribute `name` before opset `since` and
  /// the constant input `index` from then on; absent is `fallback`.
  mlir::FailureOr<Shape> intsArgument(size_t index, llvm::StringRef name,
                                      int64_t since,
                                      llvm::ArrayRef<int64_t> fallback = {});

  mlir::LogicalResult setOutput(mlir::Value value) {
    return setOutput(0, value);
  }
  mlir::LogicalResult setOutput(size_t i, mlir::Value value);
  /// An output that turned out to be known.
  mlir::LogicalResult setOutput(HostTensor value);
  /// Says the model's element type of the first output.
  void setDataType(int32_t type) { outputType = type; }
  int32_t getOutputType() const { return outputType; }
  llvm::ArrayRef<mlir::Value> getOutputs() const { return outputs; }
  /// The known value of the first output, or null.
  std::shared_ptr<const HostTensor> getKnownOutput() const { return known; }

  //===--- Emitting ops ---------------------------------------------------===//

  /// An op whose result type is inferred; null after reporting why it can't.
  template <typename OpTy>
  mlir::Value emit(mlir::ValueRange operands,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    return emit(OpTy::getOperationName(), operands, attributes);
  }
  mlir::Value emit(llvm::StringRef opName, mlir::ValueRange operands,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes);
  /// An op of one operand whose result has the operand's shape and `element`.
  template <typename OpTy>
  mlir::Value emitAs(mlir::Type element, mlir::Value operand) {
    if (!operand)
      return {};
    auto type = llvm::cast<mlir::RankedTensorType>(operand.getType());
    return OpTy::create(builder, getLoc(), type.clone(element), operand);
  }
  /// Integers of 8 bits as a quantized tensor, for ops that compare or move them;
  /// anything else as it is.
  mlir::Value asQuantized(mlir::Value value);
  /// The integers that store `value`, if it is quantized.
  mlir::Value asStored(mlir::Value value);
  /// A constant whose elements are stored as `tensor` and stand for reals.
  mlir::Value quantizedConstant(HostTensor tensor,
                                mlir::quant::QuantizedType type);

  /// Whether a result may have `shape`; reports why not.
  bool checkResultShape(llvm::ArrayRef<int64_t> shape);
  mlir::Value constantTensor(HostTensor tensor);
  mlir::Value constantTensor(llvm::ArrayRef<float> values,
                             llvm::ArrayRef<int64_t> shape);
  /// `count` times `value`.
  mlir::Value filledTensor(int64_t count, float value);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value toChannelsLast(mlir::Value value);
  mlir::Value toChannelsFirst(mlir::Value value);
  mlir::Value slice(mlir::Value value, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> sizes,
                    llvm::ArrayRef<int64_t> strides);
  mlir::Value concat(mlir::ValueRange values, int64_t axis);
  mlir::Value pad(mlir::Value value, llvm::ArrayRef<int64_t> low,
                  llvm::ArrayRef<int64_t> high, float with);

  //===--- Computations ---------------------------------------------------===//

  /// A qnn.compute named after the node's op; null values where an operand is.
  /// Bodies see tensors as they are in memory: integers signless, booleans i8.
  llvm::SmallVector<mlir::Value> compute(mlir::TypeRange results,
                                         mlir::ValueRange operands,
                                         qnn::ComputeBody body);
  /// A qnn.compute that applies a scalar function to broadcast operands, whose
  /// results are of type `element`; reports shapes that don't go together.
  mlir::Value elementwise(mlir::Type element, mlir::ValueRange operands,
                          qnn::ScalarBody body);
  /// A qnn.compute that says what each element of the result is, by its indices.
  mlir::Value indexed(mlir::RankedTensorType result, mlir::ValueRange operands,
                      qnn::IndexedBody body);
  /// A constant as something that is computed, as results must be.
  mlir::Value copied(mlir::Value constant);
  /// ONNX's Cast.
  mlir::Value cast(mlir::Value value, mlir::Type element);
  mlir::OpBuilder &getBuilder() { return builder; }

  mlir::NamedAttribute attr(llvm::StringRef name,
                            llvm::ArrayRef<int64_t> value);
  mlir::NamedAttribute attr(llvm::StringRef name, int64_t value);
  mlir::NamedAttribute floatAttr(llvm::StringRef name, float value);
  mlir::NamedAttribute boolAttr(llvm::StringRef name, bool value);

  /// Before opset 7 the second operand of arithmetic broadcast if an attribute
  /// said so, its first dimension at an axis of the first's. Gives it the
  /// extents of one behind that NumPy's rule wants.
  void alignLegacyOperand();

private:
  mlir::OpBuilder &builder;
  llvm::ArrayRef<GraphValue *> inputs;
  llvm::ArrayRef<bool> usedOutputs;
  llvm::SmallVector<mlir::Value> outputs;
  /// The second operand in another shape, and the inputs with it.
  GraphValue aligned;
  llvm::SmallVector<GraphValue *> alignedInputs;
  std::shared_ptr<const HostTensor> known;
  int32_t outputType = 0;
};

/// Reports at `node` that `values`, together called `what`, would have to be
/// known, and which inputs of the graph to fix by --value.
mlir::LogicalResult reportMustBeKnown(const Node &node,
                                      llvm::ArrayRef<GraphValue *> values,
                                      const llvm::Twine &what);

} // namespace dyadic::onnx_import

#endif
