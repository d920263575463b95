//===- Gathering.cpp - elements at places that are computed ----------------===//
//
// Indices of any integer type; one below zero counts from the end.
//
//===----------------------------------------------------------------------===//
#include "ConstantFolder.h"
#include "ElementFunctions.h"
#include "LoopNests.h"
#include "OpRegistry.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

static RankedTensorType tensorOf(ArrayRef<int64_t> shape, Value like) {
  return RankedTensorType::get(shape, elementOf(like));
}

/// A memory element as body of an indexed computation, which makes booleans i1.
static Value element(OpBuilder &b, Location loc, Value tensor, ValueRange at,
                     Type type) {
  return qnn::toScalar(b, loc, tensor::ExtractOp::create(b, loc, tensor, at), type);
}

/// Checks that input `i` is a tensor of integers.
static Value indexInput(NodeImporter &node, size_t i) {
  Value value = node.anyInput(i);
  if (value && !isInteger(value)) {
    node.emitError() << "expected indices that are integers, but got "
                     << value.getType();
    return {};
  }
  return value;
}

/// out[i, j] = data[i, indices[i, j]] along `axis`.
static LogicalResult convertGatherElements(NodeImporter &node) {
  Value data = node.anyInput(0), indices = indexInput(node, 1);
  if (!data || !indices)
    return failure();
  auto axis = resolveAxis(node, node.getInt("axis", 0), shapeOf(data).size());
  if (failed(axis))
    return failure();
  if (shapeOf(data).size() != shapeOf(indices).size())
    return node.emitError() << "expected indices of as many dimensions as the "
                               "data, but got "
                            << toString(shapeOf(indices));
  for (auto [i, have, want] : llvm::enumerate(shapeOf(data), shapeOf(indices)))
    if (int64_t(i) != *axis && want > have)
      return node.emitError() << "expected indices within the data's shape "
                              << toString(shapeOf(data)) << ", but got "
                              << toString(shapeOf(indices));
  Type type = elementOf(data), indexType = elementOf(indices);
  int64_t extent = shapeOf(data)[*axis];
  return node.setOutput(node.indexed(
      tensorOf(shapeOf(indices), data), {data, indices},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) {
        SmallVector<Value> from(at);
        from[*axis] = loadIndex(b, loc, in[1], at, indexType, extent);
        return element(b, loc, in[0], from, type);
      }));
}

namespace {
/// The dimensions of GatherND and ScatterND: `batch` leading ones that data and
/// indices share, those of the list of places, and of each slice.
struct Places {
  int64_t batch, depth;
  Shape outer, slice;
};
} // namespace

static FailureOr<Places> placesOf(NodeImporter &node, Value data, Value indices,
                                  int64_t batch) {
  ArrayRef<int64_t> from = shapeOf(data), list = shapeOf(indices);
  int64_t rank = from.size(), listRank = list.size();
  bool valid = listRank > batch && batch >= 0 && rank > batch;
  int64_t depth = valid ? list.back() : 0;
  valid = valid && depth >= 1 && batch + depth <= rank &&
          from.take_front(batch) == list.take_front(batch);
  if (!valid)
    return node.emitError() << "indices of shape " << toString(list)
                            << " do not go with data of shape "
                            << toString(from);
  return Places{batch, depth, Shape(list.drop_back()),
                Shape(from.drop_front(batch + depth))};
}

/// The place in the data that entry `outer` of the list names.
static SmallVector<Value> loadPlace(OpBuilder &b, Location loc,
                                    const Places &places, Value indices,
                                    Type indexType, ArrayRef<int64_t> dataShape,
                                    ValueRange outer) {
  SmallVector<Value> place(outer.take_front(places.batch));
  SmallVector<Value> at(outer);
  at.push_back({});
  for (int64_t i = 0; i < places.depth; ++i) {
    at.back() = qnn::indexConstant(b, loc, i);
    place.push_back(loadIndex(b, loc, indices, at, indexType,
                              dataShape[places.batch + i]));
  }
  return place;
}

