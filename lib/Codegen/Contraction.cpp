//===- Contraction.cpp - register-tiled sums of products ------------------===//
//
// Weights are packed into panels, as wide as a register tile, in groups of as
// many products as one instruction adds (PanelLayout.h). A tile of pixels ×
// vectors accumulators stays in registers for a whole sum; what comes behind it
// in the kernel (requantize, table, residual) happens there too, and only bytes
// are stored. Activations are read in place: a segment is a run of contiguous
// channels (of a whole kernel row where nothing lies between its columns),
// padded with zero weights to whole groups.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

#include "BF16.h"
#include "CodedPanels.h"
#include "FactoredPanels.h"
#include "TileSource.h"
#include "Trim.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

int64_t Contraction::segments() const {
  int64_t count = 1;
  for (auto [extent, stride] : segmentLoops)
    count *= extent;
  return count;
}

ContractionShape Contraction::shape(OperandKind operand, Nibbles nibbles) const {
  return {operand,    images * rowsPerImage, pixels,
          channels,   segments() * length,   segments(),
          nibbles,    /*matrices=*/true,     joinedGroups,
          windowTiles, windowSums};
}

namespace {
/// `valid` columns in `vectors` registers.
struct Panel {
  int64_t valid, vectors;
};

class ContractionEmitter {
public:
  ContractionEmitter(KernelBuilder &k, const Contraction &c,
                     PointwiseEmitter &epilogue)
      : k(k), c(c), epilogue(epilogue), lanes(k.target.lanes()),
        nibbles(nibblesOf(c, k.target)),
        kind(c.kind == OperandKind::F32 && !c.coded && k.target.getInfo().bf16
                 ? OperandKind::BF16
                 : c.kind),
        shape(c.shape(kind, nibbles)),
        tile(k.target.tileFor(shape, &strategy)),
        inRegisters(c.coded && c.segments() == 1 && limitSums()),
        layout(c, tile, nibbles, lanes,
               c.coded || c.integers ? 0 : k.target.packedColumns(shape)) {
    if (c.coded || c.integers)
      tile.panelsOutermost = true;
  }

  void emit() {
    strategy.record(k.getFunction());
    pack();
    divide();
    source.emplace(k, c, kind, tile, layout);
    k.loop(groupShare, c.groups, 1, [&](Value group) {
      currentGroup = group;
      if (tile.panelsOutermost)
        forPanels(group, [&](Value weights, Value channel, Panel panel) {
          weights = decodePanel(weights, channel, panel);
          forPixels(group, [&](Value base, Value pixel, int64_t count) {
            base = source->prepare(base, count);
            emitTile(base, pixel, count, weights, channel, panel);
          });
        });
      else
        forPixels(group, [&](Value base, Value pixel, int64_t count) {
          base = source->prepare(base, count);
          forPanels(group, [&](Value weights, Value channel, Panel panel) {
            emitTile(base, pixel, count, weights, channel, panel);
          });
        });
    });
  }

private:
  /// Spreads threads over what balances. Each thread reads all of the operand
  /// whose loop isn't divided: the larger one comes first.
  void divide() {
    int64_t panels = llvm::divideCeil(c.channels, layout.panelColumns()),
            tiles = llvm::divideCeil(c.pixels, tile.pixels),
            rows = c.images * c.rowsPerImage;
    bool panelsFirst = c.channels > rows * c.pixels;
    auto shares =
        panelsFirst
            ? k.share({c.groups, panels, c.images, c.rowsPerImage, tiles})
            : k.share({c.groups, c.images, c.rowsPerImage, tiles, panels});
    groupShare = shares[0];
    panelShare = shares[panelsFirst ? 1 : 4];
    imageShare = shares[panelsFirst ? 2 : 1];
    rowShare = shares[panelsFirst ? 3 : 2];
    pixelShare = shares[panelsFirst ? 4 : 3];
  }

  /// Whether all pixels are in one tile, which then gets as few vectors as leave
  /// registers for two sums a result and for decoding.
  bool limitSums() {
    int64_t most = k.target.vectorRegisters() / 4 / (shape.rows * c.pixels);
    if (most < 1 || shape.rows * c.pixels > tile.pixels)
      return false;
    tile.vectors = llvm::bit_floor(uint64_t(std::min(tile.vectors, most)));
    return true;
  }

  using PanelBody = llvm::function_ref<void(Value weights, Value channel, Panel)>;
  using PixelBody = llvm::function_ref<void(Value base, Value pixel, int64_t)>;

