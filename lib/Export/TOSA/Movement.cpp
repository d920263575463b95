//===- Movement.cpp - constants and ops that move elements ----------------===//
#include "Exporter.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

using namespace mlir;

namespace dyadic::tosa_export {

template <typename Op> static FailureOr<Value> exportConstant(Exporter &e, Op op) {
  auto tensor = readConstant(op.getValue());
  if (failed(tensor))
    return e.emitError() << "expected elements that are in the module";
  RankedTensorType type = e.resultType();
  if (int64_t offset = offsetOf(op.getOutput().getType())) {
    HostTensor moved(ElementKind::I8, tensor->shape);
    for (int64_t i = 0, count = moved.numElements(); i < count; ++i)
      moved.set(i, tensor->get(i) - offset);
    tensor = std::move(moved);
  }
  return e.constant(makeConstant(std::move(*tensor), type));
}

template <typename Op> static FailureOr<Value> exportReshape(Exporter &e, Op op) {
  return e.reshape(e.operand(op.getInput()), e.resultType().getShape());
}

template <typename Op>
static FailureOr<Value> exportTranspose(Exporter &e, Op op) {
  return e.transpose(e.operand(op.getInput()), op.getPermutation());
}

template <typename Op> static FailureOr<Value> exportConcat(Exporter &e, Op op) {
  SmallVector<Value> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(e.operand(input));
  return e.create<tosa::ConcatOp>(e.resultType(), inputs,
                                  static_cast<uint32_t>(op.getAxis()));
}

static Value pad(Exporter &e, Value value, ArrayRef<int64_t> low,
                 ArrayRef<int64_t> high, int64_t with) {
  auto type = cast<RankedTensorType>(value.getType());
  Shape extents(type.getShape()), padding;
  for (auto [i, extent] : llvm::enumerate(extents)) {
    padding.append({low[i], high[i]});
    extent += low[i] + high[i];
  }
  return e.create<tosa::PadOp>(type.clone(extents), value, e.shape(padding),
                               e.single(type.getElementType(), with));
}

/// TOSA's slices have no strides: every n-th element is the first column of
/// rows of n.
static FailureOr<Value> exportSlice(Exporter &e, dyadic::SliceOp op) {
  Shape size(op.getSizes()), zero(size.size(), 0);
  ArrayRef<int64_t> strides = op.getStrides();
  for (auto [extent, stride] : llvm::zip(size, strides))
    extent = extent ? (extent - 1) * stride + 1 : 0;
  Value value = e.slice(e.operand(op.getInput()), op.getOffsets(), size);
  for (auto [axis, stride] : llvm::enumerate(strides)) {
    int64_t count = op.getSizes()[axis];
    if (stride == 1 || count < 2)
      continue;
    Shape high(size.size(), 0);
    high[axis] = stride - 1;
    value = pad(e, value, zero, high, 0);
    Shape split(size);
    split[axis] = count;
    split.insert(split.begin() + axis + 1, stride);
    value = e.reshape(value, split);
    split[axis + 1] = 1;
    value = e.slice(value, Shape(split.size(), 0), split);
    size[axis] = count;
    value = e.reshape(value, size);
  }
  return value;
}

static FailureOr<Value> exportPad(Exporter &e, dyadic::PadOp op) {
  int64_t with = static_cast<int32_t>(op.getValue()) -
                 offsetOf(op.getInput().getType());
  return pad(e, e.operand(op.getInput()), op.getLow(), op.getHigh(), with);
}

/// Rows `indices` of an N×K×C tensor.
static Value gatherRows(Exporter &e, Value value, ArrayRef<int64_t> indices) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t batches = type.getDimSize(0), count = indices.size();
  HostTensor table(ElementKind::I32, {batches, count});
  for (int64_t i = 0; i < batches * count; ++i)
    table.set(i, indices[i % count]);
  Value constant = e.constant(makeConstant(std::move(table), e.b.getContext()));
  return e.create<tosa::GatherOp>(
      type.clone({batches, count, type.getDimSize(2)}), value, constant);
}

static FailureOr<Value> exportResize(Exporter &e, dyadic::ResizeOp op) {
  ArrayRef<int64_t> from = op.getInput().getType().getShape();
  auto rows = static_cast<int64_t>(op.getRows().size());
  Value value = e.reshape(e.operand(op.getInput()),
                          {from[0], from[1], from[2] * from[3]});
  value = gatherRows(e, value, op.getRows());
  value = e.reshape(value, {from[0] * rows, from[2], from[3]});
  value = gatherRows(e, value, op.getCols());
  return e.reshape(value, e.resultType().getShape());
}

void addMovement(ExportTable &table) {
  addExport<dyadic::ConstantOp, exportConstant<dyadic::ConstantOp>>(table);
  addExport<qnn::ConstantOp, exportConstant<qnn::ConstantOp>>(table);
  addExport<dyadic::ReshapeOp, exportReshape<dyadic::ReshapeOp>>(table);
  addExport<qnn::ReshapeOp, exportReshape<qnn::ReshapeOp>>(table);
  addExport<dyadic::TransposeOp, exportTranspose<dyadic::TransposeOp>>(table);
  addExport<qnn::TransposeOp, exportTranspose<qnn::TransposeOp>>(table);
  addExport<dyadic::ConcatOp, exportConcat<dyadic::ConcatOp>>(table);
  addExport<qnn::ConcatOp, exportConcat<qnn::ConcatOp>>(table);
  addExport<dyadic::SliceOp, exportSlice>(table);
  addExport<dyadic::PadOp, exportPad>(table);
  addExport<dyadic::ResizeOp, exportResize>(table);
}

} // namespace dyadic::tosa_export
