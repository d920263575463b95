//===- Pointwise.cpp - kernels without an anchor --------------------------===//
//
// The CPU's kernel; a thread has a few neighbouring elements of one row.
//
//===----------------------------------------------------------------------===//
#include "../Pointwise.h"

#include "Emitters.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

LogicalResult gpu_kernels::emitPointwise(GPUKernelBuilder &k) {
  return emitPointwiseKernel(k);
}
