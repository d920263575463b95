//===- Dynamic.cpp - integer ops with scales from run time ----------------===//
#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Dialect/Shapes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace dyadic;

LogicalResult
DynamicQuantizeOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                    Adaptor op, SmallVectorImpl<Type> &types) {
  Builder builder(context);
  SmallVector<int64_t> shape(shapeOf(op.getInput())), groups = shape;
  int64_t rank = shape.size(), outer = op.getOuter();
  if (outer < 0 || outer > rank)
    return emitOptionalError(loc, "expected outer in [0, ", rank, "], but got ", outer);
  std::fill(groups.begin() + outer, groups.end(), 1);
  types.push_back(
      RankedTensorType::get(shape, builder.getIntegerType(8, /*isSigned=*/false)));
  types.push_back(RankedTensorType::get(groups, builder.getF32Type()));
  types.push_back(RankedTensorType::get(groups, builder.getI32Type()));
  return success();
}

bool DynamicQuantizeOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return l == r;
}

LogicalResult ScaleSumsOp::inferReturnTypes(MLIRContext *context,
                                            std::optional<Location>, Adaptor op,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get(shapeOf(op.getSums()), Float32Type::get(context)));
  return success();
}

bool ScaleSumsOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) { return l == r; }

LogicalResult ScaleSumsOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getSums()), groups = shapeOf(getScale());
  if (groups != shapeOf(getZeroPoint()))
    return emitOpError() << "expected a zero point for each scale, but got "
                         << getZeroPoint().getType() << " and " << getScale().getType();
  auto repeats = [](auto pair) {
    auto [own, all] = pair;
    return own == 1 || own == all;
  };
  if (shape.empty() || groups.size() != shape.size() || groups.back() != 1 ||
      !llvm::all_of(llvm::zip(groups, shape), repeats))
    return emitOpError() << "expected scales that are repeated along the last "
                            "dimension of "
                         << getSums().getType() << ", but got " << getScale().getType();
  auto check = [&](StringRef what, int64_t count) -> LogicalResult {
    if (count == shape.back())
      return success();
    return emitOpError() << "expected " << shape.back() << " " << what << ", but got "
                         << count;
  };
  if (failed(check("sums of weights", getWeightSums().size())) ||
      failed(check("scales of weights", getWeightScales().size())))
    return failure();
  return getBias() ? check("biases", getBias()->size()) : success();
}

#define GET_OP_CLASSES
#include "dyadic/Dialect/Dyadic/DynamicOps.cpp.inc"
