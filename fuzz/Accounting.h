//===- Accounting.h - how much memory an input may cost ---------*- C++ -*-===//
#ifndef DYADIC_FUZZ_ACCOUNTING_H
#define DYADIC_FUZZ_ACCOUNTING_H

#include <cstddef>

namespace dyadic::fuzz {

/// While it lives, the process ends with an error when more memory is in use
/// beyond what was before than a file of `inputBytes` may cost: 256 MiB, and 256
/// bytes for each of the file's. An importer's own bounds are tighter; a constant
/// may be there twice, and a node of a few bytes becomes ops of some KB.
class Allowance {
public:
  explicit Allowance(size_t inputBytes);
  ~Allowance();
  Allowance(const Allowance &) = delete;
};

} // namespace dyadic::fuzz

#endif
