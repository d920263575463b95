//===- DyadicModels.cpp - the integer ops to the bit ----------------------===//
//
// docs/Spec.md in executable form: the constraint numbers are its own.
//
//===----------------------------------------------------------------------===//
#include "Contractions.h"
#include "Models.h"
#include "Movement.h"
#include "Windows.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Support/FixedPoint.h"

#include <limits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

using Integers = std::vector<int32_t>;

/// I32Attr accessors are unsigned.
static int32_t signedValue(uint32_t x) { return static_cast<int32_t>(x); }

//===----------------------------------------------------------------------===//
// Borders, Spec §3
//===----------------------------------------------------------------------===//

static void evaluate(QuantizeOp op, Operands in, HostTensor &out) {
  StorageRange range = storageRange(op.getOutput().getType());
  float inverse = op.getInverseScale().convertToFloat();
  int32_t zeroPoint = signedValue(op.getZeroPoint());
  Integers q;
  for (float x : in[0]->as<float>())
    q.push_back(quantize(x, inverse, zeroPoint, range.min, range.max));
  store(out, q);
}

static void evaluate(DequantizeOp op, Operands in, HostTensor &out) {
  float scale = op.getScale().convertToFloat();
  int32_t zeroPoint = signedValue(op.getZeroPoint());
  for (auto [x, q] : llvm::zip_equal(out.as<float>(), integers(*in[0])))
    x = dequantize(q, scale, zeroPoint);
}

//===----------------------------------------------------------------------===//
// Accumulators, Spec §4
//===----------------------------------------------------------------------===//

/// Weights that are numbers of a codebook's entries.
static HostTensor entriesOf(std::optional<ArrayRef<int8_t>> codebook,
                            const HostTensor &weights) {
  HostTensor entries = weights;
  if (codebook)
    for (int8_t &weight : entries.as<int8_t>())
      weight = (*codebook)[weight & 15];
  return entries;
}

static void evaluate(dyadic::Conv2DOp op, Operands in, HostTensor &out) {
  ConvAttributes attributes{op.getStrides(), op.getDilations()};
  attributes.groups = op.getGroups();
  conv2d(*in[0], entriesOf(op.getCodebook(), *in[1]), in[2], attributes, out);
}

static void evaluate(dyadic::MatmulOp op, Operands in, HostTensor &out) {
  matmul(*in[0], entriesOf(op.getCodebook(), *in[1]), in[2], out);
}

/// The storage values of `in` minus their zero point, permuted.
static std::pair<Integers, Shape> centered(const HostTensor &in,
                                           int64_t zeroPoint,
                                           ArrayRef<int64_t> permutation) {
  HostTensor moved = in;
  if (!permutation.empty()) {
    for (auto [extent, from] : llvm::zip_equal(moved.shape, permutation))
      extent = in.shape[from];
    transpose(in, permutation, moved);
  }
  Integers values = integers(moved);
  for (int32_t &x : values)
    x -= zeroPoint;
  return {std::move(values), Shape(moved.shape)};
}

static void evaluate(BatchMatmulOp op, Operands in, HostTensor &out) {
  auto [lhs, lhsShape] = centered(*in[0], signedValue(op.getLhsZp()),
                                  op.getLhsPermutation());
  auto [rhs, rhsShape] = centered(*in[1], signedValue(op.getRhsZp()),
                                  op.getRhsPermutation());
  // The product in its own order of dimensions.
  ArrayRef<int64_t> permutation = op.getOutputPermutation();
  HostTensor product = out;
  for (auto [i, from] : llvm::enumerate(permutation))
    product.shape[from] = out.shape[i];
  ArrayRef<int64_t> shape(product.shape), batches = shape.drop_back(2);
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  int64_t depth = lhsShape.back();
  bool transposed = op.getTransposeRhs();
  auto acc = product.as<int32_t>();
  int64_t batch = 0;
  walk(batches, broadcastStrides(ArrayRef(lhsShape).drop_back(2), batches),
       broadcastStrides(ArrayRef(rhsShape).drop_back(2), batches),
       [&, &lhs = lhs, &rhs = rhs](int64_t lhsBatch, int64_t rhsBatch) {
         const int32_t *l = lhs.data() + lhsBatch * rows * depth;
         const int32_t *r = rhs.data() + rhsBatch * depth * columns;
         for (int64_t m = 0; m < rows; ++m)
           for (int64_t n = 0; n < columns; ++n) {
             int64_t sum = 0;
             for (int64_t k = 0; k < depth; ++k)
               sum += int64_t{l[m * depth + k]} *
                      r[transposed ? n * depth + k : k * columns + n];
             acc[(batch * rows + m) * columns + n] = wrap(sum);
           }
         ++batch;
       });
  if (permutation.empty())
    out = std::move(product);
  else
    transpose(product, permutation, out);
}

