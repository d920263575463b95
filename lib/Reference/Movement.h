//===- Movement.h - ops that move elements of any kind ----------*- C++ -*-===//
#ifndef DYADIC_LIB_REFERENCE_MOVEMENT_H
#define DYADIC_LIB_REFERENCE_MOVEMENT_H

#include "Tensors.h"

namespace dyadic::reference {

/// Dimension i of the result is dimension permutation[i] of the input.
void transpose(const HostTensor &input, llvm::ArrayRef<int64_t> permutation,
               HostTensor &output);

/// The inputs side by side along `axis`.
void concat(Operands inputs, int64_t axis, HostTensor &output);

/// output[i] = input[offsets + i·strides].
void slice(const HostTensor &input, llvm::ArrayRef<int64_t> offsets,
           llvm::ArrayRef<int64_t> strides, HostTensor &output);

/// Slices of the input at `indices` of dimension `axis`: a negative one counts
/// from the end, and what is out of range means the nearest element.
void gather(const HostTensor &input, const HostTensor &indices, int64_t axis,
            HostTensor &output);

/// The input behind `low` elements per dimension of a border of `value`.
void pad(const HostTensor &input, llvm::ArrayRef<int64_t> low, double value,
         HostTensor &output);

/// output[n,y,x,c] = input[n, rows[y], cols[x], c].
void resize(const HostTensor &input, llvm::ArrayRef<int64_t> rows,
            llvm::ArrayRef<int64_t> cols, HostTensor &output);

} // namespace dyadic::reference

#endif
