//===- Quantization.cpp - QuantizeLinear and DequantizeLinear -------------===//
//
// With known scales of a whole tensor they are borders that
// --qnn-adopt-quantization makes integer ops of. What the types of level 2 can't
// say is arithmetic on floats (QuantizedArithmetic.cpp).
//
//===----------------------------------------------------------------------===//
#include "Quantization.h"

#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "QuantizedArithmetic.h"
#include "TensorReader.h"

#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

ScaleIndex::ScaleIndex(ArrayRef<int64_t> shape, ScaleLayout layout)
    : layout(layout) {
  if (layout.perTensor)
    return;
  extent = shape[layout.axis];
  for (int64_t size : shape.drop_front(layout.axis + 1))
    inner *= size;
  if (layout.block)
    blocks = (extent + layout.block - 1) / layout.block;
}

FailureOr<ScaleLayout> resolveScales(NodeImporter &node,
                                     ArrayRef<int64_t> shape,
                                     ArrayRef<int64_t> scales) {
  int64_t axis = node.getInt("axis", 1), block = node.getInt("block_size", 0);
  ScaleLayout layout;
  if (countElements(scales) == 1 && block == 0)
    return layout;
  layout.perTensor = false;
  auto resolved = normalizeAxis(axis, shape.size());
  auto mismatch = [&] {
    return node.emitError() << "scales of shape " << toString(scales)
                            << " do not belong to a tensor of shape "
                            << toString(shape) << " along axis " << axis;
  };
  if (!resolved || block < 0)
    return mismatch();
  layout.axis = *resolved;
  if (block == 0) {
    if (scales.size() != 1 || scales[0] != shape[layout.axis])
      return mismatch();
    return layout;
  }
  layout.block = block;
  Shape expected(shape);
  expected[layout.axis] = (shape[layout.axis] + block - 1) / block;
  if (Shape(scales) != expected)
    return mismatch();
  return layout;
}

quant::QuantizedType quantizedType(MLIRContext *context,
                                   const QuantizedFormat &format,
                                   const ScaleLayout &layout,
                                   const HostTensor &scales,
                                   const HostTensor *zeroPoints) {
  if (layout.block || format.isFloat() || scales.kind != ElementKind::F32 ||
      byteWidth(format.kind) * 8 < format.bits)
    return {};
  unsigned width = byteWidth(format.kind) * 8;
  if (width > 16 || (width == 16 && !format.isSigned()))
    return {};
  SmallVector<double> scale;
  SmallVector<int64_t> zeroPoint;
  for (int64_t i = 0, e = scales.numElements(); i < e; ++i) {
    scale.push_back(scales.get(i));
    if (!std::isnormal(scale.back()) || scale.back() < 0)
      return {};
    zeroPoint.push_back(zeroPoints ? getInt(*zeroPoints, i) : 0);
    if (zeroPoint.back() < format.min || zeroPoint.back() > format.max)
      return {};
  }
  unsigned flags = format.isSigned() ? quant::QuantizationFlags::Signed : 0;
  Type storage = IntegerType::get(context, width);
  Type real = Float32Type::get(context);
  if (layout.perTensor)
    return quant::UniformQuantizedType::get(flags, storage, real, scale[0],
                                            zeroPoint[0], format.min,
                                            format.max);
  return quant::UniformQuantizedPerAxisType::get(
      flags, storage, real, scale, zeroPoint,
      static_cast<int32_t>(layout.axis), format.min, format.max);
}

/// The zero point's constant, if there is one and it is known.
static const HostTensor *knownZeroPoint(NodeImporter &node) {
  return node.constant(2);
}

static LogicalResult checkZeroPoint(NodeImporter &node,
                                    ArrayRef<int64_t> scales) {
  if (!node.hasInput(2))
    return success();
  ArrayRef<int64_t> shape = node.shapeOfInput(2);
  if (countElements(shape) == countElements(scales))
    return success();
  return node.emitError() << "expected a zero point for each of the scales of "
                          << toString(scales) << ", but got "
                          << toString(shape);
}

/// The reals of known elements.
static HostTensor dequantizeConstant(const HostTensor &tensor,
                                     const ScaleLayout &layout,
                                     const HostTensor &scales,
                                     const HostTensor *zeroPoints) {
  HostTensor out(ElementKind::F32, tensor.shape);
  ScaleIndex index(tensor.shape, layout);
  for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
    int64_t at = index(i);
    double zeroPoint = zeroPoints ? zeroPoints->get(at) : 0;
    out.as<float>()[i] = static_cast<float>(tensor.get(i) - zeroPoint) *
                         static_cast<float>(scales.get(at));
  }
  return out;
}

static LogicalResult convertDequantizeLinear(NodeImporter &node) {
  node.ignore("output_dtype"); // what float type a result has at the border
  auto format = quantizedFormat(node.dataType(0));
  if (!format)
    return node.unsupported("an input of " + dataTypeName(node.dataType(0)));
  ArrayRef<int64_t> shape = node.shapeOfInput(0), scaleShape = node.shapeOfInput(1);
  auto layout = resolveScales(node, shape, scaleShape);
  if (failed(layout) || failed(checkZeroPoint(node, scaleShape)))
    return failure();
  const HostTensor *tensor = node.constant(0), *scales = node.constant(1),
                   *zeroPoints = knownZeroPoint(node);
  bool known = scales && (zeroPoints || !node.hasInput(2));
  // Float formats have no zero point but zero.
  if (format->isFloat())
    zeroPoints = nullptr;
  quant::QuantizedType type;
  if (known)
    type = quantizedType(node.getContext(), *format, *layout, *scales, zeroPoints);
  if (known && tensor) {
    HostTensor reals = dequantizeConstant(*tensor, *layout, *scales, zeroPoints);
    if (type && !shape.empty() && tensor->kind == format->kind &&
        failed(node.setOutput(node.emitAs<qnn::DequantizeOp>(
            Float32Type::get(node.getContext()),
            node.quantizedConstant(*tensor, type)))))
      return failure();
    return node.setOutput(std::move(reals));
  }
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  if (type && isa<quant::UniformQuantizedType>(type))
    return node.setOutput(node.emitAs<qnn::DequantizeOp>(
        Float32Type::get(node.getContext()),
        node.emitAs<qnn::StorageCastOp>(type, input)));
  return convertDequantizeArithmetic(node, *format, *layout);
}

