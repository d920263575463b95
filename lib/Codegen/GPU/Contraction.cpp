//===- Contraction.cpp - who computes a GPU kernel's sums -----------------===//
#include "Contraction.h"

#include "Emitters.h"
#include "FloatTiles.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static LogicalResult emitChosenForm(GPUKernelBuilder &k,
                                    const Contraction &c) {
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  ContractionShape shape{c.kind, c.images * c.rowsPerImage, c.pixels,
                         c.channels, c.segments() * c.length};
  if (c.kind == OperandKind::F32 &&
      gpu_kernels::suitsFloatTiles(shape.rows * shape.pixels, shape.channels,
                                   shape.depth)) {
    gpu_kernels::emitFloatContraction(k, c, *epilogue);
    return success();
  }
  switch (k.warps.chooseForm(shape, c.groups)) {
  case ContractionForm::TensorCores:
    gpu_kernels::emitOnTensorCores(k, c, *epilogue);
    break;
  case ContractionForm::Warps:
    gpu_kernels::emitOnWarps(k, c, *epilogue);
    break;
  case ContractionForm::Threads:
    gpu_kernels::emitOnThreads(k, c, *epilogue);
    break;
  }
  return success();
}

LogicalResult gpu_kernels::emitConv2D(GPUKernelBuilder &k, Operation *anchor) {
  auto conv = ConvOperands::read(anchor);
  if (failed(conv))
    return failure();
  if (conv->isDepthwise())
    return emitDepthwise(k, *conv);
  return emitChosenForm(k, contractionOf(*conv, k.buffer(conv->input)));
}

LogicalResult gpu_kernels::emitMatmul(GPUKernelBuilder &k, Operation *anchor) {
  if (!hasConstantMatrix(anchor))
    return emitBatchMatmul(k, cast<qnn::MatmulOp>(anchor));
  auto matmul = MatmulOperands::read(anchor);
  if (failed(matmul))
    return failure();
  return emitChosenForm(k, contractionOf(*matmul, k.buffer(matmul->lhs)));
}
