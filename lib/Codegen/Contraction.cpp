//===- Contraction.cpp - register-tiled sums of products ------------------===//
//
// Weights are packed into panels, as wide as a register tile:
//
//   [group][panel][segment][length / g][column][g]
//
// where g is the number of products that one instruction adds. A tile of
// pixels × vectors accumulators stays in registers for a whole sum; what comes
// behind it in the kernel (requantize, table, residual) happens there too, and
// only bytes are stored. Activations are read in place: a segment is a run of
// contiguous channels (of a whole kernel row where nothing lies between its
// columns), padded with zero weights to a multiple of g.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

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
        g(k.target.reductionGroup(c.kind)),
        steps(llvm::divideCeil(c.length, g)),
        tile(k.target.chooseTile({c.kind, c.images * c.rowsPerImage, c.pixels,
                                  c.channels, c.segments() * steps * g})) {}

  void emit() {
    pack();
    k.loop(c.groups, [&](Value group) {
      currentGroup = group;
      if (tile.panelsOutermost)
        forPanels(group, [&](Value weights, Value channel, Panel panel) {
          forPixels(group, [&](Value base, Value pixel, int64_t count) {
            emitTile(base, pixel, count, weights, channel, panel);
          });
        });
      else
        forPixels(group, [&](Value base, Value pixel, int64_t count) {
          forPanels(group, [&](Value weights, Value channel, Panel panel) {
            emitTile(base, pixel, count, weights, channel, panel);
          });
        });
    });
  }

