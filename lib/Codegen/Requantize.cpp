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
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// The interval of a requantize's input, per channel or for all.
static SmallVector<AccumulatorRange> inputRanges(RequantizeOp op) {
  int64_t zp = static_cast<int32_t>(op.getInputZp());
  if (auto producer =
          op.getInput().getDefiningOp<AccumulatorOpInterface>()) {
    auto ranges = producer.getAccumulatorRanges();
    if (succeeded(ranges)) {
      for (AccumulatorRange &range : *ranges) {
        range.min -= zp;
        range.max -= zp;
      }
      return *ranges;
    }
  }
  StorageRange range = storageRange(op.getInput().getType());
  return {{range.min - zp, range.max - zp}};
}

/// zp + `once` rounded half away from zero by `rest` bits more, clamped.
static Value emitSecondRounding(KernelBuilder &k, Value once, Value rest, int64_t zp,
                                int64_t low, int64_t high) {
  OpBuilder &b = k.b;
  Location loc = k.loc;
  auto type = cast<VectorType>(once.getType());
  auto splat = [&](int64_t x) { return k.splatInt(type, x); };
  auto add = [&](Value l, Value r) -> Value { return arith::AddIOp::create(b, loc, l, r); };
  auto shiftRight = [&](Value v, Value n) -> Value {
    return arith::ShRSIOp::create(b, loc, v, n);
  };
  Value half = shiftRight(arith::ShLIOp::create(b, loc, splat(1), rest), splat(1));
  // Of a negative tie one less is rounded up, so that it goes down; nothing is
  // rounded where no bits are left.
  Value sign = shiftRight(once, splat(type.getElementTypeBitWidth() - 1));
  Value isLeft = arith::SubIOp::create(b, loc, splat(0),
                                       arith::MinSIOp::create(b, loc, rest, splat(1)));
  half = add(half, arith::AndIOp::create(b, loc, sign, isLeft));
  Value y = add(shiftRight(add(once, half), rest), splat(zp));
  y = arith::MaxSIOp::create(b, loc, y, splat(low));
  return arith::MinSIOp::create(b, loc, y, splat(high));
}

/// x · multiplier + addend >> shift, vectors of i64 but `x` and `multiplier`.
static Value emitFirstRounding(KernelBuilder &k, Value x, Value multiplier, Value shift,
                               Value addend) {
  auto wide = [&](Value v) -> Value {
    return arith::ExtSIOp::create(k.b, k.loc, addend.getType(), v);
  };
  Value product = arith::MulIOp::create(k.b, k.loc, wide(x), wide(multiplier));
  return arith::ShRSIOp::create(k.b, k.loc,
                                arith::AddIOp::create(k.b, k.loc, product, addend), shift);
}

/// zp + the product rounded half up by `shift` bits and half away from zero by
/// `rest` more, clamped. `rest`, `shift` and `addend` are vectors of i64.
static Value emitDoubleRounding(KernelBuilder &k, Value x, Value multiplier,
                                Value shift, Value addend, Value rest, int64_t zp,
                                int64_t low, int64_t high) {
  Value once = emitFirstRounding(k, x, multiplier, shift, addend);
  return arith::TruncIOp::create(k.b, k.loc, x.getType(),
                                 emitSecondRounding(k, once, rest, zp, low, high));
}

/// The same where what is left after the first 31 bits fits 32 bits: `rest` is a
/// vector of i32.
static Value emitNarrowDoubleRounding(KernelBuilder &k, Value x, Value multiplier,
                                      Value rest, int64_t zp, int64_t low,
                                      int64_t high) {
  auto i64 = cast<VectorType>(x.getType()).clone(k.b.getI64Type());
  Value once = emitFirstRounding(k, x, multiplier, k.splatInt(i64, 31),
                                 k.splatInt(i64, int64_t{1} << 30));
  once = arith::TruncIOp::create(k.b, k.loc, x.getType(), once);
  return emitSecondRounding(k, once, rest, zp, low, high);
}

