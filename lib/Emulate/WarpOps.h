//===- WarpOps.h - what the 32 threads of a warp do together ----*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_WARPOPS_H
#define DYADIC_LIB_EMULATE_WARPOPS_H

#include "Block.h"

namespace dyadic::emulate {

/// Whether a collective op is to be executed for `warp`: all of its threads are
/// active. If only some are, that is reported.
bool warpRuns(Block &block, const Instruction &instruction, unsigned warp);

} // namespace dyadic::emulate

#endif
