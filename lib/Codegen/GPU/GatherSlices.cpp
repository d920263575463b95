//===- GatherSlices.cpp - slices at run-time indices on a GPU -------------===//
#include "../Emitters.h"

#include "Emitters.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

LogicalResult gpu_kernels::emitGather(GPUKernelBuilder &k, Operation *anchor) {
  return codegen::emitGather(k, anchor);
}
