//===- IntegerProducts.cpp - products and scales that models compute ------===//
//
// DynamicQuantizeLinear, MatMulInteger and ConvInteger: what models have whose
// activations get their scales at run time. Weights of com.microsoft.MatMulNBits
// are known, its activations are floats.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "OpRegistry.h"
#include "Quantization.h"
#include "Window.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

//===----------------------------------------------------------------------===//
// DynamicQuantizeLinear
//===----------------------------------------------------------------------===//

/// scale = (max − min) / 255 with 0 between them, zero point = sat(round(−min /
/// scale)), y = sat(round(x / scale) + zero point).
static LogicalResult convertDynamicQuantize(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  MLIRContext *context = node.getContext();
  Shape shape(shapeOf(input));
  Type u8 = IntegerType::get(context, 8, IntegerType::Unsigned);
  Type f32 = Float32Type::get(context);
  Type results[] = {RankedTensorType::get(shape, u8),
                    RankedTensorType::get({}, f32),
                    RankedTensorType::get({}, u8)};
  auto values = node.compute(results, input, [&](OpBuilder &b, Location loc,
                                                 ValueRange arguments) {
    auto number = [&](double value) {
      return qnn::scalarConstant(b, loc, f32, value);
    };
    auto saturate = [&](OpBuilder &b, Location loc, Value q) -> Value {
      q = arith::MaxNumFOp::create(b, loc, q, qnn::scalarConstant(b, loc, f32, 0));
      q = arith::MinNumFOp::create(b, loc, q,
                                   qnn::scalarConstant(b, loc, f32, 255));
      return q;
    };
    auto toByte = [&](OpBuilder &b, Location loc, Value q) -> Value {
      Value wide = arith::FPToSIOp::create(b, loc, b.getI32Type(), q);
      return arith::TruncIOp::create(b, loc, b.getI8Type(), wide);
    };
    auto axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
    Value min = qnn::reduceAxes(
        b, loc, arguments[0], axes, number(0),
        [](OpBuilder &b, Location loc, ValueRange x) -> Value {
          return arith::MinNumFOp::create(b, loc, x[0], x[1]);
        });
    Value max = qnn::reduceAxes(
        b, loc, arguments[0], axes, number(0),
        [](OpBuilder &b, Location loc, ValueRange x) -> Value {
          return arith::MaxNumFOp::create(b, loc, x[0], x[1]);
        });
    auto one = RankedTensorType::get(Shape(shape.size(), 1), f32);
    Value scale = qnn::mapElements(
        b, loc, one, {min, max},
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Value range = arith::SubFOp::create(b, loc, x[1], x[0]);
          Value scale = arith::DivFOp::create(
              b, loc, range, qnn::scalarConstant(b, loc, f32, 255));
          // Zeros alone have any scale.
          Value isZero = arith::CmpFOp::create(
              b, loc, arith::CmpFPredicate::OEQ, scale,
              qnn::scalarConstant(b, loc, f32, 0));
          return arith::SelectOp::create(
              b, loc, isZero, qnn::scalarConstant(b, loc, f32, 1), scale);
        });
    Value zero = qnn::mapElements(
        b, loc, one, {min, scale},
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Value q = arith::DivFOp::create(b, loc, x[0], x[1]);
          q = arith::SubFOp::create(b, loc, qnn::scalarConstant(b, loc, f32, 0), q);
          return math::RoundEvenOp::create(b, loc, saturate(b, loc, q));
        });
    Value quantized = qnn::mapElements(
        b, loc, RankedTensorType::get(shape, b.getI8Type()),
        {arguments[0], scale, zero},
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Value q = arith::DivFOp::create(b, loc, x[0], x[1]);
          q = math::RoundEvenOp::create(b, loc, q);
          q = arith::AddFOp::create(b, loc, q, x[2]);
          return toByte(b, loc, saturate(b, loc, q));
        });
    auto single = [&](Value tensor, Type element, bool isByte) {
      return qnn::mapIndices(
          b, loc, RankedTensorType::get({}, element),
          [&](OpBuilder &b, Location loc, ValueRange) -> Value {
            SmallVector<Value> first(shape.size(), qnn::indexConstant(b, loc, 0));
            Value value = tensor::ExtractOp::create(b, loc, tensor, first);
            return isByte ? toByte(b, loc, value) : value;
          });
    };
    return SmallVector<Value>{quantized, single(scale, f32, false),
                              single(zero, b.getI8Type(), true)};
  });
  for (auto [i, value] : llvm::enumerate(values))
    if (failed(node.setOutput(i, value)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Input `i` less its zero point, input `zero`, as i32. The zero points have
/// shape `layout` where there are several.
static Value centred(NodeImporter &node, size_t i, size_t zero,
                     llvm::function_ref<Shape(ArrayRef<int64_t>)> layout) {
  SmallVector<Value> operands{node.anyInput(i)};
  if (!operands[0])
    return {};
  Type element = elementOf(operands[0]);
  if (element.getIntOrFloatBitWidth() != 8 || !isa<IntegerType>(element)) {
    node.emitError() << "expected input " << i << " to have 8 bits, but got "
                     << element;
    return {};
  }
  if (node.hasInput(zero)) {
    Value points = node.anyInput(zero);
    if (!points)
      return {};
    operands.push_back(node.reshape(points, countElements(shapeOf(points)) == 1
                                                ? Shape{}
                                                : layout(shapeOf(points))));
  }
  bool isSigned = !element.isUnsignedInteger();
  return node.elementwise(
      IntegerType::get(node.getContext(), 32), operands,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        auto widen = [&](Value value) -> Value {
          if (isSigned)
            return arith::ExtSIOp::create(b, loc, b.getI32Type(), value);
          return arith::ExtUIOp::create(b, loc, b.getI32Type(), value);
        };
        Value q = widen(x[0]);
        return x.size() > 1 ? arith::SubIOp::create(b, loc, q, widen(x[1])) : q;
      });
}

/// Σ of products of i32 over the loops that `loops` marks, by these maps.
static Value sumOfProducts(OpBuilder &b, Location loc, RankedTensorType type,
                           Value lhs, Value rhs, ArrayRef<AffineMap> maps,
                           ArrayRef<utils::IteratorType> loops) {
  Value zero = qnn::scalarConstant(b, loc, b.getI32Type(), 0);
  Value sums = qnn::filled(b, loc, type, zero);
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{lhs, rhs}, sums, maps, loops,
             [](OpBuilder &b, Location loc, ValueRange x) {
               Value product = arith::MulIOp::create(b, loc, x[0], x[1]);
               Value sum = arith::AddIOp::create(b, loc, x[2], product);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

/// Matrices of i32, batches broadcast.
static Value multiply(NodeImporter &node, Value lhs, Value rhs) {
  Shape left(shapeOf(lhs)), right(shapeOf(rhs));
  auto batch = broadcast(ArrayRef(left).drop_back(2), ArrayRef(right).drop_back(2));
  if (!batch || left.back() != right[right.size() - 2]) {
    node.emitError() << "matrices " << toString(left) << " and "
                     << toString(right) << " do not go together";
    return {};
  }
  Shape shape(*batch);
  shape.append({left[left.size() - 2], right.back()});
  auto type = RankedTensorType::get(shape, IntegerType::get(node.getContext(), 32));
  auto values = node.compute(
      type, {lhs, rhs}, [&](OpBuilder &b, Location loc, ValueRange x) {
        int64_t rank = shape.size(), loops = rank + 1;
        auto dim = [&](int64_t i) { return b.getAffineDimExpr(i); };
        auto map = [&](ArrayRef<int64_t> from, int64_t row, int64_t column) {
          SmallVector<AffineExpr> exprs;
          int64_t own = from.size() - 2;
          for (int64_t i = 0; i < own; ++i)
            exprs.push_back(from[i] == 1 ? b.getAffineConstantExpr(0)
                                         : dim(rank - 2 - own + i));
          exprs.append({dim(row), dim(column)});
          return AffineMap::get(loops, 0, exprs, b.getContext());
        };
        SmallVector<utils::IteratorType> kinds(rank,
                                               utils::IteratorType::parallel);
        kinds.push_back(utils::IteratorType::reduction);
        SmallVector<AffineExpr> result;
        for (int64_t i = 0; i < rank; ++i)
          result.push_back(dim(i));
        AffineMap maps[] = {map(left, rank - 2, rank), map(right, rank, rank - 1),
                            AffineMap::get(loops, 0, result, b.getContext())};
        return SmallVector<Value>{
            sumOfProducts(b, loc, type, x[0], x[1], maps, kinds)};
      });
  return values.front();
}

static LogicalResult convertMatMulInteger(NodeImporter &node) {
  // A zero point for each row of the left operand, each column of the right.
  Value lhs = centred(node, 0, 2, [](ArrayRef<int64_t> shape) {
    return shape.size() == 1 ? Shape{shape[0], 1} : Shape(shape);
  });
  Value rhs = centred(node, 1, 3,
                      [](ArrayRef<int64_t> shape) { return Shape(shape); });
  if (!lhs || !rhs)
    return failure();
  return node.setOutput(multiplyAsMatrices(
      node, lhs, rhs, [&](Value lhs, Value rhs) { return multiply(node, lhs, rhs); }));
}

static LogicalResult convertConvInteger(NodeImporter &node) {
  Value input = centred(node, 0, 2, [](ArrayRef<int64_t> shape) { return Shape(shape); });
  Value filter = centred(node, 1, 3, [](ArrayRef<int64_t> shape) {
    return Shape{shape[0], 1, 1, 1};
  });
  if (!input || !filter)
    return failure();
  Shape in(shapeOf(input)), weights(shapeOf(filter));
  if (in.size() != 4 || weights.size() != 4)
    return node.unsupported("an input of " + std::to_string(in.size()) +
                            " dimensions");
  auto window = resolveWindow(node, in, ArrayRef<int64_t>(weights).drop_front(2));
  if (failed(window))
    return failure();
  int64_t groups = node.getInt("group", 1);
  if (groups < 1 || weights[1] * groups != in[1] || weights[0] % groups)
    return node.emitError() << "expected a filter for " << in[1]
                            << " channels in " << groups << " groups, but got "
                            << toString(weights);
  Shape padded(in), out{in[0], groups, weights[0] / groups};
  for (int i : {0, 1}) {
    padded[2 + i] += window->begin[i] + window->end[i];
    int64_t reach = (weights[2 + i] - 1) * window->dilations[i] + 1;
    if (padded[2 + i] < reach)
      return node.emitError() << "a filter of " << toString(weights)
                              << " is larger than the image " << toString(in);
    out.push_back((padded[2 + i] - reach) / window->strides[i] + 1);
  }
  // Zero is zero here: the zero points are gone.
  Type i32 = IntegerType::get(node.getContext(), 32);
  auto paddedType = RankedTensorType::get(
      {in[0], groups, weights[1], padded[2], padded[3]}, i32);
  Value grouped = node.reshape(input, {in[0], groups, weights[1], in[2], in[3]});
  Value split = node.reshape(
      filter, {groups, weights[0] / groups, weights[1], weights[2], weights[3]});
  auto type = RankedTensorType::get(out, i32);
  auto values = node.compute(type, {grouped, split}, [&](OpBuilder &b,
                                                         Location loc,
                                                         ValueRange x) {
    Value zero = qnn::scalarConstant(b, loc, b.getI32Type(), 0);
    Value image = qnn::filled(b, loc, paddedType, zero);
    SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0)), sizes,
        ones(5, b.getIndexAttr(1));
    for (int64_t low : window->begin)
      offsets.push_back(b.getIndexAttr(low));
    for (int64_t extent : cast<RankedTensorType>(x[0].getType()).getShape())
      sizes.push_back(b.getIndexAttr(extent));
    image = tensor::InsertSliceOp::create(b, loc, x[0], image, offsets, sizes, ones);
    // n, group, o, y, x; c, i, j
    auto d = [&](int64_t i) { return b.getAffineDimExpr(i); };
    auto at = [&](int64_t out, int64_t tap, int axis) {
      return d(out) * window->strides[axis] + d(tap) * window->dilations[axis];
    };
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(8, 0, exprs, b.getContext());
    };
    AffineMap maps[] = {map({d(0), d(1), d(5), at(3, 6, 0), at(4, 7, 1)}),
                        map({d(1), d(2), d(5), d(6), d(7)}),
                        map({d(0), d(1), d(2), d(3), d(4)})};
    SmallVector<utils::IteratorType> kinds(5, utils::IteratorType::parallel);
    kinds.append(3, utils::IteratorType::reduction);
    return SmallVector<Value>{sumOfProducts(b, loc, type, image, x[1], maps, kinds)};
  });
  return node.setOutput(
      node.reshape(values.front(), {out[0], weights[0], out[3], out[4]}));
}

