//===- Contractions.cpp - convolutions, products, pools -------------------===//
//
// Our inputs are ui8 without a zero point: as the i8 tensor of the values less
// 128 they have the zero point −128, and the sums are the same numbers.
//
//===----------------------------------------------------------------------===//
#include "Exporter.h"

#include "dyadic/Support/ConstantData.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dyadic::tosa_export {

static LogicalResult checkBytes(Exporter &e, Value value) {
  if (exportedType(value.getType()).getElementTypeBitWidth() == 8)
    return success();
  return e.emitError() << "expected an input of 8 bits, as TOSA sums it in 32 "
                          "bits, but got "
                       << value.getType();
}

/// The pad that surrounds the rows and columns of an image; null without one.
static dyadic::PadOp borderOf(Value image) {
  auto pad = image.getDefiningOp<dyadic::PadOp>();
  if (!pad || pad.getLow().size() != 4)
    return {};
  for (unsigned axis : {0, 3})
    if (pad.getLow()[axis] || pad.getHigh()[axis])
      return {};
  return pad;
}

static int64_t valueOf(dyadic::PadOp pad) {
  return static_cast<int32_t>(pad.getValue());
}

/// What a windowed op of TOSA reads: an image and [top, bottom, left, right].
struct Windows {
  Value image;
  Shape pad;
};

/// With the border, if there is one, as the op's own padding. TOSA wants
/// windows that end where the image does.
static Windows windowsOf(Exporter &e, Value image, dyadic::PadOp border,
                         ArrayRef<int64_t> output, ArrayRef<int64_t> kernel,
                         ArrayRef<int64_t> strides,
                         ArrayRef<int64_t> dilations) {
  Value inner = border ? border.getInput() : image;
  Shape size(cast<RankedTensorType>(inner.getType()).getShape()), pad;
  for (unsigned i = 0; i < 2; ++i) {
    int64_t low = border ? border.getLow()[1 + i] : 0,
            high = border ? border.getHigh()[1 + i] : 0;
    int64_t covered = (output[1 + i] - 1) * strides[i] +
                      (kernel[i] - 1) * dilations[i] + 1;
    int64_t unread = low + size[1 + i] + high - covered;
    size[1 + i] -= std::max<int64_t>(unread - high, 0);
    pad.append({low, std::max<int64_t>(high - unread, 0)});
  }
  return {e.slice(e.operand(inner), Shape(size.size(), 0), size), pad};
}

/// The channels [first, first + count) of a tensor's last dimension.
static Value channels(Exporter &e, Value value, int64_t first, int64_t count) {
  Shape size(cast<RankedTensorType>(value.getType()).getShape());
  Shape start(size.size(), 0);
  start.back() = first;
  size.back() = count;
  return e.slice(value, start, size);
}

/// The weights of output channels [first, first + count) as a constant.
static HostTensor channelsOf(const HostTensor &filter, int64_t first,
                             int64_t count) {
  Shape shape(filter.shape);
  int64_t each = filter.numElements() / std::max<int64_t>(shape[0], 1);
  shape[0] = count;
  HostTensor part(ElementKind::I8, shape);
  llvm::copy(filter.as<int8_t>().slice(first * each, count * each),
             part.as<int8_t>().begin());
  return part;
}

/// (C·M)×KH×KW×1 as KH×KW×C×M.
static HostTensor depthwiseFilter(const HostTensor &filter, int64_t groups) {
  ArrayRef<int64_t> shape = filter.shape;
  int64_t window = shape[1] * shape[2];
  HostTensor turned(ElementKind::I8,
                    {shape[1], shape[2], groups, shape[0] / groups});
  for (int64_t channel = 0; channel < shape[0]; ++channel)
    for (int64_t i = 0; i < window; ++i)
      turned.as<int8_t>()[i * shape[0] + channel] =
          filter.as<int8_t>()[channel * window + i];
  return turned;
}

/// bias + zeroPoint · Σ weights of each channel; null where that isn't constant
/// or too large.
static Value addZeroPoint(Exporter &e, Value bias, const HostTensor &filter,
                          int64_t zeroPoint) {
  auto tensor = readConstant(bias);
  if (failed(tensor))
    return {};
  ArrayRef<int8_t> weights = filter.as<int8_t>();
  int64_t channels = tensor->numElements();
  int64_t each = channels ? weights.size() / channels : 0;
  for (auto [channel, value] : llvm::enumerate(tensor->as<int32_t>())) {
    int64_t sum = value;
    for (int8_t weight : weights.slice(channel * each, each))
      sum += zeroPoint * weight;
    if (!llvm::isInt<32>(sum))
      return {};
    value = static_cast<int32_t>(sum);
  }
  return e.constant(makeConstant(std::move(*tensor), e.b.getContext()));
}

