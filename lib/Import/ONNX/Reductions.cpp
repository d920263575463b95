//===- Reductions.cpp - folding dimensions, in any type -------------------===//
//
// Means and sums of f32 are qnn.reduce_mean, which may be quantized;
// everything else is a qnn.compute. Sums of f32 are taken in f32, one element
// after the other.
//
//===----------------------------------------------------------------------===//
#include "ConstantFolder.h"
#include "ElementFunctions.h"
#include "OpRegistry.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

namespace {
/// How the elements are folded: each by `map`, then joined from `initial` on, and
/// `finish` of the result, which also gets the number of elements.
struct Reduction {
  llvm::StringLiteral opType;
  double (*initial)(Type);
  Value (*map)(const ScalarMath &, Value);
  Value (*join)(const ScalarMath &, Value, Value);
  Value (*finish)(const ScalarMath &, Value, double count);
  /// From this opset on the axes are an input.
  int64_t axesSince = 18;
};
} // namespace

static double lowest(Type type) {
  if (isa<FloatType>(type))
    return -std::numeric_limits<double>::infinity();
  unsigned width = type.getIntOrFloatBitWidth();
  bool isSigned = !type.isUnsignedInteger() && width > 1;
  return isSigned ? -std::ldexp(1, width - 1) : 0;
}

static Value same(const ScalarMath &, Value x) { return x; }
static Value square(const ScalarMath &s, Value x) { return s.mul(x, x); }
static Value magnitude(const ScalarMath &s, Value x) { return s.abs(x); }
static Value plus(const ScalarMath &s, Value x, Value y) { return s.add(x, y); }
static Value times(const ScalarMath &s, Value x, Value y) { return s.mul(x, y); }
static Value larger(const ScalarMath &s, Value x, Value y) {
  return s.maximum(x, y);
}
static Value smaller(const ScalarMath &s, Value x, Value y) {
  return s.minimum(x, y);
}
static Value asIs(const ScalarMath &, Value x, double) { return x; }
/// A function of reals on whatever type the sum has.
template <typename Op>
static Value realFunction(const ScalarMath &s, Value x, double) {
  Type real = s.isReal() ? s.type : s.b.getF64Type();
  Value y = Op::create(s.b, s.loc, qnn::castScalar(s.b, s.loc, x, s.type, real));
  return qnn::castScalar(s.b, s.loc, y, real, s.type);
}
static double zero(Type) { return 0; }
static double one(Type) { return 1; }

static const Reduction reductions[] = {
    {"ReduceSum", zero, same, plus, asIs, 13},
    {"ReduceMean", zero, same, plus,
     [](const ScalarMath &s, Value x, double count) {
       return s.div(x, s.number(count));
     }},
    {"ReduceProd", one, same, times, asIs},
    {"ReduceMax", lowest, same, larger, asIs},
    {"ReduceMin", nullptr, same, smaller, asIs},
    {"ReduceL1", zero, magnitude, plus, asIs},
    {"ReduceL2", zero, square, plus, realFunction<math::SqrtOp>},
    {"ReduceSumSquare", zero, square, plus, asIs},
    {"ReduceLogSum", zero, same, plus, realFunction<math::LogOp>},
    {"ReduceLogSumExp", nullptr, same, plus, asIs},
};

static const Reduction &reductionOf(const NodeImporter &node) {
  return *llvm::find_if(reductions, [&](const Reduction &r) {
    return r.opType == node.getOpType();
  });
}

/// What a fold begins with, as a scalar.
static Value initialValue(const ScalarMath &s, const Reduction &reduction) {
  if (reduction.initial)
    return s.number(reduction.initial(s.type));
  // The largest of all: of integers that is exact in none but its own type.
  if (s.isReal())
    return s.number(std::numeric_limits<double>::infinity());
  unsigned width = s.type.getIntOrFloatBitWidth();
  APInt most = s.isUnsigned() ? APInt::getMaxValue(width)
                              : APInt::getSignedMaxValue(width);
  auto type = IntegerType::get(s.type.getContext(), width);
  return arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(type, most));
}

namespace {
struct Axes {
  Shape reduced; // ascending
  bool keep, isNothing;
};
} // namespace

