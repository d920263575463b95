//===- RequantizeGated.cpp - hard swish without leaving floats ------------===//
//
//   h = requantize(sums),   y = requantize(h · (clamp(h) − z))
//
// A fused multiply-add gives h as a float. Whole numbers below 2^24 are exact in
// floats, sums and products as well, and the second multiply-add wants one: h need
// not become an integer in between. Nor need it be clamped where the gate is zero or
// bytes saturate.
//
//===----------------------------------------------------------------------===//
#include "Pointwise.h"

#include "dyadic/Support/FixedPoint.h"
#include "dyadic/Target/Requantize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/bit.h"

#include <algorithm>
#include <cmath>
#include <optional>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// I32Attr accessors are unsigned.
static int64_t number(uint32_t x) { return static_cast<int32_t>(x); }

namespace {
/// The ops between sums and the requantize of their gated values.
struct GatedSums {
  RequantizeOp sums;
  ClampOp gate;
  dyadic::MulOp product;

  /// None where others read what is between, or where an operand isn't such.
  static std::optional<GatedSums> behind(RequantizeOp op) {
    GatedSums found;
    found.product = op.getInput().getDefiningOp<dyadic::MulOp>();
    if (!found.product || !found.product->hasOneUse() || found.product.getLhsZp() != 0)
      return std::nullopt;
    Value h = found.product.getLhs();
    found.sums = h.getDefiningOp<RequantizeOp>();
    found.gate = found.product.getRhs().getDefiningOp<ClampOp>();
    if (!found.sums || !found.gate || found.gate.getInput() != h || found.sums.getOutputZp() != 0 ||
        !found.gate->hasOneUse() || !h.hasNUses(2))
      return std::nullopt;
    return found;
  }
};
} // namespace

/// Whether whatever exceeds `most` leads to the greatest byte in any case, and fits 16
/// bits until then: then h need not be cut off there. It is at most `reach`.
static bool saturates(GatedSums gated, RequantizeOp op, double reach) {
  double most = number(gated.sums.getClampMax()), high = number(gated.gate.getMax()),
         gate = high - number(gated.product.getRhsZp());
  auto result = [&](double h) {
    double product = h * gate - number(op.getInputZp());
    return number(op.getOutputZp()) +
           product * std::ldexp(op.getMultiplier()[0], -op.getShift()[0]);
  };
  return op.getMultiplier().size() == 1 && most >= high && gate >= 0 &&
         result(most) > number(op.getClampMax()) && result(reach) < INT16_MAX;
}

/// Whether h · (clamp(h) · scale + offset), each step rounded to a float, makes the same
/// byte as the exact product, of every h. The offset is −z · scale, z the gate's least.
static bool gateTakesScale(GatedSums gated, RequantizeOp op, float scale, float offset,
                           double reach) {
  int64_t most = number(gated.sums.getClampMax()), high = number(gated.gate.getMax()),
          low = number(gated.product.getRhsZp()), zp = number(op.getOutputZp());
  // What rounding leaves of a closed gate may not count.
  if (std::abs(std::fma(float(low), scale, offset)) * reach > 0.25)
    return false;
  auto byte = [&](int64_t rounded) {
    return std::clamp(zp + rounded, number(op.getClampMin()), number(op.getClampMax()));
  };
  for (int64_t h = low; h <= most; ++h) {
    int64_t gate = std::min(h, high),
            exact = requantize(h * (gate - low), op.getMultiplier()[0], op.getShift()[0]);
    float factor = std::fma(float(gate), scale, offset);
    // The zero point may be added before or after rounding.
    for (int64_t early : {int64_t(0), zp}) {
      float zero = kMagic + float(early), sum = std::fma(float(h), factor, zero);
      if (byte(int64_t(sum - zero)) != byte(exact))
        return false;
    }
  }
  return true;
}

