//===- AttentionGroups.cpp - channels that an attention keeps apart -------===//
//
// A product P · V of two activations mixes the rows of V, tokens, and leaves its
// columns, channels of a head, apart: a factor per channel passes through it, from
// the contraction that makes V to the one that reads the results of all heads.
//
//===----------------------------------------------------------------------===//
#include "ChannelGroups.h"

#include "dyadic/Reference/Interpreter.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// The way of a head's values: `values` of the contraction that makes them, moved, as
/// right operands of the product, and what it makes of them moved, until another
/// contraction reads `mixed`. Nothing else reads any of them.
struct Attention {
  Operation *writer = nullptr, *reader = nullptr;
  Value values, mixed;
  /// In the order they are computed.
  SmallVector<Operation *> before, behind;
};
} // namespace

static bool isMovement(Operation *op) {
  return isa_and_nonnull<qnn::ReshapeOp, qnn::TransposeOp>(op);
}

static std::optional<Attention> findAttention(qnn::MatmulOp product) {
  Attention found;
  found.values = product.getRhs();
  while (found.values.hasOneUse() && isMovement(found.values.getDefiningOp())) {
    found.before.insert(found.before.begin(), found.values.getDefiningOp());
    found.values = found.before.front()->getOperand(0);
  }
  found.writer = found.values.getDefiningOp();
  found.mixed = product.getOutput();
  while (found.mixed.hasOneUse() && isMovement(*found.mixed.user_begin())) {
    found.behind.push_back(*found.mixed.user_begin());
    found.mixed = found.behind.back()->getResult(0);
  }
  if (!found.values.hasOneUse() || !isScalable(found.writer) || !found.mixed.hasOneUse())
    return std::nullopt;
  found.reader = *found.mixed.user_begin();
  if (!isScalable(found.reader) || found.reader->getOperand(0) != found.mixed)
    return std::nullopt;
  return found;
}

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Moves `numbers` as each of `ops` moves elements.
static LogicalResult moveBy(ArrayRef<Operation *> ops, HostTensor &numbers) {
  for (Operation *op : ops) {
    SmallVector<HostTensor> results;
    if (failed(interpretOp(op, {&numbers}, results)))
      return failure();
    numbers = std::move(results.front());
  }
  return success();
}

/// Whether each channel of what the reader gets is made of the channel of that number
/// alone. Seen by numbering the channels and following them.
static bool keepsChannels(const Attention &attention, qnn::MatmulOp product) {
  int64_t channels = channelsOf(attention.values);
  constexpr int64_t kExact = 1 << 24; // an f32 numbers them
  if (channels != channelsOf(attention.mixed) || channels > kExact)
    return false;
  HostTensor numbers(ElementKind::F32, typeOf(attention.values).getShape());
  for (auto [i, number] : llvm::enumerate(numbers.as<float>()))
    number = static_cast<float>(i % channels);
  if (failed(moveBy(attention.before, numbers)))
    return false;
  // All rows have the channels of the first; other rows as many as P has take them.
  ArrayRef<int64_t> right = numbers.shape, result = typeOf(product.getOutput()).getShape();
  if (right.size() < 2 || right.drop_back(2) != result.drop_back(2))
    return false;
  int64_t columns = right.back(), height = right[right.size() - 2];
  ArrayRef<float> elements = numbers.as<float>();
  auto first = [&](int64_t matrix, int64_t column) {
    return elements[matrix * height * columns + column];
  };
  for (auto [i, number] : llvm::enumerate(elements))
    if (number != first(i / (height * columns), i % columns))
      return false;
  HostTensor mixed(ElementKind::F32, result);
  int64_t rows = result[result.size() - 2];
  for (auto [i, number] : llvm::enumerate(mixed.as<float>()))
    number = first(i / (rows * columns), i % columns);
  if (failed(moveBy(attention.behind, mixed)))
    return false;
  return llvm::all_of(llvm::enumerate(mixed.as<float>()), [&](auto pair) {
    return pair.value() == static_cast<float>(pair.index() % channels);
  });
}

std::vector<ChannelGroup> dyadic::attentionGroups(func::FuncOp func) {
  std::vector<ChannelGroup> groups;
  for (auto product : func.getBody().getOps<qnn::MatmulOp>()) {
    if (!qnn::isRunTimeProduct(product))
      continue;
    auto attention = findAttention(product);
    if (!attention || !keepsChannels(*attention, product))
      continue;
    ChannelGroup group;
    group.channels = channelsOf(attention->values);
    group.tensors = {{attention->values, 0}, {attention->mixed, 0}};
    group.writers.push_back({attention->writer, nullptr, 0});
    group.readers.push_back({attention->reader, 0});
    for (Operation *op : attention->before)
      group.moved.push_back({op->getResult(0), attention->values});
    for (Operation *op : attention->behind)
      group.moved.push_back({op->getOperand(0), attention->mixed});
    if (group.channels > 1)
      groups.push_back(std::move(group));
  }
  return groups;
}