/// Whether no sum that x·m + 2^30 >> 31 leads to, with half of what is shifted out
/// and the zero point, leaves 32 bits.
static bool canNarrow(RequantizeOp op, ArrayRef<AccumulatorRange> ranges,
                      ArrayRef<int32_t> shifts) {
  constexpr int64_t kMost = int64_t{1} << 29;
  return op.getRounding() == Rounding::DoubleRound &&
         llvm::all_of(ranges, [](const AccumulatorRange &range) {
           return range.min > -kMost && range.max < kMost;
         }) &&
         llvm::all_of(shifts, [](int32_t s) { return s >= 31 && s < kMaxShift; });
}

/// Whether half_up stays in 32 bits for one multiplier.
static bool staysInWords(RequantizeOp op, ArrayRef<AccumulatorRange> ranges,
                         ArrayRef<int32_t> multipliers, ArrayRef<int32_t> shifts) {
  constexpr int64_t kMost = int64_t{1} << 29;
  if (op.getRounding() != Rounding::HalfUp || multipliers.size() != 1 ||
      shifts[0] < 1 || shifts[0] > 29)
    return false;
  return llvm::all_of(ranges, [&](const AccumulatorRange &range) {
    return range.magnitude() < kMost && range.magnitude() * multipliers[0] < kMost;
  });
}

/// zp + x · multiplier rounded half up by `shift` bits, clamped, in lanes of i32.
static Value emitHalfUp(KernelBuilder &k, Value x, RequantizeOp op) {
  OpBuilder &b = k.b;
  Location loc = k.loc;
  auto type = cast<VectorType>(x.getType());
  auto splat = [&](int64_t value) { return k.splatInt(type, value); };
  int32_t multiplier = op.getMultiplier()[0], shift = op.getShift()[0];
  if (multiplier != 1)
    x = arith::MulIOp::create(b, loc, x, splat(multiplier));
  x = arith::AddIOp::create(b, loc, x, splat(int64_t{1} << (shift - 1)));
  x = arith::ShRSIOp::create(b, loc, x, splat(shift));
  if (auto zp = static_cast<int32_t>(op.getOutputZp()))
    x = arith::AddIOp::create(b, loc, x, splat(zp));
  x = arith::MaxSIOp::create(b, loc, x,
                             splat(static_cast<int32_t>(op.getClampMin())));
  return arith::MinSIOp::create(b, loc, x,
                                splat(static_cast<int32_t>(op.getClampMax())));
}

/// Whether x · multiplier · 2^−shift is never halfway between two integers: an odd
/// multiple of 2^(shift − 1), which x would have to be divisible by, but for what the
/// multiplier has of it.
static bool neverTies(const AccumulatorRange &range, int32_t multiplier, int32_t shift) {
  int64_t twos = shift - 1 - llvm::countr_zero(static_cast<uint32_t>(multiplier));
  return twos < 0 || twos > 62 || range.magnitude() < int64_t{1} << twos;
}

