//===- OpConverter.h - what the converters of TOSA ops share ----*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TOSA_OPCONVERTER_H
#define DYADIC_LIB_IMPORT_TOSA_OPCONVERTER_H

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"

namespace dyadic::tosa_import {

using Shape = llvm::SmallVector<int64_t>;

/// One TOSA op while it becomes ops of ours, which are built in front of it.
class OpConverter {
public:
  explicit OpConverter(mlir::Operation *op) : b(op), op(op) {}

  /// Error unless every tensor is f32 of a static shape; with `orQuantized`
  /// tensors of one quantized type will do.
  mlir::LogicalResult checkTypes(bool orQuantized);

  /// "expected X, but got Y" at the op.
  mlir::InFlightDiagnostic emitError() { return op->emitOpError(); }

  /// The elements of a constant operand, or an error that names it.
  mlir::FailureOr<HostTensor> constant(mlir::Value value, llvm::StringRef what);
  /// Those of a shape, a paddings list and the like.
  mlir::FailureOr<Shape> constantShape(mlir::Value value, llvm::StringRef what);
  /// Error unless the operand is a constant of zeros.
  mlir::LogicalResult expectZero(mlir::Value value, llvm::StringRef what);
  /// Error unless NaN passes through the op, as it does through ours.
  mlir::LogicalResult expectNaNPropagation(mlir::tosa::NanPropagationMode mode);

  mlir::Location loc() const { return op->getLoc(); }
  mlir::RankedTensorType resultType() const {
    return mlir::cast<mlir::RankedTensorType>(op->getResult(0).getType());
  }
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  /// An f32 constant of rank 0.
  mlir::Value scalar(float value);

  template <typename Op, typename... Args> mlir::Value create(Args &&...args) {
    return Op::create(b, op->getLoc(), std::forward<Args>(args)...);
  }

  mlir::OpBuilder b;

private:
  mlir::Operation *op;
};

/// What stands for the op's result; a failure has been reported.
using ConvertFn = mlir::FailureOr<mlir::Value> (*)(OpConverter &,
                                                   mlir::Operation *);
using ConverterTable = llvm::StringMap<ConvertFn>;

/// Adds `convert(OpConverter &, Op)` for one op.
template <typename Op,
          mlir::FailureOr<mlir::Value> (*convert)(OpConverter &, Op)>
void addConverter(ConverterTable &table) {
  table[Op::getOperationName()] = [](OpConverter &c, mlir::Operation *op) {
    return convert(c, mlir::cast<Op>(op));
  };
}

/// One group of ops each, a file each.
void addContractions(ConverterTable &table);
void addElementwise(ConverterTable &table);
void addMovement(ConverterTable &table);
void addPooling(ConverterTable &table);

/// Turns the ops that spell a softmax into qnn.softmax, before anything else is
/// converted.
void recognizeSoftmax(mlir::func::FuncOp func);

} // namespace dyadic::tosa_import

#endif
