//===- Constants.cpp - values that are there before a kernel runs ---------===//
#include "OpTable.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace dyadic::emulate {

static void appendElement(const APInt &value, unsigned width,
                          std::vector<char> &to) {
  uint64_t bits = value.getZExtValue();
  const char *bytes = reinterpret_cast<const char *>(&bits);
  to.insert(to.end(), bytes, bytes + width);
}

LogicalResult compileConstant(Compiler &compiler, Operation *op,
                              const OpEntry &) {
  Attribute value;
  if (!matchPattern(op, m_Constant(&value)))
    return op->emitError("expected a constant");
  Slot shape = *slotShape(op->getResult(0).getType());
  unsigned width = byteWidth(shape.kind);
  std::vector<char> elements;
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    appendElement(integer.getValue(), width, elements);
  } else if (auto real = dyn_cast<FloatAttr>(value)) {
    appendElement(real.getValue().bitcastToAPInt(), width, elements);
  } else if (auto dense = dyn_cast<DenseIntElementsAttr>(value)) {
    for (const APInt &element : dense.getValues<APInt>())
      appendElement(element, width, elements);
  } else if (auto dense = dyn_cast<DenseFPElementsAttr>(value)) {
    for (const APFloat &element : dense.getValues<APFloat>())
      appendElement(element.bitcastToAPInt(), width, elements);
  }
  if (elements.size() != size_t(width) * shape.components)
    return op->emitError("the emulator does not know this form of constant");
  compiler.setConstant(op->getResult(0), std::move(elements));
  return success();
}

/// Zeros, where any value would do.
LogicalResult compileUndefined(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  Slot shape = *slotShape(op->getResult(0).getType());
  compiler.setConstant(
      op->getResult(0),
      std::vector<char>(byteWidth(shape.kind) * shape.components));
  return success();
}

} // namespace dyadic::emulate
