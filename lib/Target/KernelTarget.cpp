//===- KernelTarget.cpp - what targets have in common ---------------------===//
#include "dyadic/Target/KernelTarget.h"

#include "VectorOps.h"
#include "dyadic/Target/Requantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;

KernelTarget::~KernelTarget() = default;

DepthwiseTile KernelTarget::chooseDepthwise(const DepthwiseShape &shape) const {
  return {std::min<int64_t>(shape.columns, 4), lanes()};
}

SmallVector<TileChoice>
KernelTarget::candidates(const ContractionShape &shape) const {
  TileChoice choice;
  choice.tile = chooseTile(shape);
  return {choice};
}

RegisterTile KernelTarget::tileFor(const ContractionShape &shape,
                                   KernelStrategy *strategy) const {
  SmallVector<TileChoice> all = candidates(shape);
  const TileChoice *chosen = &all.front();
  if (info.tuned) {
    // By its text, or by its number: "#2".
    auto wanted = info.tuned->find(shape.str());
    if (wanted != info.tuned->end())
      for (auto [i, choice] : llvm::enumerate(all))
        if (wanted->second == choice.tile.str() ||
            wanted->second == "#" + std::to_string(i))
          chosen = &choice;
  }
  if (strategy)
    *strategy = {shape.str(), chosen->tile.str(),
                 chosen->cycles < 0 ? 0 : int64_t(chosen->estimate()),
                 int64_t(all.size())};
  return chosen->tile;
}

TileChoice dyadic::searchTiles(
    const ContractionShape &shape, int64_t lanes, int64_t maxPixels,
    int64_t maxVectors,
    llvm::function_ref<std::optional<double>(int64_t, int64_t)> cycles) {
  int64_t vectors = llvm::divideCeil(shape.channels, lanes);
  TileChoice best;
  for (int64_t v = 1; v <= std::min(vectors, maxVectors); ++v) {
    for (int64_t p = 1; p <= std::min(shape.pixels, maxPixels); ++p) {
      if (!cycles(p, v))
        break;
      auto row = [&](int64_t tileVectors) {
        int64_t tail = shape.pixels % p;
        return double(shape.pixels / p) * *cycles(p, tileVectors) +
               (tail ? *cycles(tail, tileVectors) : 0);
      };
      double all = double(vectors / v) * row(v) +
                   (vectors % v ? row(vectors % v) : 0);
      // Of equals the one with more sums: it is the more tolerant of latency.
      if (best.cycles < 0 || all < best.cycles * 0.999 ||
          (all <= best.cycles * 1.001 &&
           p * v > best.tile.pixels * best.tile.vectors)) {
        best.tile.pixels = p;
        best.tile.vectors = v;
        best.cycles = all;
      }
    }
  }
  // The operand that is read again and again should be the smaller one.
  double width = byteWidth(shape.operand);
  double weightBytes = double(shape.depth) * shape.channels * width;
  double activationBytes =
      double(shape.depth) * shape.rows * shape.pixels * width;
  double panelsOut = weightBytes + activationBytes * vectors / best.tile.vectors;
  double pixelsOut = activationBytes +
                     weightBytes * shape.rows *
                         llvm::divideCeil(shape.pixels, best.tile.pixels);
  best.tile.panelsOutermost = panelsOut < pixelsOut;
  return best;
}

//===----------------------------------------------------------------------===//
// Tiles of broadcast activations
//===----------------------------------------------------------------------===//

KernelTarget::Values KernelTarget::beginTile(OpBuilder &, Location,
                                             const RegisterTile &,
                                             int64_t pixels,
                                             ArrayRef<Value> biases) const {
  Values sums;
  for (Value bias : biases)
    sums.append(pixels, bias);
  return sums;
}

KernelTarget::Values KernelTarget::step(OpBuilder &b, Location loc,
                                        const TileStep &step,
                                        ValueRange sums) const {
  VectorOps ops(b, loc);
  if (!step.nibbles.empty())
    return stepOfNibbles(b, loc, step, sums);
  int64_t count = step.pixels.size();
  Values next(sums.size()), columns;
  for (int64_t v = 0; v < step.vectors; ++v)
    columns.push_back(loadWeights(b, loc, step.operand, step.weights,
                                  ops.add(step.weight, step.weightsOf(v * lanes()))));
  for (int64_t p = 0; p < count; ++p) {
    Value activation = loadActivation(b, loc, step.operand, step.activations,
                                      step.pixels[p]);
    for (int64_t v = 0; v < step.vectors; ++v)
      next[v * count + p] = dot(b, loc, step.operand, sums[v * count + p],
                                activation, columns[v]);
  }
  return next;
}

/// Two groups of products: the weights of both are in the same bytes.
KernelTarget::Values KernelTarget::stepOfNibbles(OpBuilder &b, Location loc,
                                                 const TileStep &step,
                                                 ValueRange sums) const {
  VectorOps ops(b, loc);
  int64_t count = step.pixels.size(), group = step.tile.group;
  Values next(sums), columns[2];
  for (int64_t v = 0; v < step.vectors; ++v) {
    auto [low, high] = decodeNibbles(
        b, loc,
        loadWeights(b, loc, step.operand, step.weights,
                    ops.add(step.weight, v * lanes() * group)),
        step.nibbles, step.tile.weightShift);
    columns[0].push_back(low);
    columns[1].push_back(high);
  }
  for (int64_t half = 0; half * group < step.depth; ++half)
    for (int64_t p = 0; p < count; ++p) {
      Value activation =
          loadActivation(b, loc, step.operand, step.activations,
                         ops.add(step.pixels[p], half * group));
      for (int64_t v = 0; v < step.vectors; ++v) {
        Value &sum = next[v * count + p];
        sum = dot(b, loc, step.operand, sum, activation, columns[half][v]);
      }
    }
  return next;
}

KernelTarget::Values KernelTarget::finishTile(OpBuilder &, Location,
                                              const RegisterTile &, int64_t,
                                              ValueRange sums) const {
  return Values(sums);
}

Value KernelTarget::loadActivation(OpBuilder &, Location, OperandKind, Value,
                                   Value) const {
  return {};
}

Value KernelTarget::loadWeights(OpBuilder &b, Location loc, OperandKind kind,
                                Value memref, Value index) const {
  return VectorOps(b, loc).load(lanes() * reductionGroup(kind), memref, index);
}

Value KernelTarget::dot(OpBuilder &, Location, OperandKind, Value, Value,
                        Value) const {
  return {};
}

Value KernelTarget::sumProducts(OpBuilder &b, Location loc, OperandKind kind,
                                Value acc, ArrayRef<Value> x, ArrayRef<Value> w,
                                bool) const {
  VectorOps ops(b, loc);
  Type element = ops.typeOf(acc).getElementType();
  for (auto [xs, ws] : llvm::zip_equal(x, w))
    acc = multiplyAdd(b, loc, kind, acc,
                      ops.extend(xs, element, kind == OperandKind::U8),
                      ops.extend(ws, element, /*isUnsigned=*/false));
  return acc;
}

//===----------------------------------------------------------------------===//
// Requantize
//===----------------------------------------------------------------------===//

Value KernelTarget::requantizeFused(OpBuilder &b, Location loc,
                               const FusedRequantize &op) const {
  return emitFusedRequantize(b, loc, op);
}

Value KernelTarget::requantizeWide(OpBuilder &b, Location loc,
                               const WideRequantize &op) const {
  return emitWideRequantize(b, loc, op);
}
