//===- IntegerBatchMatmul.cpp - dyadic.batch_matmul -----------------------===//
//
//   Σ (l − lz)(r − rz) = Σ (l − o)·w + (o − lz)·Σ w + K·lz·z − z·Σ l
//
// with weights w = r − 128 for ui8 and z = rz − 128, o what the target's tile
// subtracts from l. For each matrix of the batch and each panel of columns: the
// panel is packed into scratch, the second and third term become the biases of
// the tiles (their sums of weights are a row of ones times the panel), and the
// tiles are those of a product with constants. Sums of rows are needed only
// where z isn't 0. Operands are read, and the result is written, by strides.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Emitters.h"
#include "Reduction.h"
#include "RowPieces.h"
#include "RunTimePanel.h"
#include "Trim.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

ProductStrides codegen::productStrides(const KernelBuilder &k,
                                       BatchMatmulOp op) {
  auto shapeOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getShape();
  };
  // Extents and strides in the order of the product's dimensions.
  auto view = [](ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                 ArrayRef<int64_t> permutation, bool inverse) {
    std::pair<SmallVector<int64_t>, SmallVector<int64_t>> result{
        SmallVector<int64_t>(shape), SmallVector<int64_t>(strides)};
    for (auto [i, from] : llvm::enumerate(permutation)) {
      size_t to = inverse ? from : i, source = inverse ? i : from;
      result.first[to] = shape[source];
      result.second[to] = strides[source];
    }
    return result;
  };
  auto [lhs, lhsStrides] = view(shapeOf(op.getLhs()), k.strides(op.getLhs()),
                                op.getLhsPermutation(), false);
  auto [rhs, rhsStrides] = view(shapeOf(op.getRhs()), k.strides(op.getRhs()),
                                op.getRhsPermutation(), false);
  // Positions count elements in row-major order wherever the result lies.
  ArrayRef<int64_t> shape = shapeOf(op.getOutput());
  auto [out, outStrides] = view(shape, stridesOf(shape),
                                op.getOutputPermutation(), true);
  if (op.getTransposeRhs()) {
    std::swap(rhs[rhs.size() - 2], rhs.back());
    std::swap(rhsStrides[rhs.size() - 2], rhsStrides.back());
  }
  ProductStrides s;
  size_t rank = out.size();
  s.rows = out[rank - 2];
  s.columns = out.back();
  s.depth = lhs.back();
  s.lhsRow = lhsStrides[lhs.size() - 2];
  s.rhsDepth = rhsStrides[rhs.size() - 2];
  s.rhsColumn = rhsStrides.back();
  s.outRow = outStrides[rank - 2];
  for (size_t i = 0; i + 2 < rank; ++i) {
    // Aligned at the last dimension; extents of one repeat.
    auto stride = [&](ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
      int64_t at = int64_t(i) - int64_t(rank) + int64_t(shape.size());
      return at < 0 || shape[at] == 1 ? 0 : strides[at];
    };
    s.batches.push_back({out[i], stride(lhs, lhsStrides),
                         stride(rhs, rhsStrides), outStrides[i]});
  }
  return s;
}

namespace {
class RunTimeProduct {
public:
  RunTimeProduct(KernelBuilder &k, BatchMatmulOp op, OperandKind kind,
                 PointwiseEmitter &epilogue)
      : k(k), epilogue(epilogue), kind(kind), s(productStrides(k, op)),
        lanes(k.target.lanes()),
        tile(k.target.tileFor({kind, 1, s.rows, s.columns, s.depth}, &strategy)),
        steps(tile.shortLastStep ? s.depth / tile.depth
                                 : llvm::divideCeil(s.depth, tile.depth)),
        rest(std::max<int64_t>(s.depth - steps * tile.depth, 0)),
        packedDepth(steps * tile.depth + llvm::alignTo(rest, tile.group)),
        lhs(k.buffer(op.getLhs())) {
    auto isUnsigned = [](Value value) {
      return cast<RankedTensorType>(value.getType())
          .getElementType()
          .isUnsignedInteger();
    };
    rhs = {k.buffer(op.getRhs()), s.depth, s.rhsDepth, s.rhsColumn,
           isUnsigned(op.getRhs()) ? 128 : 0};
    lhsZp = static_cast<int32_t>(op.getLhsZp());
    weightZp = static_cast<int32_t>(op.getRhsZp()) - rhs.offset;
    lhsElement = cast<RankedTensorType>(op.getLhs().getType()).getElementType();
    Value output = op.getOutput();
    int64_t last = cast<RankedTensorType>(output.getType()).getRank() - 1;
    ArrayRef<int64_t> permutation = op.getOutputPermutation();
    auto rowDim = llvm::find(permutation, last - 1);
    rowLimit = limitOf(k, output,
                       rowDim == permutation.end() ? last - 1
                                                   : rowDim - permutation.begin());
    columnLimit = limitOf(k, output, last);
  }

