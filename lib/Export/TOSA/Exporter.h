//===- Exporter.h - what the exporters of integer ops share -----*- C++ -*-===//
#ifndef DYADIC_LIB_EXPORT_TOSA_EXPORTER_H
#define DYADIC_LIB_EXPORT_TOSA_EXPORTER_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringMap.h"

namespace dyadic::tosa_export {

using Shape = llvm::SmallVector<int64_t>;

/// What a ui8 tensor's values lose when they become i8.
int64_t offsetOf(mlir::Type type);
/// The type with which TOSA has the values: ui8 is i8.
mlir::RankedTensorType exportedType(mlir::Type type);

/// The numbers of a tosa.rescale.
struct RescaleNumbers {
  llvm::ArrayRef<int32_t> multipliers, shifts;
  int64_t inputZp = 0, outputZp = 0;
  mlir::tosa::RoundingMode rounding = mlir::tosa::RoundingMode::SINGLE_ROUND;
  bool inputUnsigned = false, outputUnsigned = false;
};

/// One op while it becomes TOSA ops, which are built in front of it. The values
/// of ours stay until all ops are exported; `map` has what stands for them.
class Exporter {
public:
  Exporter(mlir::Operation *op, mlir::IRMapping &map)
      : b(op), op(op), map(map) {}

  /// What stands for an operand.
  mlir::Value operand(mlir::Value value) const { return map.lookup(value); }
  mlir::RankedTensorType resultType() const {
    return exportedType(op->getResult(0).getType());
  }
  mlir::InFlightDiagnostic emitError() { return op->emitOpError(); }

  template <typename Op, typename... Args> mlir::Value create(Args &&...args) {
    return Op::create(b, op->getLoc(), std::forward<Args>(args)...);
  }

  /// A constant whose elements all are `value`.
  mlir::Value splat(mlir::RankedTensorType type, int64_t value);
  mlir::Value splat(mlir::RankedTensorType type, float value);
  /// One element of the type's own element type, as zero points are.
  mlir::Value single(mlir::Type elementType, int64_t value);
  mlir::Value constant(mlir::ElementsAttr value);
  mlir::Value shape(llvm::ArrayRef<int64_t> extents);

  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value slice(mlir::Value value, llvm::ArrayRef<int64_t> start,
                    llvm::ArrayRef<int64_t> size);
  /// With leading extents of one up to `rank`: TOSA broadcasts equal ranks only.
  mlir::Value toRank(mlir::Value value, int64_t rank);
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs,
                       mlir::RankedTensorType type);
  mlir::Value rescale(mlir::Value value, mlir::RankedTensorType type,
                      const RescaleNumbers &numbers);
  /// (value − zeroPoint) · factor as i32, `value` being one of ours.
  mlir::Value widen(mlir::Value value, int64_t zeroPoint, int64_t factor = 1);

  mlir::OpBuilder b;

private:
  mlir::Operation *op;
  mlir::IRMapping &map;
};

/// What stands for the op's result; a failure has been reported.
using ExportFn = mlir::FailureOr<mlir::Value> (*)(Exporter &,
                                                  mlir::Operation *);
using ExportTable = llvm::StringMap<ExportFn>;

/// Adds `convert(Exporter &, Op)` for one op.
template <typename Op, mlir::FailureOr<mlir::Value> (*convert)(Exporter &, Op)>
void addExport(ExportTable &table) {
  table[Op::getOperationName()] = [](Exporter &e, mlir::Operation *op) {
    return convert(e, mlir::cast<Op>(op));
  };
}

/// One group of ops each, a file each.
void addArithmetic(ExportTable &table);
void addBorders(ExportTable &table);
void addContractions(ExportTable &table);
void addMovement(ExportTable &table);

} // namespace dyadic::tosa_export

#endif
