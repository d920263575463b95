//===- FloatContraction.cpp - float convolutions in tiles on a GPU --------===//
#include "Contraction.h"
#include "FloatTiles.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// [group][depth][column], padded to whole slices.
static std::vector<float> packWeights(const Gather &gather,
                                      const Contraction &c, int64_t depth,
                                      int64_t columns) {
  std::vector<float> data(c.groups * depth * columns, 0.0f);
  for (int64_t g = 0; g < c.groups; ++g)
    for (int64_t n = 0; n < c.channels; ++n) {
      auto channel = gather.packChannel<float>(g * c.channels + n);
      for (int64_t i = 0; i < gather.depth(); ++i)
        data[(g * depth + i) * columns + n] = channel[i];
    }
  return data;
}

void gpu_kernels::emitFloatContraction(GPUKernelBuilder &k,
                                       const Contraction &c,
                                       PointwiseEmitter &epilogue) {
  Gather gather(k, c, 4);
  int64_t depth = llvm::alignTo(gather.depth(), kFloatTileDepth);
  int64_t columns = llvm::alignTo(c.channels, kFloatTileColumns);
  Value weights = k.constants<float>(packWeights(gather, c, depth, columns));
  Value bias = k.constants<float>(packBias<float>(c, columns));

  FloatProduct product{c.groups, gather.rows(), c.channels, gather.depth(),
                       {}, {}, {}, {}, {}};
  product.rowBase = [&](Value group, Value row) {
    return k.add(gather.rowBase(row), k.mul(group, c.groupStride));
  };
  product.loadLeft = [&](Value base, Value at) {
    return gather.loadFloats(base, at, depth);
  };
  product.loadRight = [&](Value group, Value at, Value column) {
    Value line = k.add(k.mul(group, depth), at);
    return k.loadVector(weights, k.add(k.mul(line, columns), column), 4);
  };
  product.initial = [&](Value group, Value column) {
    return k.loadVector(bias, k.add(k.mul(group, columns), column), 4);
  };
  product.position = [&](Value group, Value row, Value column, int64_t width) {
    Value channel = k.add(k.mul(group, c.channels), column);
    return Position{k.add(k.mul(row, c.channels * c.groups), channel), channel,
                    width};
  };
  emitFloatTiles(k, product, epilogue);
}
