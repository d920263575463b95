//===- RecurrentEmitter.cpp -----------------------------------------------===//
#include "RecurrentEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// h is in (−1, 1): q = 128 + rne(127 · h).
static constexpr int64_t kStateZeroPoint = 128, kStateLevels = 127;
/// So many sums hide a product's latency.
static constexpr int64_t kSumsAtOnce = 8;

RecurrentEmitter::RecurrentEmitter(KernelBuilder &k, ResultSink &sink,
                                   Value projection, const HostTensor &weights,
                                   std::optional<ArrayRef<float>> scales,
                                   bool reverse, int64_t gates, int64_t states)
    : k(k), lanes(k.target.lanes()), f32(k.b.getF32Type()), sink(sink),
      weights(weights), scales(scales), isInteger(weights.kind == ElementKind::I8),
      reverse(reverse) {
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(projection.getType()).getShape();
  steps = shape[0];
  batch = shape[1];
  units = shape[2] / gates;
  // Weights are read once for several rows.
  int64_t registers = k.target.vectorRegisters(),
          rows = std::max<int64_t>(isInteger ? registers / 16 : registers / 4 - 2, 1);
  operand = isInteger ? OperandKind::U8 : OperandKind::F32;
  tile = k.target.chooseTile({operand, 1, 1, kSumsAtOnce * lanes, units});
  tile.pixels = std::min(batch, rows);
  tile.prefetch = 0;
  wholeSteps = tile.shortLastStep ? units / tile.depth
                                  : llvm::divideCeil(units, tile.depth);
  rest = std::max<int64_t>(units - wholeSteps * tile.depth, 0);
  packedDepth = wholeSteps * tile.depth + llvm::alignTo(rest, tile.group);
  pitch = llvm::alignTo(units, 64) + 64; // steps may read a little beyond
  int64_t stateBytes = isInteger ? std::max<int64_t>(tile.preparedBytes, 1) : 4;
  stateElement = isInteger ? Type(k.b.getIntegerType(8 * stateBytes)) : f32;
  state = k.scratch(states * stateSize() * stateBytes, stateElement);
  this->projection = k.buffer(projection);
  projectionStrides = k.strides(projection);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The column of the weights that a panel's column is; none beyond the units.
std::optional<int64_t> RecurrentEmitter::columnOf(const Product &product,
                                                  int64_t begin, int64_t width,
                                                  int64_t column) {
  int64_t padded = llvm::alignTo(width, lanes), unit = column % padded;
  if (unit >= width)
    return std::nullopt;
  return product.gates[column / padded] * units + begin + unit;
}

/// `body` for the panels as k.pieces has them: first unit, units, columns.
void RecurrentEmitter::forPanels(
    const Product &product, function_ref<void(int64_t, int64_t, int64_t)> body) {
  for (int64_t begin = 0; begin < units; begin += product.panelUnits) {
    int64_t width = std::min(product.panelUnits, units - begin);
    body(begin, width, product.gates.size() * llvm::alignTo(width, lanes));
  }
}

template <typename T>
std::vector<T> RecurrentEmitter::packWeights(const Product &product) {
  std::vector<T> data;
  ArrayRef<T> w = weights.as<T>();
  int64_t columns = weights.shape[1];
  forPanels(product, [&](int64_t begin, int64_t width, int64_t panelColumns) {
    for (int64_t first = 0; first < packedDepth; first += tile.group)
      for (int64_t n = 0; n < panelColumns; ++n)
        for (int64_t i = first; i < first + tile.group; ++i) {
          auto column = columnOf(product, begin, width, n);
          data.push_back(column && i < units ? w[i * columns + *column] : T(0));
        }
  });
  return data;
}

RecurrentEmitter::Product RecurrentEmitter::pack(ArrayRef<int64_t> gates) {
  Product product{SmallVector<int64_t>(gates)};
  int64_t vectors = std::max<int64_t>(
      kSumsAtOnce / (static_cast<int64_t>(gates.size()) * tile.pixels), 1);
  product.panelUnits =
      lanes * std::min<int64_t>(vectors, llvm::divideCeil(units, lanes));
  if (!isInteger) {
    product.packed = k.constants<float>(packWeights<float>(product));
    return product;
  }
  std::vector<int8_t> data = packWeights<int8_t>(product);
  product.fullRange = llvm::is_contained(data, INT8_MIN);
  product.packed = k.constants<int8_t>(data);
  std::vector<int32_t> biasData;
  std::vector<float> scaleData;
  forPanels(product, [&](int64_t begin, int64_t width, int64_t columns) {
    for (int64_t n = 0; n < columns; ++n) {
      auto column = columnOf(product, begin, width, n);
      biasData.push_back(column ? biasOf(*column) : 0);
      scaleData.push_back(column ? (*scales)[*column] / kStateLevels : 0);
    }
  });
  product.bias = k.constants<int32_t>(biasData);
  product.scale = k.constants<float>(scaleData);
  return product;
}

/// What makes Σ (q − offset) · w of Σ (q − 128) · w.
int32_t RecurrentEmitter::biasOf(int64_t column) {
  int64_t sum = 0;
  for (int64_t i = 0; i < units; ++i)
    sum += weights.as<int8_t>()[i * weights.shape[1] + column];
  return static_cast<int32_t>((tile.activationOffset - kStateZeroPoint) * sum);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// h as the products read it.
Value RecurrentEmitter::encode(Value h) {
  if (!isInteger)
    return h;
  auto type = cast<VectorType>(h.getType());
  auto limit = [&](int64_t x) { return k.splat(type, double(x)); };
  h = multiply(h, limit(kStateLevels));
  h = arith::MaxNumFOp::create(k.b, k.loc, h, limit(-kStateLevels));
  h = arith::MinNumFOp::create(k.b, k.loc, h, limit(kStateLevels));
  h = math::RoundEvenOp::create(k.b, k.loc, h);
  auto words = type.clone(k.b.getI32Type());
  Value q = arith::FPToSIOp::create(k.b, k.loc, words, h);
  q = arith::AddIOp::create(k.b, k.loc, q, k.splatInt(words, kStateZeroPoint));
  q = arith::TruncIOp::create(k.b, k.loc, type.clone(k.b.getI8Type()), q);
  return tile.preparedBytes ? k.target.prepare(k.b, k.loc, operand, tile, q) : q;
}

void RecurrentEmitter::forSteps(function_ref<void(Value)> body) {
  k.loop(steps, [&](Value i) {
    Value parity = arith::RemUIOp::create(k.b, k.loc, i, k.index(2));
    auto minus = [&](Value x, Value y) -> Value {
      return arith::SubIOp::create(k.b, k.loc, x, y);
    };
    from = k.mul(parity, stateSize());
    to = minus(k.index(stateSize()), from);
    body(reverse ? minus(k.index(steps - 1), i) : i);
  });
}

void RecurrentEmitter::forUnits(function_ref<void(const Units &)> body) {
  k.loop(batch, [&](Value row) {
    k.pieces(units, lanes,
             [&](Value unit, int64_t width) { body({row, unit, width}); });
  });
}

Value RecurrentEmitter::loadInitial(Value tensor, const Units &at) {
  Value place = k.add(k.mul(at.row, k.strides(tensor)[0]), at.unit);
  return k.widen(k.loadVector(k.buffer(tensor), place, at.width), lanes);
}

void RecurrentEmitter::multiply(
    const Product &product, Value from,
    function_ref<void(const Units &, ArrayRef<Value>)> body) {
  int64_t gates = product.gates.size();
  k.pieces(units, product.panelUnits, [&](Value unit, int64_t width) {
    k.pieces(batch, tile.pixels, [&](Value row, int64_t count) {
      int64_t vectors = llvm::divideCeil(width, lanes);
      SmallVector<Value> sums = sumsOf(product, from, row, count, unit, width);
      for (int64_t p = 0; p < count; ++p)
        for (int64_t v = 0; v < vectors; ++v) {
          SmallVector<Value> ofGates;
          for (int64_t gate = 0; gate < gates; ++gate)
            ofGates.push_back(sums[(gate * vectors + v) * count + p]);
          body({k.add(row, p), k.add(unit, v * lanes),
                std::min(lanes, width - v * lanes)},
               ofGates);
        }
    });
  });
}

/// Those of `width` units from `unit` on, for `count` rows of the batch: of vector v of
/// the columns and row p it is number v · count + p.
SmallVector<Value> RecurrentEmitter::sumsOf(const Product &product, Value from,
                                            Value row, int64_t count, Value unit,
                                            int64_t width) {
  int64_t gates = product.gates.size(), vectors = gates * llvm::divideCeil(width, lanes),
          columns = vectors * lanes;
  // Panels before this one are whole.
  Value firstColumn = k.mul(unit, gates), at = k.mul(firstColumn, packedDepth);
  auto columnAt = [&](int64_t v) { return k.add(firstColumn, v * lanes); };
  KernelBuilder::Carried initial;
  for (int64_t v = 0; v < vectors; ++v)
    initial.push_back(isInteger ? k.loadVector(product.bias, columnAt(v), lanes)
                                : k.splat(k.vectorType(lanes, f32), 0));
  RegisterTile used = tile;
  used.vectors = vectors;
  auto sums = k.target.beginTile(k.b, k.loc, used, count, initial);
  Value base = k.add(from, k.mul(row, pitch));
  auto step = [&](Value first, Value weight, ValueRange sums, int64_t depth) {
    SmallVector<Value> pixels;
    for (int64_t p = 0; p < count; ++p)
      pixels.push_back(k.add(first, p * pitch));
    return KernelBuilder::Carried(k.target.step(
        k.b, k.loc,
        {operand, used, used.vectors, depth, state, product.packed, pixels, weight,
         product.fullRange},
        sums));
  };
  sums = k.loop(wholeSteps, sums, [&](Value i, ValueRange sums) {
    return step(k.add(base, k.mul(i, tile.depth)),
                k.add(at, k.mul(i, tile.depth * columns)), sums, tile.depth);
  });
  if (rest) {
    int64_t done = wholeSteps * tile.depth;
    sums = step(k.add(base, done), k.add(at, done * columns), sums, rest);
  }
  sums = k.target.finishTile(k.b, k.loc, used, count, sums);
  if (isInteger)
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value real = arith::SIToFPOp::create(k.b, k.loc, k.vectorType(lanes, f32), sum);
      sum = multiply(real, k.loadVector(product.scale, columnAt(i / count), lanes));
    }
  return SmallVector<Value>(sums);
}

Value RecurrentEmitter::projected(Value step, const Units &at, int64_t gate) {
  Value place = k.add(k.mul(step, projectionStrides[0]),
                      k.mul(at.row, projectionStrides[1]));
  place = k.add(k.add(place, at.unit), gate * units);
  return k.widen(k.loadVector(projection, place, at.width), lanes);
}

void RecurrentEmitter::emitResult(Value step, int64_t count, const Units &at,
                                  Value h) {
  Value flat = k.add(k.mul(k.add(k.mul(step, batch), at.row), units), at.unit);
  Position position{flat, at.unit, at.width};
  position.coordinates = {{step, count}, {at.row, batch}, {at.unit, units}};
  sink.emit(position, sliceLanes(k, h, 0, at.width));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value RecurrentEmitter::add(Value x, Value y) {
  return arith::AddFOp::create(k.b, k.loc, x, y);
}
Value RecurrentEmitter::subtract(Value x, Value y) {
  return arith::SubFOp::create(k.b, k.loc, x, y);
}
Value RecurrentEmitter::multiply(Value x, Value y) {
  return arith::MulFOp::create(k.b, k.loc, x, y);
}
Value RecurrentEmitter::sigmoid(Value x) {
  Value one = k.splat(cast<VectorType>(x.getType()), 1);
  Value e = math::ExpOp::create(k.b, k.loc, arith::NegFOp::create(k.b, k.loc, x));
  return arith::DivFOp::create(k.b, k.loc, one, add(one, e));
}
Value RecurrentEmitter::tanh(Value x) {
  return math::TanhOp::create(k.b, k.loc, x);
}
