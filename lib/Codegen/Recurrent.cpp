//===- Recurrent.cpp - long short-term memory -----------------------------===//
//
// One kernel runs all steps. A panel has the four gates of some units side by
// side,
//
//   [panel][depth / g][gate][unit][g]
//
// so that a register tile ends with all that the units' state depends on: gates,
// cell and result never reach memory in between. Recurrent weights are the only
// operand of size; they stay in the cache from step to step. Of 8 bits, they
// meet a state of 8 bits: that of step t is quantized once, when it is made.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Emitters.h"
#include "ResultSink.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// h is in (−1, 1): q = 128 + rne(127 · h).
static constexpr int64_t kStateZeroPoint = 128, kStateLevels = 127;

namespace {
class LSTMEmitter {
public:
  LSTMEmitter(KernelBuilder &k, ResultSink &sink, qnn::LSTMOp op,
              const HostTensor &weights)
      : k(k), sink(sink), op(op), weights(weights),
        isInteger(weights.kind == ElementKind::I8), f32(k.b.getF32Type()),
        lanes(k.target.lanes()) {
    ArrayRef<int64_t> shape = tensorTypeOf(op.getProjection()).getShape();
    steps = shape[0];
    batch = shape[1];
    units = shape[2] / 4;
    // Eight sums hide a product's latency: those of two vectors of units, or of
    // several rows, for which weights are then read once.
    panelUnits = lanes * (units > lanes && batch == 1 ? 2 : 1);
    int64_t registers = k.target.vectorRegisters();
    rowsTogether = std::max<int64_t>(isInteger ? registers / 16 : registers / 4 - 2, 1);
    OperandKind kind = isInteger ? OperandKind::U8 : OperandKind::F32;
    tile = k.target.chooseTile({kind, 1, 1, 4 * panelUnits, units});
    tile.pixels = std::min(batch, rowsTogether);
    tile.vectors = 4 * panelUnits / lanes;
    tile.prefetch = 0;
    operand = kind;
    wholeSteps = tile.shortLastStep ? units / tile.depth
                                    : llvm::divideCeil(units, tile.depth);
    rest = std::max<int64_t>(units - wholeSteps * tile.depth, 0);
    packedDepth = wholeSteps * tile.depth + llvm::alignTo(rest, tile.group);
    pitch = llvm::alignTo(units, 64) + 64; // steps may read a little beyond
  }

  void emit() {
    pack();
    int64_t stateBytes = isInteger ? std::max<int64_t>(tile.preparedBytes, 1) : 4;
    stateElement = isInteger ? k.b.getIntegerType(8 * stateBytes) : f32;
    state = k.scratch(2 * batch * pitch * stateBytes, stateElement);
    cell = k.scratch(batch * pitch * 4, f32);
    projection = k.buffer(op.getProjection());
    projectionStrides = k.strides(op.getProjection());
    copyInitialState();
    k.loop(steps, [&](Value i) {
      Value parity = arith::RemUIOp::create(k.b, k.loc, i, k.index(2));
      from = k.mul(parity, batch * pitch);
      to = subtract(k.index(batch * pitch), from);
      Value step = op.getReverse() ? subtract(k.index(steps - 1), i) : i;
      k.pieces(units, panelUnits, [&](Value unit, int64_t width) {
        k.pieces(batch, tile.pixels, [&](Value row, int64_t count) {
          emitUnits(step, row, count, unit, width);
        });
      });
    });
    if (op.getWithCell())
      k.loop(batch, [&](Value row) {
        k.pieces(units, lanes, [&](Value unit, int64_t width) {
          emitResult(k.index(steps), row, unit,
                     k.loadVector(cell, cellAt(row, unit), width));
        });
      });
  }

private:
  Value subtract(Value x, Value y) {
    return arith::SubIOp::create(k.b, k.loc, x, y);
  }
  Value cellAt(Value row, Value unit) { return k.add(k.mul(row, pitch), unit); }

  //===--- Weights ---------------------------------------------------------===//

  /// The column of the weights that a panel's column is; none beyond the units.
  std::optional<int64_t> columnOf(int64_t begin, int64_t width, int64_t column) {
    int64_t padded = llvm::alignTo(width, lanes), gate = column / padded,
            unit = column % padded;
    if (unit >= width)
      return std::nullopt;
    return gate * units + begin + unit;
  }

  template <typename T> std::vector<T> packWeights() {
    std::vector<T> data;
    ArrayRef<T> w = weights.as<T>();
    forPanels([&](int64_t begin, int64_t width, int64_t columns) {
      for (int64_t first = 0; first < packedDepth; first += tile.group)
        for (int64_t n = 0; n < columns; ++n)
          for (int64_t i = first; i < first + tile.group; ++i) {
            auto column = columnOf(begin, width, n);
            data.push_back(column && i < units ? w[i * 4 * units + *column] : T(0));
          }
    });
    return data;
  }

