//===- Pointwise.cpp - the element-wise part of a kernel ------------------===//
#include "Pointwise.h"

#include "Addressing.h"
#include "Trim.h"
#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

FailureOr<PointwiseEmitter> PointwiseEmitter::create(KernelBuilder &kernel) {
  PointwiseEmitter emitter(kernel);
  Operation *anchor = kernel.kernel.getAnchor();
  for (Operation &op :
       kernel.kernel.getBody().front().without_terminator()) {
    if (&op == anchor || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    if (auto requantize = dyn_cast<RequantizeOp>(op)) {
      if (failed(emitter.planRequantize(requantize)))
        return failure();
    } else if (auto lookup = dyn_cast<LookupOp>(op)) {
      FailureOr<HostTensor> table = readConstant(lookup.getTable());
      if (failed(table))
        return op.emitError("expected a table that is known at compile time");
      emitter.tables[&op] = kernel.constants<char>(
          kernel.target.arrangeTable(ArrayRef<char>(table->bytes)));
      Type element = lookup.getOutput().getType().getElementType();
      if (element.getIntOrFloatBitWidth() != 8)
        return op.emitError("expected a table of 8-bit values, but got ")
               << element << ": code generation has no wider look-up yet";
    } else if (auto scale = dyn_cast<ScaleSumsOp>(op)) {
      emitter.scalings[&op] = {
          kernel.constants<int32_t>(scale.getWeightSums()),
          kernel.constants<float>(scale.getWeightScales()),
          scale.getBias() ? kernel.constants<float>(*scale.getBias()) : Value()};
    } else if (!isa<dyadic::AddOp, dyadic::MulOp, dyadic::ClampOp, QuantizeOp,
                    DequantizeOp, qnn::ElementwiseOpInterface>(op)) {
      return op.emitError("expected a pointwise op that code generation knows");
    }
  }
  return emitter;
}

Value codegen::sliceLanes(KernelBuilder &k, Value vector, int64_t begin,
                          int64_t width) {
  if (cast<VectorType>(vector.getType()).getNumElements() == width)
    return vector;
  return vector::ExtractStridedSliceOp::create(
      k.b, k.loc, vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{width},
      ArrayRef<int64_t>{1});
}

bool PointwiseEmitter::canJoinPixels() const {
  KernelOp kernel = k.kernel;
  Operation *anchor = kernel.getAnchor();
  auto shape = tensorType(kernel.getResult(0)).getShape();
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (&op == anchor || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    for (Value value : llvm::concat<Value>(llvm::to_vector(op.getOperands()),
                                           llvm::to_vector(op.getResults()))) {
      auto own = tensorType(value).getShape();
      int64_t count = ShapedType::getNumElements(own);
      if (own != shape && count != 1 && count != own.back())
        return false;
    }
  }
  return true;
}

bool PointwiseEmitter::canFlatten() const {
  return isChannelFree() && allRowMajor();
}

bool PointwiseEmitter::allRowMajor() const {
  KernelOp kernel = k.kernel;
  for (auto [i, result] : llvm::enumerate(kernel.getResults()))
    if (!isContiguous(tensorType(result).getShape(), k.outputStrides(i)))
      return false;
  auto isFree = [&](Value input) {
    return k.isRowMajor(input) ||
           llvm::all_of(input.getUsers(), [&](Operation *user) {
             return user == kernel.getAnchor();
           });
  };
  return llvm::all_of(kernel.getBody().front().getArguments(), isFree);
}

bool PointwiseEmitter::isChannelFree(ArrayRef<Value> shared) const {
  KernelOp kernel = k.kernel;
  auto shape = tensorType(kernel.getResult(0)).getShape();
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (&op == kernel.getAnchor() || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    for (Value value : llvm::concat<Value>(llvm::to_vector(op.getOperands()),
                                           llvm::to_vector(op.getResults())))
      if (tensorType(value).getShape() != shape &&
          tensorType(value).getNumElements() != 1 &&
          !llvm::is_contained(shared, value))
        return false;
    auto plan = plans.find(&op);
    if ((plan != plans.end() && plan->second.perChannel) || isa<ScaleSumsOp>(op))
      return false;
  }
  return true;
}

void PointwiseEmitter::emit(Position position, AnchorVectors anchor) {
  vectors = held;
  if (anchor.plain)
    vectors[k.kernel.getAnchor()->getResult(0)] =
        k.widen(anchor.plain, lanesAt(position));
  if (anchor.scaled)
    scaledVector = k.widen(anchor.scaled, lanesAt(position));
  storeResults(position);
}

SmallVector<Value> PointwiseEmitter::channelTensors() const {
  KernelOp kernel = k.kernel;
  auto shape = tensorType(kernel.getResult(0)).getShape();
  SmallVector<Value> found;
  if (shape.empty())
    return found;
  for (Value input : kernel.getBody().front().getArguments()) {
    auto own = tensorType(input).getShape();
    if (own != shape && !own.empty() && own.back() == shape.back() &&
        own.back() != 1 && ShapedType::getNumElements(own) == own.back())
      found.push_back(input);
  }
  return found;
}

void PointwiseEmitter::holdChannels(Value channel, int64_t width) {
  held.clear();
  for (Value tensor : channelTensors())
    held[tensor] = load(tensor, {channel, channel, width});
}

bool PointwiseEmitter::canRepeatChannels() const {
  return broadcastsChannels() && k.target.packedRegisters() > 1 &&
         llvm::all_of(k.kernel.getYield().getValues(), [](Value value) {
           return tensorType(value).getElementTypeBitWidth() == 8;
         }) &&
         allRowMajor() && isChannelFree(channelTensors());
}

void PointwiseEmitter::repeatChannels(int64_t width) {
  for (Value tensor : channelTensors()) {
    RankedTensorType type = tensorType(tensor);
    int64_t row = type.getShape().back(),
            copies = llvm::divideCeil(row - 1 + width, row);
    Type element = memoryElementType(type.getElementType());
    Value memory = k.scratch(copies * row * (element.getIntOrFloatBitWidth() / 8),
                             element);
    repeated[tensor] = memory;
    k.loop(copies, [&](Value copy) {
      k.pieces(row, width, [&](Value at, int64_t n) {
        k.storeVector(k.loadVector(k.buffer(tensor), at, n), memory,
                      k.add(k.mul(copy, row), at));
      });
    });
  }
}

void PointwiseEmitter::holdRepeated(Value channel, int64_t width) {
  held.clear();
  for (Value tensor : channelTensors())
    held[tensor] =
        fromMemory(k.loadVector(repeated.lookup(tensor), channel, width), tensor,
                   {channel, channel, width});
}

int64_t PointwiseEmitter::lanesAt(const Position &position) const {
  int64_t count = position.elements();
  if (k.target.packedRegisters() == 1 || count == 1)
    return count;
  return llvm::alignTo(count, k.target.lanes());
}

/// Whether the elements at a position lie one behind the other in memory.
static bool isRun(const Position &position, ArrayRef<int64_t> shape,
                  ArrayRef<int64_t> strides) {
  if (position.pixels == 1)
    return true;
  if (position.pitch != position.width)
    return false;
  if (isContiguous(shape, strides))
    return true;
  // The pixels are in one run of what their coordinate goes through.
  size_t known = position.coordinates.size();
  int64_t together =
      ShapedType::getNumElements(shape.take_back(contiguousDims(shape, strides)));
  return known >= 2 && strides.back() == 1 &&
         together >= position.width * position.coordinates[known - 2].extent;
}

void PointwiseEmitter::storeResults(const Position &position) {
  for (auto [i, yielded] : llvm::enumerate(k.kernel.getYield().getValues())) {
    Value result =
        k.truncate(value(yielded, position), tensorType(yielded).getElementType());
    ArrayRef<int64_t> shape = tensorType(yielded).getShape(),
                      strides = k.outputStrides(i);
    if (isRun(position, shape, strides)) {
      k.storeVector(sliceLanes(k, result, 0, position.elements()), k.output(i),
                    elementIndex(k, shape, strides, position));
      continue;
    }
    for (int64_t p = 0; p < position.pixels; ++p)
      k.storeVector(sliceLanes(k, result, p * position.width, position.width),
                    k.output(i), elementIndex(k, shape, strides, position, p));
  }
}

Value PointwiseEmitter::value(Value tensor, const Position &position) {
  if (Value known = vectors.lookup(tensor))
    return known;
  Operation *op = tensor.getDefiningOp();
  Value vector = op && !op->hasTrait<OpTrait::ConstantLike>()
                     ? compute(op, position)
                     : load(tensor, position);
  vectors[tensor] = vector;
  return vector;
}

Value PointwiseEmitter::load(Value tensor, const Position &position) {
  Value memref = k.buffer(tensor);
  Value vector;
  ArrayRef<int64_t> shape = tensorType(tensor).getShape();
  SmallVector<int64_t> strides = k.strides(tensor);
  if (isRun(position, shape, strides)) {
    vector = k.loadVector(memref, elementIndex(k, shape, strides, position),
                          position.elements());
  } else {
    SmallVector<Value> rows;
    for (int64_t p = 0; p < position.pixels; ++p)
      rows.push_back(p && !position.pitch
                         ? rows.front()
                         : k.loadVector(
                               memref,
                               elementIndex(k, shape, strides, position, p),
                               position.width));
    vector = k.concatenate(rows, position.elements());
  }
  return fromMemory(vector, tensor, position);
}

Value PointwiseEmitter::fromMemory(Value vector, Value tensor,
                                   const Position &position) {
  vector = k.widen(vector, lanesAt(position));
  Type element = tensorType(tensor).getElementType();
  bool staysBytes = k.target.packedRegisters() > 1 && element.isInteger(8);
  return staysBytes ? vector : k.extend(vector, element);
}

Position PointwiseEmitter::broadcast(const Position &position,
                                     ArrayRef<int64_t> to,
                                     ArrayRef<int64_t> from) {
  if (from == to)
    return position;
  Position result{k.index(0), k.index(0), 1};
  int64_t lastFrom = from.empty() ? 1 : from.back();
  if (lastFrom != 1) {
    result.channel = position.channel;
    result.width = position.width;
    result.pixels = position.pixels; // of pitch zero: the same for all
    result.flat = position.channel;
  }
  if (ShapedType::getNumElements(from) == lastFrom)
    return result;
  if (lastFrom == 1 && from.drop_back() == to.drop_back() &&
      position.coordinates.size() > 1) {
    // One for each row: its number, without a division.
    for (const Coordinate &outer : ArrayRef(position.coordinates).drop_back())
      result.flat = k.add(k.mul(result.flat, outer.extent), outer.index);
    return result;
  }
  // Coordinates of the leading dimensions, from the last to the first; those
  // that are broadcast have stride zero.
  Value rest = k.b.createOrFold<arith::DivUIOp>(k.loc, position.flat,
                                                k.index(to.back()));
  int64_t stride = lastFrom;
  for (int64_t i = 2; i <= static_cast<int64_t>(from.size()); ++i) {
    int64_t extent = to[to.size() - i], own = from[from.size() - i];
    Value size = k.index(extent);
    if (own != 1) {
      Value coordinate = k.b.createOrFold<arith::RemUIOp>(k.loc, rest, size);
      result.flat = k.add(result.flat, k.mul(coordinate, stride));
    }
    rest = k.b.createOrFold<arith::DivUIOp>(k.loc, rest, size);
    stride *= own;
  }
  return result;
}

Value PointwiseEmitter::operand(Value tensor, ArrayRef<int64_t> shape,
                                const Position &position) {
  Position from = broadcast(position, shape, tensorType(tensor).getShape());
  Value vector = value(tensor, from);
  auto type = cast<VectorType>(vector.getType());
  if (type.getNumElements() == lanesAt(position))
    return vector;
  return vector::BroadcastOp::create(
      k.b, k.loc, k.vectorType(lanesAt(position), type.getElementType()),
      vector);
}

Value PointwiseEmitter::compute(Operation *op, const Position &position) {
  ArrayRef<int64_t> shape = tensorType(op->getResult(0)).getShape();
  if (auto requantize = dyn_cast<RequantizeOp>(op)) {
    if (Value bytes = requantizeFactor(requantize, position))
      return bytes;
    if (Value bytes = requantizePair(requantize, position))
      return bytes;
    if (Value gated = requantizeGated(requantize, position))
      return gated;
  }
  if (op == scaledQuantize)
    return quantize(scaledQuantize, scaledVector);
  SmallVector<Value> operands;
  for (Value tensor : op->getOperands()) {
    Value vector = operand(tensor, shape, position);
    // Bytes are taken as they are by what is done to bytes.
    if (!isa<LookupOp, dyadic::ClampOp>(op))
      vector = k.extend(vector, tensorType(tensor).getElementType());
    operands.push_back(vector);
  }

  auto minus = [&](Value x, int32_t zeroPoint) -> Value {
    if (!zeroPoint)
      return x;
    Value zp = k.splatInt(cast<VectorType>(x.getType()), zeroPoint);
    return arith::SubIOp::create(k.b, k.loc, x, zp);
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](RequantizeOp op) { return requantize(op, operands[0], position); })
      .Case([&](LookupOp op) { return lookup(op, operands[0]); })
      .Case([&](ScaleSumsOp op) { return scaleSums(op, operands, position); })
      .Case([&](QuantizeOp op) { return quantize(op, operands[0]); })
      .Case([&](dyadic::ClampOp op) { return clamp(op, operands[0]); })
      .Case([&](DequantizeOp op) -> Value {
        Value q = minus(operands[0], op.getZeroPoint());
        auto type = cast<VectorType>(q.getType()).clone(k.b.getF32Type());
        Value x = arith::SIToFPOp::create(k.b, k.loc, type, q);
        return arith::MulFOp::create(
            k.b, k.loc, x, k.splat(type, op.getScale().convertToFloat()));
      })
      .Case([&](dyadic::AddOp op) -> Value {
        // Σ x·m − Σ zp·m: the zero points are one constant.
        auto type = cast<VectorType>(operands[0].getType());
        int32_t lm = op.getLhsMultiplier(), rm = op.getRhsMultiplier();
        int32_t lz = op.getLhsZp(), rz = op.getRhsZp();
        Value l = arith::MulIOp::create(k.b, k.loc, operands[0],
                                        k.splatInt(type, lm));
        Value r = arith::MulIOp::create(k.b, k.loc, operands[1],
                                        k.splatInt(type, rm));
        Value sum = arith::AddIOp::create(k.b, k.loc, l, r);
        return arith::AddIOp::create(
            k.b, k.loc, sum,
            k.splatInt(type, -int64_t(lz) * lm - int64_t(rz) * rm));
      })
      .Case([&](dyadic::MulOp op) -> Value {
        return arith::MulIOp::create(k.b, k.loc,
                                     minus(operands[0], op.getLhsZp()),
                                     minus(operands[1], op.getRhsZp()));
      })
      .Case([&](qnn::ElementwiseOpInterface op) {
        return op.build(k.b, k.loc, operands);
      });
}