/// What QuantizeLinear makes: the type of the zero point, or what it is told.
static int32_t quantizedDataType(NodeImporter &node) {
  int64_t type = node.getInt("output_dtype", 0);
  if (node.hasInput(2))
    return node.dataType(2);
  return type ? static_cast<int32_t>(type) : onnx::TensorProto::UINT8;
}

static LogicalResult convertQuantizeLinear(NodeImporter &node) {
  int32_t dataType = quantizedDataType(node);
  bool saturate = node.getInt("saturate", 1) != 0; // of float formats
  node.ignore("precision"); // of a division that is exact here
  auto format = quantizedFormat(dataType);
  if (!format || format->isExponent())
    return node.unsupported("a result of " + dataTypeName(dataType));
  node.setDataType(dataType);
  ArrayRef<int64_t> shape = node.shapeOfInput(0), scaleShape = node.shapeOfInput(1);
  auto layout = resolveScales(node, shape, scaleShape);
  if (failed(layout) || failed(checkZeroPoint(node, scaleShape)))
    return failure();
  const HostTensor *tensor = node.constant(0), *scales = node.constant(1),
                   *zeroPoints = knownZeroPoint(node);
  bool known = scales && (zeroPoints || !node.hasInput(2));
  if (known && tensor && !format->isFloat() &&
      tensor->kind == ElementKind::F32) {
    HostTensor out(format->kind, tensor->shape);
    ScaleIndex index(shape, *layout);
    for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
      int64_t at = index(i);
      float v = roundHalfEven(static_cast<float>(tensor->get(i)) /
                              static_cast<float>(scales->get(at)));
      double q = v + (zeroPoints ? zeroPoints->get(at) : 0.0);
      setInt(out, i,
             static_cast<int64_t>(std::min<double>(
                 std::max<double>(q, format->min), format->max)));
    }
    return node.setOutput(std::move(out));
  }
  quant::QuantizedType type;
  if (known)
    type = quantizedType(node.getContext(), *format, *layout, *scales, zeroPoints);
  if (type && isa<quant::UniformQuantizedType>(type)) {
    Value input = node.input(0);
    Value quantized = node.emitAs<qnn::QuantizeOp>(type, input);
    return node.setOutput(node.emitAs<qnn::StorageCastOp>(
        elementTypeOf(format->kind, node.getContext()), quantized));
  }
  return convertQuantizeArithmetic(node, *format, *layout, saturate);
}

/// The numbers between which a Clip leaves integers.
static std::optional<std::pair<int64_t, int64_t>> clipBounds(NodeImporter &node) {
  int64_t bounds[2] = {std::numeric_limits<int64_t>::min(),
                       std::numeric_limits<int64_t>::max()};
  for (size_t i : {1, 2}) {
    const HostTensor *bound = node.constant(i);
    if (!bound && node.hasInput(i))
      return std::nullopt;
    if (bound && (isFloat(bound->kind) || bound->numElements() != 1))
      return std::nullopt;
    if (bound)
      bounds[i - 1] = getInt(*bound, 0);
  }
  return std::make_pair(bounds[0], bounds[1]);
}

FailureOr<Value> clipStored(NodeImporter &node) {
  auto bounds = clipBounds(node);
  if (!bounds)
    return Value();
  auto [min, max] = *bounds;
  Value integers = node.anyInput(0);
  if (!integers)
    return failure();
  auto border = integers.getDefiningOp<qnn::StorageCastOp>();
  auto quantize = border ? border.getInput().getDefiningOp<qnn::QuantizeOp>()
                         : qnn::QuantizeOp();
  auto type = quantize ? llvm::dyn_cast<quant::UniformQuantizedType>(
                             elementOf(quantize.getOutput()))
                       : quant::UniformQuantizedType();
  if (!type)
    return Value();
  int64_t low = std::max(min, type.getStorageTypeMin()),
          high = std::min(max, type.getStorageTypeMax());
  if (low >= high || type.getZeroPoint() < low || type.getZeroPoint() > high)
    return Value();
  auto narrow = quant::UniformQuantizedType::get(
      type.getFlags(), type.getStorageType(), type.getExpressedType(),
      type.getScale(), type.getZeroPoint(), low, high);
  return node.emitAs<qnn::StorageCastOp>(
      elementOf(integers),
      node.emitAs<qnn::QuantizeOp>(narrow, quantize.getInput()));
}

ArrayRef<OpEntry> quantizationOps() {
  static const OpEntry entries[] = {
      {"QuantizeLinear", 2, 3, convertQuantizeLinear, 10},
      {"DequantizeLinear", 2, 3, convertDequantizeLinear, 10},
      {"com.microsoft.QuantizeLinear", 2, 3, convertQuantizeLinear},
      {"com.microsoft.DequantizeLinear", 2, 3, convertDequantizeLinear},
  };
  return entries;
}

} // namespace dyadic::onnx_import
