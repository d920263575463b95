//===- Elementwise.cpp - functions of elements as a table -----------------===//
//
// On f32 a function is its qnn op, where there is one, which may be quantized and
// fused; on other types, and without such an op, it is a qnn.compute.
//
//===----------------------------------------------------------------------===//
#include "ElementFunctions.h"
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic::onnx_import {

SmallVector<Value> sameTypeInputs(NodeImporter &node, size_t first) {
  SmallVector<Value> values;
  Type type;
  for (size_t i = first; i < node.numInputs(); ++i) {
    Value value = node.anyInput(i);
    if (!value)
      return {};
    Type element = elementOf(value);
    if (!type || (type.isF32() && element.isF64()))
      type = element;
    else if (type != element && !(type.isF64() && element.isF32())) {
      node.emitError() << "expected operands of one type, but got " << type
                       << " and " << element;
      return {};
    }
    values.push_back(value);
  }
  for (Value &value : values)
    value = node.cast(value, type);
  return values;
}

Value mapFunction(NodeImporter &node, ValueRange operands, FunctionBody body,
                  bool isPredicate) {
  if (operands.empty() || !operands.front())
    return {};
  Type type = elementOf(operands.front());
  Type result = isPredicate ? IntegerType::get(type.getContext(), 1) : type;
  return node.elementwise(result, operands,
                          [&](OpBuilder &b, Location loc, ValueRange x) {
                            return body(ScalarMath(b, loc, type), x);
                          });
}

namespace {
/// Types that a function takes.
enum Domain : unsigned {
  Reals = 1,
  Integers = 2,
  Booleans = 4,
  Numbers = Reals | Integers,
  All = Numbers | Booleans
};

struct Function {
  llvm::StringLiteral opType;
  size_t minInputs, maxInputs; // maxInputs 0: no limit, folded from the left
  unsigned domain;
  Value (*scalar)(const ScalarMath &, ValueRange);
  /// The op on f32; empty where there is none.
  llvm::StringLiteral op = "";
  int64_t since = 6;
  bool isPredicate = false;
};
} // namespace

static std::string describeType(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static bool isIn(Type type, unsigned domain) {
  unsigned kind = isa<FloatType>(type) ? Reals
                  : type.isInteger(1)  ? Booleans
                                       : Integers;
  return domain & kind;
}

#define DYADIC_UNARY(EXPR)                                                     \
  [](const ScalarMath &s, ValueRange v) -> Value {                             \
    Value x = v[0];                                                            \
    return EXPR;                                                               \
  }
#define DYADIC_BINARY(EXPR)                                                    \
  [](const ScalarMath &s, ValueRange v) -> Value {                             \
    Value x = v[0], y = v[1];                                                  \
    return EXPR;                                                               \
  }
#define DYADIC_MATH(OP) DYADIC_UNARY(s.op<math::OP>(x))

static const Function functions[] = {
    // Of one element.
    {"Relu", 1, 1, Numbers, DYADIC_UNARY(s.maximum(x, s.number(0))), "qnn.relu"},
    {"Sigmoid", 1, 1, Reals,
     DYADIC_UNARY(s.div(s.number(1), s.add(s.number(1), s.exp(s.neg(x))))),
     "qnn.sigmoid"},
    {"Tanh", 1, 1, Reals, DYADIC_MATH(TanhOp), "qnn.tanh"},
    {"Erf", 1, 1, Reals, DYADIC_MATH(ErfOp), "qnn.erf", 9},
    {"Exp", 1, 1, Reals, DYADIC_MATH(ExpOp), "qnn.exp"},
    {"Log", 1, 1, Reals, DYADIC_MATH(LogOp), "qnn.log"},
    {"Sqrt", 1, 1, Reals, DYADIC_MATH(SqrtOp), "qnn.sqrt"},
    {"Abs", 1, 1, Numbers, DYADIC_UNARY(s.abs(x)), "qnn.abs"},
    {"Neg", 1, 1, Numbers, DYADIC_UNARY(s.neg(x)), "qnn.neg"},
    {"Reciprocal", 1, 1, Reals, DYADIC_UNARY(s.div(s.number(1), x)),
     "qnn.reciprocal"},
    {"HardSwish", 1, 1, Reals,
     DYADIC_UNARY(s.mul(
         x, s.minimum(s.maximum(s.add(s.div(x, s.number(6)), s.number(0.5)),
                                s.number(0)),
                      s.number(1)))),
     "qnn.hard_swish", 14},
    {"Floor", 1, 1, Reals, DYADIC_MATH(FloorOp)},
    {"Ceil", 1, 1, Reals, DYADIC_MATH(CeilOp)},
    {"Round", 1, 1, Reals, DYADIC_MATH(RoundEvenOp), "", 11},
    {"Sign", 1, 1, Numbers, DYADIC_UNARY(s.sign(x)), "", 9},
    {"Sin", 1, 1, Reals, DYADIC_MATH(SinOp)},
    {"Cos", 1, 1, Reals, DYADIC_MATH(CosOp)},
    {"Tan", 1, 1, Reals, DYADIC_MATH(TanOp)},
    {"Asin", 1, 1, Reals, DYADIC_MATH(AsinOp)},
    {"Acos", 1, 1, Reals, DYADIC_MATH(AcosOp)},
    {"Atan", 1, 1, Reals, DYADIC_MATH(AtanOp)},
    {"Sinh", 1, 1, Reals, DYADIC_MATH(SinhOp), "", 9},
    {"Cosh", 1, 1, Reals, DYADIC_MATH(CoshOp), "", 9},
    {"Asinh", 1, 1, Reals, DYADIC_MATH(AsinhOp), "", 9},
    {"Acosh", 1, 1, Reals, DYADIC_MATH(AcoshOp), "", 9},
    {"Atanh", 1, 1, Reals, DYADIC_MATH(AtanhOp), "", 9},
    {"Softplus", 1, 1, Reals, DYADIC_UNARY(s.softplus(x))},
    {"Softsign", 1, 1, Reals,
     DYADIC_UNARY(s.div(x, s.add(s.number(1), s.abs(x))))},
    {"Mish", 1, 1, Reals,
     DYADIC_UNARY(s.mul(x, s.op<math::TanhOp>(s.softplus(x)))), "", 18},
    {"BitwiseNot", 1, 1, Integers, DYADIC_UNARY(s.bitNot(x)), "", 18},
    {"Not", 1, 1, Booleans, DYADIC_UNARY(s.bitNot(x)), "", 7, true},
    {"IsNaN", 1, 1, Reals, DYADIC_UNARY(s.bitNot(s.equal(x, x))), "", 9, true},
    // Of two.
    {"Add", 2, 2, Numbers, DYADIC_BINARY(s.add(x, y)), "qnn.add"},
    {"Sub", 2, 2, Numbers, DYADIC_BINARY(s.sub(x, y)), "qnn.sub"},
    {"Mul", 2, 2, Numbers, DYADIC_BINARY(s.mul(x, y)), "qnn.mul"},
    {"Div", 2, 2, Numbers, DYADIC_BINARY(s.div(x, y)), "qnn.div"},
    {"And", 2, 2, Booleans, DYADIC_BINARY(s.bitAnd(x, y)), "", 7, true},
    {"Or", 2, 2, Booleans, DYADIC_BINARY(s.bitOr(x, y)), "", 7, true},
    {"Xor", 2, 2, Booleans, DYADIC_BINARY(s.bitXor(x, y)), "", 7, true},
    {"BitwiseAnd", 2, 2, Integers, DYADIC_BINARY(s.bitAnd(x, y)), "", 18},
    {"BitwiseOr", 2, 2, Integers, DYADIC_BINARY(s.bitOr(x, y)), "", 18},
    {"BitwiseXor", 2, 2, Integers, DYADIC_BINARY(s.bitXor(x, y)), "", 18},
    {"Equal", 2, 2, All, DYADIC_BINARY(s.equal(x, y)), "", 7, true},
    {"Less", 2, 2, Numbers, DYADIC_BINARY(s.less(x, y)), "", 7, true},
    {"Greater", 2, 2, Numbers, DYADIC_BINARY(s.less(y, x)), "", 7, true},
    {"LessOrEqual", 2, 2, Numbers, DYADIC_BINARY(s.lessOrEqual(x, y)), "", 12,
     true},
    {"GreaterOrEqual", 2, 2, Numbers, DYADIC_BINARY(s.lessOrEqual(y, x)), "", 12,
     true},
    // Of any number.
    {"Max", 1, 0, Numbers, DYADIC_BINARY(s.maximum(x, y)), "qnn.maximum"},
    {"Min", 1, 0, Numbers, DYADIC_BINARY(s.minimum(x, y)), "qnn.minimum"},
    {"Sum", 1, 0, Reals, DYADIC_BINARY(s.add(x, y)), "qnn.add"},
    {"Mean", 1, 0, Reals, DYADIC_BINARY(s.add(x, y)), "qnn.add"},
};

#undef DYADIC_MATH
#undef DYADIC_BINARY
#undef DYADIC_UNARY

static const Function &functionOf(const NodeImporter &node) {
  static const llvm::StringMap<const Function *> table = [] {
    llvm::StringMap<const Function *> map;
    for (const Function &function : functions)
      map[function.opType] = &function;
    return map;
  }();
  return *table.lookup(node.getOpType());
}

/// One application, of the qnn op where that can be.
static Value apply(NodeImporter &node, const Function &function,
                   ValueRange operands) {
  Type type = elementOf(operands.front());
  if (!isIn(type, function.domain)) {
    (void)node.unsupported("an operand of " + describeType(type));
    return {};
  }
  if (type.isF32() && !function.op.empty())
    return node.emit(function.op, operands, {});
  return mapFunction(node, operands, function.scalar, function.isPredicate);
}

static LogicalResult convertFunction(NodeImporter &node) {
  const Function &function = functionOf(node);
  SmallVector<Value> operands = sameTypeInputs(node);
  if (operands.empty())
    return failure();
  if (function.maxInputs)
    return node.setOutput(apply(node, function, operands));
  Value result = operands.front();
  for (Value operand : ArrayRef(operands).drop_front()) {
    result = apply(node, function, {result, operand});
    if (!result)
      return failure();
  }
  return node.setOutput(result);
}

/// x·y. Models make row numbers of zeros from their input times zero.
static LogicalResult convertMul(NodeImporter &node) {
  for (size_t i : {0, 1}) {
    const HostTensor *factor = node.constant(i);
    if (!factor || isFloat(factor->kind) ||
        llvm::any_of(toInts(*factor), [](int64_t x) { return x != 0; }))
      continue;
    Value other = node.anyInput(1 - i);
    if (!other)
      return failure();
    auto shape = broadcast(factor->shape, shapeOf(other));
    if (!shape)
      return node.emitError() << "shapes " << toString(factor->shape) << " and "
                              << toString(shapeOf(other)) << " don't broadcast";
    return node.setOutput(HostTensor(factor->kind, *shape));
  }
  return convertFunction(node);
}

/// The sum of all operands over their number.
static LogicalResult convertMean(NodeImporter &node) {
  SmallVector<Value> operands = sameTypeInputs(node);
  if (operands.empty() || failed(convertFunction(node)))
    return failure();
  Value sum = node.getOutputs().front();
  double factor = 1.0 / operands.size();
  if (elementOf(sum).isF32())
    return node.setOutput(node.emit<qnn::MulOp>(
        {sum, node.constantTensor({static_cast<float>(factor)}, {})}));
  return node.setOutput(
      mapFunction(node, sum, [&](const ScalarMath &s, ValueRange x) {
        return s.mul(x[0], s.number(factor));
      }));
}

ArrayRef<OpEntry> elementwiseOps() {
  static const std::vector<OpEntry> entries = [] {
    std::vector<OpEntry> list;
    for (const Function &f : functions)
      list.push_back({f.opType, f.minInputs, f.maxInputs,
                      f.opType == "Mul"    ? convertMul
                      : f.opType == "Mean" ? convertMean
                                           : convertFunction,
                      f.since});
    return list;
  }();
  return entries;
}

} // namespace dyadic::onnx_import
