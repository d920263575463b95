//===- LowerLSTMToIntegers.cpp - qnn.lstm without floats ------------------===//
//
// docs/Spec.md, section 10: 16-bit sums behind the input, a hidden state
// whose products have 8 bits, a cell of 16, gates interpolated in tables. After
// TensorFlow Lite's integer LSTM (Alvarez, Prabhavalkar, Bakhtin, 2016, and Li and
// Alvarez, 2021), but for the rounding, which is once for each result here.
//
//===----------------------------------------------------------------------===//
#include "dyadic/LowerToDyadic/Passes.h"

#include "GateTables.h"
#include "JoinBorders.h"
#include "Lowering.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>
#include <optional>

namespace dyadic {
#define GEN_PASS_DEF_LOWERLSTMTOINTEGERS
#include "dyadic/LowerToDyadic/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// Bits behind the point of the hidden state and of the cell, which reaches ±64.
constexpr int64_t kHiddenBits = 15, kCellBits = 9;
/// Steps of the hidden state in a product.
constexpr int64_t kHiddenSteps = 127;
constexpr int64_t kGates = 4;
enum Gate { Input, Output, Forget, Candidate };

static const GateFunction &functionOf(int64_t gate) {
  return gate == Candidate ? kTanhGate : kSigmoidGate;
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

namespace {
/// A gate's argument is (products · recurrent + projection · input) · 2^−shift, with
/// a factor a column for the products.
struct GateScaling {
  SmallVector<int32_t> recurrent, input;
  int64_t shift;
};
} // namespace

/// None where the factors' sizes are too far apart.
static std::optional<GateScaling> scalingOf(ArrayRef<float> recurrentScales,
                                            double projectionScale) {
  constexpr int64_t kMostShift = 30, kLeastShift = 16;
  int64_t units = recurrentScales.size() / kGates;
  SmallVector<double> recurrent, input;
  for (int64_t gate = 0; gate < kGates; ++gate) {
    double steps = std::ldexp(1.0, functionOf(gate).fractionBits);
    input.push_back(projectionScale * steps);
    for (float scale : recurrentScales.slice(gate * units, units))
      recurrent.push_back(double(scale) / kHiddenSteps * steps);
  }
  double largest = std::max(*llvm::max_element(recurrent), *llvm::max_element(input));
  if (!(largest > 0) || !std::isfinite(largest))
    return std::nullopt;
  GateScaling scaling;
  scaling.shift = std::min<int64_t>(kMostShift, 30 - std::ilogb(largest));
  if (scaling.shift < kLeastShift)
    return std::nullopt;
  auto fixed = [&](double factor) {
    double whole = std::nearbyint(std::ldexp(factor, scaling.shift));
    return static_cast<int32_t>(std::min<double>(whole, INT32_MAX));
  };
  llvm::transform(recurrent, std::back_inserter(scaling.recurrent), fixed);
  llvm::transform(input, std::back_inserter(scaling.input), fixed);
  return scaling;
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

namespace {
/// Writes the steps of one LSTM, a row of the batch after the other: units u, gates g,
/// and the depth of the products in groups.
class LSTMBody {
public:
  LSTMBody(OpBuilder &b, Location loc, int64_t steps, int64_t batch, int64_t units,
           bool reverse, int64_t shift)
      : b(b), loc(loc), steps(steps), batch(batch), units(units), reverse(reverse),
        shift(shift), group(groupOf(units)) {}

  /// How many products are summed in registers: one load and store of the sums for
  /// all of them.
  static int64_t groupOf(int64_t units) {
    for (int64_t group : {8, 4, 2})
      if (units % group == 0)
        return group;
    return 1;
  }

  /// `arguments`: projection, weights, factors of the products and of the projection,
  /// hidden state, cell, tables of sigmoid and tanh. Returns the hidden states of all
  /// steps and the last cell.
  SmallVector<Value> write(ValueRange arguments) {
    projection = arguments[0], weights = arguments[1], factors = arguments[2],
    inputFactors = arguments[3], sigmoid = arguments[6], tanh = arguments[7];
    return loop(batch, {empty({steps, batch, units}, 16), empty({batch, units}, 16)},
                [&](Value n, ValueRange results) -> SmallVector<Value> {
                  return writeRow(n, arguments[4], arguments[5], results);
                });
  }

private:
  SmallVector<Value> writeRow(Value n, Value hidden, Value cell, ValueRange results) {
    auto rowOf = [&](Value state) {
      return map({}, empty({units}, 16), {}, [&](FixedPointBuilder &f, ValueRange) {
        return read(f, state, {n, indexIn(f, 0)});
      });
    };
    Value state = encode(rowOf(hidden), empty({units / group, group}, 8));
    SmallVector<Value> last =
        loop(steps, {state, rowOf(cell), results[0]},
             [&](Value i, ValueRange carried) -> SmallVector<Value> {
               Value t = reverse ? arith::SubIOp::create(b, loc, index(steps - 1), i)
                                       .getResult()
                                 : i;
               Value gates = gatesOf(productsOf(carried[0]), n, t);
               Value cell = cellOf(gates, carried[1]), hidden = hiddenOf(gates, cell);
               return {encode(hidden, carried[0]), cell,
                       insert(hidden, carried[2], {t, n})};
             });
    return {last[2], insert(last[1], results[1], {n})};
  }

  //===--- Forms ------------------------------------------------------------===//

  AffineExpr d(unsigned i) { return b.getAffineDimExpr(i); }
  Value index(int64_t value) { return qnn::indexConstant(b, loc, value); }
  Value indexIn(FixedPointBuilder &f, int64_t loop) {
    return linalg::IndexOp::create(f.b, f.loc, loop);
  }
  Value read(FixedPointBuilder &f, Value tensor, ArrayRef<Value> at) {
    return tensor::ExtractOp::create(f.b, f.loc, tensor, at);
  }
  Value empty(ArrayRef<int64_t> shape, unsigned width) {
    return tensor::EmptyOp::create(b, loc, shape, b.getIntegerType(width));
  }

  SmallVector<Value> loop(int64_t count, ValueRange initial,
                          function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto made = scf::ForOp::create(
        b, loc, index(0), index(count), index(1), initial,
        [&](OpBuilder &inner, Location, Value i, ValueRange carried) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
          scf::YieldOp::create(b, loc, body(i, carried));
        });
    return llvm::to_vector(ValueRange(made.getResults()));
  }

  /// `row` in the place of the last dimension at `first`.
  Value insert(Value row, Value into, ArrayRef<Value> first) {
    SmallVector<OpFoldResult> offsets(first), sizes(first.size(), b.getIndexAttr(1)),
        strides(first.size() + 1, b.getIndexAttr(1));
    offsets.push_back(b.getIndexAttr(0));
    sizes.push_back(b.getIndexAttr(units));
    return tensor::InsertSliceOp::create(b, loc, row, into, offsets, sizes, strides);
  }

  /// linalg.generic over the elements of `into`, the last of the scalars; `exprs` are
  /// where those of `operands` are.
  Value map(ValueRange operands, Value into, ArrayRef<SmallVector<AffineExpr>> exprs,
            function_ref<Value(FixedPointBuilder &, ValueRange)> element) {
    unsigned loops = cast<RankedTensorType>(into.getType()).getRank();
    SmallVector<AffineMap> maps;
    for (ArrayRef<AffineExpr> results : exprs)
      maps.push_back(AffineMap::get(loops, 0, results, b.getContext()));
    maps.push_back(b.getMultiDimIdentityMap(loops));
    SmallVector<utils::IteratorType> kinds(loops, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, loc, into.getType(), operands, into, maps, kinds,
               [&](OpBuilder &inner, Location loc, ValueRange scalars) {
                 FixedPointBuilder f{inner, loc};
                 linalg::YieldOp::create(inner, loc, element(f, scalars));
               })
        .getResult(0);
  }

  static Value wide(FixedPointBuilder &f, Value x, unsigned width = 32) {
    return f.extend(x, /*isUnsigned=*/false, width);
  }
  static Value saturate(FixedPointBuilder &f, Value x) {
    return f.truncate(f.clamp(x, INT16_MIN, INT16_MAX), 16);
  }

  //===--- One step ---------------------------------------------------------===//

  /// ⌊127 · h + 1/2⌋
  Value encode(Value hidden, Value into) {
    return map(hidden, into, {{d(0) * group + d(1)}},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value scaled = f.mul(wide(f, s[0]), f.i32(kHiddenSteps));
                 return f.truncate(f.shiftHalfUp(scaled, kHiddenBits), 8);
               });
  }

  /// Σ state · weights, 4×H. Two products of bytes, at most 2 · 128 · 127, fit 16 bits.
  Value productsOf(Value state) {
    FixedPointBuilder outside{b, loc};
    Value zeros = linalg::FillOp::create(b, loc, outside.i32(0),
                                         empty({kGates, units}, 32))
                      .getResult(0);
    return loop(units / group, zeros, [&](Value k, ValueRange sums) -> SmallVector<Value> {
      SmallVector<Value> factors;
      for (int64_t i = 0; i < group; ++i)
        factors.push_back(wide(outside, read(outside, state, {k, index(i)}), 16));
      return {map({}, sums[0], {}, [&](FixedPointBuilder &f, ValueRange s) {
        Value sum = s[0], pair;
        for (int64_t i = 0; i < group; ++i) {
          Value weight = read(f, weights, {k, qnn::indexConstant(f.b, f.loc, i),
                                           indexIn(f, 0), indexIn(f, 1)});
          Value product = f.mul(factors[i], wide(f, weight, 16));
          pair = pair ? f.add(pair, product) : product;
          if (i % 2 == 1 || i + 1 == group) {
            sum = f.add(sum, wide(f, pair));
            pair = {};
          }
        }
        return sum;
      })};
    })[0];
  }

  /// The arguments of the gates' functions, 4×H
  Value gatesOf(Value products, Value n, Value t) {
    return map({products, factors, inputFactors}, empty({kGates, units}, 16),
               {{d(0), d(1)}, {d(0), d(1)}, {d(0)}},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value input = read(f, projection, {t, n, indexIn(f, 0), indexIn(f, 1)});
                 Value sum = f.add(f.mul(wide(f, s[0], 64), wide(f, s[1], 64)),
                                   f.mul(wide(f, input, 64), wide(f, s[2], 64)));
                 return saturate(f, f.shiftHalfUp(sum, shift));
               });
  }

  SmallVector<AffineExpr> gate(int64_t number) {
    return {b.getAffineConstantExpr(number), d(0)};
  }
  Value sigmoidOf(FixedPointBuilder &f, Value x) {
    return f.interpolate(sigmoid, wide(f, x));
  }

  /// σ(forget) · cell + σ(input) · tanh(candidate)
  Value cellOf(Value gates, Value cell) {
    return map({gates, gates, gates}, cell, {gate(Input), gate(Forget), gate(Candidate)},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value added = f.mul(sigmoidOf(f, s[0]), f.interpolate(tanh, wide(f, s[2])));
                 added = f.shiftHalfUp(added, 15 - kCellBits);
                 Value kept = f.mul(sigmoidOf(f, s[1]), wide(f, s[3]));
                 return saturate(f, f.shiftHalfUp(f.add(kept, added), 15));
               });
  }