/// Rows of `row` channels as one run of whole vectors. Those of as many rows as
/// end where a vector does repeat: each with what the rows share goes down all of
/// them. Does nothing where there are too few rows.
static bool emitRepeatingRows(KernelBuilder &k, PointwiseEmitter &emitter,
                              int64_t rows, int64_t row, int64_t width) {
  constexpr int64_t worthwhile = 4;
  int64_t period = width / std::gcd(row, width), repeats = rows / period,
          length = period * row, rest = rows % period;
  if (period == 1 || repeats < worthwhile)
    return false;
  emitter.repeatChannels(width);
  auto hold = [&](Value at, int64_t lanes) {
    emitter.holdRepeated(
        k.b.createOrFold<arith::RemUIOp>(k.loc, at, k.index(row)), lanes);
  };
  auto shares = k.share({length / width, repeats});
  k.pieces(shares[0], length, width, [&](Value at, int64_t lanes) {
    hold(at, lanes);
    k.loop(shares[1], repeats, 1, [&](Value i) {
      emitter.emit({k.add(k.mul(i, length), at), Value(), lanes}, Value());
    });
  });
  k.onOneThread([&] {
    k.pieces(rest * row, width, [&](Value at, int64_t lanes) {
      hold(at, lanes);
      emitter.emit({k.add(at, repeats * length), Value(), lanes}, Value());
    });
  });
  return true;
}