static LogicalResult convertGatherND(NodeImporter &node) {
  Value data = node.anyInput(0), indices = indexInput(node, 1);
  if (!data || !indices)
    return failure();
  auto places = placesOf(node, data, indices, node.getInt("batch_dims", 0));
  if (failed(places))
    return failure();
  Shape result = places->outer;
  llvm::append_range(result, places->slice);
  Type type = elementOf(data), indexType = elementOf(indices);
  Shape dataShape(shapeOf(data));
  size_t outer = places->outer.size();
  return node.setOutput(node.indexed(
      tensorOf(result, data), {data, indices},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) {
        SmallVector<Value> from = loadPlace(b, loc, *places, in[1], indexType,
                                            dataShape, at.take_front(outer));
        llvm::append_range(from, at.drop_front(outer));
        return element(b, loc, in[0], from, type);
      }));
}

using Join = Value (*)(const ScalarMath &, Value, Value);

/// How a scattered element joins what is there; null for an unknown way.
static FailureOr<Join> joinOf(NodeImporter &node) {
  std::string name = node.getString("reduction", "none");
  if (name == "none")
    return Join([](const ScalarMath &, Value, Value y) { return y; });
  if (name == "add")
    return Join([](const ScalarMath &s, Value x, Value y) { return s.add(x, y); });
  if (name == "mul")
    return Join([](const ScalarMath &s, Value x, Value y) { return s.mul(x, y); });
  if (name == "max")
    return Join(
        [](const ScalarMath &s, Value x, Value y) { return s.maximum(x, y); });
  if (name == "min")
    return Join(
        [](const ScalarMath &s, Value x, Value y) { return s.minimum(x, y); });
  return node.unsupported("the reduction '" + name + "'");
}

/// Joins one memory element of `updates` to that of `result`.
static Value joinInto(OpBuilder &b, Location loc, Join join, Type type,
                      Value result, ValueRange to, Value updates,
                      ValueRange from) {
  ScalarMath s(b, loc, type);
  Value joined = join(s, element(b, loc, result, to, type),
                      element(b, loc, updates, from, type));
  return tensor::InsertOp::create(b, loc, qnn::toMemory(b, loc, joined, type),
                                  result, to);
}

/// The data, with updates at places of a list, one after the other.
static LogicalResult convertScatterND(NodeImporter &node) {
  Value data = node.anyInput(0), indices = indexInput(node, 1),
        updates = node.anyInput(2);
  auto join = joinOf(node);
  if (!data || !indices || !updates || failed(join))
    return failure();
  auto places = placesOf(node, data, indices, 0);
  if (failed(places))
    return failure();
  Shape expected = places->outer;
  llvm::append_range(expected, places->slice);
  if (shapeOf(updates) != ArrayRef(expected) ||
      elementOf(updates) != elementOf(data))
    return node.emitError() << "expected updates of shape " << toString(expected)
                            << " and the data's type, but got "
                            << updates.getType();
  Type type = elementOf(data), indexType = elementOf(indices);
  Shape dataShape(shapeOf(data));
  auto results = node.compute(
      data.getType(), {data, indices, updates},
      [&](OpBuilder &b, Location loc, ValueRange in) {
        return emitLoops(
            b, loc, places->outer, {copyOf(b, loc, in[0])},
            [&](OpBuilder &b, Location loc, ValueRange outer, ValueRange carried) {
              SmallVector<Value> place = loadPlace(b, loc, *places, in[1],
                                                   indexType, dataShape, outer);
              SmallVector<Value> list(outer);
              return emitLoops(b, loc, places->slice, Carried(carried),
                               [&](OpBuilder &b, Location loc, ValueRange inner,
                                   ValueRange carried) {
                                 SmallVector<Value> to(place), from(list);
                                 llvm::append_range(to, inner);
                                 llvm::append_range(from, inner);
                                 return Carried{joinInto(b, loc, *join, type,
                                                         carried[0], to, in[2],
                                                         from)};
                               });
            });
      });
  return node.setOutput(results[0]);
}

