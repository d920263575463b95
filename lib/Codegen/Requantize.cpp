//===- Requantize.cpp - the rounding ops on vectors -----------------------===//
//
// Two forms of the same bytes (docs/Quantization.md): where the range of the
// accumulator proves it, one fused multiply-add rounds to the nearest even
// integer; elsewhere 64-bit products and shifts. The proof and the parameters
// are here, the instructions the target's.
//
//===----------------------------------------------------------------------===//
#include "Pointwise.h"

#include "dyadic/Support/FixedPoint.h"
#include "dyadic/Target/Requantize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// The interval of a requantize's input, per channel or for all.
static SmallVector<AccumulatorRange> inputRanges(RequantizeOp op) {
  if (auto producer =
          op.getInput().getDefiningOp<AccumulatorOpInterface>()) {
    auto ranges = producer.getAccumulatorRanges();
    if (succeeded(ranges))
      return *ranges;
  }
  StorageRange range = storageRange(op.getInput().getType());
  int64_t zp = static_cast<int32_t>(op.getInputZp());
  return {{range.min - zp, range.max - zp}};
}

LogicalResult PointwiseEmitter::planRequantize(RequantizeOp op) {
  if (op.getRounding() == Rounding::DoubleRound)
    return op.emitError("expected rounding nearest_even or half_up, but got "
                        "double_round: code generation doesn't have it yet");
  SmallVector<AccumulatorRange> ranges = inputRanges(op);
  ArrayRef<int32_t> multipliers = op.getMultiplier(), shifts = op.getShift();
  RequantizePlan plan;
  plan.perChannel = multipliers.size() > 1;
  plan.useFloat = op.getRounding() == Rounding::NearestEven &&
                  k.target.fusesMultiplyAdd();
  size_t count = std::max(ranges.size(), multipliers.size());
  for (size_t c = 0; c < count && plan.useFloat; ++c) {
    const AccumulatorRange &range = ranges[ranges.size() > 1 ? c : 0];
    size_t m = plan.perChannel ? c : 0;
    auto form = canUseFloatRequantize(range.min, range.max, multipliers[m],
                                      shifts[m]);
    plan.useFloat = form != FloatRequantize::Refused;
    plan.clampFloat |= form == FloatRequantize::NeedsClamp;
  }
  if (plan.useFloat) {
    std::vector<float> scales;
    for (auto [multiplier, shift] : llvm::zip(multipliers, shifts))
      scales.push_back(std::ldexp(float(multiplier), -shift));
    plan.scale = k.constants<float>(scales);
  } else {
    // x·m + addend + (parity & x·m >> shift), all shifted right by shift.
    std::vector<int64_t> shift, addend, parity;
    for (int32_t s : shifts) {
      bool even = op.getRounding() == Rounding::NearestEven && s > 0;
      shift.push_back(s);
      addend.push_back(s == 0 ? 0 : (int64_t{1} << (s - 1)) - (even ? 1 : 0));
      parity.push_back(even ? 1 : 0);
    }
    plan.multiplier = k.constants<int32_t>(multipliers);
    plan.shift = k.constants<int64_t>(shift);
    plan.addend = k.constants<int64_t>(addend);
    plan.parity = k.constants<int64_t>(parity);
  }
  plans[op] = plan;
  return success();
}

Value PointwiseEmitter::parameter(Value memref, bool perChannel,
                                  const Position &position) {
  if (perChannel)
    return k.loadVector(memref, position.channel, position.width);
  Value one = k.loadVector(memref, k.index(0), 1);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::BroadcastOp::create(
      k.b, k.loc, k.vectorType(position.width, element), one);
}

Value PointwiseEmitter::clampInt(Value x, int64_t low, int64_t high) {
  auto type = cast<VectorType>(x.getType());
  x = arith::MaxSIOp::create(k.b, k.loc, x, k.splatInt(type, low));
  return arith::MinSIOp::create(k.b, k.loc, x, k.splatInt(type, high));
}

Value PointwiseEmitter::requantize(RequantizeOp op, Value x,
                                   const Position &position) {
  const RequantizePlan &plan = plans.find(op)->second;
  OpBuilder &b = k.b;
  Location loc = k.loc;
  auto i32 = cast<VectorType>(x.getType());
  int64_t zp = static_cast<int32_t>(op.getOutputZp());
  int64_t low = static_cast<int32_t>(op.getClampMin()),
          high = static_cast<int32_t>(op.getClampMax());
  if (int64_t inputZp = static_cast<int32_t>(op.getInputZp()))
    x = arith::SubIOp::create(b, loc, x, k.splatInt(i32, inputZp));

  auto load = [&](Value memref) {
    return parameter(memref, plan.perChannel, position);
  };
  if (plan.useFloat)
    return k.target.requantizeFused(
        b, loc, {x, load(plan.scale), zp, low, high, plan.clampFloat});
  return k.target.requantizeWide(b, loc,
                                 {x, load(plan.multiplier), load(plan.shift),
                                  load(plan.addend), load(plan.parity), zp, low,
                                  high});
}

Value PointwiseEmitter::quantize(QuantizeOp op, Value x) {
  OpBuilder &b = k.b;
  auto f32 = cast<VectorType>(x.getType());
  StorageRange range = storageRange(op.getOutput().getType());
  int64_t zp = static_cast<int32_t>(op.getZeroPoint());
  Value inverse = k.splat(f32, op.getInverseScale().convertToFloat());
  Value scaled = arith::MulFOp::create(b, k.loc, x, inverse);
  scaled = clampFloat(b, k.loc, scaled, range.min - zp, range.max - zp);
  Value sum = arith::AddFOp::create(b, k.loc, scaled, k.splat(f32, kMagic));
  return readMagic(b, k.loc, sum, zp);
}

Value PointwiseEmitter::lookup(LookupOp op, Value x) {
  OpBuilder &b = k.b;
  Location loc = k.loc;
  Value table = tables.find(op)->second;
  Type inElement = op.getInput().getType().getElementType();
  Type outElement = op.getOutput().getType().getElementType();
  Value bytes = k.truncate(x, inElement);
  auto type = cast<VectorType>(bytes.getType());
  if (!inElement.isUnsignedInteger()) // entry 0 belongs to −128
    bytes = arith::XOrIOp::create(b, loc, bytes, k.splatInt(type, -128));
  Value result = k.target.lookup(b, loc, bytes, table);
  if (!result) {
    // No instruction: byte by byte through memory.
    auto memory = MemRefType::get(type.getNumElements(), b.getI8Type());
    Value scratch;
    {
      OpBuilder::InsertionGuard entry(b);
      b.setInsertionPointToStart(&k.entry());
      scratch = memref::AllocaOp::create(b, loc, memory);
    }
    k.storeVector(bytes, scratch, k.index(0));
    k.loop(type.getNumElements(), [&](Value i) {
      Value byte = memref::LoadOp::create(b, loc, scratch, i);
      Value entry = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), byte);
      Value out = memref::LoadOp::create(b, loc, table, entry);
      memref::StoreOp::create(b, loc, out, scratch, i);
    });
    result = k.loadVector(scratch, k.index(0), type.getNumElements());
  }
  return k.extend(result, outElement);
}