static FailureOr<Value> exportConv2D(Exporter &e, dyadic::Conv2DOp op) {
  auto filter = readWeights(op.getFilter(), op.getCodebook());
  if (failed(filter) || filter->kind != ElementKind::I8)
    return e.emitError() << "expected a constant filter of 8 bits, but got "
                         << op.getFilter().getType();
  if (failed(checkBytes(e, op.getInput())))
    return failure();
  RankedTensorType type = e.resultType();
  Shape kernel{filter->shape[1], filter->shape[2]};
  dyadic::PadOp border = borderOf(op.getInput());
  Value bias = e.operand(op.getBias());
  if (border) {
    // Padding is worth the zero point, whose share leaves the bias for it.
    if (Value unfolded = addZeroPoint(e, op.getBias(), *filter, valueOf(border)))
      bias = unfolded;
    else
      border = {};
  }
  auto [image, pad] = windowsOf(e, op.getInput(), border, type.getShape(),
                                kernel, op.getStrides(), op.getDilations());
  int64_t zp = (border ? valueOf(border) : 0) - offsetOf(op.getInput().getType());
  Value inputZp = e.single(e.b.getI8Type(), zp),
        weightZp = e.single(e.b.getI8Type(), 0);
  ArrayRef<int64_t> padding = pad;
  auto emit = [&](auto kind, RankedTensorType result, Value input,
                  HostTensor weights, Value biases) {
    Value constant =
        e.constant(makeConstant(std::move(weights), e.b.getContext()));
    return e.create<decltype(kind)>(result, input, constant, biases, inputZp,
                                    weightZp, padding, op.getStrides(),
                                    op.getDilations(), e.b.getI32Type());
  };
  int64_t groups = op.getGroups();
  if (groups == 1)
    return emit(tosa::Conv2DOp(), type, image, std::move(*filter), bias);
  int64_t in = filter->shape[3], out = filter->shape[0] / groups;
  if (in == 1)
    return emit(tosa::DepthwiseConv2DOp(), type, image,
                depthwiseFilter(*filter, groups), bias);
  SmallVector<Value> parts;
  Shape extents(type.getShape());
  extents.back() = out;
  for (int64_t group = 0; group < groups; ++group)
    parts.push_back(emit(tosa::Conv2DOp(), type.clone(extents),
                         channels(e, image, group * in, in),
                         channelsOf(*filter, group * out, out),
                         channels(e, bias, group * out, out)));
  return e.create<tosa::ConcatOp>(type, parts, uint32_t{3});
}

/// As a convolution of 1×1, which has a bias.
static FailureOr<Value> exportMatmul(Exporter &e, dyadic::MatmulOp op) {
  auto weights = readWeights(op.getRhs(), op.getCodebook());
  if (failed(weights) || weights->kind != ElementKind::I8)
    return e.emitError() << "expected a constant matrix of 8 bits, but got "
                         << op.getRhs().getType();
  if (failed(checkBytes(e, op.getLhs())))
    return failure();
  RankedTensorType type = e.resultType();
  int64_t depth = weights->shape[0], columns = weights->shape[1];
  HostTensor filter(ElementKind::I8, {columns, 1, 1, depth});
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t n = 0; n < columns; ++n)
      filter.as<int8_t>()[n * depth + k] =
          weights->as<int8_t>()[k * columns + n];
  int64_t rows = columns ? type.getNumElements() / columns : 0;
  Value image = e.reshape(e.operand(op.getLhs()), {1, rows, 1, depth});
  Value constant = e.constant(makeConstant(std::move(filter), e.b.getContext()));
  Value sums = e.create<tosa::Conv2DOp>(
      type.clone({1, rows, 1, columns}), image, constant,
      e.operand(op.getBias()),
      e.single(e.b.getI8Type(), -offsetOf(op.getLhs().getType())),
      e.single(e.b.getI8Type(), 0), Shape(4, 0), Shape(2, 1), Shape(2, 1),
      e.b.getI32Type());
  return e.reshape(sums, type.getShape());
}