/// The data, with updates[i, j] at [i, indices[i, j]] along `axis`.
static LogicalResult convertScatterElements(NodeImporter &node) {
  Value data = node.anyInput(0), indices = indexInput(node, 1),
        updates = node.anyInput(2);
  auto join = joinOf(node);
  if (!data || !indices || !updates || failed(join))
    return failure();
  auto axis = resolveAxis(node, node.getInt("axis", 0), shapeOf(data).size());
  if (failed(axis))
    return failure();
  Shape dataShape(shapeOf(data)), shape(shapeOf(indices));
  bool valid = shapeOf(updates) == ArrayRef(shape) &&
               shape.size() == dataShape.size() &&
               elementOf(updates) == elementOf(data);
  for (size_t i = 0; valid && i < shape.size(); ++i)
    valid = int64_t(i) == *axis || shape[i] <= dataShape[i];
  if (!valid)
    return node.emitError() << "indices " << indices.getType() << " and updates "
                            << updates.getType() << " do not go with data "
                            << data.getType();
  Type type = elementOf(data), indexType = elementOf(indices);
  auto results = node.compute(
      data.getType(), {data, indices, updates},
      [&](OpBuilder &b, Location loc, ValueRange in) {
        return emitLoops(
            b, loc, shape, {copyOf(b, loc, in[0])},
            [&](OpBuilder &b, Location loc, ValueRange at, ValueRange carried) {
              SmallVector<Value> from(at), to(at);
              to[*axis] =
                  loadIndex(b, loc, in[1], from, indexType, dataShape[*axis]);
              return Carried{joinInto(b, loc, *join, type, carried[0], to, in[2],
                                      from)};
            });
      });
  return node.setOutput(results[0]);
}

/// The second value where an index names the position along `axis`, else the
/// first.
static LogicalResult convertOneHot(NodeImporter &node) {
  Value indices = node.anyInput(0), values = node.anyInput(2);
  const HostTensor *depth = node.constant(1);
  if (!indices || !values)
    return failure();
  if (!depth)
    return node.mustBeKnown(1, "the depth");
  if (depth->numElements() != 1 || depth->get(0) < 1 || shapeOf(values) != ArrayRef<int64_t>{2})
    return node.emitError() << "expected a depth of at least 1 and two values, "
                               "but got "
                            << describe(*depth) << " and " << values.getType();
  Shape shape(shapeOf(indices));
  auto axis = resolveAxis(node, node.getInt("axis", -1), shape.size() + 1);
  if (failed(axis))
    return failure();
  int64_t count = getInt(*depth, 0);
  shape.insert(shape.begin() + *axis, count);
  Type type = elementOf(values), indexType = elementOf(indices);
  return node.setOutput(node.indexed(
      tensorOf(shape, values), {indices, values},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) -> Value {
        SmallVector<Value> place(at);
        place.erase(place.begin() + *axis);
        Type i64 = b.getI64Type();
        ScalarMath s(b, loc, i64);
        Value index = qnn::castScalar(
            b, loc, element(b, loc, in[0], place, indexType), indexType, i64);
        index = s.select(s.less(index, s.number(0)),
                         s.add(index, s.number(count)), index);
        Value here = arith::IndexCastOp::create(b, loc, i64, at[*axis]);
        auto value = [&](int64_t i) {
          return element(b, loc, in[1], qnn::indexConstant(b, loc, i), type);
        };
        return s.select(s.equal(index, here), value(1), value(0));
      }));
}

