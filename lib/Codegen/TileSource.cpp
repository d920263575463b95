//===- TileSource.cpp -----------------------------------------------------===//
#include "TileSource.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

void codegen::keepLoop(scf::ForOp loop) {
  MLIRContext *context = loop.getContext();
  auto unroll =
      LLVM::LoopUnrollAttr::get(context, BoolAttr::get(context, true), {}, {}, {},
                                {}, {}, {});
  loop->setAttr("llvm.loop_annotation",
                LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {},
                                              {}, {}, {}, {}, {}, {}, {}, {}, {}));
}

TileSource::TileSource(KernelBuilder &k, const Contraction &c, OperandKind kind,
                       const RegisterTile &tile, const PanelLayout &layout)
    : memory(c.activations), pixelStride(c.pixelStride),
      segmentLoops(c.segmentLoops), k(k), c(c), kind(kind), tile(tile),
      layout(layout) {
  if (!tile.preparedBytes)
    return;
  pixelStride = pixelsOverlap() ? c.pixelStride : layout.packedLength;
  int64_t stride = (tile.pixels - 1) * pixelStride + layout.packedLength;
  for (auto &[extent, ownStride] : llvm::reverse(segmentLoops)) {
    ownStride = stride;
    stride *= extent;
  }
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(&k.entry());
  auto type = MemRefType::get(stride, kind == OperandKind::BF16
                                          ? Type(k.b.getBF16Type())
                                          : k.b.getIntegerType(8 * tile.preparedBytes));
  memory = memref::AllocaOp::create(k.b, k.loc, type, k.b.getI64IntegerAttr(64));
}

Value TileSource::prepare(Value base, int64_t count) {
  if (!tile.preparedBytes)
    return base;
  prepareSegments(0, base, k.index(0), count);
  return k.index(0);
}

void TileSource::prepareSegments(size_t level, Value from, Value to,
                                 int64_t count) {
  if (level < c.segmentLoops.size()) {
    int64_t fromStride = c.segmentLoops[level].second,
            toStride = segmentLoops[level].second;
    return k.loop(c.segmentLoops[level].first, [&](Value i) {
      prepareSegments(level + 1, k.add(from, k.mul(i, fromStride)),
                      k.add(to, k.mul(i, toStride)), count);
    });
  }
  // What lies behind a segment of floats, times zero, may be no number.
  int64_t length = isFloat(kind) ? c.length : layout.packedLength;
  if (pixelsOverlap())
    return prepareRun(from, to, (count - 1) * c.pixelStride + length,
                      layout.packedLength - length);
  k.loop(count, [&](Value p) {
    prepareRun(k.add(from, k.mul(p, c.pixelStride)), k.add(to, k.mul(p, pixelStride)),
               length, layout.packedLength - length);
  });
}

/// In registers, then in powers of two: nothing beyond the run is read.
void TileSource::prepareRun(Value from, Value to, int64_t length, int64_t zeros) {
  auto copy = [&](Value i, int64_t width) {
    Value vector = k.loadVector(c.activations, k.add(from, i), width);
    vector = k.target.prepare(k.b, k.loc, kind, tile, vector);
    k.storeVector(vector, memory, k.add(to, i));
  };
  int64_t width = 4 * k.target.lanes() / tile.preparedBytes,
          done = length - length % width;
  k.loop(done, width, [&](Value i) { copy(i, width); });
  if (done > width)
    keepLoop(cast<scf::ForOp>(std::prev(k.b.getInsertionPoint())));
  for (; done < length; done += width) {
    width = llvm::bit_floor(uint64_t(length - done));
    copy(k.index(done), width);
  }
  if (zeros) {
    auto type =
        k.vectorType(zeros, cast<MemRefType>(memory.getType()).getElementType());
    k.storeVector(k.splat(type, 0), memory, k.add(to, length));
  }
}
