//===- Selection.cpp - the elements that a known condition selects --------===//
#include "ConstantFolder.h"
#include "LoopNests.h"
#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// Compress: the slices along an axis, or the elements of the flattened tensor,
/// where the condition is true. How many those are decides the result's shape.
static LogicalResult convertCompress(NodeImporter &node) {
  const HostTensor *condition = node.constant(1);
  if (!condition)
    return node.mustBeKnown(1, "'condition'");
  Value data = node.anyInput(0);
  if (!data)
    return failure();
  if (!node.has("axis"))
    data = node.reshape(data, {*countElements(shapeOf(data))});
  Shape shape(shapeOf(data));
  auto axis = resolveAxis(node, node.getInt("axis", 0), shape.size());
  if (failed(axis))
    return failure();
  if (condition->shape.size() != 1 || condition->numElements() > shape[*axis])
    return node.emitError() << "expected a list of at most " << shape[*axis]
                            << " conditions, but got " << describe(*condition);
  SmallVector<int64_t> selected;
  for (int64_t i : llvm::seq(condition->numElements()))
    if (getInt(*condition, i))
      selected.push_back(i);
  int64_t extent = shape[*axis];
  shape[*axis] = selected.size();
  Type type = elementOf(data);
  if (selected.empty())
    return node.setOutput(node.slice(data, Shape(shape.size(), 0), shape,
                                     Shape(shape.size(), 1)));
  Value places = node.constantTensor(makeInts(selected));
  return node.setOutput(node.indexed(
      RankedTensorType::get(shape, type), {data, places},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) -> Value {
        SmallVector<Value> from(at);
        from[*axis] = loadIndex(b, loc, in[1], at[*axis], b.getI64Type(), extent);
        return qnn::toScalar(
            b, loc, tensor::ExtractOp::create(b, loc, in[0], from), type);
      }));
}

/// NonZero: a row for each dimension, with the places of what isn't zero.
static LogicalResult foldNonZero(FoldContext &context) {
  const HostTensor &in = context.in(0);
  SmallVector<int64_t> places;
  for (int64_t i = 0, e = in.numElements(); i < e; ++i)
    if (in.get(i) != 0)
      places.push_back(i);
  int64_t rank = in.shape.size(), count = places.size();
  auto out = context.make(ElementKind::I64, {rank, count});
  if (failed(out))
    return failure();
  Shape strides = stridesOf(in.shape);
  for (int64_t dim = 0; dim < rank; ++dim)
    for (int64_t i = 0; i < count; ++i)
      setInt(*out, dim * count + i, places[i] / strides[dim] % in.shape[dim]);
  return context.finish(std::move(*out));
}

ArrayRef<OpEntry> selectionOps() {
  static const OpEntry entries[] = {{"Compress", 2, 2, convertCompress, 9}};
  return entries;
}

ArrayRef<FoldEntry> selectionFolds() {
  static const FoldEntry entries[] = {{"NonZero", 1, 1, foldNonZero}};
  return entries;
}

} // namespace dyadic::onnx_import