private:
  using PanelBody = llvm::function_ref<void(Value weights, Value channel, Panel)>;
  using PixelBody = llvm::function_ref<void(Value base, Value pixel, int64_t)>;

  int64_t panelColumns() const { return tile.vectors * lanes; }
  int64_t fullPanels() const { return c.channels / panelColumns(); }
  int64_t tailColumns() const { return c.channels % panelColumns(); }
  int64_t depth() const { return c.segments() * steps * g; }
  int64_t paddedChannels() const { return llvm::alignTo(c.channels, lanes); }

  /// Calls `body` for the panels of a group: a loop over the full ones, then
  /// the narrower last one.
  void forPanels(Value group, PanelBody body) {
    Value groupWeights = k.mul(group, depth() * paddedChannels());
    int64_t panelSize = depth() * panelColumns();
    k.loop(fullPanels(), [&](Value panel) {
      body(k.add(groupWeights, k.mul(panel, panelSize)),
           k.mul(panel, panelColumns()),
           {panelColumns(), tile.vectors});
    });
    if (int64_t tail = tailColumns())
      body(k.add(groupWeights, fullPanels() * panelSize),
           k.index(fullPanels() * panelColumns()),
           {tail, static_cast<int64_t>(llvm::divideCeil(tail, lanes))});
  }

  /// Calls `body` with the element offset of a tile's first activation and its
  /// first pixel (counted over all rows).
  void forPixels(Value group, PixelBody body) {
    Value groupBase = k.mul(group, c.groupStride);
    k.loop(c.images, [&](Value image) {
      Value imageBase = k.add(groupBase, k.mul(image, c.imageStride));
      Value imagePixel = k.mul(image, c.rowsPerImage * c.pixels);
      k.loop(c.rowsPerImage, [&](Value row) {
        Value rowBase = k.add(imageBase, k.mul(row, c.rowStride));
        Value rowPixel = k.add(imagePixel, k.mul(row, c.pixels));
        auto at = [&](Value pixel, int64_t count) {
          body(k.add(rowBase, k.mul(pixel, c.pixelStride)),
               k.add(rowPixel, pixel), count);
        };
        int64_t tail = c.pixels % tile.pixels, full = c.pixels - tail;
        k.loop(full, tile.pixels, [&](Value pixel) { at(pixel, tile.pixels); });
        if (tail)
          at(k.index(full), tail);
      });
    });
  }

  /// The whole sum of `count` pixels × one panel, then the pointwise ops.
  void emitTile(Value base, Value pixel, int64_t count, Value weights,
                Value channel, Panel panel) {
    KernelBuilder::Carried acc;
    for (int64_t v = 0; v < panel.vectors; ++v) {
      Value initial = k.loadVector(bias, k.add(biasChannel(channel), v * lanes),
                                   lanes);
      for (int64_t p = 0; p < count; ++p)
        acc.push_back(initial);
    }
    acc = sumSegments(0, base, k.index(0), acc, count, weights, panel);
    for (int64_t p = 0; p < count; ++p) {
      SmallVector<Value> parts;
      for (int64_t v = 0; v < panel.vectors; ++v)
        parts.push_back(acc[v * count + p]);
      Value column = outputChannel(channel);
      Value flat = k.add(k.mul(k.add(pixel, p), c.channels * c.groups), column);
      epilogue.emit({flat, column, panel.valid},
                    k.concatenate(parts, panel.valid));
    }
  }

  /// The nested segment loops from `depth` inwards; `segment` counts segments.
  KernelBuilder::Carried sumSegments(size_t level, Value base, Value segment,
                                     KernelBuilder::Carried acc, int64_t count,
                                     Value weights, Panel panel) {
    if (level == c.segmentLoops.size()) {
      int64_t columns = panel.vectors * lanes * g;
      Value segmentWeights = k.add(weights, k.mul(segment, steps * columns));
      return k.loop(steps, acc, [&](Value step, ValueRange sums) {
        return emitStep(k.add(base, k.mul(step, g)),
                        k.add(segmentWeights, k.mul(step, columns)), sums,
                        count, panel);
      });
    }
    auto [extent, stride] = c.segmentLoops[level];
    return k.loop(extent, acc, [&](Value i, ValueRange sums) {
      return sumSegments(level + 1, k.add(base, k.mul(i, stride)),
                         k.add(k.mul(segment, extent), i),
                         llvm::to_vector(sums), count, weights, panel);
    });
  }

  /// One dot product of every accumulator.
  KernelBuilder::Carried emitStep(Value base, Value weights, ValueRange sums,
                                  int64_t count, Panel panel) {
    KernelBuilder::Carried next(sums.size());
    SmallVector<Value> columns;
    for (int64_t v = 0; v < panel.vectors; ++v)
      columns.push_back(k.target.loadWeights(k.b, k.loc, c.kind, packed,
                                             k.add(weights, v * lanes * g)));
    for (int64_t p = 0; p < count; ++p) {
      Value activation = k.target.loadActivation(
          k.b, k.loc, c.kind, c.activations, k.add(base, p * c.pixelStride));
      for (int64_t v = 0; v < panel.vectors; ++v)
        next[v * count + p] = k.target.dot(k.b, k.loc, c.kind,
                                           sums[v * count + p], activation,
                                           columns[v]);
    }
    return next;
  }

  Value outputChannel(Value channel) {
    return c.groups == 1 ? channel
                         : k.add(k.mul(currentGroup, c.channels), channel);
  }
  /// Biases are padded group by group, so that vectors may read past the end.
  Value biasChannel(Value channel) {
    return c.groups == 1 ? channel
                         : k.add(k.mul(currentGroup, paddedChannels()), channel);
  }

  void pack() {
    if (c.kind == OperandKind::F32) {
      packed = k.constants<float>(packWeights<float>());
      bias = k.constants<float>(packBias<float>());
    } else {
      packed = k.constants<int8_t>(packWeights<int8_t>());
      bias = k.constants<int32_t>(packBias<int32_t>());
    }
  }

  template <typename T> std::vector<T> packBias() {
    std::vector<T> data(c.groups * paddedChannels(), T(0));
    for (int64_t group = 0; group < c.groups; ++group)
      for (int64_t n = 0; n < c.channels; ++n)
        data[group * paddedChannels() + n] =
            static_cast<T>(c.bias->get(group * c.channels + n));
    return data;
  }

  template <typename T> std::vector<T> packWeights() {
    std::vector<T> data;
    data.reserve(c.groups * depth() * paddedChannels());
    for (int64_t group = 0; group < c.groups; ++group)
      for (int64_t begin = 0; begin < c.channels; begin += panelColumns()) {
        int64_t width = std::min<int64_t>(
            panelColumns(), llvm::alignTo(c.channels - begin, lanes));
        for (int64_t segment = 0; segment < c.segments(); ++segment)
          for (int64_t step = 0; step < steps; ++step)
            for (int64_t n = begin; n < begin + width; ++n)
              for (int64_t i = step * g; i < (step + 1) * g; ++i)
                data.push_back(n < c.channels && i < c.length
                                   ? T(c.weight(group * c.channels + n, segment, i))
                                   : T(0));
      }
    return data;
  }

  KernelBuilder &k;
  const Contraction &c;
  PointwiseEmitter &epilogue;
  int64_t lanes, g, steps;
  RegisterTile tile;
  Value packed, bias, currentGroup;
};
} // namespace

LogicalResult codegen::emitContraction(KernelBuilder &k, const Contraction &c) {
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  ContractionEmitter(k, c, *epilogue).emit();
  return success();
}