static FailureOr<Axes> readAxes(NodeImporter &node, int64_t rank, int64_t since) {
  Axes axes;
  auto given = node.intsArgument(1, "axes", since);
  axes.keep = node.getInt("keepdims", 1) != 0;
  bool noop = node.getInt("noop_with_empty_axes", 0) != 0;
  if (failed(given))
    return failure();
  auto resolved = resolveAxes(node, *given, rank);
  if (failed(resolved))
    return failure();
  axes.reduced = *resolved;
  axes.isNothing = axes.reduced.empty() && noop;
  if (axes.reduced.empty() && !noop)
    axes.reduced = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  return axes;
}

static Shape reducedShape(ArrayRef<int64_t> shape, const Axes &axes, bool keep) {
  Shape result;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    bool isReduced = llvm::is_contained(axes.reduced, int64_t(i));
    if (!isReduced || keep)
      result.push_back(isReduced ? 1 : extent);
  }
  return result;
}

/// log Σ eˣ, with the maximum taken out.
static Value logSumExp(OpBuilder &b, Location loc, Type type, Value input,
                       ArrayRef<int64_t> axes) {
  ScalarMath s(b, loc, type);
  double infinity = std::numeric_limits<double>::infinity();
  Value max = qnn::reduceAxes(b, loc, input, axes, s.number(-infinity),
                              [&](OpBuilder &b, Location loc, ValueRange x) {
                                return ScalarMath(b, loc, type).maximum(x[0], x[1]);
                              });
  auto inputType = cast<RankedTensorType>(input.getType());
  // Infinities stay what they are: ∞ − ∞ would be no number.
  auto shift = [&](ScalarMath &s, Value x, Value max) {
    Value isFinite = s.less(s.abs(max), s.number(infinity));
    return s.sub(x, s.select(isFinite, max, s.number(0)));
  };
  Value powers = qnn::mapElements(
      b, loc, inputType, {input, max},
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarMath s(b, loc, type);
        return s.exp(shift(s, x[0], x[1]));
      });
  Value sum = qnn::reduceAxes(b, loc, powers, axes, s.number(0),
                              [&](OpBuilder &b, Location loc, ValueRange x) {
                                return ScalarMath(b, loc, type).add(x[0], x[1]);
                              });
  return qnn::mapElements(
      b, loc, cast<RankedTensorType>(sum.getType()), {sum, max},
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarMath s(b, loc, type);
        Value isFinite = s.less(s.abs(x[1]), s.number(infinity));
        return s.add(s.op<math::LogOp>(x[0]),
                     s.select(isFinite, x[1], s.number(0)));
      });
}

static LogicalResult convertReduction(NodeImporter &node) {
  const Reduction &reduction = reductionOf(node);
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  Type type = elementOf(input);
  Shape shape(shapeOf(input));
  auto axes = readAxes(node, shape.size(), reduction.axesSince);
  if (failed(axes))
    return failure();
  double count = 1;
  for (int64_t axis : axes->reduced)
    count *= static_cast<double>(shape[axis]);
  Shape kept = reducedShape(shape, *axes, /*keep=*/true);
  auto resultType = RankedTensorType::get(kept, type);
  bool isLogSumExp = node.getOpType() == "ReduceLogSumExp";
  if (isLogSumExp && !isa<FloatType>(type))
    return node.unsupported("an operand of integers");
  auto body = [&](OpBuilder &b, Location loc, ValueRange in) -> SmallVector<Value> {
    if (isLogSumExp)
      return {logSumExp(b, loc, type, in[0], axes->reduced)};
    ScalarMath s(b, loc, type);
    Value sum = qnn::reduceAxes(
        b, loc, in[0], axes->reduced,
        qnn::toMemory(b, loc, initialValue(s, reduction), type),
        [&](OpBuilder &b, Location loc, ValueRange x) {
          ScalarMath s(b, loc, type);
          Value element = qnn::toScalar(b, loc, x[0], type);
          Value sum = qnn::toScalar(b, loc, x[1], type);
          sum = reduction.join(s, sum, reduction.map(s, element));
          return qnn::toMemory(b, loc, sum, type);
        });
    if (reduction.finish == asIs)
      return {sum};
    return {qnn::mapElements(b, loc, qnn::memoryType(resultType), sum,
                             [&](OpBuilder &b, Location loc, ValueRange x) {
                               ScalarMath s(b, loc, type);
                               return reduction.finish(s, x[0], count);
                             })};
  };
  Value result = node.compute(resultType, input, body)[0];
  return node.setOutput(
      node.reshape(result, reducedShape(shape, *axes, axes->keep)));
}