  /// σ(output) · tanh(cell)
  Value hiddenOf(Value gates, Value cell) {
    return map({gates, cell}, empty({units}, 16), {gate(Output), {d(0)}},
               [&](FixedPointBuilder &f, ValueRange s) {
                 Value x = f.shiftLeft(wide(f, s[1]),
                                       f.i32(kTanhGate.fractionBits - kCellBits));
                 x = f.interpolate(tanh, f.clamp(x, INT16_MIN, INT16_MAX));
                 return saturate(f, f.shiftHalfUp(f.mul(sigmoidOf(f, s[0]), x), 15));
               });
  }

  OpBuilder &b;
  Location loc;
  const int64_t steps, batch, units;
  const bool reverse;
  const int64_t shift, group;
  Value projection, weights, factors, inputFactors, sigmoid, tanh;
};
} // namespace

//===----------------------------------------------------------------------===//
// The rewrites
//===----------------------------------------------------------------------===//

static Value constant(OpBuilder &b, Location loc, HostTensor data, unsigned width) {
  auto type = RankedTensorType::get(data.shape, b.getIntegerType(width));
  return dyadic::ConstantOp::create(b, loc, type,
                                    makeConstant(std::move(data), b.getContext()));
}

static Value constant(OpBuilder &b, Location loc, ArrayRef<int32_t> numbers,
                      ArrayRef<int64_t> shape) {
  HostTensor data(ElementKind::I32, SmallVector<int64_t>(shape));
  llvm::copy(numbers, data.as<int32_t>().begin());
  return constant(b, loc, std::move(data), 32);
}

