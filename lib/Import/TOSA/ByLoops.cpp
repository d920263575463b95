//===- ByLoops.cpp - integer ops as loops of upstream's arithmetic --------===//
//
// What neither dialect of ours says becomes a qnn.compute whose body is what
// upstream's conversions of the op to linalg, tensor and arith say: exact, and
// slower than a kernel of ours.
//
//===----------------------------------------------------------------------===//
#include "ByLoops.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace dyadic::tosa_import {

/// The element as TOSA has it: signless.
static Type tosaElement(Type element) {
  if (!element.isInteger())
    return element;
  return IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth());
}

static Type elementOf(Value value) {
  return cast<ShapedType>(value.getType()).getElementType();
}

/// Converts between what is in memory and TOSA's elements: 48 bits are in 64, a
/// boolean in a byte.
static Value changeWidth(OpBuilder &b, Location loc, Value value, Type element) {
  auto type = cast<RankedTensorType>(value.getType());
  unsigned from = type.getElementTypeBitWidth(),
           to = element.getIntOrFloatBitWidth();
  if (from == to)
    return value;
  return qnn::mapElements(
      b, loc, type.clone(element), value,
      [&](OpBuilder &b, Location loc, ValueRange scalars) -> Value {
        if (to < from)
          return arith::TruncIOp::create(b, loc, element, scalars[0]);
        if (from == 1)
          return arith::ExtUIOp::create(b, loc, element, scalars[0]);
        return arith::ExtSIOp::create(b, loc, element, scalars[0]);
      });
}

/// The elements of a short constant, which go into the body: upstream's
/// conversions look at multipliers and zero points. None for others.
static DenseElementsAttr parameter(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() > 1 || !type.getElementType().isInteger())
    return {};
  DenseElementsAttr known;
  if (type.getElementType().isInteger(48)) // no constant of ours has them
    return matchPattern(value, m_Constant(&known)) ? known : DenseElementsAttr();
  auto tensor = readConstant(value);
  if (failed(tensor) || tensor->kind == ElementKind::Bool)
    return {};
  return DenseElementsAttr::getFromRawBuffer(
      type.clone(tosaElement(type.getElementType())), tensor->bytes);
}

static bool isTaken(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() || tensor.getNumElements() == 0)
    return false;
  Type element = tensor.getElementType();
  return element.isF32() ||
         (element.isInteger() && llvm::is_contained({1u, 8u, 16u, 32u, 48u, 64u},
                                                    element.getIntOrFloatBitWidth()));
}

static Value constant(OpBuilder &b, Location loc, DenseElementsAttr values) {
  Type element = values.getElementType();
  if (!element.isInteger(48))
    return tosa::ConstOp::create(b, loc, values.getType(), values);
  auto wide = values.mapValues(b.getI64Type(), [](const APInt &value) {
    return value.sext(64);
  });
  return changeWidth(b, loc, arith::ConstantOp::create(b, loc, wide), element);
}

Value ByLoops::cloneInto(OpBuilder &b, Operation *op, ValueRange arguments,
                         Type memory) {
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    Location loc = op->getLoc();
    if (auto shape = operand.getDefiningOp<tosa::ConstShapeOp>()) {
      if (!mapping.contains(operand))
        b.clone(*shape, mapping);
    } else if (DenseElementsAttr known = parameter(operand)) {
      mapping.map(operand, constant(b, loc, known));
    } else {
      Value argument = arguments.front();
      arguments = arguments.drop_front();
      Type element = wide.contains(operand) ? b.getIntegerType(48)
                                            : tosaElement(elementOf(operand));
      mapping.map(operand, changeWidth(b, loc, argument, element));
    }
  }
  Operation *copy = b.clone(*op, mapping);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  copy->getResult(0).setType(type.clone(tosaElement(type.getElementType())));
  // INEXACT_ROUND leaves the choice to us: half up is right in every case.
  if (auto rescale = dyn_cast<tosa::RescaleOp>(copy))
    if (rescale.getRoundingMode() == tosa::RoundingMode::INEXACT_ROUND)
      rescale.setRoundingMode(tosa::RoundingMode::SINGLE_ROUND);
  return changeWidth(b, op->getLoc(), copy->getResult(0), memory);
}

/// Fails where upstream has no conversion; says nothing about it.
static LogicalResult lowerBody(qnn::ComputeOp compute) {
  MLIRContext *context = compute.getContext();
  // A transposed convolution becomes others.
  RewritePatternSet decompositions(context);
  tosa::populateTosaDecomposeTransposeConv(context, decompositions);
  (void)applyPatternsGreedily(compute, std::move(decompositions));
  // Nothing is illegal, so that what can't be converted stays without a message.
  ConversionTarget target(*context);
  target.addLegalDialect<arith::ArithDialect, linalg::LinalgDialect,
                         math::MathDialect, scf::SCFDialect,
                         tensor::TensorDialect, qnn::QNNDialect>();
  TypeConverter types;
  tosa::populateTosaTypeConversion(types);
  RewritePatternSet patterns(context);
  tosa::populateTosaToLinalgNamedConversionPatterns(types, &patterns, {});
  tosa::populateTosaToLinalgConversionPatterns(types, &patterns);
  tosa::populateTosaToTensorConversionPatterns(types, &patterns);
  tosa::populateTosaToArithConversionPatterns(&patterns);
  tosa::populateTosaRescaleToArithConversionPatterns(&patterns);
  (void)applyPartialConversion(compute, target, std::move(patterns));
  auto isLeft = [](Operation *op) {
    return isa<tosa::TosaDialect>(op->getDialect()) && !isOpTriviallyDead(op)
               ? WalkResult::interrupt()
               : WalkResult::advance();
  };
  return failure(compute.getBody().walk(isLeft).wasInterrupted());
}

void ByLoops::widenArguments(func::FuncOp func) {
  for (Block &block : func.getBody())
    for (BlockArgument argument : block.getArguments())
      if (auto type = dyn_cast<RankedTensorType>(argument.getType());
          type && type.getElementType().isInteger(48)) {
        argument.setType(type.clone(IntegerType::get(func.getContext(), 64)));
        wide.insert(argument);
      }
}

Value ByLoops::convert(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 ||
      !isTaken(op->getResult(0).getType()))
    return {};
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    if (!operand.getDefiningOp<tosa::ConstShapeOp>() && !parameter(operand)) {
      if (!isTaken(operand.getType()))
        return {};
      operands.push_back(operand);
    }
  OpBuilder b(op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  bool isWide = type.getElementType().isInteger(48);
  if (isWide)
    type = type.clone(b.getI64Type());
  Type memory = qnn::memoryType(type).getElementType();
  qnn::ComputeOp compute = qnn::buildCompute(
      b, op->getLoc(), op->getName().getStringRef(), type, operands,
      [&](OpBuilder &b, Location, ValueRange arguments) {
        return SmallVector<Value>{cloneInto(b, op, arguments, memory)};
      });
  if (failed(lowerBody(compute))) {
    compute.erase();
    return {};
  }
  if (isWide)
    wide.insert(compute.getResult(0));
  return compute.getResult(0);
}

} // namespace dyadic::tosa_import
