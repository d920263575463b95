//===- Block.h - a block of threads while it runs ---------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_BLOCK_H
#define DYADIC_LIB_EMULATE_BLOCK_H

#include "Memory.h"
#include "Program.h"

#include "llvm/ADT/Twine.h"

#include <optional>

namespace dyadic::emulate {

/// What a kernel argument is bound to.
struct Argument {
  GlobalMemory *memory = nullptr;
  int64_t offset = 0;
  bool isWatched = false;
  uint64_t scalar = 0;
};

struct Launch {
  const KernelProgram *program = nullptr;
  int64_t grid[3] = {1, 1, 1};
  std::vector<Argument> arguments;
};

/// What went wrong, and where.
struct Failure {
  mlir::Operation *op = nullptr;
  int64_t block = 0;
  std::string message;
};

/// An asynchronous copy on its way.
struct AsyncCopy {
  int64_t destination = 0, bytes = 0;
  /// Which of its thread's groups it belongs to.
  uint32_t group = 0;
  unsigned lane = 0;
  char data[16];
};

/// One worker's state for one program: the frame, workgroup memory and which
/// threads are active. Runs one block after the other.
class Block {
public:
  explicit Block(const KernelProgram &program);

  void run(const Launch &launch, int64_t number);
  const std::optional<Failure> &failure() const { return failed; }

  const KernelProgram &program;
  const Launch *launch = nullptr;
  int64_t number = 0, id[3] = {};
  uint32_t epoch = 1;
  WorkgroupMemory workgroup;
  std::vector<char> privateMemory;
  std::vector<AsyncCopy> copies;
  std::vector<uint32_t> committedGroups; // for each thread

  template <typename T> T *at(uint32_t offset) {
    return reinterpret_cast<T *>(frame + offset);
  }

  //===--- Active threads -------------------------------------------------===//

  const uint8_t *active() const { return masks[depth].data(); }
  bool isActive(unsigned lane) const { return active()[lane]; }
  bool allActive() const { return activeCounts[depth] == program.lanes; }
  bool noneActive() const { return activeCounts[depth] == 0; }
  /// Narrows the active threads to those with `condition` (or without it).
  void pushMask(const uint8_t *condition, bool wanted);
  void popMask() { --depth; }
  /// Whether the 32 threads of `warp` are active: all, none, or an error.
  enum class WarpState { All, None, Some };
  WarpState warpState(unsigned warp) const;
  unsigned numWarps() const { return (program.lanes + 31) / 32; }

  //===--- Control --------------------------------------------------------===//

  void run(const Code &code) {
    for (const Instruction &instruction : code) {
      instruction.execute(*this, instruction);
      if (failed)
        return;
    }
  }
  /// Stops the block.
  void fail(const Instruction &instruction, unsigned lane,
            const llvm::Twine &what);
  bool hasFailed() const { return failed.has_value(); }

private:
  std::unique_ptr<char[]> storage;
  char *frame;
  std::vector<std::vector<uint8_t>> masks;
  std::vector<unsigned> activeCounts;
  size_t depth = 0;
  std::optional<Failure> failed;
};

} // namespace dyadic::emulate

#endif
