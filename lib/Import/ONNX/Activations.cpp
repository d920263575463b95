//===- Activations.cpp - functions of elements that have parameters -------===//
#include "ElementFunctions.h"
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

/// A qnn op on f32, else `body`.
template <typename OpTy>
static LogicalResult opOrFunction(NodeImporter &node,
                                  ArrayRef<NamedAttribute> attributes,
                                  FunctionBody body) {
  Value input = node.anyInput(0);
  if (input && elementOf(input).isF32())
    return node.setOutput(node.emit<OpTy>(input, attributes));
  return node.setOutput(mapFunction(node, input, body));
}

static LogicalResult convertLeakyRelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.01f);
  return opOrFunction<qnn::LeakyReluOp>(
      node, node.floatAttr("alpha", alpha),
      [&](const ScalarMath &s, ValueRange x) {
        return s.select(s.less(x[0], s.number(0)), s.mul(x[0], s.number(alpha)),
                        x[0]);
      });
}

static LogicalResult convertHardSigmoid(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.2f);
  float beta = node.getFloat("beta", 0.5f);
  return opOrFunction<qnn::HardSigmoidOp>(
      node, {node.floatAttr("alpha", alpha), node.floatAttr("beta", beta)},
      [&](const ScalarMath &s, ValueRange x) {
        Value line = s.add(s.mul(x[0], s.number(alpha)), s.number(beta));
        return s.minimum(s.maximum(line, s.number(0)), s.number(1));
      });
}

/// x·Φ(x), or its approximation by tanh.
static LogicalResult convertGelu(NodeImporter &node) {
  std::string form = node.getString("approximate", "none");
  if (form != "none" && form != "tanh")
    return node.unsupported("the approximation '" + form + "'");
  bool isExact = form == "none";
  auto body = [&](const ScalarMath &s, ValueRange x) {
    Value inner;
    if (isExact) {
      inner = s.op<math::ErfOp>(s.mul(x[0], s.number(std::sqrt(0.5))));
    } else {
      Value cube = s.mul(s.mul(x[0], x[0]), x[0]);
      Value sum = s.add(x[0], s.mul(cube, s.number(0.044715)));
      inner = s.op<math::TanhOp>(s.mul(sum, s.number(std::sqrt(2 / M_PI))));
    }
    return s.mul(s.mul(x[0], s.number(0.5)), s.add(inner, s.number(1)));
  };
  if (isExact)
    return opOrFunction<qnn::GeluOp>(node, {}, body);
  return node.setOutput(mapFunction(node, node.anyInput(0), body));
}

static LogicalResult convertSwish(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  auto body = [&](const ScalarMath &s, ValueRange x) {
    Value power = s.exp(s.mul(x[0], s.number(-alpha)));
    return s.div(x[0], s.add(power, s.number(1)));
  };
  if (alpha == 1)
    return opOrFunction<qnn::SwishOp>(node, {}, body);
  return node.setOutput(mapFunction(node, node.anyInput(0), body));
}

/// x where positive, slope·x elsewhere, with a slope per channel.
static LogicalResult convertPRelu(NodeImporter &node) {
  SmallVector<Value> operands = sameTypeInputs(node);
  if (operands.empty())
    return failure();
  if (!elementOf(operands[0]).isF32())
    return node.setOutput(
        mapFunction(node, operands, [](const ScalarMath &s, ValueRange x) {
          return s.select(s.less(x[0], s.number(0)), s.mul(x[0], x[1]), x[0]);
        }));
  Value input = operands[0];
  const HostTensor *slope = node.constant(1);
  if (slope && slope->numElements() == 1)
    return node.setOutput(node.emit<qnn::LeakyReluOp>(
        input, node.floatAttr("alpha", static_cast<float>(slope->get(0)))));
  Value zero = node.constantTensor({0.0f}, {});
  Value negative = node.emit<qnn::MinimumOp>({input, zero});
  return node.setOutput(node.emit<qnn::AddOp>(
      {node.emit<qnn::ReluOp>(input),
       node.emit<qnn::MulOp>({negative, operands[1]})}));
}

