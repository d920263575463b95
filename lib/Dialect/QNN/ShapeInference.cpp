//===- ShapeInference.cpp - result shapes of the network ops --------------===//
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::qnn;
using Shape = SmallVector<int64_t>;

static std::optional<ArrayRef<int64_t>> optionalShapeOf(Value value) {
  return value ? std::optional(shapeOf(value)) : std::nullopt;
}

/// The element type is the quantizer's decision: only shapes must agree.
static bool sameShapes(TypeRange lhs, TypeRange rhs) {
  return llvm::equal(lhs, rhs, [](Type l, Type r) {
    return cast<RankedTensorType>(l).getShape() ==
           cast<RankedTensorType>(r).getShape();
  });
}

static LogicalResult setType(Value like, const FailureOr<Shape> &shape,
                             SmallVectorImpl<Type> &types) {
  if (failed(shape))
    return failure();
  auto type = cast<RankedTensorType>(like.getType());
  types.push_back(RankedTensorType::get(*shape, type.getElementType()));
  return success();
}

#define DYADIC_INFER(OP, LIKE, SHAPE)                                          \
  LogicalResult OP::inferReturnTypes(MLIRContext *,                            \
                                     std::optional<Location> loc, Adaptor op,  \
                                     SmallVectorImpl<Type> &types) {           \
    return setType(op.LIKE(), SHAPE, types);                                   \
  }                                                                            \
  bool OP::isCompatibleReturnTypes(TypeRange l, TypeRange r) {                 \
    return sameShapes(l, r);                                                   \
  }

#define DYADIC_INFER_SAME(OP)                                                  \
  DYADIC_INFER(OP, getInput, Shape(shapeOf(op.getInput())))

#define DYADIC_INFER_BROADCAST(OP)                                             \
  DYADIC_INFER(OP, getLhs,                                                     \
               inferBroadcastShape(loc, shapeOf(op.getLhs()),                  \
                                   shapeOf(op.getRhs())))

DYADIC_INFER_SAME(ReluOp)
DYADIC_INFER_SAME(ClampOp)
DYADIC_INFER_SAME(LeakyReluOp)
DYADIC_INFER_SAME(SigmoidOp)
DYADIC_INFER_SAME(TanhOp)
DYADIC_INFER_SAME(HardSigmoidOp)
DYADIC_INFER_SAME(HardSwishOp)
DYADIC_INFER_SAME(SwishOp)
DYADIC_INFER_SAME(GeluOp)
DYADIC_INFER_SAME(ErfOp)
DYADIC_INFER_SAME(ExpOp)
DYADIC_INFER_SAME(LogOp)
DYADIC_INFER_SAME(SqrtOp)
DYADIC_INFER_SAME(AbsOp)
DYADIC_INFER_SAME(NegOp)
DYADIC_INFER_SAME(ReciprocalOp)

DYADIC_INFER_BROADCAST(AddOp)
DYADIC_INFER_BROADCAST(SubOp)
DYADIC_INFER_BROADCAST(MulOp)
DYADIC_INFER_BROADCAST(DivOp)
DYADIC_INFER_BROADCAST(MaximumOp)
DYADIC_INFER_BROADCAST(MinimumOp)
DYADIC_INFER_BROADCAST(EqualOp)
DYADIC_INFER_BROADCAST(LessOp)
DYADIC_INFER_BROADCAST(PowOp)

static FailureOr<Shape> inferSelect(std::optional<Location> loc, Value condition,
                                    Value lhs, Value rhs) {
  auto shape = inferBroadcastShape(loc, shapeOf(lhs), shapeOf(rhs));
  return failed(shape)
             ? shape
             : inferBroadcastShape(loc, shapeOf(condition), *shape);
}
DYADIC_INFER(SelectOp, getLhs,
             inferSelect(loc, op.getCondition(), op.getLhs(), op.getRhs()))

