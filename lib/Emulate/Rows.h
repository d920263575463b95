//===- Rows.h - results made of components of operands ---------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_ROWS_H
#define DYADIC_LIB_EMULATE_ROWS_H

#include "Compiler.h"

namespace dyadic::emulate {

/// The rows of an op's result, given by those of its operands.
class RowBuilder {
public:
  RowBuilder(Compiler &compiler, mlir::Operation *op)
      : compiler(compiler), op(op), result(compiler.define(op->getResult(0))),
        bytes(byteWidth(result.kind) *
              (result.uniform ? 1 : compiler.program.lanes)) {}

  /// Component `to` of the result is component `from` of `value`.
  void copy(int64_t to, mlir::Value value, int64_t from) {
    rows.push_back(
        {uint32_t(result.offset + to * bytes),
         uint32_t(compiler.operand(value, result.uniform) + from * bytes)});
  }
  int64_t components() const { return result.components; }
  mlir::LogicalResult finish() {
    compiler.emitRows(op, std::move(rows), bytes);
    return mlir::success();
  }

private:
  Compiler &compiler;
  mlir::Operation *op;
  Slot result;
  uint32_t bytes;
  std::vector<std::pair<uint32_t, uint32_t>> rows;
};

inline int64_t componentsOf(mlir::Value value) {
  return slotShape(value.getType())->components;
}

/// The first component at a static position of a vector.
inline int64_t linearize(mlir::VectorType type,
                         llvm::ArrayRef<int64_t> position) {
  int64_t index = 0;
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    index = index * extent + (i < position.size() ? position[i] : 0);
  return index;
}

} // namespace dyadic::emulate

#endif
