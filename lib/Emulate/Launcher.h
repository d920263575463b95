//===- Launcher.h - runs the blocks of a launch -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_LAUNCHER_H
#define DYADIC_LIB_EMULATE_LAUNCHER_H

#include "Block.h"

#include "mlir/Support/LLVM.h"

namespace dyadic::emulate {

/// A kernel compiled for one block size, with the state of its workers.
class Launcher {
public:
  explicit Launcher(std::unique_ptr<KernelProgram> program)
      : program(std::move(program)) {}

  /// Runs all blocks, on up to `workers` host threads. The first fault (that of
  /// the block with the lowest number) is reported.
  mlir::LogicalResult run(const int64_t grid[3],
                          std::vector<Argument> arguments, unsigned workers);

  const KernelProgram &kernel() const { return *program; }

private:
  std::unique_ptr<KernelProgram> program;
  std::vector<std::unique_ptr<Block>> blocks; // one for each worker
};

} // namespace dyadic::emulate

#endif