  void emit() {
    strategy.record(k.getFunction());
    panel = k.scratch(packedDepth * tile.vectors * lanes, k.b.getI8Type());
    if (weightZp)
      rowSums = k.scratch(4 * s.rows, k.b.getI32Type());
    activations = {lhs, s.lhsRow};
    if (tile.preparedBytes)
      activations = {prepared(s.rows), packedDepth};
    auto extents = llvm::map_to_vector(
        s.batches, [](const ProductStrides::Batch &batch) { return batch.extent; });
    // A thread packs what it multiplies with: whole matrices, or panels of the
    // only one.
    bool single = ShapedType::getNumElements(extents) == 1;
    if (single)
      extents.push_back(llvm::divideCeil(s.columns, tile.vectors * lanes));
    shares = k.share(extents);
    if (single)
      panelShare = shares.back();
    if (lhsZp != tile.activationOffset)
      emitOnes();
    forMatrices(0, k.index(0), k.index(0), k.index(0));
  }

private:
  /// Scratch for `rows` of activations in the form that tiles read.
  Value prepared(int64_t rows) {
    return k.scratch(rows * packedDepth * tile.preparedBytes,
                     k.b.getIntegerType(8 * tile.preparedBytes));
  }

  /// A row of activations that count as one.
  void emitOnes() {
    ones = k.constants<int8_t>(std::vector<int8_t>(
        llvm::alignTo(packedDepth, 16), int8_t(1 + tile.activationOffset)));
    if (!tile.preparedBytes)
      return;
    Value from = ones;
    ones = prepared(1);
    prepareRow(from, k.index(0), ones, k.index(0));
  }

  /// Brings a row into the form that tiles read, in whole groups: as without,
  /// what lies behind the row meets weights of zero.
  void prepareRow(Value memory, Value from, Value to, Value at) {
    int64_t width = 4 * lanes / tile.preparedBytes;
    auto copy = [&](Value i, int64_t n) {
      Value bytes = k.loadVector(memory, k.add(from, i), n);
      k.storeVector(k.target.prepare(k.b, k.loc, kind, tile, bytes), to,
                    k.add(at, i));
    };
    int64_t whole = packedDepth - packedDepth % width;
    k.loop(whole, width, [&](Value i) { copy(i, width); });
    for (RowPiece piece : cutRow(packedDepth - whole, width))
      copy(k.index(whole + piece.at), piece.width);
  }
  /// The loops over the dimensions of the batch from `level` on.
  void forMatrices(size_t level, Value l, Value r, Value out) {
    if (level == s.batches.size())
      return emitMatrix(l, r, out);
    const ProductStrides::Batch &batch = s.batches[level];
    k.loop(shares[level], batch.extent, 1, [&](Value i) {
      forMatrices(level + 1, k.add(l, k.mul(i, batch.lhs)),
                  k.add(r, k.mul(i, batch.rhs)),
                  k.add(out, k.mul(i, batch.out)));
    });
  }

  void emitMatrix(Value l, Value r, Value out) {
    bool sumsPerPanel = panelShare.count > 1; // all stores are in divided loops
    if (!sumsPerPanel)
      beginMatrix(l);
    k.pieces(panelShare, s.columns, tile.vectors * lanes,
             [&](Value column, int64_t valid) {
               ifBelow(k, column, columnLimit, [&] {
                 if (sumsPerPanel)
                   beginMatrix(l);
                 emitPanel(tile.preparedBytes ? k.index(0) : l,
                           k.add(r, k.mul(column, s.rhsColumn)), out, column,
                           valid);
               });
             });
  }

  /// What all panels need of the left matrix.
  void beginMatrix(Value l) {
    if (tile.preparedBytes)
      k.loop(s.rows, [&](Value row) {
        prepareRow(lhs, k.add(l, k.mul(row, s.lhsRow)), activations.memory,
                   k.mul(row, packedDepth));
      });
    if (weightZp)
      emitRowSums(l);
  }

  /// Σ l·z of each row.
  void emitRowSums(Value l) {
    auto one = k.vectorType(1, k.b.getI32Type());
    k.loop(s.rows, [&](Value row) {
      Value base = k.add(l, k.mul(row, s.lhsRow));
      Value sums = emitRowSum(k, s.depth, 4 * lanes, k.b.getI32Type(),
                              [&](Value at, int64_t n) {
                                return k.extend(
                                    k.loadVector(lhs, k.add(base, at), n),
                                    lhsElement);
                              });
      Value sum = vector::BroadcastOp::create(
          k.b, k.loc, one, reduceLanes(k, vector::CombiningKind::ADD, sums));
      sum = arith::MulIOp::create(k.b, k.loc, sum, k.splatInt(one, weightZp));
      k.storeVector(sum, rowSums, row);
    });
  }

  void emitPanel(Value l, Value r, Value out, Value column, int64_t valid) {
    int64_t vectors = llvm::divideCeil(valid, lanes);
    emitPackPanel(k, rhs, r, valid, vectors, tile.group, packedDepth, panel);
    SmallVector<Value> biases = emitBiases(vectors);
    k.pieces(s.rows, tile.pixels, [&](Value row, int64_t count) {
      ifBelow(k, row, rowLimit, [&] {
        SmallVector<Value> rows;
        for (int64_t p = 0; p < count; ++p)
          rows.push_back(k.add(l, k.mul(k.add(row, p), activations.rowStride)));
        auto sums = sumPanel(activations.memory, rows, vectors, biases);
        if (weightZp)
          subtractRowSums(sums, row, count);
        emitResults(sums, k.add(k.add(out, k.mul(row, s.outRow)), column), count,
                    column, valid);
      });
    });
  }

