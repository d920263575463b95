//===- Quantize.cpp - floats become bytes ---------------------------------===//
//
// What ends with factors of its own, a layer norm or a softmax, takes the scale and the
// zero point into them, and what else channels are multiplied by. Where it is bounded,
// too, packing is the clamp, and all that is left for each register is to make a number
// of what is none, and to round: one instruction, where a target has such a one.
//
//===----------------------------------------------------------------------===//
#include "Pointwise.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Target/Requantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// The constant by which `op` multiplies the channels of `value`; null elsewhere.
static Value factorOf(Operation *op, Value value) {
  auto product = dyn_cast<qnn::MulOp>(op);
  if (!product || !product->hasOneUse())
    return {};
  Value factor = product.getLhs() == value ? product.getRhs() : product.getLhs();
  auto shape = shapeOf(factor);
  int64_t count = ShapedType::getNumElements(shape);
  bool isOfChannels = !shape.empty() && count == shape.back() && shapeOf(value).back() == count;
  return (count == 1 || isOfChannels) && succeeded(readConstant(factor)) ? factor : Value();
}

AnchorQuantize PointwiseEmitter::quantizeOfAnchor() const {
  KernelOp kernel = k.kernel;
  Operation *anchor = kernel.getAnchor();
  if (!anchor)
    return {};
  Value result = anchor->getResult(0);
  for (Operation *op : result.getUsers()) {
    AnchorQuantize found;
    found.isOnly = result.hasOneUse();
    Value value = result;
    while (Value factor = factorOf(op, value)) {
      found.factors.push_back(factor);
      value = op->getResult(0);
      op = *value.user_begin();
    }
    found.op = dyn_cast<QuantizeOp>(op);
    if (found.op && found.op.getOutput().getType().getElementType().isInteger(8))
      return found;
  }
  return {};
}

Value PointwiseEmitter::quantize(QuantizeOp op, Value x) {
  OpBuilder &b = k.b;
  auto f32 = cast<VectorType>(x.getType());
  int64_t lanes = k.target.lanes(), atOnce = k.target.packedRegisters();
  int64_t count = f32.getNumElements(), registers = count / lanes;
  Type element = op.getOutput().getType().getElementType();
  bool packs = registers >= 2 && registers <= atOnce && count % lanes == 0 &&
               element.isInteger(8);

  StorageRange range = storageRange(op.getOutput().getType());
  bool isScaled = op == scaledQuantize;
  int64_t zp = isScaled ? 0 : static_cast<int32_t>(op.getZeroPoint());
  if (!isScaled)
    x = arith::MulFOp::create(b, k.loc, x,
                              k.splat(f32, op.getInverseScale().convertToFloat()));
  double bound = isScaled ? scaledBound : HUGE_VAL;
  auto pack = [&](Value all, llvm::function_ref<Value(Value)> wordsOf) {
    SmallVector<Value> parts;
    for (int64_t at = 0; at < count; at += lanes)
      parts.push_back(wordsOf(sliceLanes(k, all, at, lanes)));
    return k.target.packBytes(b, k.loc,
                              {parts, lanes, zp, /*fitHalves=*/true,
                               element.isUnsignedInteger(), LaneOrder::Natural});
  };
  if (packs && k.target.roundsToWords()) {
    // What is no number is the lowest word, and so the lowest byte.
    if (bound > INT32_MAX / 2)
      x = notAbove(b, k.loc, x, range.max - zp);
    return pack(x, [&](Value part) { return k.target.roundToWords(b, k.loc, part); });
  }
  x = packs && bound < INT16_MAX
          ? atLeast(b, k.loc, x, range.min - zp)
          : clampFloat(b, k.loc, x, range.min - zp, range.max - zp);
  Value sum = arith::AddFOp::create(b, k.loc, x, k.splat(f32, kMagic));
  return packs ? pack(sum, [](Value part) { return part; }) : readMagic(b, k.loc, sum, zp);
}
