//===- Convolution.cpp - convolutions and matrix products -----------------===//
#include "Contraction.h"
#include "Emitters.h"
#include "InterleavedRows.h"
#include "Trim.h"
#include "Winograd.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/Dyadic/Layouts.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

FailureOr<OperandKind> codegen::operandKind(Operation *op, Value value) {
  Type type = cast<RankedTensorType>(value.getType()).getElementType();
  if (type.isF32())
    return OperandKind::F32;
  if (type.isUnsignedInteger(8))
    return OperandKind::U8;
  if (type.isInteger(8))
    return OperandKind::I8;
  return op->emitError("expected f32, ui8 or i8 activations, but got ")
         << type << ": code generation has no kernel for them yet";
}

static FailureOr<HostTensor> constantOperand(Operation *op, Value value,
                                             StringRef what,
                                             NibbleTable *nibbles = nullptr) {
  auto constant =
      nibbles ? readWeights(op, value, *nibbles) : readConstant(value);
  if (failed(constant))
    return op->emitError("expected ") << what << " known at compile time";
  return constant;
}

/// The content of `attribute`, which the weights may be.
template <typename Attr, typename Content>
static LogicalResult readCoded(Operation *op, std::optional<Attr> attribute,
                               std::optional<Content> &content) {
  if (!attribute)
    return success();
  auto read = attribute->read();
  if (failed(read))
    return op->emitError("expected weights known at compile time");
  content = std::move(*read);
  return success();
}

/// Zeros where the op has no bias.
template <typename Op>
static LogicalResult readBias(HostTensor &bias, Op op, int64_t channels) {
  bias = HostTensor(ElementKind::F32, {channels});
  if (!op.getBias())
    return success();
  auto constant = constantOperand(op, op.getBias(), "a bias");
  if (failed(constant))
    return failure();
  bias = std::move(*constant);
  return success();
}

template <typename Op>
static LogicalResult readConv(ConvOperands &operands, Op op) {
  operands.input = op.getInput();
  operands.inputShape = llvm::to_vector(shapeOf(op.getInput()));
  operands.inputStrides = stridesOf(operands.inputShape);
  operands.filterShape = llvm::to_vector(shapeOf(op.getFilter()));
  operands.outputShape = llvm::to_vector(shapeOf(op.getOutput()));
  operands.strides = llvm::to_vector(op.getStrides());
  operands.dilations = llvm::to_vector(op.getDilations());
  operands.groups = op.getGroups();
  auto kind = operandKind(op, op.getInput());
  auto filter = constantOperand(op, op.getFilter(), "a filter",
                                &operands.nibbles);
  if (failed(kind) || failed(filter) ||
      failed(readCoded(op, codedWeights(op.getFilter()), operands.coded)) ||
      failed(readCoded(op, codedIntegers(op.getFilter()), operands.integers)))
    return failure();
  operands.kind = *kind;
  operands.filter = std::move(*filter);
  return readBias(operands.bias, op, operands.filterShape[0]);
}

FailureOr<ConvOperands> ConvOperands::read(Operation *op) {
  ConvOperands operands;
  LogicalResult result = success();
  if (auto integer = dyn_cast<dyadic::Conv2DOp>(op)) {
    result = readConv(operands, integer);
  } else {
    auto conv = cast<qnn::Conv2DOp>(op);
    if (llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; }))
      return op->emitError("expected no padding: run "
                           "--dyadic-materialize-padding first");
    result = readConv(operands, conv);
  }
  return failed(result) ? FailureOr<ConvOperands>(failure()) : operands;
}

Contraction codegen::contractionOf(const ConvOperands &conv,
                                   Value activations) {
  ArrayRef<int64_t> shape = conv.inputShape, strides = conv.inputStrides;
  int64_t images = shape[0], height = shape[1], width = shape[2];
  int64_t outputs = conv.filterShape[0], kh = conv.filterShape[1],
          kw = conv.filterShape[2], depth = conv.filterShape[3];
  Contraction c;
  c.kind = conv.kind;
  c.activations = activations;
  c.groups = conv.groups;
  c.channels = outputs / conv.groups;
  c.groupStride = depth;
  c.bias = &conv.bias;
  c.nibbles = conv.nibbles;
  c.coded = conv.coded ? &*conv.coded : nullptr;
  c.integers = conv.integers ? &*conv.integers : nullptr;
  bool onePixel = kh == 1 && kw == 1;
  auto row = reshapeStrides(shape.take_front(3), strides.take_front(3),
                            {images * height * width});
  if (onePixel && conv.strides[0] == 1 && conv.strides[1] == 1 && row &&
      conv.joinsRows) {
    // Rows follow one another: one long row.
    c.pixels = images * height * width;
    c.pixelStride = row->front();
  } else {
    c.images = images;
    c.rowsPerImage = conv.outputShape[1];
    c.pixels = conv.outputShape[2];
    c.imageStride = strides[0];
    c.rowStride = conv.strides[0] * strides[1];
    c.pixelStride = conv.strides[1] * strides[2];
  }
  // A kernel row is contiguous unless groups or dilation leave gaps in it.
  bool wholeRows =
      kw == 1 || (conv.groups == 1 && conv.dilations[1] == 1 && strides[2] == depth);
  if (kh > 1)
    c.segmentLoops.push_back({kh, conv.dilations[0] * strides[1]});
  if (!wholeRows && kw > 1)
    c.segmentLoops.push_back({kw, conv.dilations[1] * strides[2]});
  c.length = wholeRows ? kw * depth : depth;
  int64_t length = c.length, perChannel = kh * kw * depth;
  const HostTensor &filter = conv.filter;
  c.weight = [&filter, length, perChannel](int64_t channel, int64_t segment,
                                           int64_t i) {
    return filter.get(channel * perChannel + segment * length + i);
  };
  return c;
}

