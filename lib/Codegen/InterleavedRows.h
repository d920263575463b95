//===- InterleavedRows.h - windows of few channels as one run ---*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_INTERLEAVEDROWS_H
#define DYADIC_LIB_CODEGEN_INTERLEAVEDROWS_H

#include "Contraction.h"

namespace dyadic::codegen {

/// Makes the rows of a window one segment of `c`, the contraction of `conv`, where
/// that saves products. `conv` must outlive it.
void interleaveRows(KernelBuilder &k, const ConvOperands &conv, Contraction &c);

} // namespace dyadic::codegen

#endif
