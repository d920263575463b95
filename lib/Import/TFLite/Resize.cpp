//===- Resize.cpp - images at other sizes ---------------------------------===//
#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace dyadic::tflite_import {

/// Height and width of the result; the file's, where they are computed.
static FailureOr<std::pair<int64_t, int64_t>> sizeOf(NodeImporter &node,
                                                     Value input) {
  // There are tables of as many entries.
  constexpr int64_t kMost = 1 << 16;
  Shape shape = node.outputTensor().shape();
  if (shapeOf(input).size() != 4 || shape.size() != 4 || shape[1] < 1 ||
      shape[2] < 1 || shape[1] > kMost || shape[2] > kMost)
    return node.emitError() << "expected images of 4 dimensions and at most "
                            << kMost << " rows and columns, but got "
                            << toString(shapeOf(input)) << " and "
                            << toString(shape);
  return std::make_pair(shape[1], shape[2]);
}

/// The row of the input that row `at` of the result is.
static int64_t nearest(int64_t at, int64_t from, int64_t to, bool alignCorners,
                       bool halfPixel) {
  float scale = alignCorners && to > 1
                    ? static_cast<float>(from - 1) / static_cast<float>(to - 1)
                    : static_cast<float>(from) / static_cast<float>(to);
  float x = (static_cast<float>(at) + (halfPixel ? 0.5f : 0.0f)) * scale;
  auto row = static_cast<int64_t>(alignCorners ? std::round(x) : std::floor(x));
  return std::max<int64_t>(std::min(row, from - 1), 0);
}

static LogicalResult convertNearest(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::ResizeNearestNeighborOptions>(input);
  if (!options)
    return failure();
  auto size = sizeOf(node, input);
  if (failed(size))
    return failure();
  auto table = [&](int64_t from, int64_t to) {
    Shape rows;
    for (int64_t i = 0; i < to; ++i)
      rows.push_back(nearest(i, from, to, options->align_corners(),
                             options->half_pixel_centers()));
    return rows;
  };
  return node.setOutput(node.emit<qnn::ResizeOp>(
      input, node.outputType(),
      {node.attr("rows", table(shapeOf(input)[1], size->first)),
       node.attr("cols", table(shapeOf(input)[2], size->second))}));
}

namespace {
/// Between which rows each row of the result lies, and how far behind the first:
/// in 1/1024 for integers.
struct Interpolation {
  HostTensor low, high, fraction;

  Interpolation(int64_t from, int64_t to, bool alignCorners, bool halfPixel,
                bool isInteger)
      : low(ElementKind::I32, {to}), high(ElementKind::I32, {to}),
        fraction(isInteger ? ElementKind::I32 : ElementKind::F32, {to}) {
    bool corners = alignCorners && to > 1;
    int64_t n = corners ? from - 1 : from, d = corners ? to - 1 : to;
    int64_t step = (1024 * n + d / 2) / d;
    float scale = static_cast<float>(n) / static_cast<float>(d);
    for (int64_t i = 0; i < to; ++i) {
      double position, floor, ceiling, unit = isInteger ? 1024 : 1;
      if (isInteger) {
        int64_t at = halfPixel ? i * step + step / 2 - 512 : i * step;
        position = static_cast<double>(at);
        floor = static_cast<double>(at / 1024); // towards zero
        ceiling = static_cast<double>((at + 1023) / 1024);
      } else {
        float x = halfPixel ? (static_cast<float>(i) + 0.5f) * scale - 0.5f
                            : static_cast<float>(i) * scale;
        position = x;
        floor = std::floor(x);
        ceiling = std::ceil(x);
      }
      double first = std::max(floor, 0.0);
      low.set(i, first);
      high.set(i, std::min(ceiling, static_cast<double>(from - 1)));
      fraction.set(i, position - unit * first);
    }
  }
};
} // namespace

