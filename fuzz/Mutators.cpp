//===- Mutators.cpp -------------------------------------------------------===//
#include "Mutators.h"

#include <cstring>
#include <iterator>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

namespace dyadic::fuzz {

int64_t notableNumber(int64_t old, std::mt19937 &random) {
  static const int64_t notable[] = {0,         1,       2,         3,
                                    -1,        -2,      7,         16,
                                    255,       1024,    65536,     INT32_MAX,
                                    INT32_MIN, 1 << 24, INT64_MAX, INT64_MIN};
  switch (random() % 4) {
  case 0:
    return static_cast<int64_t>(static_cast<uint64_t>(old) + 1);
  case 1:
    return static_cast<int64_t>(static_cast<uint64_t>(old) - 1);
  case 2:
    return random() % 20;
  default:
    return notable[random() % std::size(notable)];
  }
}

static size_t store(const std::string &bytes, uint8_t *out, size_t most,
                    size_t otherwise) {
  if (bytes.size() > most)
    return otherwise;
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

size_t customMutator(Mutator mutator, uint8_t *data, size_t size, size_t most,
                     unsigned seed) {
  std::mt19937 random(seed);
  if (random() % 8 == 0)
    return LLVMFuzzerMutate(data, size, most);
  std::string input(reinterpret_cast<const char *>(data), size);
  return store(mutator(input, input, random), data, most, size);
}

size_t customCrossOver(Mutator mutator, const std::string &a,
                       const std::string &b, uint8_t *out, size_t most,
                       unsigned seed) {
  std::mt19937 random(seed);
  return store(mutator(a, b, random), out, most, 0);
}

} // namespace dyadic::fuzz
