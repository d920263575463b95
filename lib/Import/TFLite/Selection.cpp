//===- Selection.cpp - which element is greatest, elements by number ------===//
#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace dyadic::tflite_import {

/// The number of the first greatest (or least) element along an axis. Storage
/// values have the order of what they stand for.
template <bool findsGreatest>
static LogicalResult convertArgument(NodeImporter &node) {
  Value input = node.stored(node.input(0));
  auto axes = node.integers(1, "an axis' numbers");
  if (!input || failed(axes))
    return failure();
  auto tensor = cast<RankedTensorType>(input.getType());
  auto axis = node.axis(axes->empty() ? tensor.getRank() : axes->front(),
                        tensor.getRank());
  if (failed(axis))
    return failure();
  auto result = dyn_cast<IntegerType>(node.outputType());
  if (!result || node.isQuantized())
    return node.unsupported("a result of " + nameOf(node.outputTensor().type()));
  Shape shape(tensor.getShape());
  shape.erase(shape.begin() + *axis);
  bool isReal = isa<FloatType>(tensor.getElementType());
  bool isUnsigned = tensor.getElementType().isUnsignedInteger();
  auto wins = [=](OpBuilder &b, Location loc, Value x, Value y) -> Value {
    if (isReal)
      return arith::CmpFOp::create(
          b, loc, findsGreatest ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT,
          x, y);
    using P = arith::CmpIPredicate;
    P predicate = findsGreatest ? (isUnsigned ? P::ugt : P::sgt)
                                : (isUnsigned ? P::ult : P::slt);
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  };
  return node.setOutput(qnn::buildIndexed(
      node.getBuilder(), node.getLoc(), findsGreatest ? "ArgMax" : "ArgMin",
      RankedTensorType::get(shape, result), input,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange tensors) -> Value {
        auto element = [&, at = SmallVector<Value>(at)](OpBuilder &b, Location loc,
                                                        Value i) -> Value {
          SmallVector<Value> place(at);
          place.insert(place.begin() + *axis, i);
          return tensor::ExtractOp::create(b, loc, tensors[0], place);
        };
        Value zero = qnn::indexConstant(b, loc, 0), one = qnn::indexConstant(b, loc, 1);
        Value end = qnn::indexConstant(b, loc, tensor.getDimSize(*axis));
        auto loop = scf::ForOp::create(
            b, loc, one, end, one, ValueRange{element(b, loc, zero), zero},
            [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
              Value mine = element(b, loc, i), isBetter = wins(b, loc, mine, best[0]);
              Value value = arith::SelectOp::create(b, loc, isBetter, mine, best[0]),
                    place = arith::SelectOp::create(b, loc, isBetter, i, best[1]);
              scf::YieldOp::create(b, loc, ValueRange{value, place});
            });
        return arith::IndexCastOp::create(b, loc, result, loop.getResult(1));
      }));
}

/// Parts of the input whose first indices the last dimension of `indices` has.
static LogicalResult convertGatherND(NodeImporter &node) {
  Value input = node.input(0), indices = node.input(1);
  if (!input || !indices)
    return failure();
  ArrayRef<int64_t> from = shapeOf(input), numbers = shapeOf(indices);
  if (numbers.empty() || numbers.back() > static_cast<int64_t>(from.size()) ||
      !isa<IntegerType>(elementOf(indices)))
    return node.emitError() << "expected indices into " << toString(from)
                            << ", but got " << toString(numbers);
  size_t outer = numbers.size() - 1, depth = numbers.back();
  Shape shape(numbers.drop_back());
  llvm::append_range(shape, from.drop_front(depth));
  Value source = node.stored(input);
  if (!source)
    return failure();
  auto type = cast<RankedTensorType>(source.getType()).clone(shape);
  Value output = qnn::buildIndexed(
      node.getBuilder(), node.getLoc(), "GatherND", type, {source, indices},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange tensors) -> Value {
        SmallVector<Value> place;
        for (size_t i = 0; i < depth; ++i) {
          SmallVector<Value> which(at.take_front(outer));
          which.push_back(qnn::indexConstant(b, loc, i));
          Value raw = tensor::ExtractOp::create(b, loc, tensors[1], which);
          Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), raw);
          index = arith::MaxSIOp::create(b, loc, index, qnn::indexConstant(b, loc, 0));
          place.push_back(arith::MinSIOp::create(
              b, loc, index, qnn::indexConstant(b, loc, from[i] - 1)));
        }
        llvm::append_range(place, at.drop_front(outer));
        Value element = tensor::ExtractOp::create(b, loc, tensors[0], place);
        return qnn::toScalar(b, loc, element, type.getElementType());
      });
  return node.setOutput(node.quantized(output));
}

ArrayRef<OpEntry> selectionOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::ARG_MAX, 2, 2, convertArgument<true>},
      {Op::ARG_MIN, 2, 2, convertArgument<false>},
      {Op::GATHER_ND, 2, 2, convertGatherND},
  };
  return entries;
}

} // namespace dyadic::tflite_import
