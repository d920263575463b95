//===- ShapeInference.cpp - result shapes of the integer ops --------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/Shapes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace dyadic;
using Shape = SmallVector<int64_t>;

/// The storage type is the lowering's decision: only shapes must agree.
static bool sameShapes(TypeRange lhs, TypeRange rhs) {
  return llvm::equal(lhs, rhs, [](Type l, Type r) {
    return cast<RankedTensorType>(l).getShape() ==
           cast<RankedTensorType>(r).getShape();
  });
}

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

#define DYADIC_INFER(OP, ELEMENT, SHAPE)                                       \
  LogicalResult OP::inferReturnTypes(MLIRContext *context,                     \
                                     std::optional<Location> loc, Adaptor op,  \
                                     SmallVectorImpl<Type> &types) {           \
    Builder builder(context);                                                  \
    FailureOr<Shape> shape = SHAPE;                                            \
    if (failed(shape))                                                         \
      return failure();                                                        \
    types.push_back(RankedTensorType::get(*shape, ELEMENT));                   \
    return success();                                                          \
  }                                                                            \
  bool OP::isCompatibleReturnTypes(TypeRange l, TypeRange r) {                 \
    return sameShapes(l, r);                                                   \
  }

#define DYADIC_I32 builder.getI32Type()
#define DYADIC_LIKE_INPUT elementOf(op.getInput())

DYADIC_INFER(QuantizeOp, builder.getIntegerType(8, /*isSigned=*/false),
             Shape(shapeOf(op.getInput())))
DYADIC_INFER(DequantizeOp, builder.getF32Type(), Shape(shapeOf(op.getInput())))
DYADIC_INFER(RequantizeOp, builder.getIntegerType(8, /*isSigned=*/false),
             Shape(shapeOf(op.getInput())))
DYADIC_INFER(LookupOp, elementOf(op.getInput()), Shape(shapeOf(op.getInput())))
DYADIC_INFER(ClampOp, DYADIC_LIKE_INPUT, Shape(shapeOf(op.getInput())))

DYADIC_INFER(Conv2DOp, DYADIC_I32,
             inferConvShape(loc, shapeOf(op.getInput()),
                            shapeOf(op.getFilter()), shapeOf(op.getBias()),
                            {{}, op.getStrides(), op.getDilations(), {}},
                            op.getGroups()))

static FailureOr<Shape> inferMatmul(std::optional<Location> loc, Value lhs,
                                    Value rhs, Value bias) {
  if (shapeOf(rhs).size() != 2)
    return emitOptionalError(loc, "expected a right operand of rank 2");
  return inferMatmulShape(loc, shapeOf(lhs), shapeOf(rhs), shapeOf(bias));
}
DYADIC_INFER(MatmulOp, DYADIC_I32,
             inferMatmul(loc, op.getLhs(), op.getRhs(), op.getBias()))
/// `shape` with its dimensions permuted; as it is without a permutation.
static FailureOr<Shape> permuted(std::optional<Location> loc,
                                 ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> permutation) {
  if (permutation.empty())
    return Shape(shape);
  return inferTransposeShape(loc, shape, permutation);
}

static FailureOr<Shape> inferBatchMatmul(std::optional<Location> loc,
                                         BatchMatmulOp::Adaptor op) {
  auto lhs = permuted(loc, shapeOf(op.getLhs()), op.getLhsPermutation());
  auto rhs = permuted(loc, shapeOf(op.getRhs()), op.getRhsPermutation());
  if (failed(lhs) || failed(rhs))
    return failure();
  if (op.getTransposeRhs() && rhs->size() >= 2)
    std::swap((*rhs)[rhs->size() - 2], rhs->back());
  auto product = inferMatmulShape(loc, *lhs, *rhs, /*bias=*/std::nullopt);
  if (failed(product))
    return failure();
  return permuted(loc, *product, op.getOutputPermutation());
}
DYADIC_INFER(BatchMatmulOp, DYADIC_I32, inferBatchMatmul(loc, op))

DYADIC_INFER(AddOp, DYADIC_I32,
             inferBroadcastShape(loc, shapeOf(op.getLhs()), shapeOf(op.getRhs())))
DYADIC_INFER(MulOp, DYADIC_I32,
             inferBroadcastShape(loc, shapeOf(op.getLhs()), shapeOf(op.getRhs())))

static FailureOr<Shape> inferPool(std::optional<Location> loc, Value input,
                                  ArrayRef<int64_t> kernel,
                                  ArrayRef<int64_t> strides) {
  ArrayRef<int64_t> shape = shapeOf(input);
  return inferWindowShape(loc, shape, {kernel, strides, {}, {}},
                          shape.empty() ? 0 : shape.back());
}
DYADIC_INFER(SumPool2DOp, DYADIC_I32,
             inferPool(loc, op.getInput(), op.getKernel(), op.getStrides()))
DYADIC_INFER(MaxPool2DOp, DYADIC_LIKE_INPUT,
             inferPool(loc, op.getInput(), op.getKernel(), op.getStrides()))
DYADIC_INFER(ReduceSumOp, DYADIC_I32,
             inferReduceShape(loc, shapeOf(op.getInput()), op.getAxes(),
                              op.getKeepDims()))

DYADIC_INFER(TransposeOp, DYADIC_LIKE_INPUT,
             inferTransposeShape(loc, shapeOf(op.getInput()),
                                 op.getPermutation()))
DYADIC_INFER(SliceOp, DYADIC_LIKE_INPUT,
             inferSliceShape(loc, shapeOf(op.getInput()), op.getOffsets(),
                             op.getSizes(), op.getStrides()))
DYADIC_INFER(GatherOp, DYADIC_LIKE_INPUT,
             inferGatherShape(loc, shapeOf(op.getInput()),
                              shapeOf(op.getIndices()), op.getAxis()))
DYADIC_INFER(PadOp, DYADIC_LIKE_INPUT,
             inferPadShape(loc, shapeOf(op.getInput()), op.getLow(),
                           op.getHigh()))
DYADIC_INFER(ResizeOp, DYADIC_LIKE_INPUT,
             inferResizeShape(loc, shapeOf(op.getInput()), op.getRows(),
                              op.getCols()))

static FailureOr<Shape> inferConcat(std::optional<Location> loc,
                                    ValueRange inputs, int64_t axis) {
  return inferConcatShape(loc, llvm::map_to_vector(inputs, shapeOf), axis);
}
DYADIC_INFER(ConcatOp, elementOf(op.getInputs().front()),
             inferConcat(loc, op.getInputs(), op.getAxis()))