/// The elements on one side of a diagonal, zeros on the other.
static LogicalResult convertTrilu(NodeImporter &node) {
  Value input = node.anyInput(0);
  bool isUpper = node.getInt("upper", 1) != 0;
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() < 2)
    return node.emitError() << "expected matrices, but got " << toString(shape);
  SmallVector<Value> operands{input};
  if (node.hasInput(1))
    operands.push_back(node.reshape(node.anyInput(1), {}));
  Type type = elementOf(input);
  return node.setOutput(node.indexed(
      tensorOf(shape, input), operands,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) -> Value {
        Type i64 = b.getI64Type();
        ScalarMath s(b, loc, i64);
        auto asInt = [&](Value index) -> Value {
          return arith::IndexCastOp::create(b, loc, i64, index);
        };
        Value k = in.size() > 1
                      ? Value(tensor::ExtractOp::create(b, loc, in[1], ValueRange()))
                      : s.number(0);
        Value distance = s.sub(asInt(at[at.size() - 1]), asInt(at[at.size() - 2]));
        Value stays = isUpper ? s.lessOrEqual(k, distance)
                              : s.lessOrEqual(distance, k);
        return s.select(stays, element(b, loc, in[0], at, type),
                        ScalarMath(b, loc, type).number(0));
      }));
}

/// The first elements of each sequence of a batch in reverse order.
static LogicalResult convertReverseSequence(NodeImporter &node) {
  Value input = node.anyInput(0), lengths = indexInput(node, 1);
  int64_t time = node.getInt("time_axis", 0), batch = node.getInt("batch_axis", 1);
  if (!input || !lengths)
    return failure();
  Shape shape(shapeOf(input));
  bool areFirst = time + batch == 1 && time * batch == 0;
  if (!areFirst || shape.size() < 2 ||
      shapeOf(lengths) != ArrayRef<int64_t>{shape[batch]})
    return node.emitError() << "expected a batch and a time axis that are 0 and "
                               "1, and a length for each, but got "
                            << batch << ", " << time << " and "
                            << lengths.getType();
  Type type = elementOf(input), lengthType = elementOf(lengths);
  return node.setOutput(node.indexed(
      tensorOf(shape, input), {input, lengths},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) {
        Value length = loadIndex(b, loc, in[1], at[batch], lengthType,
                                 shape[time] + 1);
        Value last = arith::SubIOp::create(b, loc, length,
                                           qnn::indexConstant(b, loc, 1));
        Value mirrored = arith::SubIOp::create(b, loc, last, at[time]);
        Value isInside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                               at[time], length);
        SmallVector<Value> from(at);
        from[time] = arith::SelectOp::create(b, loc, isInside, mirrored, at[time]);
        return element(b, loc, in[0], from, type);
      }));
}

