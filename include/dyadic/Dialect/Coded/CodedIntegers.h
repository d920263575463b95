//===- CodedIntegers.h - integers as numbers of four bits times factors -*- C++ -*-===//
#ifndef DYADIC_DIALECT_CODED_CODEDINTEGERS_H
#define DYADIC_DIALECT_CODED_CODEDINTEGERS_H

#include <cstdint>
#include <vector>

namespace dyadic {

/// Factors of the groups of a matrix, channels × depth, whose elements are numbers of
/// four bits times them: −128 is none, so that products of i8 and u8 stay in 16 bits.
struct GroupFactors {
  static constexpr int kLeastNumber = -8, kMostNumber = 7, kMostProduct = 127;

  int64_t channels = 0, depth = 0;
  /// Elements of a channel that share a factor; the last group may be shorter.
  int64_t group = 0;
  /// [channel][group], not zero.
  std::vector<int8_t> factors;

  int64_t groups() const { return group ? (depth + group - 1) / group : 0; }
  int8_t &at(int64_t o, int64_t k) { return factors[o * groups() + k / group]; }
  int8_t at(int64_t o, int64_t k) const { return factors[o * groups() + k / group]; }
};

/// A weight matrix of such products.
struct CodedIntegers {
  GroupFactors factors;
  std::vector<int8_t> numbers; // [channel][depth]

  int8_t number(int64_t o, int64_t k) const { return numbers[o * factors.depth + k]; }
  int8_t at(int64_t o, int64_t k) const {
    return static_cast<int8_t>(number(o, k) * factors.at(o, k));
  }
};

} // namespace dyadic

#endif
