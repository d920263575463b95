//===- Attention.cpp - Attention and RotaryEmbedding ----------------------===//
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// B×S×(H·D) as B×H×S×D.
static Value splitHeads(NodeImporter &node, Value value, int64_t heads) {
  if (!value || shapeOf(value).size() == 4)
    return value;
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.size() != 3 || heads < 1 || shape[2] % heads) {
    node.emitError() << "expected batch x sequence x features of " << heads
                     << " heads, but got " << toString(shape);
    return {};
  }
  Value parts = node.reshape(value, {shape[0], shape[1], heads, shape[2] / heads});
  return node.transpose(parts, {0, 2, 1, 3});
}

/// The inverse.
static Value joinHeads(NodeImporter &node, Value value) {
  value = node.transpose(value, {0, 2, 1, 3});
  if (!value)
    return {};
  ArrayRef<int64_t> shape = shapeOf(value);
  return node.reshape(value, {shape[0], shape[1], shape[2] * shape[3]});
}

namespace {
/// Softmax(Q·Kᵀ·scale + bias)·V, where the bias hides what a mask, the order of
/// the sequence, a window or the length of a sequence leave out.
class Attention {
public:
  explicit Attention(NodeImporter &node) : node(node) {}

  LogicalResult run() {
    if (failed(read()))
      return failure();
    float scale = node.getFloat("scale", 1 / std::sqrt(static_cast<float>(size)));
    float cap = node.getFloat("softcap", 0);
    int64_t mode = node.getInt("qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3)
      return node.unsupported("the output mode " + std::to_string(mode));
    Value scaled =
        node.emit<qnn::MulOp>({query, node.constantTensor({scale}, {})});
    Value scores = product(scaled, node.transpose(key, {0, 1, 3, 2}));
    Value shown = scores;
    if (cap > 0) {
      Value inverse = node.constantTensor({1 / cap}, {});
      scores = node.emit<qnn::TanhOp>(node.emit<qnn::MulOp>({scores, inverse}));
      scores = node.emit<qnn::MulOp>({scores, node.constantTensor({cap}, {})});
    }
    shown = mode == 0 ? shown : scores;
    if (hides())
      scores = biased(scores);
    shown = mode < 2 ? shown : scores;
    Value weights = node.emit<qnn::SoftmaxOp>(scores, node.attr("axis", 3));
    if (hides())
      weights = withoutHiddenRows(weights);
    shown = mode < 3 ? shown : weights;
    Value output = product(weights, value);
    if (node.isUsed(0) &&
        failed(node.setOutput(0, isFlat ? joinHeads(node, output) : output)))
      return failure();
    const Value more[] = {key, value, shown};
    for (auto [i, result] : llvm::enumerate(more))
      if (node.isUsed(i + 1) && failed(node.setOutput(i + 1, result)))
        return failure();
    return success();
  }

private:
  LogicalResult read() {
    // In which the softmax is computed: float32 is the least.
    node.ignore("softmax_precision");
    query = node.input(0), key = node.input(1), value = node.input(2);
    if (!query || !key || !value)
      return failure();
    isFlat = shapeOf(query).size() == 3;
    query = splitHeads(node, query, node.getInt("q_num_heads", 0));
    int64_t heads = node.getInt("kv_num_heads", 0);
    key = splitHeads(node, key, heads);
    value = splitHeads(node, value, heads);
    if (!query || !key || !value)
      return failure();
    if (node.hasInput(4) != node.hasInput(5))
      return node.emitError() << "expected past_key and past_value together";
    if (node.hasInput(4)) {
      Value pastKey = node.input(4), pastValue = node.input(5);
      if (!pastKey || !pastValue)
        return failure();
      if (shapeOf(pastKey).size() != 4)
        return node.emitError() << "expected past keys of 4 dimensions, but got "
                                << toString(shapeOf(pastKey));
      past = shapeOf(pastKey)[2];
      key = node.concat({pastKey, key}, 2);
      value = node.concat({pastValue, value}, 2);
    }
    if (!key || !value)
      return failure();
    Shape q(shapeOf(query)), k(shapeOf(key)), v(shapeOf(value));
    bool fits = q.size() == 4 && k.size() == 4 && v.size() == 4 &&
                q[0] == k[0] && k[0] == v[0] && k[1] == v[1] && k[2] == v[2] &&
                q[3] == k[3] && k[1] > 0 && q[1] % k[1] == 0;
    if (!fits)
      return node.emitError() << "expected query, key and value of fitting shapes, "
                                 "but got "
                              << toString(q) << ", " << toString(k) << " and "
                              << toString(v);
    batch = q[0], length = q[2], size = q[3], keyHeads = k[1], keys = k[2];
    heads_ = q[1];
    isCausal = node.getInt("is_causal", 0) != 0;
    left = node.getInt("left_window_size", -1);
    right = node.getInt("right_window_size", -1);
    if (node.hasInput(3)) {
      mask = node.number(3);
      if (!mask)
        return failure();
      Shape shape(shapeOf(mask));
      if (shape.empty() || shape.size() > 4 || shape.back() > keys)
        return node.emitError() << "expected a mask for " << length << " x " << keys
                                << " elements, but got " << toString(shape);
      shape.back() = keys;
      auto all = broadcast(shape, {batch, heads_, length, keys});
      if (!all || *all != Shape{batch, heads_, length, keys})
        return node.emitError() << "expected a mask for " << length << " x " << keys
                                << " elements, but got " << toString(shape);
    }
    if (node.hasInput(6)) {
      lengths = node.anyInput(6);
      if (!lengths || shapeOf(lengths) != ArrayRef<int64_t>(batch))
        return node.emitError() << "expected a length for each of a batch of "
                                << batch;
    }
    return success();
  }

  bool hides() const {
    return mask || lengths || isCausal || left >= 0 || right >= 0;
  }

  /// The matrix product with a head of B×KH×…; several heads of `lhs` share one.
  Value product(Value lhs, Value rhs) {
    if (!lhs || !rhs)
      return {};
    Shape a(shapeOf(lhs)), b(shapeOf(rhs));
    int64_t shared = heads_ / keyHeads;
    lhs = node.reshape(lhs, {batch, keyHeads, shared * a[2], a[3]});
    Value result = node.emit<qnn::MatmulOp>({lhs, rhs});
    return node.reshape(result, {batch, heads_, a[2], b[3]});
  }

  SmallVector<Value> hiders() const {
    SmallVector<Value> values;
    for (Value value : {mask, lengths})
      if (value)
        values.push_back(value);
    return values;
  }

  /// What is added to the score of key `at[3]` for query `at[2]`; `tensors` are
  /// the hiders.
  Scalar bias(const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) const {
    Scalar zero = f.real(0), hidden = f.real(-kInfinity);
    Scalar result = zero;
    if (mask) {
      Shape shape(shapeOf(mask));
      SmallVector<Scalar> from;
      for (auto [i, extent] : llvm::enumerate(shape)) {
        Scalar index = at[4 - shape.size() + i];
        bool isLast = i + 1 == shape.size();
        from.push_back(extent == 1 && !(isLast && keys > 1) ? f.index(0)
                       : isLast ? minimum(index, f.index(extent - 1))
                                : index);
      }
      Scalar element = f.read(tensors.front(), from);
      result = element.isFloat() ? element : select(element == 0, hidden, zero);
      result = select(at[3] < static_cast<double>(shape.back()), result, hidden);
    }
    auto hide = [&](Scalar shownIf) {
      result = result + select(shownIf, zero, hidden);
    };
    Scalar position = at[2] + past;
    if (lengths) {
      Scalar length = f.read(tensors.back(), at[0]).toIndex();
      hide(at[3] < length);
      if (!node.hasInput(4))
        position = at[2] + length - this->length;
    }
    if (isCausal)
      hide(at[3] <= position);
    if (left >= 0)
      hide(position <= at[3] + left);
    if (right >= 0)
      hide(at[3] <= position + right);
    return result;
  }

  Value biased(Value scores) {
    SmallVector<Value> operands = hiders();
    operands.insert(operands.begin(), scores);
    return emitFormula(
        node, {batch, heads_, length, keys}, node.getBuilder().getF32Type(),
        operands, [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
          return f.read(tensors[0], at) + bias(f, at, tensors.drop_front());
        });
  }

  /// Zeros where a query may see no key at all.
  Value withoutHiddenRows(Value weights) {
    Type f32 = node.getBuilder().getF32Type();
    Value greatest = emitFormula(
        node, {batch, heads_, length}, f32, hiders(),
        [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
          return f.loop(keys, f.real(-kInfinity),
                        [&](const Formula &f, ArrayRef<Scalar> key,
                            ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                          SmallVector<Scalar> full(at);
                          full.push_back(key[0]);
                          return {maximum(state[0], bias(f, full, tensors))};
                        })
              .front();
        });
    return emitFormula(
        node, {batch, heads_, length, keys}, f32, {weights, greatest},
        [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
          Scalar most = f.read(tensors[1], at.drop_back());
          return select(most == -kInfinity, f.real(0), f.read(tensors[0], at));
        });
  }

  NodeImporter &node;
  Value query, key, value, mask, lengths;
  int64_t batch = 0, heads_ = 0, keyHeads = 0, length = 0, keys = 0, size = 0;
  int64_t past = 0, left = -1, right = -1;
  bool isFlat = false, isCausal = false;
};
} // namespace

static LogicalResult convertAttention(NodeImporter &node) {
  return Attention(node).run();
}

/// Pairs of features turned by an angle that depends on their position.
static LogicalResult convertRotaryEmbedding(NodeImporter &node) {
  Value input = node.input(0), cosines = node.input(1), sines = node.input(2);
  Value positions = node.hasInput(3) ? node.anyInput(3) : Value();
  bool interleaved = node.getInt("interleaved", 0) != 0;
  int64_t heads = node.getInt("num_heads", 0);
  if (!input || !cosines || !sines || (node.hasInput(3) && !positions))
    return failure();
  Shape shape(shapeOf(input));
  bool isFlat = shape.size() == 3;
  Value parts = splitHeads(node, input, heads);
  if (!parts)
    return failure();
  ArrayRef<int64_t> split = shapeOf(parts); // batch x heads x sequence x size
  int64_t turned = node.getInt("rotary_embedding_dim", 0);
  if (turned == 0)
    turned = split[3];
  int64_t half = turned / 2;
  Shape angles(shapeOf(cosines));
  if (turned < 2 || turned % 2 || turned > split[3] ||
      shapeOf(sines) != ArrayRef<int64_t>(angles) ||
      angles.size() != (positions ? 2u : 3u) || angles.back() != half ||
      (!positions && (angles[0] != split[0] || angles[1] != split[2])) ||
      (positions && shapeOf(positions) != ArrayRef<int64_t>{split[0], split[2]}))
    return node.emitError() << "expected angles and positions for "
                            << toString(split) << ", but got "
                            << toString(angles);
  SmallVector<Value> operands{parts, cosines, sines};
  if (positions)
    operands.push_back(positions);
  Value output = emitFormula(
      node, split, node.getBuilder().getF32Type(), operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar feature = at[3];
        Scalar pair = minimum(interleaved ? feature / 2.0 : feature % double(half),
                              f.index(half - 1));
        SmallVector<Scalar> angle;
        if (positions)
          angle = {clamp(f.read(tensors[3], {at[0], at[2]}).toIndex(), 0,
                         double(angles[0] - 1)),
                   pair};
        else
          angle = {at[0], at[2], pair};
        Scalar cosine = f.read(tensors[1], angle), sine = f.read(tensors[2], angle);
        auto element = [&](Scalar i) {
          return f.read(tensors[0], {at[0], at[1], at[2], i});
        };
        Scalar x1 = element(interleaved ? pair * 2.0 : pair),
               x2 = element(interleaved ? pair * 2.0 + 1 : pair + double(half));
        Scalar isReal = interleaved ? feature % 2.0 == 0 : feature < double(half);
        Scalar rotated = select(isReal, cosine * x1 - sine * x2,
                                sine * x1 + cosine * x2);
        return select(feature < double(turned), rotated, element(feature));
      });
  return node.setOutput(isFlat ? joinHeads(node, output) : output);
}

ArrayRef<OpEntry> attentionOps() {
  static const OpEntry entries[] = {
      {"Attention", 3, 7, convertAttention, 23},
      {"RotaryEmbedding", 3, 4, convertRotaryEmbedding, 23},
  };
  return entries;
}

} // namespace dyadic::onnx_import