/// The state as 16-bit numbers, with `bits` behind the point.
static Value quantizeState(OpBuilder &b, Location loc, Value state, int64_t bits) {
  auto type = cast<RankedTensorType>(state.getType()).clone(b.getI16Type());
  FailureOr<HostTensor> known = readConstant(state);
  if (failed(known))
    return dyadic::QuantizeOp::create(b, loc, type, state,
                                      b.getF32FloatAttr(1 << bits), b.getI32IntegerAttr(0));
  HostTensor data(ElementKind::I16, known->shape);
  for (auto [q, x] : llvm::zip_equal(data.as<int16_t>(), known->as<float>()))
    q = static_cast<int16_t>(roundHalfEven(
        std::min(std::max(std::ldexp(double(x), bits), -32768.0), 32767.0)));
  return constant(b, loc, std::move(data), 16);
}

static Value dequantizeState(OpBuilder &b, Location loc, Value state, int64_t bits) {
  return dyadic::DequantizeOp::create(
      b, loc, cast<RankedTensorType>(state.getType()).clone(b.getF32Type()), state,
      b.getF32FloatAttr(std::ldexp(1.0f, -bits)), b.getI32IntegerAttr(0));
}

namespace {
struct LSTMToIntegers : OpRewritePattern<qnn::LSTMOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(qnn::LSTMOp op,
                                PatternRewriter &rewriter) const override {
    dyadic::DequantizeOp projection = wholeNumbersOf(op.getProjection());
    FailureOr<HostTensor> weights = readConstant(op.getRecurrent());
    if (!projection || !op.getRecurrentScales() || failed(weights) ||
        weights->kind != ElementKind::I8)
      return rewriter.notifyMatchFailure(op, "its operands aren't integers");
    auto scaling =
        scalingOf(*op.getRecurrentScales(), projection.getScale().convertToFloat());
    if (!scaling)
      return rewriter.notifyMatchFailure(op, "its scales are too far apart");
    ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getProjection().getType()).getShape();
    int64_t steps = shape[0], batch = shape[1], units = shape[2] / kGates;
    if (op.getWithCell() && !llvm::all_of(op->getUsers(), [&](Operation *user) {
          return isPartOfState(user, steps);
        }))
      return rewriter.notifyMatchFailure(op, "the hidden state and the cell are read as one");

