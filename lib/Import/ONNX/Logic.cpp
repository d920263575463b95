//===- Logic.cpp - comparisons, booleans and what they choose -------------===//
//
// A boolean that is computed at run time is 0 or 1 in f32: it masks floats in the
// end. Integers are compared as f32 too, where that can't change the outcome.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// f32 tells all integers below this magnitude apart, from each other and from
/// those beyond.
static constexpr int64_t kExactIntegers = int64_t{1} << 24;

/// Input `i` as f32, whatever its type.
static Value asReal(NodeImporter &node, size_t i) {
  if (const HostTensor *known = node.constant(i);
      known && known->kind != ElementKind::F32)
    return node.constantTensor(toFloats(*known), known->shape);
  Value value = node.anyInput(i);
  return value && isInteger(value) ? node.emit<qnn::CastOp>(value) : value;
}

/// Whether f32 tells the elements of input `i` apart.
static bool isExact(NodeImporter &node, size_t i) {
  if (const HostTensor *known = node.constant(i))
    return known->kind == ElementKind::F32 ||
           (!isFloat(known->kind) &&
            llvm::all_of(toInts(*known), [](int64_t x) {
              return -kExactIntegers < x && x < kExactIntegers;
            }));
  Value value = node.anyInput(i);
  return value &&
         (!isInteger(value) || cast<RankedTensorType>(value.getType())
                                       .getElementType()
                                       .getIntOrFloatBitWidth() <= 16);
}

/// x = y or x < y; `swaps` exchanges the operands, `orEqual` admits equal ones.
template <typename OpTy, bool swaps = false, bool orEqual = false>
static LogicalResult convertComparison(NodeImporter &node) {
  // An integer near the limit may round onto it, but not past a smaller one.
  if (!isExact(node, 0) && !isExact(node, 1))
    return node.unsupported("comparing two integers of more than 16 bits, both "
                            "computed at run time or large,");
  Value lhs = asReal(node, swaps ? 1 : 0), rhs = asReal(node, swaps ? 0 : 1);
  Value result = node.emit<OpTy>({lhs, rhs});
  if (orEqual)
    result = node.emit<qnn::MaximumOp>(
        {result, node.emit<qnn::EqualOp>({lhs, rhs})});
  return node.setOutput(result);
}

static LogicalResult convertNot(NodeImporter &node) {
  return node.setOutput(node.emit<qnn::SubOp>(
      {node.constantTensor({1.0f}, {}), asReal(node, 0)}));
}

template <typename OpTy>
static LogicalResult convertLogical(NodeImporter &node) {
  return node.setOutput(node.emit<OpTy>({asReal(node, 0), asReal(node, 1)}));
}

static LogicalResult convertWhere(NodeImporter &node) {
  return node.setOutput(node.emit<qnn::SelectOp>(
      {asReal(node, 0), node.input(1), node.input(2)}));
}

ArrayRef<OpEntry> logicOps() {
  static const OpEntry entries[] = {
      {"Equal", 2, 2, convertComparison<qnn::EqualOp>},
      {"Less", 2, 2, convertComparison<qnn::LessOp>},
      {"Greater", 2, 2, convertComparison<qnn::LessOp, true>},
      {"LessOrEqual", 2, 2, convertComparison<qnn::LessOp, false, true>, 12},
      {"GreaterOrEqual", 2, 2, convertComparison<qnn::LessOp, true, true>, 12},
      {"Not", 1, 1, convertNot},
      {"And", 2, 2, convertLogical<qnn::MinimumOp>},
      {"Or", 2, 2, convertLogical<qnn::MaximumOp>},
      {"Where", 3, 3, convertWhere, 9},
  };
  return entries;
}

} // namespace dyadic::onnx_import
