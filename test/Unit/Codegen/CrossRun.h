//===- CrossRun.h - kernels of another machine, under qemu ------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_CODEGEN_CROSSRUN_H
#define DYADIC_TEST_UNIT_CODEGEN_CROSSRUN_H

#include "dyadic/Emit/MachineCode.h"

#include "llvm/ADT/ArrayRef.h"

namespace dyadic {

/// What runs kernels: this process, or a user-mode emulator.
struct Runner {
  TargetRequest target;
  /// The CPU that qemu-aarch64 gets; empty to run in this process.
  std::string emulatedCPU;

  /// "avx2", or "arm/dotprod/cortex-a76": a target, a CPU of it, and what
  /// qemu plays.
  static Runner parse(llvm::StringRef text);
};

/// Why kernels for AArch64 can't be linked and run here; empty if they can.
std::string missingForCrossRun();

/// Bytes with others before and behind them, as callers have tensors:
/// unaligned to vectors.
class GuardedBuffer {
public:
  explicit GuardedBuffer(int64_t size) : bytes(kBefore + size + kBehind, kMark) {}
  explicit GuardedBuffer(llvm::ArrayRef<char> data)
      : GuardedBuffer(static_cast<int64_t>(data.size())) {
    std::copy(data.begin(), data.end(), this->data());
  }
  char *data() { return bytes.data() + kBefore; }
  std::vector<char> &all() { return bytes; }
  bool intact() const {
    auto isMark = [](char c) { return c == kMark; };
    return std::all_of(bytes.begin(), bytes.begin() + kBefore, isMark) &&
           std::all_of(bytes.end() - kBehind, bytes.end(), isMark);
  }

  static constexpr int64_t kBefore = 68, kBehind = 128;

private:
  static constexpr char kMark = 0x5a;
  std::vector<char> bytes;
};

/// Links the object of a program named "test" with a main function, runs it on
/// `inputs` and reads back `outputs`, guards included. False, with the
/// command's output in `message`, if something fails.
bool crossRun(const Runner &runner, llvm::ArrayRef<char> object,
              std::vector<GuardedBuffer> &inputs,
              std::vector<GuardedBuffer> &outputs, int64_t arenaBytes,
              std::string &message);

} // namespace dyadic

#endif