  /// `body` for the panels as k.pieces has them: first unit, units, columns.
  void forPanels(function_ref<void(int64_t, int64_t, int64_t)> body) {
    for (int64_t begin = 0; begin < units; begin += panelUnits) {
      int64_t width = std::min(panelUnits, units - begin);
      body(begin, width, 4 * llvm::alignTo(width, lanes));
    }
  }

  void pack() {
    if (!isInteger) {
      packed = k.constants<float>(packWeights<float>());
      return;
    }
    std::vector<int8_t> data = packWeights<int8_t>();
    fullRange = llvm::is_contained(data, INT8_MIN);
    packed = k.constants<int8_t>(data);
    ArrayRef<float> scales = *op.getRecurrentScales();
    std::vector<int32_t> biasData;
    std::vector<float> scaleData;
    forPanels([&](int64_t begin, int64_t width, int64_t columns) {
      for (int64_t n = 0; n < columns; ++n) {
        auto column = columnOf(begin, width, n);
        biasData.push_back(column ? biasOf(*column) : 0);
        scaleData.push_back(column ? scales[*column] / kStateLevels : 0);
      }
    });
    bias = k.constants<int32_t>(biasData);
    scale = k.constants<float>(scaleData);
  }

  /// What makes Σ (q − offset) · w of Σ (q − 128) · w.
  int32_t biasOf(int64_t column) {
    int64_t sum = 0;
    for (int64_t i = 0; i < units; ++i)
      sum += weights.as<int8_t>()[i * 4 * units + column];
    return static_cast<int32_t>((tile.activationOffset - kStateZeroPoint) * sum);
  }

  //===--- State -----------------------------------------------------------===//

  /// h as the products read it.
  Value encode(Value h) {
    if (!isInteger)
      return h;
    auto type = cast<VectorType>(h.getType());
    auto limit = [&](int64_t x) { return k.splat(type, double(x)); };
    h = arith::MulFOp::create(k.b, k.loc, h, limit(kStateLevels));
    h = arith::MaxNumFOp::create(k.b, k.loc, h, limit(-kStateLevels));
    h = arith::MinNumFOp::create(k.b, k.loc, h, limit(kStateLevels));
    h = math::RoundEvenOp::create(k.b, k.loc, h);
    auto words = type.clone(k.b.getI32Type());
    Value q = arith::FPToSIOp::create(k.b, k.loc, words, h);
    q = arith::AddIOp::create(k.b, k.loc, q, k.splatInt(words, kStateZeroPoint));
    q = arith::TruncIOp::create(k.b, k.loc, type.clone(k.b.getI8Type()), q);
    return tile.preparedBytes
               ? k.target.prepare(k.b, k.loc, operand, tile, q)
               : q;
  }

  void copyInitialState() {
    Value hidden = k.buffer(op.getHidden()), first = k.buffer(op.getCell());
    SmallVector<int64_t> hiddenStrides = k.strides(op.getHidden()),
                         cellStrides = k.strides(op.getCell());
    k.loop(batch, [&](Value row) {
      k.pieces(units, lanes, [&](Value unit, int64_t width) {
        auto load = [&](Value memref, ArrayRef<int64_t> strides) {
          Value at = k.add(k.mul(row, strides[0]), unit);
          return k.widen(k.loadVector(memref, at, width), lanes);
        };
        k.storeVector(encode(load(hidden, hiddenStrides)), state,
                      cellAt(row, unit));
        k.storeVector(load(first, cellStrides), cell, cellAt(row, unit));
      });
    });
  }

  //===--- One step --------------------------------------------------------===//

  /// The four gates of `width` units from `unit` on, for `count` rows of the
  /// batch, and their new state.
  void emitUnits(Value step, Value row, int64_t count, Value unit,
                 int64_t width) {
    int64_t vectors = llvm::divideCeil(width, lanes), columns = 4 * vectors * lanes;
    // Panels before this one are whole.
    Value firstColumn = k.mul(unit, 4);
    Value at = k.mul(firstColumn, packedDepth);
    // Of vector v of the columns and row p it is number v · count + p.
    KernelBuilder::Carried inputs, initial;
    for (int64_t gate = 0; gate < 4; ++gate)
      for (int64_t v = 0; v < vectors; ++v)
        for (int64_t p = 0; p < count; ++p)
          inputs.push_back(projected(step, k.add(row, p), unit, width, gate, v));
    auto columnAt = [&](int64_t v) { return k.add(firstColumn, v * lanes); };
    for (int64_t v = 0; v < 4 * vectors; ++v)
      initial.push_back(
          isInteger ? k.loadVector(bias, columnAt(v), lanes)
                    : k.splat(k.vectorType(lanes, f32), 0));
    RegisterTile used = tile;
    used.vectors = 4 * vectors;
    auto sums = k.target.beginTile(k.b, k.loc, used, count, initial);
    Value base = k.add(from, k.mul(row, pitch));
    auto add = [&](Value first, Value weight, ValueRange sums, int64_t depth) {
      SmallVector<Value> pixels;
      for (int64_t p = 0; p < count; ++p)
        pixels.push_back(k.add(first, p * pitch));
      return KernelBuilder::Carried(k.target.step(
          k.b, k.loc,
          {operand, used, used.vectors, depth, state, packed, pixels, weight,
           fullRange},
          sums));
    };
    sums = k.loop(wholeSteps, sums, [&](Value i, ValueRange sums) {
      return add(k.add(base, k.mul(i, tile.depth)),
                 k.add(at, k.mul(i, tile.depth * columns)), sums, tile.depth);
    });
    if (rest) {
      int64_t done = wholeSteps * tile.depth;
      sums = add(k.add(base, done), k.add(at, done * columns), sums, rest);
    }
    sums = k.target.finishTile(k.b, k.loc, used, count, sums);
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = isInteger ? real(sum, columnAt(i / count), inputs[i])
                      : arith::AddFOp::create(k.b, k.loc, sum, inputs[i])
                            .getResult();
    for (int64_t p = 0; p < count; ++p)
      for (int64_t v = 0; v < vectors; ++v) {
        auto gate = [&](int64_t number) {
          return sums[(number * vectors + v) * count + p];
        };
        update(step, k.add(row, p), k.add(unit, v * lanes),
               std::min(lanes, width - v * lanes),
               {gate(0), gate(1), gate(2), gate(3)});
      }
  }

