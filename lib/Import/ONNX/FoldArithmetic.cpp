//===- FoldArithmetic.cpp - element by element, and reductions ------------===//
#include "ConstantFolder.h"

#include "TensorReader.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

// Signed overflow wraps, as it does in the runtimes people use.
static int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

namespace {
/// A function of two elements, for integers and for floating point.
struct Binary {
  int64_t (*onInts)(int64_t, int64_t);
  double (*onFloats)(double, double);
  bool isPredicate = false;
};
} // namespace

static FailureOr<HostTensor> applyBinary(FoldContext &context,
                                         const HostTensor &a,
                                         const HostTensor &b,
                                         const Binary &fn) {
  Node &node = context.node;
  if (a.kind != b.kind && node.getOpType() != "Pow")
    return node.emitError() << "expected operands of one type, but got "
                            << name(a.kind) << " and " << name(b.kind);
  std::optional<Shape> shape = broadcast(a.shape, b.shape);
  if (!shape)
    return node.emitError() << "shapes " << toString(a.shape) << " and "
                            << toString(b.shape) << " do not broadcast";
  auto left = context.copy(a, *shape, broadcastStrides(a.shape, *shape));
  auto right = context.copy(b, *shape, broadcastStrides(b.shape, *shape));
  if (failed(left) || failed(right))
    return failure();
  HostTensor out(fn.isPredicate ? ElementKind::Bool : a.kind, *shape);
  bool floats = isFloat(a.kind) || isFloat(b.kind);
  for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
    if (!floats) {
      setInt(out, i, fn.onInts(getInt(*left, i), getInt(*right, i)));
      continue;
    }
    double value = fn.onFloats(left->get(i), right->get(i));
    if (isFloat(out.kind))
      out.set(i, value);
    else
      setInt(out, i, static_cast<int64_t>(value));
  }
  return out;
}

template <const Binary &fn>
static LogicalResult foldBinary(FoldContext &context) {
  auto result = applyBinary(context, context.in(0), context.in(1), fn);
  return failed(result) ? failure() : context.finish(std::move(*result));
}

/// Max, Min, Sum of any number of operands.
template <const Binary &fn>
static LogicalResult foldNary(FoldContext &context) {
  HostTensor sum = context.in(0);
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    if (!context.has(i))
      return context.node.emitError() << "input " << i << " is missing";
    auto next = applyBinary(context, sum, context.in(i), fn);
    if (failed(next))
      return failure();
    sum = std::move(*next);
  }
  return context.finish(std::move(sum));
}

static const Binary add = {
    [](int64_t a, int64_t b) { return wrap(uint64_t(a) + uint64_t(b)); },
    [](double a, double b) { return a + b; }};
static const Binary sub = {
    [](int64_t a, int64_t b) { return wrap(uint64_t(a) - uint64_t(b)); },
    [](double a, double b) { return a - b; }};
static const Binary mul = {
    [](int64_t a, int64_t b) { return wrap(uint64_t(a) * uint64_t(b)); },
    [](double a, double b) { return a * b; }};
// The divisor is never zero: foldDiv checks.
static const Binary quotient = {
    [](int64_t a, int64_t b) { return b == -1 ? wrap(-uint64_t(a)) : a / b; },
    [](double a, double b) { return a / b; }};
static const Binary modulo = {
    [](int64_t a, int64_t b) {
      int64_t r = b == -1 ? 0 : a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    },
    [](double a, double b) { return std::fmod(a, b); }};
static const Binary power = {
    [](int64_t a, int64_t b) {
      HostTensor exact(ElementKind::F64, {1});
      exact.set(0, std::pow(static_cast<double>(a), static_cast<double>(b)));
      return getInt(exact, 0);
    },
    [](double a, double b) { return std::pow(a, b); }};
static const Binary maximum = {
    [](int64_t a, int64_t b) { return std::max(a, b); },
    [](double a, double b) { return std::max(a, b); }};
static const Binary minimum = {
    [](int64_t a, int64_t b) { return std::min(a, b); },
    [](double a, double b) { return std::min(a, b); }};
