//===- Program.h - a kernel as a flat list of instructions ------*- C++ -*-===//
//
// A kernel is compiled once for a block size. Each SSA value gets a slot in a
// frame: for each of its components (a vector has several) one element for each
// thread, so that an instruction is one loop over all threads of a block, and
// taking vectors apart is no work. Values that are the same in all threads
// (loop counters, constants) have a single element instead.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_EMULATE_PROGRAM_H
#define DYADIC_LIB_EMULATE_PROGRAM_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace dyadic::emulate {

/// Types of elements in slots; an i1 has a byte, an index 64 bits.
enum class Kind : uint8_t { I1, I8, I16, I32, I64, F32, F64 };
constexpr unsigned kNumKinds = 7;
unsigned byteWidth(Kind kind);
inline bool isFloat(Kind kind) { return kind >= Kind::F32; }

/// Where the value lies in a frame.
struct Slot {
  uint32_t offset = 0;
  uint32_t components = 1;
  Kind kind = Kind::I32;
  bool uniform = false;
};

class Block;
struct Instruction;
using Execute = void (*)(Block &, const Instruction &);

struct Instruction {
  Execute execute = nullptr;
  mlir::Operation *op = nullptr;
  /// Offsets in the frame.
  uint32_t out = 0;
  uint32_t in[3] = {};
  /// Elements of the result in all: components times `lanes`.
  uint32_t count = 0;
  /// Threads, or 1 for a uniform result.
  uint32_t lanes = 1;
  /// More, of a type that `execute` knows.
  const void *extra = nullptr;
};
using Code = std::vector<Instruction>;

/// Bytes that a frame starts with: constants.
struct Initializer {
  uint32_t offset;
  uint32_t repeat; // each element so often: 1 or the number of threads
  uint32_t width;
  std::vector<char> elements;
};

/// An argument of the kernel.
struct Parameter {
  bool isMemRef = false;
  bool isWritten = false;
  int64_t bytes = 0;
  /// Of scalars.
  Slot slot;
  uint32_t expandedOffset = 0;
  bool isExpanded = false;
};

/// Memory that every block has.
struct WorkgroupBuffer {
  int64_t offset = 0, bytes = 0, alignment = 1;
};
/// Memory that every thread has.
struct PrivateBuffer {
  int64_t offset = 0, bytes = 0;
};

/// Activations are read in words of four bytes, their weights beyond the end are
/// zeros (docs/Targets.md).
constexpr int64_t kReadSlack = 3;

/// A kernel compiled for blocks of one size.
struct KernelProgram {
  std::string name;
  mlir::Operation *function = nullptr;
  int64_t blockSize[3] = {1, 1, 1};
  unsigned lanes = 1;
  /// A CPU kernel: one thread, and vectors may be loaded that end behind the
  /// memory by up to kReadSlack bytes, which nobody looks at.
  bool isCPU = false;
  /// sm_NN, 0 if the module doesn't say.
  unsigned architecture = 0;
  Code code;
  uint64_t frameBytes = 0;
  std::vector<Initializer> initializers;
  std::vector<Parameter> parameters;
  std::vector<WorkgroupBuffer> workgroup;
  std::vector<PrivateBuffer> privates;
  int64_t workgroupBytes = 0, privateBytes = 0;
  /// Owns what instructions refer to.
  std::vector<std::shared_ptr<const void>> extras;
};

} // namespace dyadic::emulate

#endif
