//===- Launcher.cpp -------------------------------------------------------===//
#include "Launcher.h"

#include "mlir/IR/Operation.h"

#include <algorithm>
#include <thread>

using namespace mlir;

namespace dyadic::emulate {

/// Whether accesses through an argument can collide with a write: if not, no
/// book is kept about them.
static void markWatched(std::vector<Argument> &arguments,
                        const std::vector<Parameter> &parameters) {
  auto overlap = [&](size_t i, size_t j) {
    const Argument &x = arguments[i], &y = arguments[j];
    return x.memory == y.memory && x.offset < y.offset + parameters[j].bytes &&
           y.offset < x.offset + parameters[i].bytes;
  };
  for (size_t i = 0; i < arguments.size(); ++i)
    for (size_t j = 0; j < arguments.size(); ++j)
      if (parameters[i].isMemRef && parameters[j].isMemRef &&
          parameters[j].isWritten && !arguments[j].memory->isConstant &&
          overlap(i, j))
        arguments[i].isWatched = true;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].isWatched)
      arguments[i].memory->watch(arguments[i].offset, parameters[i].bytes);
}

LogicalResult Launcher::run(const int64_t grid[3],
                            std::vector<Argument> arguments, unsigned workers) {
  if (!program->isCPU) // one thread races with nobody
    markWatched(arguments, program->parameters);
  Launch launch;
  launch.program = program.get();
  std::copy_n(grid, 3, launch.grid);
  launch.arguments = std::move(arguments);
  int64_t count = grid[0] * grid[1] * grid[2];
  workers = std::clamp<int64_t>(workers, 1, count);
  while (blocks.size() < workers)
    blocks.push_back(std::make_unique<Block>(*program));

  // Blocks are taken in order, so that all before a faulty one have run.
  std::atomic<int64_t> next{0};
  std::atomic<bool> stop{false};
  auto work = [&](Block &block) {
    while (!stop) {
      int64_t number = next++;
      if (number >= count)
        return;
      block.run(launch, number);
      if (block.hasFailed())
        stop = true;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < workers; ++i)
    threads.emplace_back(work, std::ref(*blocks[i]));
  work(*blocks[0]);
  for (std::thread &thread : threads)
    thread.join();

  std::optional<Failure> first;
  for (auto &block : blocks)
    if (block->hasFailed() &&
        (!first || block->failure()->block < first->block))
      first = block->failure();
  if (!first)
    return success();
  blocks.clear(); // their state is not that of a block's end
  return first->op->emitError(first->message);
}

} // namespace dyadic::emulate