  /// Calls `body` for the panels of a group; the last one may be narrower.
  void forPanels(Value group, PanelBody body) {
    int64_t columnSize = layout.packedSize(layout.depth());
    Value groupWeights = k.mul(group, columnSize * layout.paddedChannels());
    k.pieces(panelShare, c.channels, layout.panelColumns(),
             [&](Value channel, int64_t width) {
               body(k.add(groupWeights, weightsOf(channel)), channel,
                    {width, static_cast<int64_t>(llvm::divideCeil(width, lanes))});
             });
  }

  /// Makes floats or bytes of a panel's weights where they aren't such, unless tiles do.
  Value decodePanel(Value weights, Value channel, Panel panel) {
    if (factored)
      factored->decode(currentGroup, channel, panel.vectors, packed);
    else if (!c.coded)
      return weights;
    else if (!inRegisters)
      coded->decode(currentGroup, {channel, panel.vectors}, packed);
    return k.index(0);
  }

  /// Where the weights of a panel are that begins with `channel`.
  Value weightsOf(Value channel) {
    int64_t columnSize = layout.packedSize(layout.depth()),
            beside = layout.columnsBeside(layout.panelColumns());
    if (layout.panelColumns() % beside == 0)
      return k.mul(channel, columnSize);
    // A part of what lies side by side.
    Value column =
        k.b.createOrFold<arith::RemUIOp>(k.loc, channel, k.index(beside));
    Value first = k.b.createOrFold<arith::SubIOp>(k.loc, channel, column);
    return k.add(k.mul(first, columnSize), k.mul(column, tile.group));
  }

  /// Calls `body` with the element offset of a tile's first activation and its
  /// first pixel (counted over all rows).
  void forPixels(Value group, PixelBody body) {
    Value groupBase = k.mul(group, c.groupStride);
    k.loop(imageShare, c.images, 1, [&](Value image) {
      Value imageBase = k.add(groupBase, k.mul(image, c.imageStride));
      Value imagePixel = k.mul(image, c.rowsPerImage * c.pixels);
      k.loop(rowShare, c.rowsPerImage, 1, [&](Value row) {
        Value rowBase = k.add(imageBase, k.mul(row, c.rowStride));
        if (c.beginRow)
          rowBase = c.beginRow(rowBase);
        Value rowPixel = k.add(imagePixel, k.mul(row, c.pixels));
        auto at = [&](Value pixel, int64_t count) {
          if (tile.tileRows && count < tile.pixels) { // a whole one, from before
            firstResult = tile.pixels - count;
            count = tile.pixels;
            pixel = k.index(c.pixels - count);
          }
          place = {{image, c.images}, {row, c.rowsPerImage}, {pixel, c.pixels}};
          body(k.add(rowBase, k.mul(pixel, c.pixelStride)),
               k.add(rowPixel, pixel), count);
          firstResult = 0;
        };
        k.pieces(pixelShare, c.pixels, tile.pixels,
                 [&](Value pixel, int64_t count) {
                   ifBelow(k, pixel, c.pixelLimit, [&] { at(pixel, count); });
                 });
      });
    });
  }

  /// The whole sum of `count` pixels × one panel, then the pointwise ops.
  void emitTile(Value base, Value pixel, int64_t count, Value weights,
                Value channel, Panel panel) {
    if (tile.tileRows) {
      KernelBuilder::Carried acc = k.target.beginMatrices(
          k.b, k.loc, tile, panel.vectors, bias, biasChannel(channel));
      acc = sumSegments(0, base, k.index(0), acc, count, weights, panel);
      Value sums = k.target.storeMatrices(k.b, k.loc, tile, panel.vectors, acc);
      return emitStored(sums, pixel, count, channel, panel);
    }
    SmallVector<Value> biases;
    for (int64_t v = 0; v < panel.vectors; ++v)
      biases.push_back(
          k.loadVector(bias, k.add(biasChannel(channel), v * lanes), lanes));
    KernelBuilder::Carried acc =
        k.target.beginTile(k.b, k.loc, tile, count, biases);
    if (inRegisters)
      acc = coded->accumulate(currentGroup, {channel, panel.vectors}, source->memory,
                              pixelsOf(base, count), acc);
    else
      acc = sumSegments(0, base, k.index(0), acc, count, weights, panel);
    acc = k.target.finishTile(k.b, k.loc, tile, count, acc);
    if (tile.weightShift)
      for (Value &sum : acc)
        sum = arith::ShRSIOp::create(
            k.b, k.loc, sum,
            k.splatInt(cast<VectorType>(sum.getType()), tile.weightShift));
    emitResults(acc, pixel, count, channel, panel);
  }