static LogicalResult convertElu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return node.setOutput(mapFunction(
      node, node.anyInput(0), [&](const ScalarMath &s, ValueRange x) {
        return s.select(s.less(x[0], s.number(0)),
                        s.mul(s.number(alpha), s.expm1(x[0])), x[0]);
      }));
}

static LogicalResult convertSelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1.67326319217681884765625f);
  float gamma = node.getFloat("gamma", 1.05070102214813232421875f);
  return node.setOutput(mapFunction(
      node, node.anyInput(0), [&](const ScalarMath &s, ValueRange x) {
        Value curve = s.mul(s.number(alpha), s.expm1(x[0]));
        return s.mul(s.number(gamma),
                     s.select(s.less(s.number(0), x[0]), x[0], curve));
      }));
}

static LogicalResult convertCelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return node.setOutput(mapFunction(
      node, node.anyInput(0), [&](const ScalarMath &s, ValueRange x) {
        Value curve = s.mul(s.number(alpha),
                            s.expm1(s.div(x[0], s.number(alpha))));
        return s.select(s.less(x[0], s.number(0)), curve, x[0]);
      }));
}

static LogicalResult convertThresholdedRelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return node.setOutput(mapFunction(
      node, node.anyInput(0), [&](const ScalarMath &s, ValueRange x) {
        return s.select(s.less(s.number(alpha), x[0]), x[0], s.number(0));
      }));
}

static LogicalResult convertShrink(NodeImporter &node) {
  float bias = node.getFloat("bias", 0), lambda = node.getFloat("lambd", 0.5f);
  return node.setOutput(mapFunction(
      node, node.anyInput(0), [&](const ScalarMath &s, ValueRange x) {
        // Of integers, bounds and bias are compared and added as reals.
        Type type = s.type, real = isa<FloatType>(type) ? type : s.b.getF32Type();
        ScalarMath r(s.b, s.loc, real);
        Value v = qnn::castScalar(s.b, s.loc, x[0], type, real);
        Value low = r.add(v, r.number(bias)), high = r.sub(v, r.number(bias));
        Value result = r.select(r.less(v, r.number(-lambda)), low,
                                r.select(r.less(r.number(lambda), v), high,
                                         r.number(0)));
        return qnn::castScalar(s.b, s.loc, result, real, type);
      }));
}

static LogicalResult convertIsInf(NodeImporter &node) {
  bool negative = node.getInt("detect_negative", 1) != 0;
  bool positive = node.getInt("detect_positive", 1) != 0;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return node.setOutput(mapFunction(
      node, node.anyInput(0),
      [&](const ScalarMath &s, ValueRange x) -> Value {
        Value low = s.equal(x[0], s.number(negative ? -infinity : infinity));
        Value high = s.equal(x[0], s.number(positive ? infinity : -infinity));
        if (negative || positive)
          return s.bitOr(low, high);
        return s.numberLike(low, 0);
      },
      /*isPredicate=*/true));
}

static LogicalResult convertMod(NodeImporter &node) {
  bool isFmod = node.getInt("fmod", 0) != 0;
  return node.setOutput(mapFunction(
      node, sameTypeInputs(node), [&](const ScalarMath &s, ValueRange x) {
        return s.mod(x[0], x[1], isFmod);
      }));
}

