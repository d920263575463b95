//===- Pooling.cpp - folds over windows of images -------------------------===//
//
// The windows of the CPU's kernels; a thread has a few channels of one.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"

#include "../Emitters.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

LogicalResult gpu_kernels::emitPool2D(GPUKernelBuilder &k, Operation *anchor) {
  return codegen::emitPool2D(k, anchor);
}