//===----------------------------------------------------------------------===//
// Weights of few bits
//===----------------------------------------------------------------------===//

/// com.microsoft.MatMulNBits: A · Wᵀ + bias, where each row of W, N×K, is blocks
/// of packed integers with a scale and a zero point, 2^(bits−1) where none is
/// given.
static LogicalResult convertMatMulNBits(NodeImporter &node) {
  int64_t depth = node.getInt("K", 0), columns = node.getInt("N", 0),
          bits = node.getInt("bits", 4), block = node.getInt("block_size", 0);
  node.ignore("accuracy_level");
  node.ignore("weight_prepacked");
  if (bits != 2 && bits != 4 && bits != 8)
    return node.unsupported(std::to_string(bits) + " bits");
  if (node.hasInput(4))
    return node.unsupported("an order of the groups (g_idx)");
  const HostTensor *packed = node.constant(1), *scales = node.constant(2),
                   *zeros = node.constant(3);
  if (!packed || !scales || (node.hasInput(3) && !zeros))
    return node.unsupported("weights that are computed at run time");
  if (depth <= 0 || columns <= 0 || block < 16 || (block & (block - 1)) ||
      !countElements({depth, columns}))
    return node.emitError() << "expected K, N and a block_size that is a power "
                               "of two from 16 on, but got "
                            << depth << ", " << columns << " and " << block;
  int64_t blocks = (depth + block - 1) / block, perByte = 8 / bits;
  int64_t blockBytes = block / perByte, zeroBytes = (blocks + perByte - 1) / perByte;
  bool realZeros = zeros && isFloat(zeros->kind);
  if (packed->kind != ElementKind::U8 ||
      packed->numElements() != columns * blocks * blockBytes ||
      scales->numElements() != columns * blocks ||
      (zeros && zeros->numElements() != columns * (realZeros ? blocks : zeroBytes)))
    return node.emitError() << "weights " << describe(*packed) << " with scales "
                            << describe(*scales) << " are not " << columns
                            << " rows of " << blocks << " blocks";
  unsigned mask = (1u << bits) - 1;
  auto unpack = [&](const HostTensor &tensor, int64_t row, int64_t i) -> unsigned {
    auto byte = static_cast<uint8_t>(tensor.bytes[row + i / perByte]);
    return byte >> (i % perByte * bits) & mask;
  };
  HostTensor weights(ElementKind::F32, {depth, columns});
  for (int64_t n = 0; n < columns; ++n)
    for (int64_t k = 0; k < depth; ++k) {
      int64_t at = n * blocks + k / block;
      double zero = static_cast<double>(1u << (bits - 1));
      if (zeros)
        zero = realZeros ? zeros->get(at)
                         : unpack(*zeros, n * zeroBytes, k / block);
      unsigned q = unpack(*packed, at * blockBytes, k % block);
      weights.as<float>()[k * columns + n] =
          static_cast<float>(q - zero) * static_cast<float>(scales->get(at));
    }
  Value product =
      node.emit<qnn::MatmulOp>({node.input(0), node.constantTensor(std::move(weights))});
  if (node.hasInput(5))
    product = node.emit<qnn::AddOp>({product, node.input(5)});
  return node.setOutput(product);
}

ArrayRef<OpEntry> integerProductOps() {
  static const OpEntry entries[] = {
      {"DynamicQuantizeLinear", 1, 1, convertDynamicQuantize, 11},
      {"MatMulInteger", 2, 4, convertMatMulInteger, 10},
      {"ConvInteger", 2, 4, convertConvInteger, 10},
      {"com.microsoft.MatMulNBits", 3, 6, convertMatMulNBits},
  };
  return entries;
}

} // namespace dyadic::onnx_import