/// An operand of a product as batches×rows×columns, `batches` being the result's.
static Value batched(Exporter &e, Value value, ArrayRef<int64_t> permutation,
                     bool swapLast, ArrayRef<int64_t> batches) {
  Value moved = e.operand(value);
  if (!permutation.empty())
    moved = e.transpose(moved, permutation);
  auto type = cast<RankedTensorType>(moved.getType());
  int64_t rank = batches.size() + 2;
  if (swapLast) {
    auto swap = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    std::swap(swap.rbegin()[0], swap.rbegin()[1]);
    moved = e.transpose(moved, swap);
  }
  moved = e.toRank(moved, rank);
  type = cast<RankedTensorType>(moved.getType());
  Shape multiples, extents;
  int64_t count = 1;
  for (auto [wanted, extent] : llvm::zip(batches, type.getShape())) {
    multiples.push_back(wanted == extent ? 1 : wanted);
    extents.push_back(wanted);
    count *= wanted;
  }
  ArrayRef<int64_t> matrix = type.getShape().take_back(2);
  if (llvm::any_of(multiples, [](int64_t n) { return n != 1; })) {
    multiples.append(2, 1);
    llvm::append_range(extents, matrix);
    moved = e.create<tosa::TileOp>(type.clone(extents), moved,
                                   e.shape(multiples));
  }
  return e.reshape(moved, {count, matrix[0], matrix[1]});
}

static FailureOr<Value> exportBatchMatmul(Exporter &e, BatchMatmulOp op) {
  RankedTensorType type = e.resultType();
  // The product in its own order of dimensions.
  Shape product(type.getShape());
  ArrayRef<int64_t> permutation = op.getOutputPermutation();
  for (auto [i, from] : llvm::enumerate(permutation))
    product[from] = type.getDimSize(i);
  ArrayRef<int64_t> batches = ArrayRef(product).drop_back(2);
  Value lhs = batched(e, op.getLhs(), op.getLhsPermutation(), false, batches);
  Value rhs = batched(e, op.getRhs(), op.getRhsPermutation(),
                      op.getTransposeRhs(), batches);
  auto zeroPoint = [&](Value value, uint32_t zp) {
    return e.single(e.b.getI8Type(),
                    static_cast<int32_t>(zp) - offsetOf(value.getType()));
  };
  int64_t count = cast<ShapedType>(lhs.getType()).getDimSize(0);
  Value sums = e.create<tosa::MatMulOp>(
      type.clone({count, product.rbegin()[1], product.back()}), lhs, rhs,
      zeroPoint(op.getLhs(), op.getLhsZp()),
      zeroPoint(op.getRhs(), op.getRhsZp()));
  Value shaped = e.reshape(sums, product);
  return permutation.empty() ? shaped : e.transpose(shaped, permutation);
}

/// A depthwise convolution by ones; tosa.avg_pool2d would divide.
static FailureOr<Value> exportSumPool(Exporter &e, SumPool2DOp op) {
  if (failed(checkBytes(e, op.getInput())))
    return failure();
  RankedTensorType type = e.resultType();
  ArrayRef<int64_t> kernel = op.getKernel();
  int64_t depth = type.getDimSize(3);
  Shape unit(2, 1);
  dyadic::PadOp border = borderOf(op.getInput());
  auto inputZp = static_cast<int32_t>(op.getInputZp());
  if (border && valueOf(border) != inputZp)
    border = {};
  auto [image, pad] = windowsOf(e, op.getInput(), border, type.getShape(),
                                kernel, op.getStrides(), unit);
  Type i8 = e.b.getI8Type(), i32 = e.b.getI32Type();
  Value ones =
      e.splat(RankedTensorType::get({kernel[0], kernel[1], depth, 1}, i8), int64_t{1});
  Value bias = e.splat(RankedTensorType::get({depth}, i32), int64_t{0});
  int64_t zp = inputZp - offsetOf(op.getInput().getType());
  return e.create<tosa::DepthwiseConv2DOp>(
      type, image, ones, bias, e.single(i8, zp), e.single(i8, 0), pad,
      op.getStrides(), unit, i32);
}

static FailureOr<Value> exportMaxPool(Exporter &e, dyadic::MaxPool2DOp op) {
  RankedTensorType type = e.resultType();
  dyadic::PadOp border = borderOf(op.getInput());
  if (border && valueOf(border) != storageRange(op.getInput().getType()).min)
    border = {};
  auto [image, pad] =
      windowsOf(e, op.getInput(), border, type.getShape(), op.getKernel(),
                op.getStrides(), Shape(2, 1));
  return e.create<tosa::MaxPool2dOp>(type, image, op.getKernel(),
                                     op.getStrides(), pad);
}

void addContractions(ExportTable &table) {
  addExport<dyadic::Conv2DOp, exportConv2D>(table);
  addExport<dyadic::MatmulOp, exportMatmul>(table);
  addExport<BatchMatmulOp, exportBatchMatmul>(table);
  addExport<SumPool2DOp, exportSumPool>(table);
  addExport<dyadic::MaxPool2DOp, exportMaxPool>(table);
}

} // namespace dyadic::tosa_export
