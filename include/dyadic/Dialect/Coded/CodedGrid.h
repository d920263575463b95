//===- CodedGrid.h - the values that weights of few bits can have -*- C++ -*--===//
#ifndef DYADIC_DIALECT_CODED_CODEDGRID_H
#define DYADIC_DIALECT_CODED_CODEDGRID_H

#include <cstdint>
#include <vector>

namespace dyadic {

/// What the elements of a weight matrix, channels × depth, can be: element k of
/// channel o is (values[code] − zero) · scale, rounded to f32, with the scale and
/// zero of group k / `group` of the channel.
struct CodedGrid {
  int64_t channels = 0, depth = 0;
  /// Elements of a channel that share a scale; the last group may be shorter.
  int64_t group = 0;
  unsigned bits = 8;
  /// 2^bits values that ascend; equal ones may follow one another.
  std::vector<float> values;
  /// [channel][group], not zero; or one scale for all.
  std::vector<float> scales;
  /// The same for zero points; empty where all are 0.
  std::vector<int8_t> zeros;

  int64_t groups() const { return group ? (depth + group - 1) / group : 0; }
  /// Which scale and zero point an element has.
  int64_t scaleOf(int64_t o, int64_t k) const {
    return scales.size() == 1 ? 0 : o * groups() + k / group;
  }
  float zeroAt(int64_t scale) const { return zeros.empty() ? 0 : zeros[scale]; }

  /// What a code stands for at (o, k).
  float decode(int64_t o, int64_t k, unsigned code) const {
    int64_t at = scaleOf(o, k);
    return (values[code] - zeroAt(at)) * scales[at];
  }
  /// The code nearest to `x` at (o, k), the lower one of two.
  unsigned encode(int64_t o, int64_t k, double x) const;
  /// The representable value nearest to `x` at (o, k).
  float nearest(int64_t o, int64_t k, double x) const {
    return decode(o, k, encode(o, k, x));
  }

  /// The integers −2^(bits−1) … 2^(bits−1) − 1, in the order of codes.
  static std::vector<float> integers(unsigned bits);
  /// Whether `values` are those.
  bool hasIntegers() const { return values == integers(bits); }
};

/// A weight matrix on a grid.
struct CodedWeights {
  CodedGrid grid;
  std::vector<uint8_t> codes; // [channel][depth]

  float at(int64_t o, int64_t k) const {
    return grid.decode(o, k, codes[o * grid.depth + k]);
  }
};

} // namespace dyadic

#endif
