//===- QuantizedConstants.cpp - movements of weights that come quantized --===//
//
//   transpose(dequantize(w))        becomes        dequantize(w')
//
// so that the weights, and the dimension of their scales, are where their
// contraction reads them.
//
//===----------------------------------------------------------------------===//
#include "Constants.h"
#include "Layout.h"

#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {
namespace {

/// `type` with its scales along another dimension.
quant::QuantizedType withDimension(quant::QuantizedType type, int64_t dim) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type);
  if (!perAxis)
    return type;
  return quant::UniformQuantizedPerAxisType::get(
      perAxis.getFlags(), perAxis.getStorageType(), perAxis.getExpressedType(),
      perAxis.getScales(), perAxis.getZeroPoints(), static_cast<int32_t>(dim),
      perAxis.getStorageTypeMin(), perAxis.getStorageTypeMax());
}

/// The dimension of the scales; -1 where there is one for all.
int64_t scaledDimension(quant::QuantizedType type) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type);
  return perAxis ? perAxis.getQuantizedDimension() : -1;
}

/// Dimension `dim` of `from` in `to`, which has the same elements; none where it
/// is merged or split.
std::optional<int64_t> followReshape(ArrayRef<int64_t> from,
                                     ArrayRef<int64_t> to, int64_t dim) {
  auto product = [](ArrayRef<int64_t> extents) {
    int64_t result = 1;
    for (int64_t extent : extents)
      result *= extent;
    return result;
  };
  if (dim < 0)
    return dim;
  for (int64_t i = 0, e = to.size(); i < e; ++i)
    if (to[i] == from[dim] &&
        product(to.take_front(i)) == product(from.take_front(dim)))
      return i;
  return std::nullopt;
}

/// Elements in row-major order, where dimension i is dimension permutation[i]
/// of `in`.
HostTensor permuted(const HostTensor &in, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape = permute(in.shape, permutation);
  HostTensor out(in.kind, shape);
  SmallVector<int64_t> strides(in.shape.size(), 1), position(shape.size(), 0);
  for (int64_t i = static_cast<int64_t>(strides.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * in.shape[i + 1];
  SmallVector<int64_t> steps = permute(strides, permutation);
  int64_t width = byteWidth(in.kind), from = 0;
  for (int64_t to = 0, e = out.numElements(); to < e; ++to) {
    std::copy_n(in.bytes.data() + from * width, width,
                out.bytes.data() + to * width);
    for (int64_t d = static_cast<int64_t>(shape.size()) - 1; d >= 0; --d) {
      from += steps[d];
      if (++position[d] < shape[d])
        break;
      from -= steps[d] * shape[d];
      position[d] = 0;
    }
  }
  return out;
}

template <typename OpTy>
struct MoveQuantizedConstant : OpRewritePattern<OpTy> {
  MoveQuantizedConstant(MLIRContext *context)
      : OpRewritePattern<OpTy>(context, /*benefit=*/10) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().template getDefiningOp<DequantizeOp>();
    if (!dequantize || !isConstant(dequantize.getInput()))
      return failure();
    auto type = cast<RankedTensorType>(dequantize.getInput().getType());
    auto element = cast<quant::QuantizedType>(type.getElementType());
    std::optional<int64_t> dim = moved(op, scaledDimension(element));
    auto tensor = readConstant(dequantize.getInput());
    if (!dim || failed(tensor))
      return failure();
    HostTensor result = move(op, std::move(*tensor));
    auto stored = cast<ShapedType>(dequantize.getInput()
                                       .template getDefiningOp<ConstantOp>()
                                       .getValue()
                                       .getType())
                      .getElementType();
    auto newType =
        RankedTensorType::get(result.shape, withDimension(element, *dim));
    auto storedType = RankedTensorType::get(result.shape, stored);
    Value constant = ConstantOp::create(
        rewriter, dequantize.getInput().getLoc(), newType,
        makeConstant(std::move(result), storedType));
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), constant);
    return success();
  }

private:
  static std::optional<int64_t> moved(TransposeOp op, int64_t dim) {
    return dim < 0 ? dim : inverse(op.getPermutation())[dim];
  }
  static std::optional<int64_t> moved(ReshapeOp op, int64_t dim) {
    return followReshape(shapeOf(op.getInput()), shapeOf(op), dim);
  }
  static HostTensor move(TransposeOp op, HostTensor tensor) {
    return permuted(tensor, op.getPermutation());
  }
  static HostTensor move(ReshapeOp op, HostTensor tensor) {
    tensor.shape = llvm::to_vector(shapeOf(op));
    return tensor;
  }
};
} // namespace

void populateQuantizedConstantPatterns(RewritePatternSet &patterns) {
  patterns.add<MoveQuantizedConstant<TransposeOp>,
               MoveQuantizedConstant<ReshapeOp>>(patterns.getContext());
}

} // namespace dyadic
