//===- Access.h - where an op touches memory ------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_ACCESS_H
#define DYADIC_LIB_EMULATE_ACCESS_H

#include "Block.h"
#include "Compiler.h"

namespace dyadic::emulate {

/// How an op gets from indices to bytes.
struct Address {
  MemRefBinding base;
  llvm::SmallVector<int64_t, 4> shape, strides; // of the memref, in elements
  llvm::SmallVector<uint32_t, 4> indices;       // slots, per thread
  uint32_t width = 1;                           // bytes of an element
  uint32_t count = 1;                           // elements next to each other
  /// That the instruction needs, in bytes.
  uint32_t alignment = 1;
  /// How many bytes a read may reach behind the memref.
  int64_t slack = 0;
};

/// Describes accesses of `count` elements of `memref`, or reports why not.
mlir::FailureOr<Address> makeAddress(Compiler &compiler, mlir::Operation *op,
                                     mlir::Value memref,
                                     mlir::ValueRange indices, int64_t count,
                                     int64_t alignment);

/// The byte in the buffer that `address` means in `lane`, for `count` elements.
/// Reports indices outside of the memref and wrong alignment, with `verb`
/// ("read", "write"), and returns −1.
int64_t locate(Block &block, const Instruction &instruction,
               const Address &address, unsigned lane, const char *verb,
               int64_t count);
inline int64_t locate(Block &block, const Instruction &instruction,
                      const Address &address, unsigned lane, const char *verb) {
  return locate(block, instruction, address, lane, verb, address.count);
}

/// The memory at a byte that `locate` returned, after the access was entered
/// and found to be no race; null after a fault.
char *enterRead(Block &block, const Instruction &instruction,
                const Address &address, int64_t byte, int64_t count,
                unsigned lane);
char *enterWrite(Block &block, const Instruction &instruction,
                 const Address &address, int64_t byte, int64_t count,
                 unsigned lane);

/// Reads one thread's `address.count` elements, which lie next to each other, at
/// a byte that `locate` returned; false after a fault. Of what lies behind the
/// memory nothing may depend.
bool readRun(Block &block, const Instruction &instruction,
             const Address &address, int64_t byte, char *out);

/// "byte 12 of argument 1"
std::string describe(const MemRefBinding &base, int64_t byte);
void reportFault(Block &block, const Instruction &instruction,
                 const MemRefBinding &base, const Fault &fault, unsigned lane,
                 const char *verb);

} // namespace dyadic::emulate

#endif