  /// (o − lz)·Σ w + K·lz·z for each column of the panel.
  SmallVector<Value> emitBiases(int64_t vectors) {
    auto type = k.vectorType(lanes, k.b.getI32Type());
    SmallVector<Value> biases(vectors, k.splatInt(type, 0));
    if (ones)
      biases = sumPanel(ones, {k.index(0)}, vectors, biases);
    for (Value &bias : biases) {
      bias = arith::MulIOp::create(
          k.b, k.loc, bias, k.splatInt(type, tile.activationOffset - lhsZp));
      bias = arith::AddIOp::create(
          k.b, k.loc, bias, k.splatInt(type, s.depth * lhsZp * weightZp));
    }
    return biases;
  }

  /// Rows of `activations` times the panel.
  KernelBuilder::Carried sumPanel(Value activations, ArrayRef<Value> rows,
                                  int64_t vectors, ArrayRef<Value> biases) {
    int64_t count = rows.size(), columns = vectors * lanes;
    auto step = [&](Value first, ValueRange sums, int64_t depth) {
      auto at = llvm::map_to_vector(
          rows, [&](Value row) { return k.add(row, first); });
      return k.target.step(k.b, k.loc,
                           {kind, tile, vectors, depth, activations, panel, at,
                            k.mul(first, columns), /*fullRangeWeights=*/true},
                           sums);
    };
    KernelBuilder::Carried acc =
        k.target.beginTile(k.b, k.loc, tile, count, biases);
    acc = k.loop(steps, acc, [&](Value i, ValueRange sums) {
      return step(k.mul(i, tile.depth), sums, tile.depth);
    });
    if (rest)
      acc = step(k.index(steps * tile.depth), acc, rest);
    return k.target.finishTile(k.b, k.loc, tile, count, acc);
  }

  void subtractRowSums(KernelBuilder::Carried &sums, Value row, int64_t count) {
    auto type = k.vectorType(lanes, k.b.getI32Type());
    for (int64_t p = 0; p < count; ++p) {
      Value sum = vector::BroadcastOp::create(
          k.b, k.loc, type, k.loadVector(rowSums, k.add(row, p), 1));
      for (size_t i = p; i < sums.size(); i += count)
        sums[i] = arith::SubIOp::create(k.b, k.loc, sums[i], sum);
    }
  }

  /// Hands the sums of a tile on, from element `at` of the result on.
  void emitResults(ValueRange acc, Value at, int64_t count, Value column,
                   int64_t valid) {
    int64_t atOnce = epilogue.registersAtOnce();
    for (int64_t done = 0, width; done < valid; done += width) {
      // In powers of two: LLVM takes other vectors apart lane by lane.
      int64_t left = valid - done;
      width = left < lanes ? left : llvm::bit_floor(uint64_t(left));
      if (atOnce > 1)
        width = std::min(width, atOnce * lanes);
      int64_t registers = llvm::divideCeil(width, lanes);
      for (int64_t p = 0, together; p < count; p += together) {
        together = std::min<int64_t>(std::max<int64_t>(atOnce / registers, 1),
                                     llvm::bit_floor(uint64_t(count - p)));
        SmallVector<Value> sums;
        for (int64_t q = p; q < p + together; ++q)
          for (int64_t v = done / lanes; v * lanes < done + width; ++v)
            sums.push_back(acc[v * count + q]);
        epilogue.emitSums({k.add(at, p * s.outRow + done), k.add(column, done),
                           width, together, s.outRow},
                          sums);
      }
    }
  }

  KernelBuilder &k;
  PointwiseEmitter &epilogue;
  OperandKind kind;
  ProductStrides s;
  int64_t lanes;
  KernelStrategy strategy;
  RegisterTile tile;
  /// Whole steps of a sum, the products left, and both as they are packed.
  int64_t steps, rest, packedDepth;
  Value lhs, panel, rowSums, ones;
  /// Where the result's rows and columns end; null: where its type says.
  Value rowLimit, columnLimit;
  struct {
    Value memory;
    int64_t rowStride;
  } activations; // as tiles read them
  ByteMatrix rhs;
  Type lhsElement;
  int64_t lhsZp = 0, weightZp = 0;
  SmallVector<KernelBuilder::Share> shares;
  KernelBuilder::Share panelShare;
};
} // namespace

LogicalResult codegen::emitIntegerBatchMatmul(KernelBuilder &k,
                                              Operation *anchor) {
  auto op = cast<BatchMatmulOp>(anchor);
  auto kind = operandKind(op, op.getLhs());
  if (failed(kind))
    return failure();
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  RunTimeProduct(k, op, *kind, *epilogue).emit();
  return success();
}
