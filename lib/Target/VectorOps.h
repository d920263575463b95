//===- VectorOps.h - short names for what targets build ---------*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_VECTOROPS_H
#define DYADIC_LIB_TARGET_VECTOROPS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace dyadic {

/// A builder at one location.
class VectorOps {
public:
  VectorOps(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  static mlir::VectorType typeOf(mlir::Value vector) {
    return llvm::cast<mlir::VectorType>(vector.getType());
  }
  static int64_t width(mlir::Value vector) {
    return typeOf(vector).getNumElements();
  }
  mlir::VectorType type(int64_t width, mlir::Type element) {
    return mlir::VectorType::get(width, element);
  }

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value index, int64_t offset);

  /// `width` elements of `memref` from `index` on.
  mlir::Value load(int64_t width, mlir::Value memref, mlir::Value index);
  /// Asks for the cache line of an element, into the second cache. The index may
  /// lie beyond the memory.
  void prefetch(mlir::Value memref, mlir::Value index);
  /// Constants of every lane; also for floats.
  mlir::Value splat(mlir::VectorType type, int64_t value);
  mlir::Value splat(mlir::VectorType type, double value);
  mlir::Value zero(mlir::VectorType type);
  mlir::Value bitcast(int64_t width, mlir::Type element, mlir::Value vector);
  mlir::Value broadcast(int64_t width, mlir::Value one);
  /// Lanes [begin, begin + width).
  mlir::Value slice(mlir::Value vector, int64_t begin, int64_t width);
  /// `vector` with `part` from lane `begin` on.
  mlir::Value insert(mlir::Value part, mlir::Value vector, int64_t begin);
  /// The lanes with these numbers of `a` and, behind it, `b`.
  mlir::Value shuffle(mlir::Value x, mlir::Value y,
                      llvm::ArrayRef<int64_t> lanes);
  /// Lanes as wider integers.
  mlir::Value extend(mlir::Value vector, mlir::Type element, bool isUnsigned);
  mlir::Value clamp(mlir::Value vector, int64_t low, int64_t high);
  /// x · y + z, rounded once. (vector.fma becomes fmuladd, which LLVM takes
  /// apart where it may not fuse by itself.)
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value callIntrinsic(llvm::StringRef name, mlir::Type result,
                            mlir::ValueRange operands);
};

} // namespace dyadic

#endif