LogicalResult PointwiseEmitter::planRequantize(RequantizeOp op) {
  SmallVector<AccumulatorRange> ranges = inputRanges(op);
  ArrayRef<int32_t> multipliers = op.getMultiplier(), shifts = op.getShift();
  RequantizePlan plan;
  auto multipliersByLength =
           op->getAttrOfType<DenseI32ArrayAttr>(kMultipliersAttr),
       shiftsByLength = op->getAttrOfType<DenseI32ArrayAttr>(kShiftsAttr);
  if (multipliersByLength && shiftsByLength) {
    multipliers = multipliersByLength;
    shifts = shiftsByLength;
  }
  bool byLength = multipliersByLength && shiftsByLength;
  plan.perChannel = multipliers.size() > 1 && !byLength;
  plan.useFloat = !byLength && op.getRounding() == Rounding::NearestEven &&
                  k.target.fusesMultiplyAdd();
  double zp = static_cast<int32_t>(op.getOutputZp());
  size_t count = std::max(ranges.size(), multipliers.size());
  for (size_t c = 0; c < count && plan.useFloat; ++c) {
    const AccumulatorRange &range = ranges[ranges.size() > 1 ? c : 0];
    size_t m = plan.perChannel ? c : 0;
    auto form = canUseFloatRequantize(range.min, range.max, multipliers[m],
                                      shifts[m]);
    plan.useFloat = form != FloatRequantize::Refused;
    plan.clampFloat |= form == FloatRequantize::NeedsClamp;
    double greatest = std::max(-double(range.min), double(range.max)) *
                      std::ldexp(multipliers[m], -shifts[m]);
    plan.fitHalves &= greatest + std::abs(zp) < INT16_MAX;
    plan.reach = std::max(plan.reach, greatest);
    plan.neverTies &= neverTies(range, multipliers[m], shifts[m]);
  }
  if (plan.useFloat) {
    for (auto [multiplier, shift] : llvm::zip(multipliers, shifts))
      plan.scales.push_back(std::ldexp(float(multiplier), -shift));
    // Registers of scales may be loaded beyond the last channel.
    std::vector<float> padded = plan.scales;
    if (k.target.packedRegisters() > 1)
      padded.resize(padded.size() + k.target.lanes());
    plan.scale = k.constants<float>(padded);
  } else if (!byLength && staysInWords(op, ranges, multipliers, shifts)) {
    plan.inWords = true;
  } else {
    // x·m + addend + (parity & x·m >> shift), all shifted right by shift. For
    // double_round that is the first 31 bits, and `parity` how many are left.
    bool twice = op.getRounding() == Rounding::DoubleRound;
    plan.narrows = !byLength && canNarrow(op, ranges, shifts);
    std::vector<int64_t> shift, addend, parity;
    for (int32_t total : shifts) {
      int32_t s = twice ? std::min(total, 31) : total;
      bool even = op.getRounding() == Rounding::NearestEven && s > 0;
      shift.push_back(s);
      addend.push_back(s == 0 ? 0 : (int64_t{1} << (s - 1)) - (even ? 1 : 0));
      parity.push_back(twice ? total - s : even);
    }
    if (byLength) {
      plan.multiplier = k.constantForLength<int32_t>(multipliers);
      plan.shift = k.constantForLength<int64_t>(shift);
      plan.addend = k.constantForLength<int64_t>(addend);
      plan.parity = k.constantForLength<int64_t>(parity);
    } else {
      plan.multiplier = k.constants<int32_t>(multipliers);
      if (plan.narrows) {
        plan.parity = k.constants<int32_t>(
            std::vector<int32_t>(parity.begin(), parity.end()));
        plans[op] = std::move(plan);
        return success();
      }
      plan.shift = k.constants<int64_t>(shift);
      plan.addend = k.constants<int64_t>(addend);
      plan.parity = k.constants<int64_t>(parity);
    }
  }
  plans[op] = std::move(plan);
  return success();
}

Value PointwiseEmitter::parameter(Value memref, bool perChannel,
                                  const Position &position) {
  int64_t lanes = lanesAt(position);
  if (perChannel) {
    Value one = k.loadVector(memref, position.channel, position.width);
    if (position.pixels == 1)
      return k.widen(one, lanes);
    return k.concatenate(SmallVector<Value>(position.pixels, one), lanes);
  }
  Value one = k.loadVector(memref, k.index(0), 1);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::BroadcastOp::create(k.b, k.loc, k.vectorType(lanes, element),
                                     one);
}

Value PointwiseEmitter::clampInt(Value x, int64_t low, int64_t high,
                                 bool isUnsigned) {
  auto type = cast<VectorType>(x.getType());
  Value lo = k.splatInt(type, low), hi = k.splatInt(type, high);
  if (isUnsigned) {
    x = arith::MaxUIOp::create(k.b, k.loc, x, lo);
    return arith::MinUIOp::create(k.b, k.loc, x, hi);
  }
  x = arith::MaxSIOp::create(k.b, k.loc, x, lo);
  return arith::MinSIOp::create(k.b, k.loc, x, hi);
}

Value PointwiseEmitter::clamp(ClampOp op, Value x) {
  auto type = cast<VectorType>(x.getType());
  bool areBytes = type.getElementType().isInteger(8);
  auto low = static_cast<int32_t>(op.getMin()), high = static_cast<int32_t>(op.getMax());
  // A bound that what was clamped before doesn't reach costs nothing.
  auto before = op.getInput().getDefiningOp<RequantizeOp>();
  if (!areBytes && before && static_cast<int32_t>(before.getClampMin()) >= low)
    return arith::MinSIOp::create(k.b, k.loc, x, k.splatInt(type, high));
  return clampInt(x, low, high,
                  areBytes && op.getOutput().getType().getElementType().isUnsignedInteger());
}