static const Binary equal = {
    [](int64_t a, int64_t b) { return int64_t(a == b); },
    [](double a, double b) { return double(a == b); }, true};
static const Binary less = {[](int64_t a, int64_t b) { return int64_t(a < b); },
                            [](double a, double b) { return double(a < b); },
                            true};
static const Binary lessOrEqual = {
    [](int64_t a, int64_t b) { return int64_t(a <= b); },
    [](double a, double b) { return double(a <= b); }, true};
static const Binary greater = {
    [](int64_t a, int64_t b) { return int64_t(a > b); },
    [](double a, double b) { return double(a > b); }, true};
static const Binary greaterOrEqual = {
    [](int64_t a, int64_t b) { return int64_t(a >= b); },
    [](double a, double b) { return double(a >= b); }, true};
static const Binary logicalAnd = {
    [](int64_t a, int64_t b) { return int64_t(a && b); },
    [](double a, double b) { return double(a && b); }, true};
static const Binary logicalOr = {
    [](int64_t a, int64_t b) { return int64_t(a || b); },
    [](double a, double b) { return double(a || b); }, true};

template <const Binary &fn> static LogicalResult foldDiv(FoldContext &context) {
  context.node.ignore("fmod");
  if (!isFloat(context.in(1).kind) &&
      llvm::is_contained(toInts(context.in(1)), 0))
    return context.node.emitError() << "division of integers by zero";
  return foldBinary<fn>(context);
}

using UnaryFn = double (*)(double);
/// Functions that keep integers as they are unless `onInts` says otherwise.
template <UnaryFn fn> static LogicalResult foldUnary(FoldContext &context) {
  HostTensor out = context.in(0);
  if (!isFloat(out.kind))
    return context.node.unsupported("an operand of " + name(out.kind));
  for (int64_t i = 0, e = out.numElements(); i < e; ++i)
    out.set(i, fn(out.get(i)));
  return context.finish(std::move(out));
}

static double floorOf(double x) { return std::floor(x); }
static double ceilOf(double x) { return std::ceil(x); }
static double roundOf(double x) { return std::nearbyint(x); }
static double sqrtOf(double x) { return std::sqrt(x); }
static double reciprocalOf(double x) { return 1 / x; }

template <bool keepSign> static LogicalResult foldSign(FoldContext &context) {
  HostTensor out = context.in(0);
  for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
    if (isFloat(out.kind))
      out.set(i, keepSign ? -out.get(i) : std::abs(out.get(i)));
    else if (int64_t value = getInt(out, i); keepSign || value < 0)
      setInt(out, i, wrap(-uint64_t(value)));
  }
  return context.finish(std::move(out));
}

static LogicalResult foldNot(FoldContext &context) {
  HostTensor out = context.in(0);
  for (int64_t i = 0, e = out.numElements(); i < e; ++i)
    setInt(out, i, !getInt(out, i));
  return context.finish(std::move(out));
}

static LogicalResult foldRelu(FoldContext &context) {
  auto out = applyBinary(context, context.in(0), HostTensor(context.in(0).kind, {}),
                         maximum);
  return failed(out) ? failure() : context.finish(std::move(*out));
}

static LogicalResult foldCast(FoldContext &context) {
  Node &node = context.node;
  int32_t to = node.getInt("to", onnx::TensorProto::UNDEFINED);
  node.ignore("saturate");
  node.ignore("round_mode");
  const HostTensor &in = context.in(0);
  if (to == onnx::TensorProto::FLOAT16 || to == onnx::TensorProto::BFLOAT16) {
    // Kept in f32, rounded to what the type can hold.
    HostTensor half(to == onnx::TensorProto::FLOAT16 ? ElementKind::F16
                                                     : ElementKind::BF16,
                    in.shape);
    HostTensor out(ElementKind::F32, in.shape);
    for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
      half.set(i, in.get(i));
      out.set(i, half.get(i));
    }
    return context.finish(std::move(out));
  }
  std::optional<ElementKind> kind = kindOfDataType(to);
  if (!kind)
    return node.unsupported("a cast to " + dataTypeName(to));
  if (failed(context.checkSize(*kind, in.shape)))
    return failure();
  HostTensor out(*kind, in.shape);
  for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
    if (*kind == ElementKind::Bool)
      setInt(out, i, in.get(i) != 0);
    else if (isFloat(*kind))
      out.set(i, in.get(i));
    else
      setInt(out, i, getInt(in, i));
  }
  return context.finish(std::move(out));
}