/// The mean, or the sum as a mean times the number of elements. From opset
/// `since` on the axes are an input.
template <bool isSum>
static FailureOr<Value> reduce(NodeImporter &node, Value input, int64_t since) {
  auto axes = node.intsArgument(1, "axes", since);
  bool keep = node.getInt("keepdims", 1) != 0;
  bool noop = node.getInt("noop_with_empty_axes", 0) != 0;
  if (!input || failed(axes))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  auto resolved = resolveAxes(node, *axes, shape.size());
  if (failed(resolved))
    return failure();
  if (resolved->empty()) {
    if (noop || shape.empty())
      return input;
    *resolved = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  }
  Value output = node.emit<qnn::ReduceMeanOp>(
      input, {node.attr("axes", *resolved), node.boolAttr("keep_dims", keep)});
  if (!isSum)
    return output;
  float count = 1;
  for (int64_t axis : *resolved)
    count *= static_cast<float>(shape[axis]);
  return node.emit<qnn::MulOp>({output, node.constantTensor({count}, {})});
}

template <bool isSum> static LogicalResult convertReduce(NodeImporter &node) {
  auto result = reduce<isSum>(node, node.input(0), isSum ? 13 : 18);
  return failed(result) ? failure() : node.setOutput(*result);
}

/// The root of the sum of squares.
static LogicalResult convertReduceL2(NodeImporter &node) {
  Value input = node.input(0);
  auto sum = reduce<true>(node, node.emit<qnn::MulOp>({input, input}), 18);
  return failed(sum) ? failure()
                     : node.setOutput(node.emit<qnn::SqrtOp>(*sum));
}

/// Where the qnn ops do for f32.
template <LogicalResult (*onReals)(NodeImporter &)>
static LogicalResult convertMixed(NodeImporter &node) {
  Value input = node.anyInput(0);
  bool isEmpty = input && countElements(shapeOf(input)) == 0;
  return input && elementOf(input).isF32() && !isEmpty ? onReals(node)
                                                      : convertReduction(node);
}

/// Index of the greatest or least element along an axis.
template <bool isMax> static LogicalResult convertArg(NodeImporter &node) {
  Value input = node.anyInput(0);
  bool last = node.getInt("select_last_index", 0) != 0;
  bool keep = node.getInt("keepdims", 1) != 0;
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  auto axis = resolveAxis(node, node.getInt("axis", 0), shape.size());
  if (failed(axis))
    return failure();
  if (shape[*axis] == 0)
    return node.unsupported("an axis of extent 0");
  Type type = elementOf(input), i64 = node.getBuilder().getI64Type();
  Shape kept = shape;
  kept[*axis] = 1;
  auto resultType = RankedTensorType::get(kept, i64);
  int64_t extent = shape[*axis];
  Value result = node.indexed(
      resultType, input,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) -> Value {
        auto element = [&](OpBuilder &b, Value i) -> Value {
          SmallVector<Value> position(at);
          position[*axis] = i;
          Value x = tensor::ExtractOp::create(b, loc, in[0], position);
          return qnn::toScalar(b, loc, x, type);
        };
        Value zero = qnn::indexConstant(b, loc, 0);
        auto loop = scf::ForOp::create(
            b, loc, qnn::indexConstant(b, loc, 1),
            qnn::indexConstant(b, loc, extent), qnn::indexConstant(b, loc, 1),
            ValueRange{element(b, zero), zero},
            [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
              ScalarMath s(b, loc, type);
              Value x = element(b, i), y = best[0];
              if (!isMax)
                std::swap(x, y);
              Value wins = last ? s.lessOrEqual(y, x) : s.less(y, x);
              Value mine = isMax ? x : y;
              scf::YieldOp::create(b, loc,
                                   ValueRange{s.select(wins, mine, best[0]),
                                              s.select(wins, i, best[1])});
            });
        return arith::IndexCastOp::create(b, loc, i64, loop.getResult(1));
      });
  if (!keep)
    kept.erase(kept.begin() + *axis);
  return node.setOutput(node.reshape(result, kept));
}

