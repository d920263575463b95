//===- Block.cpp ----------------------------------------------------------===//
#include "Block.h"

#include <algorithm>
#include <cstring>

namespace dyadic::emulate {

unsigned byteWidth(Kind kind) {
  static const unsigned widths[kNumKinds] = {1, 1, 2, 4, 8, 4, 8};
  return widths[static_cast<unsigned>(kind)];
}

Block::Block(const KernelProgram &program)
    : program(program), storage(new char[program.frameBytes + 64]()) {
  frame =
      storage.get() + (64 - reinterpret_cast<uintptr_t>(storage.get()) % 64);
  for (const Initializer &constant : program.initializers) {
    char *to = frame + constant.offset;
    for (size_t i = 0; i < constant.elements.size(); i += constant.width)
      for (uint32_t n = 0; n < constant.repeat; ++n, to += constant.width)
        std::memcpy(to, &constant.elements[i], constant.width);
  }
  workgroup.resize(program.workgroupBytes);
  privateMemory.resize(program.privateBytes * program.lanes);
  masks.emplace_back(program.lanes, 1);
  activeCounts.push_back(program.lanes);
}

void Block::run(const Launch &from, int64_t which) {
  launch = &from;
  number = which;
  id[0] = which % from.grid[0];
  id[1] = which / from.grid[0] % from.grid[1];
  id[2] = which / (from.grid[0] * from.grid[1]);
  epoch = 1;
  depth = 0;
  workgroup.beginBlock();
  copies.clear();
  committedGroups.assign(program.lanes, 0);
  for (auto [argument, parameter] :
       llvm::zip(from.arguments, program.parameters)) {
    if (parameter.isMemRef)
      continue;
    unsigned width = byteWidth(parameter.slot.kind);
    std::memcpy(at<char>(parameter.slot.offset), &argument.scalar, width);
    if (parameter.isExpanded)
      for (unsigned lane = 0; lane < program.lanes; ++lane)
        std::memcpy(at<char>(parameter.expandedOffset + lane * width),
                    &argument.scalar, width);
  }
  run(program.code);
}

void Block::pushMask(const uint8_t *condition, bool wanted) {
  if (++depth == masks.size()) {
    masks.emplace_back(program.lanes);
    activeCounts.push_back(0);
  }
  const uint8_t *outer = masks[depth - 1].data();
  uint8_t *inner = masks[depth].data();
  unsigned count = 0;
  for (unsigned lane = 0; lane < program.lanes; ++lane)
    count += inner[lane] = outer[lane] && (condition[lane] != 0) == wanted;
  activeCounts[depth] = count;
}

Block::WarpState Block::warpState(unsigned warp) const {
  unsigned begin = warp * 32, end = std::min(begin + 32, program.lanes);
  unsigned count = std::count(active() + begin, active() + end, 1);
  // A last warp that is not full lacks lanes for good.
  return count == 32  ? WarpState::All
         : count == 0 ? WarpState::None
                      : WarpState::Some;
}

void Block::fail(const Instruction &instruction, unsigned lane,
                 const llvm::Twine &what) {
  if (failed)
    return;
  const int64_t *size = program.blockSize;
  auto place = [](int64_t x, int64_t y, int64_t z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " +
           std::to_string(z) + ")";
  };
  std::string message = "kernel '" + program.name + "'";
  if (!program.isCPU)
    message += ", block " +
               place(id[0], id[1], id[2]) + ", thread " +
               place(lane % size[0], lane / size[0] % size[1],
                     lane / (size[0] * size[1]));
  message += ": " + what.str();
  failed = {instruction.op, number, std::move(message)};
}

} // namespace dyadic::emulate