/// The k greatest (or least) elements along an axis in order, equal ones in that
/// of their indices: the k times next one is looked for.
static LogicalResult convertTopK(NodeImporter &node) {
  Value input = node.anyInput(0);
  bool largest = node.getInt("largest", 1) != 0;
  node.ignore("sorted"); // any order will do then
  if (!input)
    return failure();
  int64_t k;
  if (node.getOpset() < 10) {
    k = node.getInt("k", 0);
  } else {
    const HostTensor *count = node.constant(1);
    if (!count)
      return node.mustBeKnown(1, "k");
    if (count->numElements() != 1)
      return node.emitError() << "expected one number k, but got "
                              << describe(*count);
    k = getInt(*count, 0);
  }
  Shape shape(shapeOf(input));
  auto axis = resolveAxis(node, node.getInt("axis", -1), shape.size());
  if (failed(axis))
    return failure();
  int64_t extent = shape[*axis];
  if (k < 0 || k > extent)
    return node.emitError() << "expected a k from 0 to " << extent << ", but got "
                            << k;
  Type type = elementOf(input), i64 = node.getBuilder().getI64Type();
  Shape resultShape = shape;
  resultShape[*axis] = k;
  auto valueType = tensorOf(resultShape, input);
  auto indexType = RankedTensorType::get(resultShape, i64);
  Shape rows = shape;
  rows.erase(rows.begin() + *axis);

  auto body = [&](OpBuilder &b, Location loc, ValueRange in) {
    auto empty = [&](RankedTensorType type) -> Value {
      RankedTensorType memory = qnn::memoryType(type);
      return tensor::EmptyOp::create(b, loc, memory.getShape(),
                                     memory.getElementType());
    };
    Carried results{empty(valueType), empty(indexType)};
    return emitLoops(b, loc, rows, results, [&](OpBuilder &b, Location loc,
                                                ValueRange row,
                                                ValueRange results) {
      auto place = [&](Value i) {
        SmallVector<Value> at(row);
        at.insert(at.begin() + *axis, i);
        return at;
      };
      ScalarMath s(b, loc, type);
      // What was found last: at first, nothing, which everything comes after.
      Value none = qnn::indexConstant(b, loc, -1);
      Carried start(results);
      start.append({s.number(0), none});
      Carried done = emitLoop(
          b, loc, k, start,
          [&](OpBuilder &b, Location loc, Value rank, ValueRange carried) {
            Value lastValue = carried[2], lastIndex = carried[3];
            ScalarMath s(b, loc, type);
            Carried found = emitLoop(
                b, loc, extent, {s.number(0), none},
                [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
                  ScalarMath s(b, loc, type);
                  auto before = [&](Value x, Value y) {
                    return largest ? s.less(y, x) : s.less(x, y);
                  };
                  auto isIndex = [&](arith::CmpIPredicate p, Value x, Value y) {
                    return arith::CmpIOp::create(b, loc, p, x, y).getResult();
                  };
                  using P = arith::CmpIPredicate;
                  Value x = element(b, loc, in[0], place(i), type);
                  Value isFree = s.bitOr(
                      isIndex(P::eq, lastIndex, none),
                      s.bitOr(before(lastValue, x),
                              s.bitAnd(s.equal(x, lastValue),
                                       isIndex(P::sgt, i, lastIndex))));
                  Value isBetter =
                      s.bitOr(isIndex(P::eq, best[1], none), before(x, best[0]));
                  Value wins = s.bitAnd(isFree, isBetter);
                  return Carried{s.select(wins, x, best[0]),
                                 s.select(wins, i, best[1])};
                });
            auto at = place(rank);
            Value values = tensor::InsertOp::create(
                b, loc, qnn::toMemory(b, loc, found[0], type), carried[0], at);
            Value index = arith::IndexCastOp::create(b, loc, i64, found[1]);
            Value indices =
                tensor::InsertOp::create(b, loc, index, carried[1], at);
            return Carried{values, indices, found[0], found[1]};
          });
      done.resize(2);
      return done;
    });
  };
  auto results = node.compute({valueType, indexType}, input, body);
  if (failed(node.setOutput(0, results[0])))
    return failure();
  return node.setOutput(1, results[1]);
}

/// Ones on a diagonal.
static LogicalResult convertEyeLike(NodeImporter &node) {
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() != 2)
    return node.emitError() << "expected a matrix, but got " << toString(shape);
  int64_t k = node.getInt("k", 0);
  Type type = elementOf(input);
  if (node.has("dtype"))
    type = computedElement(node.getInt("dtype", 0), type.getContext());
  if (!type)
    return node.unsupported("its dtype");
  return node.setOutput(node.indexed(
      RankedTensorType::get(shape, type), {},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) {
        ScalarMath s(b, loc, type);
        Value column = arith::AddIOp::create(b, loc, at[0],
                                             qnn::indexConstant(b, loc, k));
        Value isOn = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                           column, at[1]);
        return s.select(isOn, s.number(1), s.number(0));
      }));
}

ArrayRef<OpEntry> gatheringOps() {
  static const OpEntry entries[] = {
      {"GatherElements", 2, 2, convertGatherElements, 11},
      {"GatherND", 2, 2, convertGatherND, 11},
      {"ScatterND", 3, 3, convertScatterND, 11},
      {"ScatterElements", 3, 3, convertScatterElements, 11},
      {"Scatter", 3, 3, convertScatterElements, 9, 10},
      {"OneHot", 3, 3, convertOneHot, 9},
      {"Trilu", 1, 2, convertTrilu, 14},
      {"ReverseSequence", 2, 2, convertReverseSequence, 10},
      {"TopK", 1, 2, convertTopK},
      {"EyeLike", 1, 1, convertEyeLike, 9},
  };
  return entries;
}

} // namespace dyadic::onnx_import