//===----------------------------------------------------------------------===//
// Several registers at once
//===----------------------------------------------------------------------===//

RequantizeOp PointwiseEmitter::packedRequantize() const {
  KernelOp kernel = k.kernel;
  Operation *anchor = kernel.getAnchor();
  if (!anchor || k.target.packedRegisters() == 1 ||
      !anchor->getResult(0).hasOneUse())
    return {};
  auto op = dyn_cast<RequantizeOp>(*anchor->getResult(0).user_begin());
  if (!op || op.getInputZp() != 0 || !op.getInput().getType().getElementType().isInteger(32) ||
      !op.getOutput().getType().getElementType().isInteger(8))
    return {};
  return plans.find(op)->second.useFloat ? op : RequantizeOp();
}

int64_t PointwiseEmitter::registersAtOnce() const {
  bool givesBytes = llvm::all_of(k.kernel.getYield().getValues(), [](Value value) {
    return cast<RankedTensorType>(value.getType()).getElementTypeBitWidth() == 8;
  });
  return givesBytes ? k.target.packedRegisters() : 1;
}

const std::vector<float> *PointwiseEmitter::fusedScales() const {
  RequantizeOp op = packedRequantize();
  return op ? &plans.find(op)->second.scales : nullptr;
}

Value PointwiseEmitter::packFused(RequantizeOp op, ArrayRef<Value> words,
                                  ArrayRef<Value> scales, int64_t valid,
                                  LaneOrder order) {
  const RequantizePlan &plan = plans.find(op)->second;
  int64_t zp = static_cast<int32_t>(op.getOutputZp()),
          low = static_cast<int32_t>(op.getClampMin()),
          high = static_cast<int32_t>(op.getClampMax());
  SmallVector<Value> sums;
  for (auto [x, scale] : llvm::zip(words, scales))
    sums.push_back(emitFusedSum(k.b, k.loc,
                                {x, scale, zp, low, high, plan.clampFloat, plan.neverTies}));
  auto type = op.getOutput().getType();
  bool isUnsigned = type.getElementType().isUnsignedInteger();
  Value bytes = k.target.packBytes(
      k.b, k.loc,
      {sums, valid, plan.neverTies ? 0 : zp, plan.clampFloat || plan.fitHalves, isUnsigned,
       order});
  StorageRange range = storageRange(type);
  if (low == range.min && high == range.max)
    return bytes;
  return clampInt(bytes, low, high, isUnsigned);
}

Value PointwiseEmitter::fitLanes(Value vector, const Position &position) {
  int64_t lanes = lanesAt(position);
  int64_t own = cast<VectorType>(vector.getType()).getNumElements();
  return own < lanes ? k.widen(vector, lanes) : sliceLanes(k, vector, 0, lanes);
}

void PointwiseEmitter::emitInterleaved(Position position, ArrayRef<Value> sums,
                                       ArrayRef<Value> scales) {
  RequantizeOp op = packedRequantize();
  vectors.clear();
  Value bytes = packFused(op, sums, scales, k.target.lanes(),
                          LaneOrder::Interleaved);
  vectors[op.getOutput()] = fitLanes(bytes, position);
  storeResults(position);
}

void PointwiseEmitter::emitSums(Position position, ArrayRef<Value> sums) {
  int64_t lanes = k.target.lanes(), width = position.width;
  int64_t perPixel = llvm::divideCeil(width, lanes);
  RequantizeOp op = packedRequantize();
  bool joins = position.pixels == 1 ||
               ((width <= lanes || width % lanes == 0) && canJoinPixels());
  if (!joins || !op || sums.size() == 1) {
    for (int64_t p = 0; p < position.pixels; ++p) {
      Position pixel = position;
      pixel.pixels = 1;
      pixel.flat = k.add(position.flat, p * position.pitch);
      if (p && !pixel.coordinates.empty()) {
        Value &column = pixel.coordinates.rbegin()[1].index;
        column = k.add(column, p);
      }
      ArrayRef<Value> own = sums.slice(p * perPixel, perPixel);
      if (op && perPixel > 1)
        emitSums(pixel, own);
      else
        emit(pixel, k.concatenate(own, width));
    }
    return;
  }
  const RequantizePlan &plan = plans.find(op)->second;
  Position one{position.flat, position.channel, lanes};
  SmallVector<Value> scales;
  for (int64_t i = 0, e = sums.size(); i < e; ++i) {
    if (i && (!plan.perChannel || i >= perPixel)) {
      scales.push_back(plan.perChannel ? scales[i - perPixel] : scales[0]);
      continue;
    }
    if (plan.perChannel)
      one.channel = k.add(position.channel, i * lanes);
    scales.push_back(parameter(plan.scale, plan.perChannel, one));
  }
  vectors.clear();
  Value bytes = packFused(op, sums, scales, std::min(width, lanes),
                          LaneOrder::Natural);
  vectors[op.getOutput()] = fitLanes(bytes, position);
  storeResults(position);
}

