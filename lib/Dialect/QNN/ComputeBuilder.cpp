//===- ComputeBuilder.cpp -------------------------------------------------===//
#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::qnn;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

RankedTensorType qnn::memoryType(RankedTensorType type) {
  return type.clone(memoryElementType(type.getElementType()));
}

Value qnn::indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value qnn::scalarConstant(OpBuilder &b, Location loc, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(
      b, loc, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value qnn::toScalar(OpBuilder &b, Location loc, Value value, Type element) {
  if (!element.isInteger(1))
    return value;
  Value zero = scalarConstant(b, loc, value.getType(), 0);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
}

Value qnn::toMemory(OpBuilder &b, Location loc, Value value, Type element) {
  if (!element.isInteger(1))
    return value;
  return arith::ExtUIOp::create(b, loc, b.getI8Type(), value);
}

Value qnn::filled(OpBuilder &b, Location loc, RankedTensorType type,
                  Value scalar) {
  Value empty =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  return linalg::FillOp::create(b, loc, scalar, empty).getResult(0);
}

ComputeOp qnn::buildCompute(OpBuilder &b, Location loc, StringRef name,
                            TypeRange results, ValueRange operands,
                            ComputeBody body) {
  b.getContext()
      ->loadDialect<arith::ArithDialect, linalg::LinalgDialect, math::MathDialect,
                    scf::SCFDialect,
                    tensor::TensorDialect>();
  auto op = ComputeOp::create(b, loc, results, operands, b.getStringAttr(name));
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&op.getBody());
  for (Value operand : operands)
    block->addArgument(memoryType(typeOf(operand)), operand.getLoc());
  SmallVector<Value> values = body(b, loc, block->getArguments());
  qnn::YieldOp::create(b, loc, values);
  return op;
}

/// How an operand of `shape` is read for each element of `result`.
static AffineMap broadcastMap(MLIRContext *context, ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> result) {
  SmallVector<AffineExpr> exprs;
  size_t skipped = result.size() - shape.size();
  for (auto [i, extent] : llvm::enumerate(shape))
    exprs.push_back(extent == 1 && result[skipped + i] != 1
                        ? getAffineConstantExpr(0, context)
                        : getAffineDimExpr(skipped + i, context));
  return AffineMap::get(result.size(), 0, exprs, context);
}

Value qnn::mapElements(OpBuilder &b, Location loc, RankedTensorType type,
                       ValueRange operands, ScalarBody element) {
  SmallVector<AffineMap> maps;
  for (Value operand : operands)
    maps.push_back(broadcastMap(b.getContext(), typeOf(operand).getShape(),
                                type.getShape()));
  maps.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  Value empty =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  return linalg::GenericOp::create(
             b, loc, type, operands, empty, maps, loops,
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               linalg::YieldOp::create(
                   b, loc, element(b, loc, arguments.drop_back()));
             })
      .getResult(0);
}

Value qnn::mapIndices(
    OpBuilder &b, Location loc, RankedTensorType type,
    function_ref<Value(OpBuilder &, Location, ValueRange)> element) {
  return mapElements(b, loc, type, {},
                     [&](OpBuilder &b, Location loc, ValueRange) {
                       SmallVector<Value> indices;
                       for (int64_t i = 0; i < type.getRank(); ++i)
                         indices.push_back(linalg::IndexOp::create(b, loc, i));
                       return element(b, loc, indices);
                     });
}

Value qnn::reduceAxes(OpBuilder &b, Location loc, Value input,
                      ArrayRef<int64_t> axes, Value initial,
                      ScalarBody combine) {
  RankedTensorType type = typeOf(input);
  int64_t rank = type.getRank();
  MLIRContext *context = b.getContext();
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  for (int64_t i = 0; i < rank; ++i)
    exprs.push_back(getAffineDimExpr(i, context));
  for (int64_t axis : axes) {
    shape[axis] = 1;
    exprs[axis] = getAffineConstantExpr(0, context);
    loops[axis] = utils::IteratorType::reduction;
  }
  auto result = RankedTensorType::get(shape, initial.getType());
  AffineMap maps[] = {b.getMultiDimIdentityMap(rank),
                      AffineMap::get(rank, 0, exprs, context)};
  return linalg::GenericOp::create(
             b, loc, result, input, filled(b, loc, result, initial), maps, loops,
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               linalg::YieldOp::create(b, loc, combine(b, loc, arguments));
             })
      .getResult(0);
}

Value qnn::buildElementwise(OpBuilder &b, Location loc, StringRef name,
                            RankedTensorType result, ValueRange operands,
                            ScalarBody body) {
  auto types = llvm::map_to_vector(
      operands, [](Value value) { return typeOf(value).getElementType(); });
  auto compute = buildCompute(
      b, loc, name, result, operands,
      [&](OpBuilder &b, Location loc, ValueRange tensors) {
        auto element = [&](OpBuilder &b, Location loc, ValueRange elements) {
          SmallVector<Value> scalars;
          for (auto [value, type] : llvm::zip_equal(elements, types))
            scalars.push_back(toScalar(b, loc, value, type));
          return toMemory(b, loc, body(b, loc, scalars),
                          result.getElementType());
        };
        return SmallVector<Value>{
            mapElements(b, loc, memoryType(result), tensors, element)};
      });
  return compute.getResult(0);
}

Value qnn::buildIndexed(OpBuilder &b, Location loc, StringRef name,
                        RankedTensorType result, ValueRange operands,
                        IndexedBody body) {
  auto compute = buildCompute(
      b, loc, name, result, operands,
      [&](OpBuilder &b, Location loc, ValueRange tensors) {
        auto element = [&](OpBuilder &b, Location loc, ValueRange indices) {
          return toMemory(b, loc, body(b, loc, indices, tensors),
                          result.getElementType());
        };
        return SmallVector<Value>{
            mapIndices(b, loc, memoryType(result), element)};
      });
  return compute.getResult(0);
}
