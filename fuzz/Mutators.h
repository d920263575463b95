//===- Mutators.h - changes that get behind a parser ------------*- C++ -*-===//
#ifndef DYADIC_FUZZ_MUTATORS_H
#define DYADIC_FUZZ_MUTATORS_H

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace dyadic::fuzz {

/// A changed copy of `input`; `partner`, which may be the same, is what parts may
/// be taken from.
using Mutator = std::string (*)(const std::string &input,
                                const std::string &partner, std::mt19937 &random);

/// Changes fields of a protobuf message, so that the lengths around them are
/// still right: a number becomes a notable one, a string or message that of
/// another field, a field is repeated or left out. What isn't a message is
/// returned as it is.
std::string mutateMessage(const std::string &message, const std::string &partner,
                          std::mt19937 &random);

/// Changes tokens of a text: a number becomes a notable one, a word another word,
/// a line is repeated or left out.
std::string mutateText(const std::string &text, const std::string &partner,
                       std::mt19937 &random);

/// A number to put in the place of `old`: a neighbour, a small one, or one at the
/// end of a type.
int64_t notableNumber(int64_t old, std::mt19937 &random);

/// What libFuzzer's hooks of these names do by a mutator; one time in eight the
/// bytes are mutated as libFuzzer does it.
size_t customMutator(Mutator mutator, uint8_t *data, size_t size, size_t most,
                     unsigned seed);
size_t customCrossOver(Mutator mutator, const std::string &a,
                       const std::string &b, uint8_t *out, size_t most,
                       unsigned seed);

} // namespace dyadic::fuzz

/// Defines libFuzzer's hooks by a mutator.
#define DYADIC_FUZZ_MUTATE_BY(mutator)                                           \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,          \
                                            size_t most, unsigned seed) {        \
    return dyadic::fuzz::customMutator(mutator, data, size, most, seed);         \
  }                                                                              \
  extern "C" size_t LLVMFuzzerCustomCrossOver(                                   \
      const uint8_t *a, size_t aSize, const uint8_t *b, size_t bSize,            \
      uint8_t *out, size_t most, unsigned seed) {                                \
    return dyadic::fuzz::customCrossOver(                                        \
        mutator, {reinterpret_cast<const char *>(a), aSize},                     \
        {reinterpret_cast<const char *>(b), bSize}, out, most, seed);            \
  }

#endif