    Location loc = op.getLoc();
    auto numbers = [&](ArrayRef<int64_t> shape) {
      return RankedTensorType::get(shape, rewriter.getI16Type());
    };
    int64_t group = LSTMBody::groupOf(units);
    weights->shape = {units / group, group, kGates, units};
    SmallVector<Value> operands{
        dyadic::ReshapeOp::create(rewriter, loc, numbers({steps, batch, kGates, units}),
                                  projection.getInput()),
        constant(rewriter, loc, std::move(*weights), 8),
        constant(rewriter, loc, scaling->recurrent, {kGates, units}),
        constant(rewriter, loc, scaling->input, {kGates}),
        quantizeState(rewriter, loc, op.getHidden(), kHiddenBits),
        quantizeState(rewriter, loc, op.getCell(), kCellBits)};
    for (const GateFunction &gate : {kSigmoidGate, kTanhGate}) {
      SmallVector<int32_t> table = gateTable(gate);
      operands.push_back(constant(rewriter, loc, table, table.size()));
    }
    auto compute = qnn::buildCompute(
        rewriter, loc, "LSTM", {numbers({steps, batch, units}), numbers({batch, units})},
        operands, [&](OpBuilder &b, Location loc, ValueRange arguments) {
          return LSTMBody(b, loc, steps, batch, units, op.getReverse(), scaling->shift)
              .write(arguments);
        });
    if (!op.getWithCell()) {
      rewriter.replaceOp(op, dequantizeState(rewriter, loc, compute.getResult(0), kHiddenBits));
      return success();
    }
    Value cell = dyadic::ReshapeOp::create(rewriter, loc, numbers({1, batch, units}),
                                           compute.getResult(1));
    for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
      auto slice = cast<qnn::SliceOp>(user);
      rewriter.setInsertionPoint(slice);
      SmallVector<int64_t> offsets(slice.getOffsets());
      bool isCell = offsets[0] == steps;
      if (isCell)
        offsets[0] = 0;
      Value part = dyadic::SliceOp::create(
          rewriter, loc, numbers(cast<RankedTensorType>(slice.getType()).getShape()),
          isCell ? cell : compute.getResult(0), offsets, slice.getSizes(), slice.getStrides());
      rewriter.replaceOp(slice, dequantizeState(rewriter, loc, part,
                                                isCell ? kCellBits : kHiddenBits));
    }
    rewriter.eraseOp(op);
    return success();
  }

  /// Whether `user` is a slice of the hidden states or of the cell behind them.
  static bool isPartOfState(Operation *user, int64_t steps) {
    auto slice = dyn_cast<qnn::SliceOp>(user);
    if (!slice)
      return false;
    int64_t first = slice.getOffsets()[0],
            last = first + (slice.getSizes()[0] - 1) * slice.getStrides()[0];
    return first == steps || last < steps;
  }
};

struct LowerLSTMToIntegersPass
    : dyadic::impl::LowerLSTMToIntegersBase<LowerLSTMToIntegersPass> {
  using LowerLSTMToIntegersBase::LowerLSTMToIntegersBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    bool hasAny = func.walk([](qnn::LSTMOp) { return WalkResult::interrupt(); }).wasInterrupted();
    if (!hasAny)
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add<LSTMToIntegers>(&getContext());
    populateJoinBordersPatterns(patterns);
    if (failed(applyPatternsGreedily(func, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
