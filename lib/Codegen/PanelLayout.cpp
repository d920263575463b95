//===- PanelLayout.cpp ----------------------------------------------------===//
#include "PanelLayout.h"

#include "BF16.h"
#include "PackedWeights.h"

#include "llvm/Support/MathExtras.h"

using namespace dyadic;
using namespace dyadic::codegen;

Nibbles codegen::nibblesOf(const Contraction &c,
                           const KernelTarget &target) {
  if (!c.nibbles || !target.decodesNibbles(c.kind) ||
      !llvm::is_contained(*c.nibbles, 0))
    return Nibbles::None;
  for (int i = 0; i < 16; ++i)
    if ((*c.nibbles)[i] != (i ^ 8) - 8)
      return Nibbles::Codebook;
  constexpr int64_t limit = int64_t(1) << 27;
  for (int64_t n = 0; n < c.channels * c.groups; ++n) {
    int64_t magnitude = std::abs(static_cast<int64_t>(c.bias->get(n)));
    for (int64_t segment = 0; segment < c.segments(); ++segment)
      for (int64_t i = 0; i < c.length; ++i)
        magnitude += 255 * std::abs(static_cast<int64_t>(c.weight(n, segment, i)));
    if (magnitude >= limit)
      return Nibbles::Codebook;
  }
  return Nibbles::Numbers;
}

PanelLayout::PanelLayout(const Contraction &c, const RegisterTile &tile,
                         Nibbles nibbles, int64_t lanes, int64_t packedColumns)
    : packedColumns(packedColumns), c(c), tile(tile), nibbles(nibbles),
      lanes(lanes) {
  bool shortLast =
      tile.shortLastStep || (tile.tileRows && tile.depth <= c.length);
  steps = shortLast ? c.length / tile.depth
                    : llvm::divideCeil(c.length, tile.depth);
  rest = std::max<int64_t>(c.length - steps * tile.depth, 0);
  int64_t unit = tile.tileRows    ? tile.depth
                 : packsNibbles() ? 2 * tile.group
                                  : tile.group;
  packedLength = steps * tile.depth + llvm::alignTo(rest, unit);
}

/// Calls `body` for each segment of each panel, in the order of memory, with the
/// panel's first channel and its columns.
void PanelLayout::forPanels(PanelBody body) const {
  int64_t columns = columnsBeside(panelColumns());
  for (int64_t group = 0; group < c.groups; ++group)
    for (int64_t begin = 0; begin < c.channels; begin += columns) {
      int64_t width = std::min<int64_t>(columns, paddedChannels() - begin);
      for (int64_t segment = 0; segment < c.segments(); ++segment)
        body(group, segment, begin, width);
    }
}

template <typename T> std::vector<T> PanelLayout::packBias() const {
  std::vector<T> data(c.groups * paddedChannels(), T(0));
  for (int64_t group = 0; group < c.groups; ++group)
    for (int64_t n = 0; n < c.channels; ++n) {
      int64_t channel = group * c.channels + n;
      T &value = data[group * paddedChannels() + n];
      value = static_cast<T>(c.bias->get(channel));
      if (tile.activationOffset)
        value = addModulo(value, tile.activationOffset * sumOfWeights(channel));
      if (tile.weightShift)
        value = static_cast<T>(int64_t(value) << tile.weightShift);
    }
  return data;
}

int64_t PanelLayout::sumOfWeights(int64_t channel) const {
  int64_t sum = 0;
  for (int64_t segment = 0; segment < c.segments(); ++segment)
    for (int64_t i = 0; i < c.length; ++i)
      sum += static_cast<int64_t>(c.weight(channel, segment, i));
  return sum;
}

int64_t PanelLayout::product(int64_t i) const {
  int64_t whole = steps * tile.depth;
  if (tile.tileRows && i >= whole) { // a step from before
    int64_t at = i - whole + c.length - tile.depth;
    return at >= whole ? at : -1;
  }
  return i < c.length ? i : -1;
}

template <typename T> std::vector<T> PanelLayout::packWeights() const {
  std::vector<T> data;
  data.reserve(c.groups * depth() * paddedChannels());
  forPanels([&](int64_t group, int64_t segment, int64_t begin, int64_t width) {
    for (int64_t first = 0; first < packedLength; first += tile.group)
      for (int64_t n = begin; n < begin + width; ++n)
        for (int64_t i = first; i < first + tile.group; ++i) {
          int64_t from = product(i);
          data.push_back(n < c.channels && from >= 0
                             ? T(c.weight(group * c.channels + n, segment, from))
                             : T(0));
        }
  });
  return data;
}

std::vector<int8_t> PanelLayout::packNibbles() const {
  std::vector<int8_t> data;
  forPanels([&](int64_t group, int64_t segment, int64_t begin, int64_t width) {
    codegen::packNibbles(data, *c.nibbles, packedLength, tile.group,
                         tile.lowerOffset, width,
                         [&](int64_t column, int64_t i) -> int8_t {
                           int64_t n = begin + column;
                           if (n >= c.channels || i >= c.length)
                             return 0;
                           return c.weight(group * c.channels + n, segment, i);
                         });
  });
  return data;
}

template std::vector<float> PanelLayout::packBias() const;
template std::vector<int32_t> PanelLayout::packBias() const;
template std::vector<float> PanelLayout::packWeights() const;
template std::vector<BF16> PanelLayout::packWeights() const;
template std::vector<int8_t> PanelLayout::packWeights() const;