static void evaluate(dyadic::AddOp op, Operands in, HostTensor &out) {
  Integers lhs = broadcastIntegers(*in[0], out.shape),
           rhs = broadcastIntegers(*in[1], out.shape);
  int64_t lhsZp = signedValue(op.getLhsZp()), rhsZp = signedValue(op.getRhsZp());
  int64_t lhsWeight = signedValue(op.getLhsMultiplier()),
          rhsWeight = signedValue(op.getRhsMultiplier());
  for (auto [acc, l, r] : llvm::zip_equal(out.as<int32_t>(), lhs, rhs))
    acc = wrap((l - lhsZp) * lhsWeight + (r - rhsZp) * rhsWeight);
}

static void evaluate(dyadic::MulOp op, Operands in, HostTensor &out) {
  Integers lhs = broadcastIntegers(*in[0], out.shape),
           rhs = broadcastIntegers(*in[1], out.shape);
  int64_t lhsZp = signedValue(op.getLhsZp()), rhsZp = signedValue(op.getRhsZp());
  for (auto [acc, l, r] : llvm::zip_equal(out.as<int32_t>(), lhs, rhs))
    acc = wrap((l - lhsZp) * (r - rhsZp));
}

static void evaluate(SumPool2DOp op, Operands in, HostTensor &out) {
  int64_t zeroPoint = signedValue(op.getInputZp());
  foldWindows(
      ArrayRef<int32_t>(integers(*in[0])), in[0]->shape,
      {op.getKernel(), op.getStrides()}, int64_t{0},
      [&](int64_t sum, int32_t x) { return sum + x - zeroPoint; },
      [](int64_t sum, int64_t) { return wrap(sum); }, out.as<int32_t>(),
      out.shape);
}

static void evaluate(ReduceSumOp op, Operands in, HostTensor &out) {
  Integers input = integers(*in[0]);
  std::vector<int64_t> sums(out.numElements());
  sumOver(ArrayRef<int32_t>(input), in[0]->shape, op.getAxes(), sums);
  int64_t count = sums.empty() ? 0 : input.size() / sums.size();
  int64_t zeroPoints = count * signedValue(op.getInputZp());
  for (auto [acc, sum] : llvm::zip_equal(out.as<int32_t>(), sums))
    acc = wrap(sum - zeroPoints);
}

//===----------------------------------------------------------------------===//
// Storage to storage, Spec §5
//===----------------------------------------------------------------------===//

static void evaluate(RequantizeOp op, Operands in, HostTensor &out) {
  ArrayRef<int32_t> multipliers = op.getMultiplier(), shifts = op.getShift();
  int64_t inputZp = signedValue(op.getInputZp()),
          outputZp = signedValue(op.getOutputZp()),
          lo = signedValue(op.getClampMin()), hi = signedValue(op.getClampMax());
  auto mode = static_cast<RoundingMode>(op.getRounding());
  Integers result = integers(*in[0]);
  for (int64_t i = 0, e = result.size(); i < e; ++i) {
    int64_t channel = i % multipliers.size();
    // (C12) makes the clamp the identity.
    int64_t x = clamp(result[i] - inputZp, -(int64_t{1} << 31), int64_t{1} << 31);
    int64_t rounded = requantize(x, multipliers[channel], shifts[channel], mode);
    result[i] = clamp(outputZp + rounded, lo, hi);
  }
  store(out, result);
}

static void evaluate(LookupOp op, const HostTensor &table, Operands in,
                     HostTensor &out) {
  Integers entries = integers(table), result = integers(*in[0]);
  int64_t first = storageRange(op.getInput().getType()).min;
  for (int32_t &x : result)
    x = entries[x - first];
  store(out, result);
}

