//===- Reduction.cpp - sums and means over dimensions ---------------------===//
//
// Where the innermost dimension is summed, a warp or a block has one sum. Where
// it is kept, neighbouring threads have neighbouring sums, and the threads of a
// block divide long sums among them.
//
//===----------------------------------------------------------------------===//
#include "../Reduction.h"

#include "Emitters.h"
#include "Rows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class ReductionEmitter {
public:
  ReductionEmitter(GPUKernelBuilder &k, ResultSink &sink,
                   const ReductionSpec &spec)
      : k(k), sink(sink), spec(spec), input(k.buffer(spec.input)),
        element(tensorTypeOf(spec.input).getElementType()),
        axes(ReductionAxes::split(tensorTypeOf(spec.input).getShape(), spec.axes,
                                  sink.canFlatten())) {}

  void emit() {
    if (axes.lastIsSummed)
      return emitRows();
    emitColumns();
  }

  /// Threads that divide one sum among them, where the innermost dimension is
  /// kept.
  int64_t threadsOfSum() const {
    int64_t elements = axes.count * axes.kept.back().extent;
    int64_t threads = elements < (1 << 16) ? 256 : 1024;
    int64_t most = std::min(threads / threadsAcross(), axes.count / 4);
    return llvm::bit_floor<uint64_t>(std::max<int64_t>(most, 1));
  }
  bool isSummedByThreads() const {
    return !axes.lastIsSummed && threadsOfSum() == 1;
  }

private:
  static SmallVector<int64_t> extents(ArrayRef<ReductionAxis> axes) {
    return llvm::map_to_vector(axes, [](ReductionAxis a) { return a.extent; });
  }

  /// Σ coordinate · stride for the element `number` of `of`.
  Value offset(Value number, ArrayRef<ReductionAxis> of,
               int64_t ReductionAxis::*stride) {
    Value result = k.index(0);
    for (auto [i, axis] : llvm::zip(k.coordinates(number, extents(of)), of))
      result = k.add(result, k.mul(i, axis.*stride));
    return result;
  }

  Type sumType() {
    return element.isF32() ? Type(k.b.getF32Type()) : Type(k.b.getI32Type());
  }

  Value load(Value at, int64_t width) {
    return k.extend(k.loadVector(input, at, width), element);
  }

  void store(Value out, Value sum) {
    sink.emitAt(out, spec.finish(sum, axes.count));
  }

  void emitRows() {
    int64_t width = rowPieceWidth(axes.summed.back().extent);
    int64_t rows = 1;
    for (const ReductionAxis &axis : axes.kept)
      rows *= axis.extent;
    RowThreads row(k, axes.count, width);
    row.forRows(rows, [&](Value i) {
      Value in = offset(i, axes.kept, &ReductionAxis::inputStride);
      Value out = offset(i, axes.kept, &ReductionAxis::outputStride);
      RowPart part(row, k.vectorType(width, sumType()), [&](Value at) {
        Value own = offset(at, axes.summed, &ReductionAxis::inputStride);
        return load(k.add(in, own), width);
      });
      Value sum = part.reduce(vector::CombiningKind::ADD,
                              [](Value x) { return x; });
      k.when(k.equal(row.lane, 0), [&] {
        store(out, vector::BroadcastOp::create(
                       k.b, k.loc, k.vectorType(1, sumType()), sum));
      });
    });
  }

  //===--- The innermost dimension is kept ---------------------------------===//

  int64_t widthAcross() const {
    const ReductionAxis &last = axes.kept.back();
    bool leavesRows = last.extent != sink.rowExtent() && !sink.canFlatten();
    return leavesRows ? 1 : rowPieceWidth(last.extent);
  }
  int64_t threadsAcross() const {
    uint64_t pieces = axes.kept.back().extent / widthAcross();
    return std::min<int64_t>(32, llvm::bit_ceil(pieces));
  }

  /// The sum of every `step`th element from `first` on.
  Value partialSum(Value base, Value first, Value isInside, int64_t step,
                   VectorType type) {
    Value zero = arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type));
    Value end = k.index(axes.count);
    if (isInside)
      end = arith::SelectOp::create(k.b, k.loc, isInside, end, k.index(0));
    auto loop = scf::ForOp::create(k.b, k.loc, first, end, k.index(step), zero);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value at = k.add(base, offset(loop.getInductionVar(), axes.summed,
                                  &ReductionAxis::inputStride));
    Value sum = emitAdd(k, loop.getRegionIterArg(0),
                        load(at, type.getNumElements()));
    scf::YieldOp::create(k.b, k.loc, sum);
    return loop.getResult(0);
  }

  void emitColumns() {
    ArrayRef<ReductionAxis> outer = ArrayRef(axes.kept).drop_back();
    int64_t extent = axes.kept.back().extent, width = widthAcross(),
            across = threadsAcross(), along = threadsOfSum(),
            blocks = llvm::divideCeil(extent, across * width), rows = 1;
    for (const ReductionAxis &axis : outer)
      rows *= axis.extent;
    auto type = k.vectorType(width, sumType());
    k.launch(across * along, rows * blocks);
    Value thread = k.thread(), block = k.block();
    Value row = k.div(block, blocks), part = k.div(thread, across);
    Value start = k.mul(k.add(k.mul(k.rem(block, blocks), across),
                              k.rem(thread, across)),
                        width);
    Value isInside;
    if (extent % (across * width))
      isInside = k.less(start, extent);
    Value base =
        k.add(start, offset(row, outer, &ReductionAxis::inputStride));
    Value sum = partialSum(base, part, isInside, along, type);

    Value shared = k.workgroupMemory(across * along * width, sumType());
    Value own = k.mul(thread, width);
    k.storeVector(sum, shared, own);
    k.barrier();
    for (int64_t half = along / 2; half > 0; half /= 2) {
      k.when(k.less(part, half), [&] {
        Value x = k.loadVector(shared, own, width);
        Value y = k.loadVector(shared, k.add(own, half * across * width), width);
        k.storeVector(emitAdd(k, x, y), shared, own);
      });
      k.barrier();
    }
    Value isFirst = k.equal(part, 0);
    if (isInside)
      isFirst = arith::AndIOp::create(k.b, k.loc, isFirst, isInside);
    k.when(isFirst, [&] {
      Value out =
          k.add(start, offset(row, outer, &ReductionAxis::outputStride));
      store(out, k.loadVector(shared, own, width));
    });
  }

  GPUKernelBuilder &k;
  ResultSink &sink;
  const ReductionSpec &spec;
  Value input;
  Type element;
  ReductionAxes axes;
};
} // namespace

LogicalResult gpu_kernels::emitReduction(GPUKernelBuilder &k,
                                         Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  ReductionSpec spec = describeReduction(k, anchor);
  ReductionEmitter emitter(k, *sink, spec);
  if (emitter.isSummedByThreads())
    emitReductionLoops(k, *sink, spec);
  else
    emitter.emit();
  return success();
}