static LogicalResult foldWhere(FoldContext &context) {
  const HostTensor &condition = context.in(0), &a = context.in(1),
                   &b = context.in(2);
  auto both = broadcast(a.shape, b.shape);
  auto shape = both ? broadcast(*both, condition.shape) : std::nullopt;
  if (!shape || a.kind != b.kind)
    return context.node.emitError()
           << "operands " << describe(condition) << ", " << describe(a)
           << " and " << describe(b) << " do not go together";
  auto mask = context.copy(condition, *shape,
                           broadcastStrides(condition.shape, *shape));
  auto out = context.copy(b, *shape, broadcastStrides(b.shape, *shape));
  auto chosen = context.copy(a, *shape, broadcastStrides(a.shape, *shape));
  if (failed(mask) || failed(out) || failed(chosen))
    return failure();
  int64_t width = byteWidth(a.kind);
  for (int64_t i = 0, e = out->numElements(); i < e; ++i)
    if (getInt(*mask, i))
      std::copy_n(chosen->bytes.begin() + i * width, width,
                  out->bytes.begin() + i * width);
  return context.finish(std::move(*out));
}

/// Writes what a reduction of nothing with `fn` is: what changes no other operand.
static void setNeutral(HostTensor &out, int64_t i, const Binary &fn) {
  if (&fn == &add || &fn == &mul)
    return out.set(i, &fn == &mul);
  bool least = &fn == &maximum;
  if (isFloat(out.kind)) {
    double infinity = std::numeric_limits<double>::infinity();
    return out.set(i, least ? -infinity : infinity);
  }
  bool isUnsigned = llvm::is_contained({ElementKind::Bool, ElementKind::U8,
                                        ElementKind::U16, ElementKind::U32,
                                        ElementKind::U64},
                                       out.kind);
  int64_t smallest = isUnsigned ? 0 : INT64_MIN >> (64 - 8 * byteWidth(out.kind));
  setInt(out, i, least ? smallest : ~smallest);
}

/// Folds all elements along the reduced axes with `fn`, from the first on.
template <const Binary &fn, bool mean = false>
static LogicalResult foldReduce(FoldContext &context) {
  Node &node = context.node;
  const HostTensor &in = context.in(0);
  int64_t since = node.getOpType() == "ReduceSum" ? 13 : 18;
  Shape axes = context.intsArgument(1, "axes", since);
  bool keep = node.getInt("keepdims", 1) != 0;
  bool noop = node.getInt("noop_with_empty_axes", 0) != 0;
  int64_t rank = in.shape.size();
  if (axes.empty()) {
    if (noop)
      return context.finish(in);
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  }
  auto resolved = resolveAxes(node, axes, rank);
  if (failed(resolved))
    return failure();
  Shape own = stridesOf(in.shape), shape, strides, inner, innerStrides, result;
  for (int64_t i = 0; i < rank; ++i) {
    bool reduced = llvm::is_contained(*resolved, i);
    (reduced ? inner : shape).push_back(in.shape[i]);
    (reduced ? innerStrides : strides).push_back(own[i]);
    if (!reduced || keep)
      result.push_back(reduced ? 1 : in.shape[i]);
  }
  HostTensor out(in.kind, result);
  if (countElements(inner).value_or(0) == 0) {
    if (mean)
      return node.unsupported("a mean of nothing");
    for (int64_t i = 0, e = out.numElements(); i < e; ++i)
      setNeutral(out, i, fn);
    return context.finish(std::move(out));
  }
  int64_t next = 0, count = *countElements(inner);
  forEachPosition(shape, strides, 0, [&](int64_t base) {
    std::optional<double> real;
    std::optional<int64_t> integer;
    forEachPosition(inner, innerStrides, base, [&](int64_t at) {
      if (isFloat(in.kind))
        real = real ? fn.onFloats(*real, in.get(at)) : in.get(at);
      else
        integer =
            integer ? fn.onInts(*integer, getInt(in, at)) : getInt(in, at);
    });
    if (real)
      out.set(next, mean ? *real / count : *real);
    else
      setInt(out, next, mean ? *integer / count : *integer);
    ++next;
  });
  return context.finish(std::move(out));
}