/// Every register of `x`; null where the target can't, or where `x` isn't whole ones.
static Value clampMagnitude(KernelBuilder &k, Value x, int64_t bound) {
  int64_t lanes = k.target.lanes(), count = cast<VectorType>(x.getType()).getNumElements();
  if (count % lanes)
    return {};
  SmallVector<Value> parts;
  for (int64_t at = 0; at < count; at += lanes) {
    parts.push_back(
        k.target.clampMagnitude(k.b, k.loc, sliceLanes(k, x, at, lanes), bound));
    if (!parts.back())
      return {};
  }
  return k.concatenate(parts, count);
}

Value PointwiseEmitter::requantizeGated(RequantizeOp op, const Position &position) {
  auto gated = GatedSums::behind(op);
  if (!gated || k.target.packedRegisters() == 1)
    return {};
  const RequantizePlan &first = plans.find(gated->sums)->second;
  if (!plans.find(op)->second.useFloat || !first.useFloat || gated->sums.getInputZp() != 0)
    return {};
  OpBuilder &b = k.b;
  Location loc = k.loc;
  Value sums = gated->sums.getInput();
  Value x = k.extend(operand(sums, op.getOutput().getType().getShape(), position),
                     cast<RankedTensorType>(sums.getType()).getElementType());
  auto i32 = cast<VectorType>(x.getType()), f32 = i32.clone(b.getF32Type());
  // kMagic above the whole numbers, where floats are ordered as their bits are, and
  // less than 0 below the bounds: instructions for integers have more ports.
  auto raise = [&](int64_t number) {
    return k.splatInt(i32, llvm::bit_cast<int32_t>(kMagic + float(number)));
  };
  auto lower = [&](Value bits, int64_t by) -> Value {
    Value raised = arith::BitcastOp::create(b, loc, f32, bits);
    return arith::SubFOp::create(b, loc, raised, k.splat(f32, kMagic + double(by)));
  };
  Value scale = parameter(first.scale, first.perChannel, position);
  int64_t least = number(gated->sums.getClampMin()), most = number(gated->sums.getClampMax()),
          low = std::max(number(gated->gate.getMin()), least),
          high = std::min(number(gated->gate.getMax()), most),
          zp = number(gated->product.getRhsZp());
  Value bits = arith::BitcastOp::create(
      b, loc, i32,
      emitFusedSum(b, loc, {x, scale, /*zeroPoint=*/0, least, most, /*clampFirst=*/false}));
  // A gate of zero makes nothing of whatever is below.
  if (low != zp)
    bits = arith::MaxSIOp::create(b, loc, bits, raise(least));
  // Rounding may add half of one.
  if (!saturates(*gated, op, first.reach + 1))
    bits = arith::MinSIOp::create(b, loc, bits, raise(most));
  Value h = lower(bits, 0), gate;
  if (Value clamped = low == -high ? clampMagnitude(k, h, high) : Value()) {
    RequantizePlan &second = plans.find(op)->second;
    if (low == zp && number(op.getInputZp()) == 0 && !second.perChannel && !second.clampFloat) {
      float factor = second.scales.front(), offset = -float(zp) * factor;
      if (!second.gateTakesScale)
        second.gateTakesScale =
            ::gateTakesScale(*gated, op, factor, offset, first.reach + 1);
      if (*second.gateTakesScale)
        return requantize(op, h, position,
                          math::FmaOp::create(b, loc, clamped, k.splat(f32, factor),
                                              k.splat(f32, offset)));
    }
    gate = arith::SubFOp::create(b, loc, clamped, k.splat(f32, double(zp)));
  } else {
    gate = arith::MaxSIOp::create(b, loc, bits, raise(low));
    gate = lower(arith::MinSIOp::create(b, loc, gate, raise(high)), zp);
  }
  int64_t inputZp = number(op.getInputZp());
  Value offset = k.splat(f32, -double(inputZp));
  Value product = inputZp ? Value(math::FmaOp::create(b, loc, h, gate, offset))
                          : Value(arith::MulFOp::create(b, loc, h, gate));
  return requantize(op, product, position);
}