  /// The same for sums [pixel][vector][lane] in memory, a few pixels at a time.
  void emitStored(Value memory, Value pixel, int64_t count, Value channel,
                  Panel panel) {
    constexpr int64_t kAtOnce = 4;
    auto emitSome = [&](Value p, int64_t some) {
      SmallVector<Value> acc;
      for (int64_t v = 0; v < panel.vectors; ++v)
        for (int64_t q = 0; q < some; ++q)
          acc.push_back(k.loadVector(
              memory,
              k.add(k.mul(k.add(p, q), panel.vectors * lanes), v * lanes),
              lanes));
      auto outer = place;
      place.back().index = k.add(place.back().index, p);
      emitResults(acc, k.add(pixel, p), some, channel, panel);
      place = outer;
    };
    int64_t results = count - firstResult, tail = results % kAtOnce;
    k.loop(results - tail, kAtOnce,
           [&](Value i) { emitSome(k.add(i, firstResult), kAtOnce); });
    if (tail)
      emitSome(k.index(count - tail), tail);
  }

  /// Hands the sums of a tile on, as many registers at once as the epilogue
  /// takes: of one pixel, or of several with few columns.
  void emitResults(ValueRange acc, Value pixel, int64_t count, Value channel,
                   Panel panel) {
    int64_t pitch = c.channels * c.groups, atOnce = epilogue.registersAtOnce();
    // In powers of two: LLVM takes other vectors apart lane by lane.
    for (int64_t done = 0, width; done < panel.valid; done += width) {
      int64_t left = panel.valid - done;
      width = left < lanes ? left : llvm::bit_floor(uint64_t(left));
      if (atOnce > 1)
        width = std::min(width, atOnce * lanes);
      int64_t registers = llvm::divideCeil(width, lanes);
      Value column = outputChannel(k.add(channel, done));
      for (int64_t p = 0, together; p < count; p += together) {
        together = std::min(std::max<int64_t>(atOnce / registers, 1),
                            static_cast<int64_t>(llvm::bit_floor(uint64_t(count - p))));
        SmallVector<Value> sums;
        for (int64_t q = p; q < p + together; ++q)
          for (int64_t v = done / lanes; v * lanes < done + width; ++v)
            sums.push_back(acc[v * count + q]);
        Value row = k.mul(k.add(pixel, p), pitch);
        Position position{k.add(row, column), column, width, together, pitch, place};
        Value &at = position.coordinates.back().index;
        at = k.add(at, p);
        position.coordinates.push_back({column, pitch});
        epilogue.emitSums(position, sums);
      }
    }
  }

  /// The nested segment loops from `depth` inwards; `segment` counts segments.
  KernelBuilder::Carried sumSegments(size_t level, Value base, Value segment,
                                     KernelBuilder::Carried acc, int64_t count,
                                     Value weights, Panel panel) {
    if (level == source->segmentLoops.size()) {
      int64_t columns = layout.columnsBeside(panel.vectors * lanes);
      Value segmentWeights =
          k.add(weights, k.mul(segment, layout.packedSize(layout.packedLength) *
                                            columns));
      acc = loop(layout.steps, acc, [&](Value step, ValueRange sums) {
        Value first = k.mul(step, tile.depth);
        return emitStep(
            k.add(base, first),
            k.add(segmentWeights,
                  k.mul(step, layout.packedSize(tile.depth) * columns)),
            sums, count, panel, tile.depth);
      });
      if (!layout.rest)
        return acc;
      int64_t done = layout.steps * tile.depth;
      if (tile.tileRows)
        return emitStep(k.add(base, c.length - tile.depth),
                        k.add(segmentWeights, done * columns), acc, count, panel,
                        tile.depth);
      return emitStep(k.add(base, done),
                      k.add(segmentWeights, layout.packedSize(done) * columns),
                      acc, count, panel, layout.rest);
    }
    int64_t extent = source->segmentLoops[level].first,
            stride = source->segmentLoops[level].second;
    return loop(extent, acc, [&](Value i, ValueRange sums) {
      return sumSegments(level + 1, k.add(base, k.mul(i, stride)),
                         k.add(k.mul(segment, extent), i),
                         llvm::to_vector(sums), count, weights, panel);
    });
  }