DYADIC_INFER(Conv2DOp, getInput,
             inferConvShape(loc, shapeOf(op.getInput()),
                            shapeOf(op.getFilter()),
                            optionalShapeOf(op.getBias()),
                            {{}, op.getStrides(), op.getDilations(), op.getPads()},
                            op.getGroups()))
DYADIC_INFER(MatmulOp, getLhs,
             inferMatmulShape(loc, shapeOf(op.getLhs()), shapeOf(op.getRhs()),
                              optionalShapeOf(op.getBias())))

static FailureOr<Shape> inferPool(std::optional<Location> loc, Value input,
                                  ArrayRef<int64_t> kernel,
                                  ArrayRef<int64_t> strides,
                                  ArrayRef<int64_t> pads) {
  ArrayRef<int64_t> shape = shapeOf(input);
  return inferWindowShape(loc, shape, {kernel, strides, {}, pads},
                          shape.empty() ? 0 : shape.back());
}
DYADIC_INFER(MaxPool2DOp, getInput,
             inferPool(loc, op.getInput(), op.getKernel(), op.getStrides(),
                       op.getPads()))
DYADIC_INFER(AvgPool2DOp, getInput,
             inferPool(loc, op.getInput(), op.getKernel(), op.getStrides(),
                       op.getPads()))
DYADIC_INFER(ReduceMeanOp, getInput,
             inferReduceShape(loc, shapeOf(op.getInput()), op.getAxes(),
                              op.getKeepDims()))

static FailureOr<Shape> inferAlongAxis(std::optional<Location> loc, Value input,
                                       int64_t axis) {
  // A reduction over the axis checks it; the shape itself stays.
  if (failed(inferReduceShape(loc, shapeOf(input), axis, /*keepDims=*/true)))
    return failure();
  return Shape(shapeOf(input));
}
DYADIC_INFER(SoftmaxOp, getInput,
             inferAlongAxis(loc, op.getInput(), op.getAxis()))

static FailureOr<Shape> inferLayerNorm(std::optional<Location> loc, Value input,
                                       Value scale, Value bias) {
  ArrayRef<int64_t> shape = shapeOf(input);
  for (Value parameter : {scale, bias}) {
    if (!shape.empty() && shapeOf(parameter) == shape.take_back())
      continue;
    return emitOptionalError(
        loc, "expected scale and bias of the last dimension's extent");
  }
  return Shape(shape);
}
DYADIC_INFER(LayerNormOp, getInput,
             inferLayerNorm(loc, op.getInput(), op.getScale(), op.getBias()))

static FailureOr<Shape> inferConcat(std::optional<Location> loc,
                                    ValueRange inputs, int64_t axis) {
  return inferConcatShape(loc, llvm::map_to_vector(inputs, shapeOf), axis);
}

// Without inputs there is no type to propose, so concat stands apart.
LogicalResult ConcatOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  auto shape = inferConcat(loc, op.getInputs(), op.getAxis());
  return failed(shape) ? failure()
                       : setType(op.getInputs().front(), shape, types);
}
bool ConcatOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return sameShapes(l, r);
}

DYADIC_INFER(TransposeOp, getInput,
             inferTransposeShape(loc, shapeOf(op.getInput()),
                                 op.getPermutation()))
DYADIC_INFER(GatherOp, getInput,
             inferGatherShape(loc, shapeOf(op.getInput()),
                              shapeOf(op.getIndices()), op.getAxis()))

LogicalResult CastOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location>, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  types.push_back(type.clone(Float32Type::get(context)));
  return success();
}

DYADIC_INFER(SliceOp, getInput,
             inferSliceShape(loc, shapeOf(op.getInput()), op.getOffsets(),
                             op.getSizes(), op.getStrides()))
DYADIC_INFER(PadOp, getInput,
             inferPadShape(loc, shapeOf(op.getInput()), op.getLow(),
                           op.getHigh()))
DYADIC_INFER(ResizeOp, getInput,
             inferResizeShape(loc, shapeOf(op.getInput()), op.getRows(),
                              op.getCols()))