/// The weighted sum of four elements, each an i64 or f32.
static Value interpolate(OpBuilder &b, Location loc, ArrayRef<Value> corners,
                         Value down, Value right, bool isInteger) {
  Type type = corners[0].getType();
  auto mul = [&](Value x, Value y) -> Value {
    if (isInteger)
      return arith::MulIOp::create(b, loc, x, y);
    return arith::MulFOp::create(b, loc, x, y);
  };
  auto add = [&](Value x, Value y) -> Value {
    if (isInteger)
      return arith::AddIOp::create(b, loc, x, y);
    return arith::AddFOp::create(b, loc, x, y);
  };
  auto rest = [&](Value x) -> Value {
    Value one = qnn::scalarConstant(b, loc, type, isInteger ? 1024 : 1);
    if (isInteger)
      return arith::SubIOp::create(b, loc, one, x);
    return arith::SubFOp::create(b, loc, one, x);
  };
  Value up = rest(down), left = rest(right);
  Value sum = mul(mul(corners[0], up), left);
  sum = add(sum, mul(mul(corners[1], down), left));
  sum = add(sum, mul(mul(corners[2], up), right));
  return add(sum, mul(mul(corners[3], down), right));
}

/// x / 2^20, half away from zero.
static Value divideByUnit(OpBuilder &b, Location loc, Value x) {
  auto number = [&](double value) {
    return qnn::scalarConstant(b, loc, x.getType(), value);
  };
  Value isPositive = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, x,
                                           number(0));
  Value half = arith::SelectOp::create(b, loc, isPositive, number(1 << 19),
                                       number(-(1 << 19)));
  return arith::DivSIOp::create(b, loc, arith::AddIOp::create(b, loc, x, half),
                                number(1 << 20));
}

static LogicalResult convertBilinear(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::ResizeBilinearOptions>(input);
  if (!options)
    return failure();
  auto size = sizeOf(node, input);
  if (failed(size))
    return failure();
  OpBuilder &b = node.getBuilder();
  Location loc = node.getLoc();
  auto quantized = dyn_cast<quant::UniformQuantizedType>(elementOf(input));
  if (quantized && quantized.getStorageTypeIntegralWidth() != 8)
    return node.unsupported("an operand of int16");
  // LiteRT's reference has integers for int8 and floats for all else.
  bool isInteger = quantized && quantized.isSigned();
  input = node.stored(input);
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<Value> operands{input};
  auto known = [&](HostTensor tensor) {
    Type element = tensor.kind == ElementKind::F32 ? Type(b.getF32Type())
                                                   : Type(b.getI32Type());
    operands.push_back(node.constantTensor(std::move(tensor), element));
  };
  for (auto [dim, to] : {std::pair(1, size->first), std::pair(2, size->second)}) {
    Interpolation table(shapeOf(input)[dim], to, options->align_corners(),
                        options->half_pixel_centers(), isInteger);
    known(std::move(table.low));
    known(std::move(table.high));
    known(std::move(table.fraction));
  }
  auto result = type.clone(node.outputTensor().shape());
  Value output = qnn::buildIndexed(
      b, loc, "ResizeBilinear", result, operands,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange tensors) -> Value {
        auto entry = [&](unsigned table, Value i) -> Value {
          return tensor::ExtractOp::create(b, loc, tensors[table], i);
        };
        auto index = [&](unsigned table, Value i) -> Value {
          return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                            entry(table, i));
        };
        auto wide = [&](Value x) -> Value {
          if (isInteger)
            return arith::ExtSIOp::create(b, loc, b.getI64Type(), x);
          if (x.getType().isInteger())
            return arith::UIToFPOp::create(b, loc, b.getF32Type(), x);
          return x;
        };
        Value rows[] = {index(1, at[1]), index(2, at[1])},
              columns[] = {index(4, at[2]), index(5, at[2])};
        SmallVector<Value> corners;
        for (Value column : columns)
          for (Value row : rows)
            corners.push_back(wide(tensor::ExtractOp::create(
                b, loc, tensors[0], ValueRange{at[0], row, column, at[3]})));
        Value sum = interpolate(b, loc, corners, wide(entry(3, at[1])),
                                wide(entry(6, at[2])), isInteger);
        if (!quantized)
          return sum;
        if (isInteger)
          return arith::TruncIOp::create(b, loc, b.getI8Type(),
                                         divideByUnit(b, loc, sum));
        Value half = qnn::scalarConstant(b, loc, b.getF32Type(), 0.5);
        return arith::FPToUIOp::create(b, loc, b.getI8Type(),
                                       arith::AddFOp::create(b, loc, sum, half));
      });
  return node.setOutput(node.quantized(output));
}

ArrayRef<OpEntry> resizeOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::RESIZE_NEAREST_NEIGHBOR, 1, 2, convertNearest, /*shapeInput=*/1},
      {Op::RESIZE_BILINEAR, 1, 2, convertBilinear, /*shapeInput=*/1},
  };
  return entries;
}

} // namespace dyadic::tflite_import
