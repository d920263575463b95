//===- OpConverter.h - what the converters of TOSA ops share ----*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TOSA_OPCONVERTER_H
#define DYADIC_LIB_IMPORT_TOSA_OPCONVERTER_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
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
  /// tensors of one quantized type will do, or of one storage type (ui8, i8,
  /// i16).
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
  /// The op that moves elements of `type`: one of dyadic for storage values,
  /// else one of qnn.
  template <typename QNNOp, typename IntegerOp, typename... Args>
  mlir::Value move(mlir::RankedTensorType type, Args &&...args) {
    if (type.getElementType().isInteger())
      return create<IntegerOp>(type, std::forward<Args>(args)...);
    return create<QNNOp>(type, std::forward<Args>(args)...);
  }
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  /// A storage image with TOSA's padding [top, bottom, left, right].
  mlir::Value padImage(mlir::Value image, llvm::ArrayRef<int64_t> pad,
                       int64_t value);
  /// The only element of a constant integer, if it is one. `isUnsigned` says
  /// that its bits are to be read so.
  std::optional<int64_t> integer(mlir::Value value, bool isUnsigned = false);
  /// An f32 constant of rank 0.
  mlir::Value scalar(float value);

  template <typename Op, typename... Args> mlir::Value create(Args &&...args) {
    return Op::create(b, op->getLoc(), std::forward<Args>(args)...);
  }

  mlir::OpBuilder b;

private:
  mlir::Operation *op;
};

/// Whether a tensor of this type holds storage values: ui8, i8 or i16, of a
/// static shape.
bool isStorage(mlir::Type type);
/// Whether a tensor's elements are integers that aren't quantized.
bool hasIntegers(mlir::Type type);

/// What stands for the op's result; a failure has been reported. Null where the
/// integer ops don't say what the op does.
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
/// Those that compute on integers, as TOSA's integer profile means them.
void addIntegerContractions(ConverterTable &table);
void addIntegerArithmetic(ConverterTable &table);

/// Turns the ops that spell a softmax into qnn.softmax, before anything else is
/// converted.
void recognizeSoftmax(mlir::func::FuncOp func);

/// Gives arguments, results and what lies between rescales the unsigned type
/// that TOSA states as a flag of the rescales only.
void stateSignedness(mlir::func::FuncOp func);

} // namespace dyadic::tosa_import

#endif