/// Numbers between two bounds, which are attributes before opset 11.
static LogicalResult foldClip(FoldContext &context) {
  HostTensor out = context.in(0);
  Node &node = context.node;
  bool areAttributes = node.getOpset() < 11;
  for (size_t i : {1, 2}) {
    if (areAttributes ? !node.has(i == 1 ? "min" : "max") : !context.has(i))
      continue;
    if (!areAttributes && context.in(i).numElements() != 1)
      return node.emitError() << "expected a bound of one element, but got "
                              << describe(context.in(i));
    double real = areAttributes ? node.getFloat(i == 1 ? "min" : "max", 0)
                                : context.in(i).get(0);
    int64_t integer = areAttributes || isFloat(context.in(i).kind)
                          ? 0
                          : getInt(context.in(i), 0);
    for (int64_t at = 0, e = out.numElements(); at < e; ++at) {
      if (isFloat(out.kind))
        out.set(at, i == 1 ? std::max(out.get(at), real)
                           : std::min(out.get(at), real));
      else
        setInt(out, at, i == 1 ? std::max(getInt(out, at), integer)
                               : std::min(getInt(out, at), integer));
    }
  }
  return context.finish(std::move(out));
}

ArrayRef<FoldEntry> arithmeticFolds() {
  static const FoldEntry entries[] = {
      {"Add", 2, 2, foldBinary<add>},
      {"Sub", 2, 2, foldBinary<sub>},
      {"Mul", 2, 2, foldBinary<mul>},
      {"Div", 2, 2, foldDiv<quotient>},
      {"Mod", 2, 2, foldDiv<modulo>},
      {"Pow", 2, 2, foldBinary<power>},
      {"Equal", 2, 2, foldBinary<equal>},
      {"Less", 2, 2, foldBinary<less>},
      {"LessOrEqual", 2, 2, foldBinary<lessOrEqual>},
      {"Greater", 2, 2, foldBinary<greater>},
      {"GreaterOrEqual", 2, 2, foldBinary<greaterOrEqual>},
      {"And", 2, 2, foldBinary<logicalAnd>},
      {"Or", 2, 2, foldBinary<logicalOr>},
      {"Max", 1, 0, foldNary<maximum>},
      {"Min", 1, 0, foldNary<minimum>},
      {"Sum", 1, 0, foldNary<add>},
      {"Not", 1, 1, foldNot},
      {"Neg", 1, 1, foldSign<true>},
      {"Abs", 1, 1, foldSign<false>},
      {"Relu", 1, 1, foldRelu},
      {"Floor", 1, 1, foldUnary<floorOf>},
      {"Ceil", 1, 1, foldUnary<ceilOf>},
      {"Round", 1, 1, foldUnary<roundOf>},
      {"Sqrt", 1, 1, foldUnary<sqrtOf>},
      {"Reciprocal", 1, 1, foldUnary<reciprocalOf>},
      {"Cast", 1, 1, foldCast},
      {"Clip", 1, 3, foldClip},
      {"Where", 3, 3, foldWhere},
      {"ReduceSum", 1, 2, foldReduce<add>},
      {"ReduceProd", 1, 2, foldReduce<mul>},
      {"ReduceMax", 1, 2, foldReduce<maximum>},
      {"ReduceMin", 1, 2, foldReduce<minimum>},
      {"ReduceMean", 1, 2, foldReduce<add, true>},
  };
  return entries;
}

} // namespace dyadic::onnx_import