static LogicalResult convertBitShift(NodeImporter &node) {
  std::string direction = node.getString("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return node.emitError() << "expected the direction LEFT or RIGHT, but got '"
                            << direction << "'";
  return node.setOutput(mapFunction(
      node, sameTypeInputs(node), [&](const ScalarMath &s, ValueRange x) {
        return s.shift(x[0], x[1], direction == "LEFT");
      }));
}

/// The exponents that are simpler ops become those; an exponent of any numeric
/// type is allowed.
static LogicalResult convertPow(NodeImporter &node) {
  const HostTensor *exponent = node.constant(1);
  Value base = node.anyInput(0);
  if (!base)
    return failure();
  if (!elementOf(base).isF32() ||
      (!exponent && !elementOf(node.anyInput(1)).isF32())) {
    Value power = node.anyInput(1);
    if (!power)
      return failure();
    Type from = elementOf(power);
    return node.setOutput(mapFunction(
        node, {base, power}, [&](const ScalarMath &s, ValueRange x) {
          return s.pow(x[0], x[1], from);
        }));
  }
  if (!exponent)
    return node.setOutput(node.emit<qnn::PowOp>({base, node.input(1)}));
  if (exponent->numElements() != 1 || exponent->shape.size() > 1)
    return node.setOutput(node.emit<qnn::PowOp>(
        {base, node.constantTensor(toFloats(*exponent), exponent->shape)}));
  double power = exponent->get(0);
  if (power == 1)
    return node.setOutput(base);
  if (power == 2)
    return node.setOutput(node.emit<qnn::MulOp>({base, base}));
  if (power == 0.5)
    return node.setOutput(node.emit<qnn::SqrtOp>(base));
  if (power == -1)
    return node.setOutput(node.emit<qnn::ReciprocalOp>(base));
  Value scalar = node.constantTensor({static_cast<float>(power)}, {});
  return node.setOutput(node.emit<qnn::PowOp>({base, scalar}));
}

/// Clip of f32 to numbers that are known.
static LogicalResult clipToConstants(NodeImporter &node, float low, float high) {
  constexpr float largest = std::numeric_limits<float>::max();
  if (std::isnan(low) || std::isnan(high))
    return node.emitError() << "a bound is not a number";
  low = std::clamp(low, -largest, largest);
  high = std::clamp(high, -largest, largest);
  if (low == -largest && high == largest)
    return node.setOutput(node.input(0));
  if (low == 0 && high == largest)
    return node.setOutput(node.emit<qnn::ReluOp>(node.input(0)));
  // Where the bounds cross, the upper one wins.
  return node.setOutput(node.emit<qnn::ClampOp>(
      node.input(0), {node.floatAttr("min", std::min(low, high)),
                      node.floatAttr("max", high)}));
}

static LogicalResult convertClip(NodeImporter &node) {
  constexpr float largest = std::numeric_limits<float>::max();
  float bounds[2] = {-largest, largest};
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  if (node.getOpset() < 11) {
    bounds[0] = node.getFloat("min", bounds[0]);
    bounds[1] = node.getFloat("max", bounds[1]);
    return clipToConstants(node, bounds[0], bounds[1]);
  }
  bool areKnown = elementOf(input).isF32();
  for (size_t i : {1, 2})
    areKnown &= !node.hasInput(i) || node.constant(i);
  if (areKnown) {
    for (size_t i : {0, 1}) {
      if (!node.hasInput(i + 1))
        continue;
      auto bound = node.scalar(i + 1, "a bound");
      if (failed(bound))
        return failure();
      bounds[i] = *bound;
    }
    return clipToConstants(node, bounds[0], bounds[1]);
  }
  SmallVector<Value> operands{input};
  for (size_t i : {1, 2})
    if (node.hasInput(i))
      operands.push_back(node.cast(node.anyInput(i), elementOf(input)));
  return node.setOutput(
      mapFunction(node, operands, [&](const ScalarMath &s, ValueRange x) {
        Value result = x[0];
        size_t next = 1;
        if (node.hasInput(1))
          result = s.maximum(result, x[next++]);
        if (node.hasInput(2))
          result = s.minimum(result, x[next]);
        return result;
      }));
}

ArrayRef<OpEntry> activationOps() {
  static const OpEntry entries[] = {
      {"LeakyRelu", 1, 1, convertLeakyRelu},
      {"HardSigmoid", 1, 1, convertHardSigmoid},
      {"Gelu", 1, 1, convertGelu, 20},
      {"Swish", 1, 1, convertSwish, 24},
      {"PRelu", 2, 2, convertPRelu},
      {"Elu", 1, 1, convertElu},
      {"Selu", 1, 1, convertSelu},
      {"Celu", 1, 1, convertCelu, 12},
      {"ThresholdedRelu", 1, 1, convertThresholdedRelu},
      {"Shrink", 1, 1, convertShrink, 9},
      {"IsInf", 1, 1, convertIsInf, 10},
      {"Mod", 2, 2, convertMod, 10},
      {"BitShift", 2, 2, convertBitShift, 11},
      {"Pow", 2, 2, convertPow},
      {"Clip", 1, 3, convertClip},
  };
  return entries;
}

} // namespace dyadic::onnx_import
