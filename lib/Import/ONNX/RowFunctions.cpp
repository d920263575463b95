//===- RowFunctions.cpp - normalizations along an axis --------------------===//
#include "ConstantFolder.h"
#include "ElementFunctions.h"
#include "LoopNests.h"
#include "OpRegistry.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

/// Folds one axis of a memory tensor with a function of reals.
static Value foldAxis(OpBuilder &b, Location loc, Type type, Value input,
                      int64_t axis, double initial,
                      Value (ScalarMath::*join)(Value, Value) const) {
  return qnn::reduceAxes(b, loc, input, axis, ScalarMath(b, loc, type).number(initial),
                         [&](OpBuilder &b, Location loc, ValueRange x) {
                           return (ScalarMath(b, loc, type).*join)(x[0], x[1]);
                         });
}

/// The input as rows along the axis: before opset 13 everything from the axis on
/// is one dimension.
static FailureOr<std::pair<Value, int64_t>> rowsOf(NodeImporter &node) {
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  bool isFlat = node.getOpset() < 13;
  auto axis = resolveAxis(node, node.getInt("axis", isFlat ? 1 : -1), shape.size());
  if (failed(axis) || !isa<FloatType>(elementOf(input)))
    return failed(axis) ? failure() : node.unsupported("an operand of integers");
  if (!isFlat)
    return std::make_pair(input, *axis);
  Value rows = node.reshape(input, {*countElements(shape.take_front(*axis)),
                                    *countElements(shape.drop_front(*axis))});
  return std::make_pair(rows, int64_t{1});
}

/// x − max − log Σ e^(x − max)
static LogicalResult convertLogSoftmax(NodeImporter &node) {
  auto rows = rowsOf(node);
  if (failed(rows))
    return failure();
  auto [input, axis] = *rows;
  if (!input)
    return failure();
  Type type = elementOf(input);
  auto inputType = cast<RankedTensorType>(input.getType());
  int64_t along = axis;
  Value result = node.compute(
      inputType, input, [&](OpBuilder &b, Location loc, ValueRange in) {
        double infinity = std::numeric_limits<double>::infinity();
        Value max = foldAxis(b, loc, type, in[0], along, -infinity,
                             &ScalarMath::maximum);
        Value powers = qnn::mapElements(
            b, loc, inputType, {in[0], max},
            [&](OpBuilder &b, Location loc, ValueRange x) {
              ScalarMath s(b, loc, type);
              return s.exp(s.sub(x[0], x[1]));
            });
        Value sum = foldAxis(b, loc, type, powers, along, 0, &ScalarMath::add);
        Value shift = qnn::mapElements(
            b, loc, cast<RankedTensorType>(sum.getType()), {sum, max},
            [&](OpBuilder &b, Location loc, ValueRange x) {
              ScalarMath s(b, loc, type);
              return s.add(s.op<math::LogOp>(x[0]), x[1]);
            });
        return SmallVector<Value>{qnn::mapElements(
            b, loc, inputType, {in[0], shift},
            [&](OpBuilder &b, Location loc, ValueRange x) {
              return ScalarMath(b, loc, type).sub(x[0], x[1]);
            })};
      })[0];
  return node.setOutput(node.reshape(result, shapeOf(node.anyInput(0))));
}

/// 1 at the first greatest element, 0 elsewhere.
static LogicalResult convertHardmax(NodeImporter &node) {
  auto rows = rowsOf(node);
  if (failed(rows))
    return failure();
  auto [input, axis] = *rows;
  if (!input)
    return failure();
  Type type = elementOf(input);
  auto inputType = cast<RankedTensorType>(input.getType());
  int64_t along = axis, extent = inputType.getDimSize(axis);
  Value result = node.indexed(
      inputType, input,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) -> Value {
        auto element = [&](OpBuilder &b, Location loc, Value i) -> Value {
          SmallVector<Value> place(at);
          place[along] = i;
          return tensor::ExtractOp::create(b, loc, in[0], place);
        };
        Value mine = element(b, loc, at[along]);
        Value isFirst = emitLoop(
            b, loc, extent, {qnn::scalarConstant(b, loc, b.getI1Type(), 1)},
            [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
              ScalarMath s(b, loc, type);
              Value other = element(b, loc, i);
              Value isEarlier = arith::CmpIOp::create(
                  b, loc, arith::CmpIPredicate::ult, i, at[along]);
              Value loses = s.bitOr(s.less(mine, other),
                                    s.bitAnd(s.equal(mine, other), isEarlier));
              return Carried{s.bitAnd(carried[0], s.bitNot(loses))};
            })[0];
        ScalarMath s(b, loc, type);
        return s.select(isFirst, s.number(1), s.number(0));
      });
  return node.setOutput(node.reshape(result, shapeOf(node.anyInput(0))));
}