  /// KernelBuilder's loop, marked for LLVM as the target wants it.
  KernelBuilder::Carried
  loop(int64_t count, KernelBuilder::Carried acc,
       llvm::function_ref<KernelBuilder::Carried(Value, ValueRange)> body) {
    acc = k.loop(count, acc, body);
    auto made = acc.front().getDefiningOp<scf::ForOp>();
    if (made && count > 1 && tile.keepLoops)
      keepLoop(made);
    return acc;
  }

  /// Where the activations of a tile's pixels are.
  SmallVector<Value> pixelsOf(Value base, int64_t count) {
    SmallVector<Value> pixels;
    for (int64_t p = 0; p < count; p += std::max<int64_t>(tile.tileRows, 1))
      pixels.push_back(k.add(base, p * source->pixelStride));
    return pixels;
  }

  /// `depth` products of every sum.
  KernelBuilder::Carried emitStep(Value base, Value weights, ValueRange sums,
                                  int64_t count, Panel panel, int64_t depth) {
    SmallVector<Value> pixels = pixelsOf(base, count);
    return k.target.step(k.b, k.loc,
                         {kind, tile, panel.vectors, depth, source->memory,
                          packed, pixels, weights, fullRangeWeights,
                          layout.packsNibbles() ? ArrayRef<int8_t>(*c.nibbles)
                                         : ArrayRef<int8_t>(),
                          source->pixelStride, c.joinedGroups, layout.packedColumns,
                          layout.packedSize(layout.depth()) * layout.packedColumns},
                         sums);
  }

  Value outputChannel(Value channel) {
    return c.groups == 1 ? channel
                         : k.add(k.mul(currentGroup, c.channels), channel);
  }
  /// Biases are padded group by group, so that vectors may read past the end.
  Value biasChannel(Value channel) {
    return c.groups == 1 ? channel
                         : k.add(k.mul(currentGroup, layout.paddedChannels()),
                                 channel);
  }

  void pack() {
    if (c.coded) {
      coded.emplace(k, *c.coded, c.groups, k.target.packedColumns(shape),
                    layout.panelColumns());
      bias = k.constants<float>(layout.packBias<float>());
      if (!inRegisters)
        packed = k.scratch(layout.depth() * layout.panelColumns() * sizeof(float),
                           k.b.getF32Type());
      return;
    }
    if (isFloat(kind)) {
      packed = kind == OperandKind::BF16
                   ? k.weights<BF16>(layout.packWeights<BF16>())
                   : k.weights<float>(layout.packWeights<float>());
      bias = k.constants<float>(layout.packBias<float>());
      return;
    }
    bias = k.constants<int32_t>(layout.packBias<int32_t>());
    if (auto made = FactoredPanels::create(k, c, tile, layout,
                                           k.target.packedColumns(shape))) {
      factored.emplace(std::move(*made));
      packed = k.scratch(llvm::alignTo(layout.depth(), 2 * tile.group) *
                             layout.panelColumns(),
                         k.b.getI8Type());
      return;
    }
    std::vector<int8_t> weights = layout.packsNibbles()
                                      ? layout.packNibbles()
                                      : layout.packWeights<int8_t>();
    fullRangeWeights =
        llvm::is_contained(layout.packsNibbles() ? ArrayRef<int8_t>(*c.nibbles)
                                                 : ArrayRef<int8_t>(weights),
                           INT8_MIN);
    packed = k.weights<int8_t>(weights);
  }

  KernelBuilder &k;
  const Contraction &c;
  PointwiseEmitter &epilogue;
  int64_t lanes;
  Nibbles nibbles; // whether weights stay four bits wide
  OperandKind kind;
  KernelStrategy strategy;
  ContractionShape shape;
  RegisterTile tile;
  bool inRegisters; // decodes weights of few bits for each tile
  PanelLayout layout;
  bool fullRangeWeights = false;
  std::optional<CodedPanels> coded;
  std::optional<FactoredPanels> factored;
  std::optional<TileSource> source;
  Value packed, bias, currentGroup;
  /// The first pixel of the present tile whose result is new.
  int64_t firstResult = 0;
  /// Where the present tile begins: image, row and pixel.
  SmallVector<Coordinate, 4> place;
  KernelBuilder::Share groupShare, panelShare, imageShare, rowShare, pixelShare;
};
} // namespace

LogicalResult codegen::emitContraction(KernelBuilder &k, const Contraction &c) {
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  ContractionEmitter(k, c, *epilogue).emit();
  return success();
}