  /// The input's part of a gate, for `lanes` units of which some may be none.
  Value projected(Value step, Value row, Value unit, int64_t width,
                  int64_t gate, int64_t v) {
    Value at = k.add(k.mul(step, projectionStrides[0]),
                     k.mul(row, projectionStrides[1]));
    at = k.add(k.add(at, unit), gate * units + v * lanes);
    Value x = k.loadVector(projection, at, std::min(lanes, width - v * lanes));
    return k.widen(x, lanes);
  }

  /// f32(sum) · scale + input
  Value real(Value sum, Value column, Value input) {
    Value x = arith::SIToFPOp::create(k.b, k.loc, input.getType(), sum);
    x = arith::MulFOp::create(k.b, k.loc, x, k.loadVector(scale, column, lanes));
    return arith::AddFOp::create(k.b, k.loc, x, input);
  }

  Value sigmoid(Value x) {
    Value one = k.splat(cast<VectorType>(x.getType()), 1);
    Value e = math::ExpOp::create(k.b, k.loc,
                                  arith::NegFOp::create(k.b, k.loc, x));
    return arith::DivFOp::create(k.b, k.loc, one,
                                 arith::AddFOp::create(k.b, k.loc, one, e));
  }
  Value tanh(Value x) { return math::TanhOp::create(k.b, k.loc, x); }
  Value multiply(Value x, Value y) {
    return arith::MulFOp::create(k.b, k.loc, x, y);
  }

  /// `gates` are input, output, forget and cell.
  void update(Value step, Value row, Value unit, int64_t width,
              std::array<Value, 4> gates) {
    Value old = k.loadVector(cell, cellAt(row, unit), lanes);
    Value kept = multiply(sigmoid(gates[2]), old);
    Value added = multiply(sigmoid(gates[0]), tanh(gates[3]));
    Value c = arith::AddFOp::create(k.b, k.loc, kept, added);
    k.storeVector(c, cell, cellAt(row, unit));
    Value h = multiply(sigmoid(gates[1]), tanh(c));
    k.storeVector(encode(h), state, k.add(to, cellAt(row, unit)));
    emitResult(step, row, unit, sliceLanes(k, h, 0, width));
  }

  void emitResult(Value step, Value row, Value unit, Value h) {
    int64_t width = cast<VectorType>(h.getType()).getNumElements();
    Value flat = k.add(k.mul(k.add(k.mul(step, batch), row), units), unit);
    Position position{flat, unit, width};
    position.coordinates = {
        {step, steps + op.getWithCell()}, {row, batch}, {unit, units}};
    sink.emit(position, h);
  }

  KernelBuilder &k;
  ResultSink &sink;
  qnn::LSTMOp op;
  const HostTensor &weights;
  bool isInteger, fullRange = false;
  OperandKind operand;
  Type f32, stateElement; // of the products' operand, in memory
  int64_t lanes, steps, batch, units, panelUnits, rowsTogether;
  RegisterTile tile;
  int64_t wholeSteps, rest, packedDepth, pitch;
  SmallVector<int64_t> projectionStrides;
  Value packed, bias, scale, projection, state, cell, from, to;
};
} // namespace

LogicalResult codegen::emitLSTM(KernelBuilder &k, Operation *anchor) {
  auto op = cast<qnn::LSTMOp>(anchor);
  FailureOr<HostTensor> weights = readConstant(op.getRecurrent());
  if (failed(weights))
    return op.emitError("expected recurrent weights known at compile time");
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  LSTMEmitter(k, *sink, op, *weights).emit();
  return success();
}