Value PointwiseEmitter::requantize(RequantizeOp op, Value x,
                                   const Position &position, Value scale) {
  const RequantizePlan &plan = plans.find(op)->second;
  OpBuilder &b = k.b;
  Location loc = k.loc;
  auto type = cast<VectorType>(x.getType());
  int64_t zp = static_cast<int32_t>(op.getOutputZp());
  int64_t low = static_cast<int32_t>(op.getClampMin()),
          high = static_cast<int32_t>(op.getClampMax()),
          inputZp = static_cast<int32_t>(op.getInputZp());
  if (inputZp && type.getElementType().isInteger())
    x = arith::SubIOp::create(b, loc, x, k.splatInt(type, inputZp));

  auto load = [&](Value memref) {
    return parameter(memref, plan.perChannel, position);
  };
  if (plan.useFloat) {
    if (!scale)
      scale = load(plan.scale);
    int64_t lanes = k.target.lanes(), atOnce = k.target.packedRegisters(),
            count = lanesAt(position);
    bool packs = atOnce > 1 && count > lanes && count % lanes == 0 &&
                 op.getOutput().getType().getElementType().isInteger(8);
    if (!packs)
      return k.target.requantizeFused(
          b, loc, {x, scale, zp, low, high, plan.clampFloat});
    SmallVector<Value> words, scales, bytes;
    for (int64_t at = 0; at < count; at += lanes) {
      words.push_back(sliceLanes(k, x, at, lanes));
      scales.push_back(sliceLanes(k, scale, at, lanes));
    }
    for (int64_t i = 0; i < count / lanes; i += atOnce) {
      int64_t n = std::min(atOnce, count / lanes - i);
      bytes.push_back(packFused(op, ArrayRef(words).slice(i, n),
                                ArrayRef(scales).slice(i, n), lanes,
                                LaneOrder::Natural));
    }
    return k.concatenate(bytes, count);
  }
  if (plan.inWords)
    return emitHalfUp(k, x, op);
  if (plan.narrows)
    return emitNarrowDoubleRounding(k, x, load(plan.multiplier), load(plan.parity),
                                    zp, low, high);
  if (op.getRounding() == Rounding::DoubleRound)
    return emitDoubleRounding(k, x, load(plan.multiplier), load(plan.shift),
                              load(plan.addend), load(plan.parity), zp, low, high);
  return k.target.requantizeWide(b, loc,
                                 {x, load(plan.multiplier), load(plan.shift),
                                  load(plan.addend), load(plan.parity), zp, low,
                                  high});
}

Value PointwiseEmitter::scaleSums(ScaleSumsOp op, ValueRange operands,
                                  const Position &position) {
  OpBuilder &b = k.b;
  const ScalingPlan &plan = scalings.find(op)->second;
  auto ofChannel = [&](Value memory) { return parameter(memory, true, position); };
  Value correction = arith::MulIOp::create(b, k.loc, operands[2],
                                           ofChannel(plan.weightSums));
  Value sum = arith::SubIOp::create(b, k.loc, operands[0], correction);
  Value x = arith::SIToFPOp::create(b, k.loc, cast<VectorType>(operands[1].getType()), sum);
  x = arith::MulFOp::create(b, k.loc, x, ofChannel(plan.weightScales));
  x = arith::MulFOp::create(b, k.loc, x, operands[1]);
  return plan.bias ? arith::AddFOp::create(b, k.loc, x, ofChannel(plan.bias)).getResult() : x;
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
  return k.target.packedRegisters() > 1 ? result : k.extend(result, outElement);
}