static void evaluate(dyadic::ClampOp op, Operands in, HostTensor &out) {
  Integers result = integers(*in[0]);
  for (int32_t &x : result)
    x = clamp(x, signedValue(op.getMin()), signedValue(op.getMax()));
  store(out, result);
}

static void evaluate(dyadic::MaxPool2DOp op, Operands in, HostTensor &out) {
  Integers result(out.numElements());
  foldWindows(
      ArrayRef<int32_t>(integers(*in[0])), in[0]->shape,
      {op.getKernel(), op.getStrides()}, std::numeric_limits<int32_t>::min(),
      [](int32_t a, int32_t b) { return std::max(a, b); },
      [](int32_t max, int64_t) { return max; }, MutableArrayRef(result),
      out.shape);
  store(out, result);
}

//===----------------------------------------------------------------------===//
// Data movement, Spec §6
//===----------------------------------------------------------------------===//

static void evaluate(dyadic::ReshapeOp op, Operands in, HostTensor &out) {
  out.bytes = in[0]->bytes;
}
static void evaluate(dyadic::TransposeOp op, Operands in, HostTensor &out) {
  transpose(*in[0], op.getPermutation(), out);
}
static void evaluate(dyadic::ConcatOp op, Operands in, HostTensor &out) {
  concat(in, op.getAxis(), out);
}
static void evaluate(dyadic::SliceOp op, Operands in, HostTensor &out) {
  slice(*in[0], op.getOffsets(), op.getStrides(), out);
}
static void evaluate(dyadic::GatherOp op, Operands in, HostTensor &out) {
  gather(*in[0], *in[1], op.getAxis(), out);
}
static void evaluate(dyadic::PadOp op, Operands in, HostTensor &out) {
  pad(*in[0], op.getLow(), signedValue(op.getValue()), out);
}
static void evaluate(dyadic::ResizeOp op, Operands in, HostTensor &out) {
  resize(*in[0], op.getRows(), op.getCols(), out);
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

namespace {
template <typename Op>
struct DyadicModel : ReferenceOpInterface::ExternalModel<DyadicModel<Op>, Op> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    HostTensor output = makeResult(op->getResult(0).getType());
    evaluate(cast<Op>(op), operands, output);
    results.push_back(std::move(output));
    return success();
  }
};

struct ConstantModel
    : ReferenceOpInterface::ExternalModel<ConstantModel, dyadic::ConstantOp> {
  LogicalResult interpret(Operation *op, Operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto value = evaluateConstant(op, cast<dyadic::ConstantOp>(op).getValue());
    if (failed(value))
      return failure();
    results.push_back(std::move(*value));
    return success();
  }
};

struct LookupModel : ReferenceOpInterface::ExternalModel<LookupModel, LookupOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto lookup = cast<LookupOp>(op);
    auto table = evaluateConstant(op, lookup.getTable());
    if (failed(table))
      return failure();
    HostTensor output = makeResult(lookup.getOutput().getType());
    evaluate(lookup, *table, operands, output);
    results.push_back(std::move(output));
    return success();
  }
};

/// A kernel means what its body means.
struct KernelModel
    : ReferenceOpInterface::ExternalModel<KernelModel, KernelOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto values =
        interpretBlock(cast<KernelOp>(op).getBody().front(), operands);
    if (failed(values))
      return failure();
    llvm::append_range(results, std::move(*values));
    return success();
  }
};
} // namespace

template <typename... Ops> static void attach(MLIRContext *context) {
  (Ops::template attachInterface<DyadicModel<Ops>>(*context), ...);
}

void reference::registerDyadicModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DyadicDialect *) {
    dyadic::ConstantOp::attachInterface<ConstantModel>(*context);
    LookupOp::attachInterface<LookupModel>(*context);
    KernelOp::attachInterface<KernelModel>(*context);
    attach<QuantizeOp, DequantizeOp>(context);
    attach<dyadic::Conv2DOp, dyadic::MatmulOp, dyadic::AddOp, dyadic::MulOp,
           BatchMatmulOp, SumPool2DOp, ReduceSumOp>(context);
    attach<RequantizeOp, dyadic::ClampOp, dyadic::MaxPool2DOp>(context);
    attach<dyadic::ReshapeOp, dyadic::TransposeOp, dyadic::ConcatOp,
           dyadic::SliceOp, dyadic::PadOp, dyadic::ResizeOp, dyadic::GatherOp>(context);
  });
}