/// x over the sum of magnitudes, or over the root of the sum of squares, along an
/// axis; 0 where that is 0.
static LogicalResult convertLpNormalization(NodeImporter &node) {
  Value input = node.anyInput(0);
  int64_t p = node.getInt("p", 2);
  if (!input)
    return failure();
  auto axis = resolveAxis(node, node.getInt("axis", -1), shapeOf(input).size());
  if (failed(axis))
    return failure();
  if (p != 1 && p != 2)
    return node.emitError() << "expected a p of 1 or 2, but got " << p;
  Type type = elementOf(input);
  auto inputType = cast<RankedTensorType>(input.getType());
  Value result = node.compute(
      inputType, input, [&](OpBuilder &b, Location loc, ValueRange in) {
        Value norm = qnn::reduceAxes(
            b, loc, in[0], *axis, ScalarMath(b, loc, type).number(0),
            [&](OpBuilder &b, Location loc, ValueRange x) {
              ScalarMath s(b, loc, type);
              return s.add(p == 1 ? s.abs(x[0]) : s.mul(x[0], x[0]), x[1]);
            });
        return SmallVector<Value>{qnn::mapElements(
            b, loc, inputType, {in[0], norm},
            [&](OpBuilder &b, Location loc, ValueRange x) {
              ScalarMath s(b, loc, type);
              Value root = p == 1 ? x[1] : s.op<math::SqrtOp>(x[1]);
              Value isZero = s.equal(root, s.number(0));
              return s.select(isZero, s.number(0),
                              s.div(x[0], s.select(isZero, s.number(1), root)));
            })};
      })[0];
  return node.setOutput(result);
}

/// The determinant of each matrix, by elimination with the greatest pivot of each
/// column.
static LogicalResult convertDet(NodeImporter &node) {
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2])
    return node.emitError() << "expected square matrices, but got "
                            << toString(shape);
  int64_t n = shape.back();
  Shape batch(shape.drop_back(2));
  Type type = elementOf(input);
  auto resultType = RankedTensorType::get(batch, type);
  auto body = [&](OpBuilder &b, Location loc, ValueRange in) -> SmallVector<Value> {
    Value result = tensor::EmptyOp::create(b, loc, batch, type);
    Carried start{result, copyOf(b, loc, in[0])};
    auto eachMatrix = [&](OpBuilder &b, Location loc, ValueRange at,
                          ValueRange carried) -> Carried {
      auto load = [&](OpBuilder &b, Location loc, Value m, Value row, Value column) {
        SmallVector<Value> place(at);
        place.append({row, column});
        return tensor::ExtractOp::create(b, loc, m, place).getResult();
      };
      auto store = [&](OpBuilder &b, Location loc, Value x, Value m, Value row,
                       Value column) {
        SmallVector<Value> place(at);
        place.append({row, column});
        return tensor::InsertOp::create(b, loc, x, m, place).getResult();
      };
      ScalarMath s(b, loc, type);
      Carried done = emitLoop(
          b, loc, n, {carried[1], s.number(1)},
          [&](OpBuilder &b, Location loc, Value k, ValueRange carried) {
            ScalarMath s(b, loc, type);
            Value m = carried[0];
            auto isBelow = [&](OpBuilder &b, Location loc, Value row) -> Value {
              return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, row, k);
            };
            Value pivotRow = emitLoop(
                b, loc, n, {k},
                [&](OpBuilder &b, Location loc, Value row, ValueRange best) {
                  ScalarMath s(b, loc, type);
                  Value wins = s.less(s.abs(load(b, loc, m, best[0], k)),
                                      s.abs(load(b, loc, m, row, k)));
                  return Carried{s.select(s.bitAnd(wins, isBelow(b, loc, row)), row,
                                          best[0])};
                })[0];
            Value isSame = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                                 pivotRow, k);
            m = emitLoop(b, loc, n, {m},
                         [&](OpBuilder &b, Location loc, Value c, ValueRange carried) {
                           Value x = load(b, loc, carried[0], k, c);
                           Value y = load(b, loc, carried[0], pivotRow, c);
                           Value first = store(b, loc, y, carried[0], k, c);
                           return Carried{store(b, loc, x, first, pivotRow, c)};
                         })[0];
            Value pivot = load(b, loc, m, k, k);
            Value factor = s.select(isSame, pivot, s.neg(pivot));
            Value isZero = s.equal(pivot, s.number(0));
            Value divisor = s.select(isZero, s.number(1), pivot);
            m = emitLoops(
                b, loc, {n, n}, {m},
                [&](OpBuilder &b, Location loc, ValueRange rc, ValueRange carried) {
                  // From the last column on, so that column k is read before it
                  // becomes zero.
                  ScalarMath s(b, loc, type);
                  Value column = arith::SubIOp::create(
                      b, loc, qnn::indexConstant(b, loc, n - 1), rc[1]);
                  Value x = load(b, loc, carried[0], rc[0], column);
                  Value share = s.div(load(b, loc, carried[0], rc[0], k), divisor);
                  Value less = s.sub(x, s.mul(share, load(b, loc, carried[0], k, column)));
                  Value moves = s.bitAnd(isBelow(b, loc, rc[0]),
                                         arith::CmpIOp::create(
                                             b, loc, arith::CmpIPredicate::uge,
                                             column, k));
                  return Carried{store(b, loc, s.select(moves, less, x), carried[0],
                                       rc[0], column)};
                })[0];
            return Carried{m, s.mul(carried[1], factor)};
          });
      Value result = tensor::InsertOp::create(b, loc, done[1], carried[0], at);
      return {result, done[0]};
    };
    return {emitLoops(b, loc, batch, start, eachMatrix)[0]};
  };
  return node.setOutput(node.compute(resultType, input, body)[0]);
}

ArrayRef<OpEntry> rowFunctionOps() {
  static const OpEntry entries[] = {
      {"LogSoftmax", 1, 1, convertLogSoftmax},
      {"Hardmax", 1, 1, convertHardmax},
      {"LpNormalization", 1, 1, convertLpNormalization},
      {"Det", 1, 1, convertDet, 11},
  };
  return entries;
}

} // namespace dyadic::onnx_import
