//===- Header.h - the C header of a program ---------------------*- C++ -*-===//
#ifndef DYADIC_EMIT_HEADER_H
#define DYADIC_EMIT_HEADER_H

#include "dyadic/Emit/ProgramInfo.h"
#include "dyadic/Target/TargetInfo.h"

namespace dyadic {

/// The text of a C99 header: sizes, shapes and scales as macros, and
/// `<name>_run` documented for its caller; for a GPU, what readies it and reports
/// its faults, too. `hasFallback`: the object also runs without a GPU. `variants`
/// names those that the object holds, if several. `threads` share a run.
std::string makeHeader(const ProgramInfo &info, const TargetInfo &target,
                       bool hasFallback = false,
                       llvm::ArrayRef<std::string> variants = {},
                       int64_t threads = 1);

} // namespace dyadic

#endif
