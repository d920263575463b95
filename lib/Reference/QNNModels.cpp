//===- QNNModels.cpp - the network ops in float ---------------------------===//
//
// Quantized tensors are dequantized, computed on in float and quantized again:
// what a quantized op means before it is lowered. The integer ops that it is
// lowered to agree with that to within their own rounding, not to the bit.
//
//===----------------------------------------------------------------------===//
#include "Contractions.h"
#include "Models.h"
#include "Movement.h"
#include "Quantized.h"
#include "Windows.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

static const HostTensor *operandOrNull(Operands in, size_t i) {
  return i < in.size() ? in[i] : nullptr;
}

static void evaluate(qnn::Conv2DOp op, Operands in, HostTensor &out) {
  conv2d(*in[0], *in[1], operandOrNull(in, 2),
         {op.getStrides(), op.getDilations(), op.getPads()[0], op.getPads()[1],
          static_cast<int64_t>(op.getGroups())},
         out);
}

static void evaluate(qnn::MatmulOp op, Operands in, HostTensor &out) {
  matmul(*in[0], *in[1], operandOrNull(in, 2), out);
}

//===----------------------------------------------------------------------===//
// Elementwise functions
//===----------------------------------------------------------------------===//

static void evaluate(qnn::ElementwiseOpInterface op, Operands in,
                     HostTensor &out) {
  SmallVector<std::vector<float>> broadcast(in.size());
  SmallVector<ArrayRef<float>> operands;
  for (auto [tensor, copy] : llvm::zip_equal(in, broadcast)) {
    if (tensor->shape != out.shape)
      copy = broadcastFloats(*tensor, out.shape);
    operands.push_back(tensor->shape == out.shape ? tensor->as<float>() : ArrayRef(copy));
  }
  op.evaluate(operands, out.as<float>());
}

//===----------------------------------------------------------------------===//
// Pooling, reductions, normalizations
//===----------------------------------------------------------------------===//

static void evaluate(qnn::MaxPool2DOp op, Operands in, HostTensor &out) {
  WindowAttributes window{op.getKernel(), op.getStrides(), op.getPads()[0],
                          op.getPads()[1]};
  foldWindows(
      in[0]->as<float>(), in[0]->shape, window,
      -std::numeric_limits<float>::infinity(),
      [](float a, float b) { return std::max(a, b); },
      [](float max, int64_t) { return max; }, out.as<float>(), out.shape);
}

static void evaluate(qnn::AvgPool2DOp op, Operands in, HostTensor &out) {
  WindowAttributes window{op.getKernel(), op.getStrides(), op.getPads()[0],
                          op.getPads()[1]};
  int64_t positions = op.getCountIncludePad()
                          ? window.kernel[0] * window.kernel[1]
                          : 0;
  foldWindows(
      in[0]->as<float>(), in[0]->shape, window, 0.0,
      [](double sum, float x) { return sum + x; },
      [&](double sum, int64_t inside) {
        int64_t count = positions ? positions : std::max<int64_t>(inside, 1);
        return static_cast<float>(sum / count);
      },
      out.as<float>(), out.shape);
}

static void evaluate(qnn::ReduceMeanOp op, Operands in, HostTensor &out) {
  std::vector<double> sums(out.numElements());
  sumOver(in[0]->as<float>(), in[0]->shape, op.getAxes(), sums);
  double count = static_cast<double>(in[0]->numElements()) / sums.size();
  for (auto [mean, sum] : llvm::zip_equal(out.as<float>(), sums))
    mean = static_cast<float>(sum / count);
}

static void evaluate(qnn::SoftmaxOp op, Operands in, HostTensor &out) {
  ArrayRef<float> input = in[0]->as<float>();
  MutableArrayRef<float> output = out.as<float>();
  Shape strides = rowMajorStrides(out.shape), starts(out.shape);
  int64_t extent = out.shape[op.getAxis()], stride = strides[op.getAxis()];
  starts[op.getAxis()] = 1;
  walk(starts, strides, strides, [&](int64_t start, int64_t) {
    float max = -std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < extent; ++i)
      max = std::max(max, input[start + i * stride]);
    double sum = 0;
    for (int64_t i = 0; i < extent; ++i)
      sum += output[start + i * stride] =
          std::exp(input[start + i * stride] - max);
    for (int64_t i = 0; i < extent; ++i)
      output[start + i * stride] =
          static_cast<float>(output[start + i * stride] / sum);
  });
}