/// Groups with fewer channels than a register has lanes are computed together.
static void joinGroups(Contraction &c, const KernelTarget &target) {
  int64_t together = target.lanes() / c.channels;
  if (c.groups == 1 || c.nibbles || c.coded || c.integers || together < 2 ||
      target.lanes() % c.channels != 0 || c.groups % together != 0 ||
      !target.joinsGroups(c.kind, together, c.length))
    return;
  c.joinedGroups = together;
  c.groups /= together;
  c.channels *= together;
  c.groupStride *= together;
}

/// Whether rows of pixels follow one another in the results and in what ops
/// behind the convolution read.
static bool rowsFollow(KernelBuilder &k, ArrayRef<int64_t> shape) {
  auto follow = [&](ArrayRef<int64_t> strides) {
    int64_t pixels = ShapedType::getNumElements(shape.drop_back());
    return reshapeStrides(shape.drop_back(), strides.drop_back(), {pixels})
        .has_value();
  };
  KernelOp kernel = k.kernel;
  for (unsigned i = 0; i < kernel.getNumResults(); ++i)
    if (!follow(k.outputStrides(i)))
      return false;
  Operation *anchor = kernel.getAnchor();
  return llvm::all_of(kernel.getBody().front().getArguments(), [&](Value input) {
    return shapeOf(input) != shape || llvm::is_contained(input.getUsers(), anchor) ||
           follow(k.strides(input));
  });
}

LogicalResult codegen::emitConv2D(KernelBuilder &k, Operation *anchor) {
  auto conv = ConvOperands::read(anchor);
  if (failed(conv))
    return failure();
  if (conv->isDepthwise())
    return emitDepthwise(k, anchor);
  conv->inputStrides = k.strides(conv->input);
  Value output = anchor->getResult(0);
  // Where a row's end varies, only a single one may be a part of a longer.
  conv->joinsRows = rowsFollow(k, conv->outputShape) &&
                    (!k.isDynamic(output, 2) || conv->outputShape[0] *
                                                    conv->outputShape[1] == 1);
  Contraction c = contractionOf(*conv, k.buffer(conv->input));
  c.pixelLimit = limitOf(k, output, 2);
  joinGroups(c, k.target);
  interleaveRows(k, *conv, c);
  transformWindows(*conv, c);
  if (c.windowTiles) {
    KernelStrategy strategy;
    RegisterTile tile = k.target.tileFor(c.shape(c.kind, Nibbles::None), &strategy);
    if (tile.windowTiles) {
      strategy.record(k.getFunction());
      return emitWinograd(k, *conv, c, tile);
    }
  }
  return emitContraction(k, c);
}

template <typename Op>
static LogicalResult readMatmul(MatmulOperands &operands, Op op) {
  auto kind = operandKind(op, op.getLhs());
  auto weights = constantOperand(op, op.getRhs(), "a right operand",
                                 &operands.nibbles);
  if (failed(kind) || failed(weights) ||
      failed(readCoded(op, codedWeights(op.getRhs()), operands.coded)) ||
      failed(readCoded(op, codedIntegers(op.getRhs()), operands.integers)))
    return failure();
  ArrayRef<int64_t> rhs = shapeOf(op.getRhs());
  operands.kind = *kind;
  operands.lhs = op.getLhs();
  operands.depth = rhs[0];
  operands.channels = rhs[1];
  operands.rows =
      ShapedType::getNumElements(shapeOf(op.getLhs())) / operands.depth;
  operands.weights = std::move(*weights);
  return readBias(operands.bias, op, operands.channels);
}

FailureOr<MatmulOperands> MatmulOperands::read(Operation *op) {
  MatmulOperands operands;
  auto integer = dyn_cast<dyadic::MatmulOp>(op);
  if (failed(integer ? readMatmul(operands, integer)
                     : readMatmul(operands, cast<qnn::MatmulOp>(op))))
    return failure();
  return operands;
}

Contraction codegen::contractionOf(const MatmulOperands &matmul,
                                   Value activations) {
  Contraction c;
  c.kind = matmul.kind;
  c.activations = activations;
  c.pixels = matmul.rows;
  c.pixelStride = matmul.depth;
  c.channels = matmul.channels;
  c.length = matmul.depth;
  c.bias = &matmul.bias;
  c.nibbles = matmul.nibbles;
  c.coded = matmul.coded ? &*matmul.coded : nullptr;
  c.integers = matmul.integers ? &*matmul.integers : nullptr;
  c.weight = [&matmul](int64_t channel, int64_t, int64_t i) {
    return matmul.weights.get(i * matmul.channels + channel);
  };
  return c;
}

bool codegen::hasConstantMatrix(Operation *matmul) {
  auto op = dyn_cast<qnn::MatmulOp>(matmul);
  return !op || (shapeOf(op.getRhs()).size() == 2 &&
                 succeeded(readConstant(op.getRhs())));
}

LogicalResult codegen::emitMatmul(KernelBuilder &k, Operation *anchor) {
  if (!hasConstantMatrix(anchor))
    return emitBatchMatmul(k, cast<qnn::MatmulOp>(anchor));
  auto matmul = MatmulOperands::read(anchor);
  if (failed(matmul))
    return failure();
  Contraction c = contractionOf(*matmul, k.buffer(matmul->lhs));
  c.pixelLimit = limitOfRows(k, matmul->lhs);
  return emitContraction(k, c);
}