LogicalResult codegen::emitPointwiseKernel(KernelBuilder &k) {
  auto emitter = PointwiseEmitter::create(k);
  if (failed(emitter))
    return failure();
  auto type = tensorType(k.kernel.getResult(0));
  // Four registers' worth, so that bytes fill one.
  int64_t width = 4 * k.target.lanes();
  // Rows are the dimensions that no tensor's stride parts, and the dimensions
  // around them are loops.
  ArrayRef<int64_t> shape = type.getShape();
  unsigned joined = std::min<unsigned>(type.getRank(), 1);
  if (emitter->isChannelFree()) {
    joined = contiguousDims(shape, k.outputStrides(0));
    for (Value input : k.kernel.getBody().front().getArguments())
      if (tensorType(input).getShape() == shape)
        joined = std::min(joined, contiguousDims(shape, k.strides(input)));
  }
  ArrayRef<int64_t> outer = shape.drop_back(joined);
  int64_t row = ShapedType::getNumElements(shape.take_back(joined));
  bool isRowMajor = joined == shape.size() || emitter->allRowMajor();
  SmallVector<int64_t> extents = llvm::to_vector(outer);
  if (isRowMajor)
    extents = {ShapedType::getNumElements(outer)};
  Value limit = limitOfRows(k, k.kernel.getYield().getValues().front(), 0);
  auto emitAt = [&](ValueRange at, Value channel, int64_t lanes, int64_t pixels) {
    Position position{Value(), channel, lanes, pixels, pixels > 1 ? row : 0};
    Value index = k.index(0);
    for (auto [i, extent] : llvm::zip_equal(at, extents)) {
      index = k.add(k.mul(index, extent), i);
      position.coordinates.push_back({i, extent});
    }
    position.coordinates.push_back({channel, row});
    position.flat = k.add(k.mul(index, row), channel);
    ifBelow(k, position.flat, limit, [&] { emitter->emit(position, Value()); });
  };
  if (emitter->canRepeatChannels() &&
      emitRepeatingRows(k, *emitter, type.getNumElements() / row, row, width))
    return success();
  // Several short rows fill a vector.
  int64_t together = llvm::bit_floor<uint64_t>(width / std::max<int64_t>(row, 1));
  if (together > 1 && k.target.lanes() > 1 && !extents.empty() &&
      extents.back() > 1 && emitter->canJoinPixels()) {
    k.forPieces(ArrayRef(extents).drop_back(), extents.back(), together,
                [&](ValueRange at, Value pixel, int64_t pixels) {
                  auto all = llvm::to_vector(at);
                  all.push_back(pixel);
                  emitAt(all, k.index(0), row, pixels);
                });
    return success();
  }
  if (k.target.packedRegisters() == 1 || extents.empty() ||
      !emitter->broadcastsChannels()) {
    k.forPieces(extents, row, width,
                [&](ValueRange at, Value channel, int64_t lanes) {
                  emitAt(at, channel, lanes, 1);
                });
    return success();
  }
  // Down the rows: what they share is loaded once.
  auto shares = k.share({k.piecesOf(row, width), extents.front()});
  k.pieces(shares[0], row, width, [&](Value channel, int64_t lanes) {
    emitter->holdChannels(channel, lanes);
    SmallVector<Value> at;
    std::function<void()> nest = [&] {
      size_t level = at.size();
      if (level == extents.size())
        return emitAt(at, channel, lanes, 1);
      auto body = [&](Value i) {
        at.push_back(i);
        nest();
        at.pop_back();
      };
      if (level == 0)
        k.loop(shares[1], extents[0], 1, body);
      else
        k.loop(extents[level], body);
    };
    nest();
  });
  return success();
}