static void evaluate(qnn::LayerNormOp op, Operands in, HostTensor &out) {
  ArrayRef<float> scale = in[1]->as<float>(), bias = in[2]->as<float>();
  double epsilon = op.getEpsilon().convertToDouble();
  int64_t extent = out.shape.back();
  for (int64_t start = 0, e = out.numElements(); start < e; start += extent) {
    ArrayRef<float> x = in[0]->as<float>().slice(start, extent);
    double sum = 0, squares = 0;
    for (float value : x)
      sum += value;
    double mean = op.getCentered() ? sum / extent : 0;
    for (float value : x)
      squares += (value - mean) * (value - mean);
    double factor = 1 / std::sqrt(squares / extent + epsilon);
    for (int64_t i = 0; i < extent; ++i)
      out.as<float>()[start + i] =
          static_cast<float>((x[i] - mean) * factor * scale[i] + bias[i]);
  }
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

static void evaluate(qnn::ReshapeOp op, Operands in, HostTensor &out) {
  out.bytes = in[0]->bytes;
}
static void evaluate(qnn::TransposeOp op, Operands in, HostTensor &out) {
  transpose(*in[0], op.getPermutation(), out);
}
static void evaluate(qnn::ConcatOp op, Operands in, HostTensor &out) {
  concat(in, op.getAxis(), out);
}
static void evaluate(qnn::GatherOp op, Operands in, HostTensor &out) {
  gather(*in[0], *in[1], op.getAxis(), out);
}
static void evaluate(qnn::SliceOp op, Operands in, HostTensor &out) {
  slice(*in[0], op.getOffsets(), op.getStrides(), out);
}
static void evaluate(qnn::PadOp op, Operands in, HostTensor &out) {
  pad(*in[0], op.getLow(), op.getValue().convertToDouble(), out);
}
static void evaluate(qnn::ResizeOp op, Operands in, HostTensor &out) {
  resize(*in[0], op.getRows(), op.getCols(), out);
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static bool isQuantized(Type type) {
  return isa<quant::QuantizedType>(getElementTypeOrSelf(type));
}

/// Runs `compute`, which works on f32, on the reals that the operands stand
/// for, and gives the result its type.
static LogicalResult
interpretOnReals(Operation *op, Operands operands,
                 SmallVectorImpl<HostTensor> &results,
                 function_ref<void(Operands, HostTensor &)> compute) {
  SmallVector<HostTensor> reals(operands.size());
  SmallVector<const HostTensor *> inputs(operands);
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes())) {
    if (!isQuantized(type))
      continue;
    auto dequantized = dequantize(op, type, *operands[i]);
    if (failed(dequantized))
      return failure();
    reals[i] = std::move(*dequantized);
    inputs[i] = &reals[i];
  }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  HostTensor output = isQuantized(type)
                          ? HostTensor(ElementKind::F32, type.getShape())
                          : makeResult(type);
  compute(inputs, output);
  if (isQuantized(type)) {
    auto quantized = quantize(op, type, output);
    if (failed(quantized))
      return failure();
    output = std::move(*quantized);
  }
  results.push_back(std::move(output));
  return success();
}

namespace {
template <typename Op>
struct QNNModel : ReferenceOpInterface::ExternalModel<QNNModel<Op>, Op> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    return interpretOnReals(op, operands, results,
                            [&](Operands in, HostTensor &out) {
                              evaluate(cast<Op>(op), in, out);
                            });
  }
};

/// One rounding from any integer.
struct CastModel
    : ReferenceOpInterface::ExternalModel<CastModel, qnn::CastOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    const HostTensor &input = *operands.front();
    HostTensor output(ElementKind::F32, input.shape);
    for (auto [i, x] : llvm::enumerate(output.as<float>())) {
      if (input.kind == ElementKind::I64)
        x = static_cast<float>(input.as<int64_t>()[i]);
      else if (input.kind == ElementKind::Bool)
        x = input.get(i) != 0;
      else
        x = static_cast<float>(input.get(i));
    }
    results.push_back(std::move(output));
    return success();
  }
};

struct ConstantModel
    : ReferenceOpInterface::ExternalModel<ConstantModel, qnn::ConstantOp> {
  LogicalResult interpret(Operation *op, Operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto value = evaluateConstant(op, cast<qnn::ConstantOp>(op).getValue());
    if (failed(value))
      return failure();
    results.push_back(std::move(*value));
    return success();
  }
};
} // namespace

template <typename... Ops> static void attach(MLIRContext *context) {
  (Ops::template attachInterface<QNNModel<Ops>>(*context), ...);
}

void reference::registerQNNModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    qnn::ConstantOp::attachInterface<ConstantModel>(*context);
    qnn::CastOp::attachInterface<CastModel>(*context);
    attach<qnn::Conv2DOp, qnn::MatmulOp>(context);
    attach<qnn::ReluOp, qnn::ClampOp, qnn::LeakyReluOp, qnn::SigmoidOp,
           qnn::TanhOp, qnn::HardSigmoidOp, qnn::HardSwishOp, qnn::SwishOp,
           qnn::GeluOp, qnn::ErfOp, qnn::ExpOp, qnn::LogOp, qnn::SqrtOp,
           qnn::AbsOp, qnn::NegOp, qnn::ReciprocalOp>(context);
    attach<qnn::AddOp, qnn::SubOp, qnn::MulOp, qnn::DivOp, qnn::MaximumOp,
           qnn::MinimumOp, qnn::PowOp, qnn::EqualOp, qnn::LessOp,
           qnn::SelectOp>(context);
    attach<qnn::MaxPool2DOp, qnn::AvgPool2DOp, qnn::ReduceMeanOp>(context);
    attach<qnn::SoftmaxOp, qnn::LayerNormOp>(context);
    attach<qnn::ReshapeOp, qnn::TransposeOp, qnn::ConcatOp, qnn::SliceOp,
           qnn::PadOp, qnn::ResizeOp, qnn::GatherOp>(context);
  });
}