/// Sums of all elements up to each one along an axis.
template <bool isProduct> static LogicalResult convertCumulative(NodeImporter &node) {
  Value input = node.anyInput(0);
  bool exclusive = node.getInt("exclusive", 0) != 0;
  bool reverse = node.getInt("reverse", 0) != 0;
  const HostTensor *axisTensor = node.constant(1);
  if (!input)
    return failure();
  if (!axisTensor)
    return node.mustBeKnown(1, "the axis");
  Shape shape(shapeOf(input));
  if (axisTensor->numElements() != 1)
    return node.emitError() << "expected an axis of one element, but got "
                            << describe(*axisTensor);
  auto axis = resolveAxis(node, getInt(*axisTensor, 0), shape.size());
  if (failed(axis))
    return failure();
  Type type = elementOf(input);
  int64_t extent = shape[*axis];
  auto resultType = RankedTensorType::get(shape, type);
  // One pass: the sum so far is in the result.
  auto body = [&](OpBuilder &b, Location loc, ValueRange in) -> SmallVector<Value> {
    auto memory = qnn::memoryType(resultType);
    Value result =
        tensor::EmptyOp::create(b, loc, memory.getShape(), memory.getElementType());
    auto index = [&](int64_t i) { return qnn::indexConstant(b, loc, i); };
    SmallVector<Value> at(shape.size());
    std::function<Value(OpBuilder &, size_t, Value)> nest =
        [&](OpBuilder &b, size_t dim, Value result) -> Value {
      if (dim == shape.size()) {
        ScalarMath s(b, loc, type);
        auto along = scf::ForOp::create(
            b, loc, index(0), index(extent), index(1),
            ValueRange{result, s.number(isProduct ? 1 : 0)},
            [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
              ScalarMath s(b, loc, type);
              Value place = reverse ? arith::SubIOp::create(b, loc, index(extent - 1), i)
                                          .getResult()
                                    : i;
              SmallVector<Value> position(at);
              position[*axis] = place;
              Value x = tensor::ExtractOp::create(b, loc, in[0], position);
              Value next = isProduct ? s.mul(carried[1], x) : s.add(carried[1], x);
              Value stored = tensor::InsertOp::create(
                  b, loc, exclusive ? carried[1] : next, carried[0], position);
              scf::YieldOp::create(b, loc, ValueRange{stored, next});
            });
        return along.getResult(0);
      }
      if (dim == size_t(*axis))
        return nest(b, dim + 1, result);
      auto loop = scf::ForOp::create(
          b, loc, index(0), index(shape[dim]), index(1), result,
          [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
            at[dim] = i;
            scf::YieldOp::create(b, loc, nest(b, dim + 1, carried[0]));
          });
      return loop.getResult(0);
    };
    return {nest(b, 0, result)};
  };
  return node.setOutput(node.compute(resultType, input, body)[0]);
}

ArrayRef<OpEntry> reductionOps() {
  static const OpEntry entries[] = {
      {"ReduceMean", 1, 2, convertMixed<convertReduce<false>>},
      {"ReduceSum", 1, 2, convertMixed<convertReduce<true>>},
      {"ReduceL2", 1, 2, convertMixed<convertReduceL2>},
      {"ReduceProd", 1, 2, convertReduction},
      {"ReduceMax", 1, 2, convertReduction},
      {"ReduceMin", 1, 2, convertReduction},
      {"ReduceL1", 1, 2, convertReduction},
      {"ReduceSumSquare", 1, 2, convertReduction},
      {"ReduceLogSum", 1, 2, convertReduction},
      {"ReduceLogSumExp", 1, 2, convertReduction},
      {"ArgMax", 1, 1, convertArg<true>},
      {"ArgMin", 1, 1, convertArg<false>},
      {"CumSum", 2, 2, convertCumulative<false>, 11},
      {"CumProd", 2, 2, convertCumulative<true>, 26},
  };
  return entries;
}

} // namespace dyadic::onnx_import
