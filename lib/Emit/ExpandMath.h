//===- ExpandMath.h - math without the instructions for it ------*- C++ -*-===//
#ifndef DYADIC_EMIT_EXPANDMATH_H
#define DYADIC_EMIT_EXPANDMATH_H

namespace llvm {
class Function;
class TargetMachine;
} // namespace llvm

namespace dyadic {

/// Writes rounding, minima and fused multiply-adds that the function's processor
/// has no instruction for as arithmetic, where LLVM would call libm. All are
/// exact but the multiply-add, which rounds twice.
void expandMath(llvm::Function &function, llvm::TargetMachine &machine);

} // namespace dyadic

#endif
