//===- RecurrentBody.cpp --------------------------------------------------===//
#include "RecurrentBody.h"

#include "JoinBorders.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// Steps of the hidden state in a product.
constexpr int64_t kHiddenSteps = 127;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// None where the factors' sizes are too far apart.
static std::optional<GateScaling> scalingOf(ArrayRef<float> recurrentScales,
                                            double projectionScale,
                                            ArrayRef<const GateFunction *> functions) {
  constexpr int64_t kMostShift = 30, kLeastShift = 16;
  int64_t units = recurrentScales.size() / functions.size();
  SmallVector<double> recurrent, input;
  for (auto [gate, function] : llvm::enumerate(functions)) {
    double steps = std::ldexp(1.0, function->fractionBits);
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

FailureOr<IntegerRecurrence>
IntegerRecurrence::of(Operation *op, PatternRewriter &rewriter, Value projection,
                      Value recurrent, std::optional<ArrayRef<float>> scales, bool reverse,
                      ArrayRef<const GateFunction *> functions) {
  dyadic::DequantizeOp reals = wholeNumbersOf(projection);
  FailureOr<HostTensor> weights = readConstant(recurrent);
  if (!reals || !scales || failed(weights) || weights->kind != ElementKind::I8)
    return rewriter.notifyMatchFailure(op, "its operands aren't integers");
  auto scaling = scalingOf(*scales, reals.getScale().convertToFloat(), functions);
  if (!scaling)
    return rewriter.notifyMatchFailure(op, "its scales are too far apart");
  ArrayRef<int64_t> shape = cast<RankedTensorType>(projection.getType()).getShape();
  auto gates = static_cast<int64_t>(functions.size());
  return IntegerRecurrence{shape[0], shape[1],         shape[2] / gates,    gates,
                           reverse,  reals.getInput(), std::move(*weights), std::move(*scaling)};
}

/// How many products are summed in registers: one load and store of the sums for all of
/// them.
static int64_t groupOf(int64_t units) {
  for (int64_t group : {8, 4, 2})
    if (units % group == 0)
      return group;
  return 1;
}

RankedTensorType IntegerRecurrence::numbers(OpBuilder &b, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, b.getI16Type());
}

Value IntegerRecurrence::projectionByGate(OpBuilder &b, Location loc) const {
  return dyadic::ReshapeOp::create(b, loc, numbers(b, {steps, batch, gates, units}),
                                   projection);
}

Value IntegerRecurrence::weightsOf(OpBuilder &b, Location loc, int64_t first,
                                   int64_t count) const {
  int64_t group = groupOf(units), columns = count * units;
  HostTensor part(ElementKind::I8, {units / group, group, count, units});
  for (int64_t k = 0; k < units; ++k)
    llvm::copy(weights.as<int8_t>().slice((k * gates + first) * units, columns),
               part.as<int8_t>().slice(k * columns).begin());
  return constantOf(b, loc, std::move(part));
}

SmallVector<Value> IntegerRecurrence::numbersOf(OpBuilder &b, Location loc) const {
  SmallVector<Value> values{constantOf(b, loc, scaling.recurrent, {gates, units}),
                            constantOf(b, loc, scaling.input)};
  for (const GateFunction &gate : {kSigmoidGate, kTanhGate})
    values.push_back(constantOf(b, loc, gateTable(gate)));
  return values;
}

Value dyadic::quantizeState(OpBuilder &b, Location loc, Value state, int64_t bits) {
  auto type = cast<RankedTensorType>(state.getType()).clone(b.getI16Type());
  FailureOr<HostTensor> known = readConstant(state);
  if (failed(known))
    return dyadic::QuantizeOp::create(b, loc, type, state,
                                      b.getF32FloatAttr(1 << bits), b.getI32IntegerAttr(0));
  HostTensor data(ElementKind::I16, known->shape);
  for (auto [q, x] : llvm::zip_equal(data.as<int16_t>(), known->as<float>()))
    q = static_cast<int16_t>(roundHalfEven(
        std::min(std::max(std::ldexp(double(x), bits), -32768.0), 32767.0)));
  return constantOf(b, loc, std::move(data));
}

Value dyadic::dequantizeState(OpBuilder &b, Location loc, Value state, int64_t bits) {
  return dyadic::DequantizeOp::create(
      b, loc, cast<RankedTensorType>(state.getType()).clone(b.getF32Type()), state,
      b.getF32FloatAttr(std::ldexp(1.0f, -bits)), b.getI32IntegerAttr(0));
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

RecurrentBody::RecurrentBody(OpBuilder &b, Location loc, const IntegerRecurrence &sizes)
    : b(b), loc(loc), steps(sizes.steps), batch(sizes.batch), units(sizes.units),
      reverse(sizes.reverse), shift(sizes.scaling.shift), group(groupOf(sizes.units)) {}

SmallVector<Value> RecurrentBody::loop(int64_t count, ValueRange initial, LoopBody body) {
  auto made = scf::ForOp::create(
      b, loc, index(0), index(count), index(1), initial,
      [&](OpBuilder &inner, Location, Value i, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
        scf::YieldOp::create(b, loc, body(i, carried));
      });
  return llvm::to_vector(ValueRange(made.getResults()));
}

SmallVector<Value> RecurrentBody::loopOverSteps(ValueRange initial, LoopBody body) {
  return loop(steps, initial, [&](Value i, ValueRange carried) {
    return body(reverse ? arith::SubIOp::create(b, loc, index(steps - 1), i).getResult() : i,
                carried);
  });
}

Value RecurrentBody::indexIn(FixedPointBuilder &f, int64_t loop) {
  return linalg::IndexOp::create(f.b, f.loc, loop);
}
Value RecurrentBody::read(FixedPointBuilder &f, Value tensor, ArrayRef<Value> at) {
  return tensor::ExtractOp::create(f.b, f.loc, tensor, at);
}
Value RecurrentBody::empty(ArrayRef<int64_t> shape, unsigned width) {
  return tensor::EmptyOp::create(b, loc, shape, b.getIntegerType(width));
}

Value RecurrentBody::rowOf(Value state, Value n) {
  return map({}, empty({units}, 16), {}, [&](FixedPointBuilder &f, ValueRange) {
    return read(f, state, {n, indexIn(f, 0)});
  });
}

Value RecurrentBody::insert(Value row, Value into, ArrayRef<Value> first) {
  SmallVector<OpFoldResult> offsets(first), sizes(first.size(), b.getIndexAttr(1)),
      strides(first.size() + 1, b.getIndexAttr(1));
  offsets.push_back(b.getIndexAttr(0));
  sizes.push_back(b.getIndexAttr(units));
  return tensor::InsertSliceOp::create(b, loc, row, into, offsets, sizes, strides);
}

Value RecurrentBody::map(ValueRange operands, Value into,
                         ArrayRef<SmallVector<AffineExpr>> exprs,
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

Value RecurrentBody::saturate(FixedPointBuilder &f, Value x) {
  return f.truncate(f.clamp(x, INT16_MIN, INT16_MAX), 16);
}

//===----------------------------------------------------------------------===//
// Parts of a step
//===----------------------------------------------------------------------===//

Value RecurrentBody::encode(Value hidden, Value into) {
  return map(hidden, into, {{d(0) * group + d(1)}}, [&](FixedPointBuilder &f, ValueRange s) {
    Value scaled = f.mul(wide(f, s[0]), f.i32(kHiddenSteps));
    return f.truncate(f.shiftHalfUp(scaled, kHiddenBits), 8);
  });
}

/// Two products of bytes, at most 2 · 128 · 127, fit 16 bits.
Value RecurrentBody::productsOf(Value state, Value weights) {
  int64_t gates = cast<RankedTensorType>(weights.getType()).getDimSize(2);
  FixedPointBuilder outside{b, loc};
  Value zeros =
      linalg::FillOp::create(b, loc, outside.i32(0), empty({gates, units}, 32)).getResult(0);
  return loop(units / group, zeros, [&](Value k, ValueRange sums) -> SmallVector<Value> {
    SmallVector<Value> factors;
    for (int64_t i = 0; i < group; ++i)
      factors.push_back(wide(outside, read(outside, state, {k, index(i)}), 16));
    return {map({}, sums[0], {}, [&](FixedPointBuilder &f, ValueRange s) {
      Value sum = s[0], pair;
      for (int64_t i = 0; i < group; ++i) {
        Value weight = read(f, weights, {k, qnn::indexConstant(f.b, f.loc, i), indexIn(f, 0),
                                         indexIn(f, 1)});
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

Value RecurrentBody::scaled(FixedPointBuilder &f, Value product, Value gate, Value unit) {
  return multiplyWide(f, product, read(f, factors, {gate, unit}));
}

Value RecurrentBody::inputTo(FixedPointBuilder &f, Value n, Value t, Value gate, Value unit) {
  return multiplyWide(f, read(f, projection, {t, n, gate, unit}),
                      read(f, inputFactors, gate));
}

Value RecurrentBody::argument(FixedPointBuilder &f, Value sum) {
  return saturate(f, f.shiftHalfUp(sum, shift));
}

Value RecurrentBody::argumentsOf(Value products, int64_t first, Value n, Value t) {
  int64_t gates = cast<RankedTensorType>(products.getType()).getDimSize(0);
  return map(products, empty({gates, units}, 16), {{d(0), d(1)}},
             [&](FixedPointBuilder &f, ValueRange s) {
               Value gate = indexIn(f, 0), unit = indexIn(f, 1);
               if (first != 0)
                 gate = f.make<arith::AddIOp>(gate, qnn::indexConstant(f.b, f.loc, first));
               return argument(f, f.add(scaled(f, s[0], gate, unit),
                                        inputTo(f, n, t, gate, unit)));
             });
}
