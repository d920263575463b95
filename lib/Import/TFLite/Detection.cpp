//===- Detection.cpp - boxes of an SSD head, without those that overlap ---===//
//
// TFLite_Detection_PostProcess: boxes are decoded around their anchors, and of
// those whose score is high enough the best is taken and what overlaps it is left
// out, again and again. Either each box counts for its best class, or ("regular")
// this is done for each class and the best of all are kept. All of it is f32.
//
//===----------------------------------------------------------------------===//
// Numbers are never read from text: the library that knows locales isn't needed.
#define FLATBUFFERS_LOCALE_INDEPENDENT 0

#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <flatbuffers/flexbuffers.h>
#include <limits>

using namespace mlir;

namespace dyadic::tflite_import {
namespace {

/// The operator's options.
struct Detection {
  int64_t most, mostPerClass, classes;
  bool isRegular;
  float leastScore, mostOverlap;
  float scales[4]; // y, x, h, w
  /// Of the operands: how many boxes, and how many columns of scores there are
  /// before those of the classes.
  int64_t boxes = 0, background = 0;
};

using Values = SmallVector<Value>;
using Body = function_ref<Values(OpBuilder &, Location, Value, ValueRange)>;

Values forEach(OpBuilder &b, Location loc, int64_t count, ValueRange initial,
               Body body) {
  auto index = [&](int64_t i) { return qnn::indexConstant(b, loc, i); };
  auto loop = scf::ForOp::create(
      b, loc, index(0), index(count), index(1), initial,
      [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
        scf::YieldOp::create(b, loc, body(b, loc, i, carried));
      });
  return Values(loop.getResults());
}

/// What `body` makes of `values` where the condition holds.
Values onlyIf(OpBuilder &b, Location loc, Value condition, ValueRange values,
              function_ref<Values(OpBuilder &, Location, ValueRange)> body) {
  Values otherwise(values);
  auto branch = scf::IfOp::create(
      b, loc, condition,
      [&](OpBuilder &b, Location loc) {
        scf::YieldOp::create(b, loc, body(b, loc, otherwise));
      },
      [&](OpBuilder &b, Location loc) {
        scf::YieldOp::create(b, loc, otherwise);
      });
  return Values(branch.getResults());
}

/// Scalar arithmetic in few words.
struct Scalars {
  OpBuilder &b;
  Location loc;
  template <typename Op, typename... Args> Value make(Args... args) const {
    return Op::create(b, loc, args...);
  }
  Value f32(double value) const {
    return qnn::scalarConstant(b, loc, b.getF32Type(), value);
  }
  Value bit(bool value) const {
    return qnn::scalarConstant(b, loc, b.getI1Type(), value);
  }
  Value index(int64_t value) const { return qnn::indexConstant(b, loc, value); }
  Value at(Value tensor, ValueRange place) const {
    return make<tensor::ExtractOp>(tensor, place);
  }
  Value less(Value x, Value y) const {
    return make<arith::CmpFOp>(arith::CmpFPredicate::OLT, x, y);
  }
  Value atLeast(Value x, Value y) const {
    return make<arith::CmpFOp>(arith::CmpFPredicate::OGE, x, y);
  }
  Value select(Value condition, Value x, Value y) const {
    return make<arith::SelectOp>(condition, x, y);
  }
};

class DetectionBuilder {
public:
  explicit DetectionBuilder(const Detection &options) : options(options) {}

  /// Boxes, classes, scores and how many there are. `arguments` are the encoded
  /// boxes, the scores and the anchors.
  Values build(OpBuilder &b, Location loc, ValueRange arguments) {
    scores = arguments[1];
    boxes = decode(b, loc, arguments[0], arguments[2]);
    return options.isRegular ? buildRegular(b, loc) : buildFast(b, loc);
  }

private:
  RankedTensorType reals(OpBuilder &b, ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, b.getF32Type());
  }

  /// [ymin, xmin, ymax, xmax] of each box.
  Value decode(OpBuilder &b, Location loc, Value encodings, Value anchors) {
    return qnn::mapIndices(
        b, loc, reals(b, {options.boxes, 4}),
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          Scalars s{b, loc};
          // The coordinate, y or x, and whether this is its lower end.
          Value isLower = s.make<arith::CmpIOp>(arith::CmpIPredicate::ult, at[1],
                                                s.index(2));
          Value which = s.make<arith::RemUIOp>(at[1], s.index(2));
          Value extent = s.make<arith::AddIOp>(which, s.index(2));
          Value isY = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, which,
                                            s.index(0));
          auto encoded = [&](Value coordinate, float ofY, float ofX) -> Value {
            Value scale = s.select(isY, s.f32(ofY), s.f32(ofX));
            Value raw = s.at(encodings, {s.index(0), at[0], coordinate});
            return s.make<arith::DivFOp>(raw, scale);
          };
          Value size = s.at(anchors, {at[0], extent});
          Value center = s.make<arith::MulFOp>(
              encoded(which, options.scales[0], options.scales[1]), size);
          center = s.make<arith::AddFOp>(center, s.at(anchors, {at[0], which}));
          Value half = s.make<math::ExpOp>(
              encoded(extent, options.scales[2], options.scales[3]));
          half = s.make<arith::MulFOp>(s.make<arith::MulFOp>(s.f32(0.5), half), size);
          return s.select(isLower, s.make<arith::SubFOp>(center, half),
                          s.make<arith::AddFOp>(center, half));
        });
  }

  Value areaOf(const Scalars &s, ArrayRef<Value> box) {
    return s.make<arith::MulFOp>(s.make<arith::SubFOp>(box[2], box[0]),
                                 s.make<arith::SubFOp>(box[3], box[1]));
  }

  /// Whether the intersection of boxes `i` and `j` is too large a part of both.
  Value overlaps(const Scalars &s, Value i, Value j) {
    Values x, y, both;
    for (int64_t k = 0; k < 4; ++k) {
      x.push_back(s.at(boxes, {i, s.index(k)}));
      y.push_back(s.at(boxes, {j, s.index(k)}));
      both.push_back(k < 2 ? s.make<arith::MaximumFOp>(x[k], y[k])
                           : s.make<arith::MinimumFOp>(x[k], y[k]));
    }
    auto side = [&](int64_t k) {
      return s.make<arith::MaximumFOp>(s.make<arith::SubFOp>(both[k + 2], both[k]),
                                       s.f32(0));
    };
    Value common = s.make<arith::MulFOp>(side(0), side(1));
    Value areas[] = {areaOf(s, x), areaOf(s, y)};
    Value either = s.make<arith::SubFOp>(s.make<arith::AddFOp>(areas[0], areas[1]),
                                         common);
    Value isTooMuch = s.less(s.f32(options.mostOverlap),
                             s.make<arith::DivFOp>(common, either));
    Value haveArea = s.make<arith::AndIOp>(s.less(s.f32(0), areas[0]),
                                           s.less(s.f32(0), areas[1]));
    return s.make<arith::AndIOp>(isTooMuch, haveArea);
  }

  /// Takes the best of `ranks` (one a box) up to `times`, each followed by leaving
  /// out what overlaps it. `onTaken` gets the box and its rank, and makes the next
  /// `carried`.
  Values takeBest(OpBuilder &b, Location loc, Value ranks, int64_t times,
                  ValueRange carried,
                  function_ref<Values(OpBuilder &, Location, Value box, Value rank,
                                      ValueRange)>
                      onTaken) {
    Value open = qnn::mapElements(
        b, loc, reals(b, {options.boxes}), ranks,
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Scalars s{b, loc};
          return s.select(s.atLeast(x[0], s.f32(options.leastScore)), x[0],
                          s.f32(closed));
        });
    Values state{open, Scalars{b, loc}.bit(true)};
    llvm::append_range(state, carried);
    state = forEach(
        b, loc, times, state,
        [&](OpBuilder &b, Location loc, Value, ValueRange state) {
          return onlyIf(b, loc, state[1], state, [&](OpBuilder &b, Location loc,
                                                     ValueRange state) {
            return takeOne(b, loc, state, onTaken);
          });
        });
    return Values(ArrayRef(state).drop_front(2));
  }

  Values takeOne(OpBuilder &b, Location loc, ValueRange state,
                 function_ref<Values(OpBuilder &, Location, Value, Value, ValueRange)>
                     onTaken) {
    Scalars s{b, loc};
    Value open = state[0];
    Values best = forEach(b, loc, options.boxes, {s.f32(closed), s.index(0)},
                          [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
                            Scalars s{b, loc};
                            Value mine = s.at(open, i);
                            Value isBetter = s.less(best[0], mine);
                            return Values{s.select(isBetter, mine, best[0]),
                                          s.select(isBetter, i, best[1])};
                          });
    Value isFound = s.less(s.f32(closed), best[0]);
    Values next(state);
    next[1] = isFound;
    return onlyIf(b, loc, isFound, next, [&](OpBuilder &b, Location loc,
                                             ValueRange state) {
      Value left = forEach(
          b, loc, options.boxes, {state[0]},
          [&](OpBuilder &b, Location loc, Value i, ValueRange open) {
            Scalars s{b, loc};
            Value isTaken =
                s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, i, best[1]);
            Value isOut = s.make<arith::OrIOp>(isTaken, overlaps(s, best[1], i));
            Value rank = s.select(isOut, s.f32(closed), s.at(open[0], i));
            return Values{s.make<tensor::InsertOp>(rank, open[0], i)};
          })[0];
      Values next{left, state[1]};
      llvm::append_range(
          next, onTaken(b, loc, best[1], best[0], ValueRange(state).drop_front(2)));
      return next;
    });
  }

  Value scoreOf(const Scalars &s, Value box, Value column) {
    Value shifted = s.make<arith::AddIOp>(column, s.index(options.background));
    return s.at(scores, {s.index(0), box, shifted});
  }

  /// The best class of a box and its score.
  Values bestClass(OpBuilder &b, Location loc, Value box) {
    Scalars s{b, loc};
    double least = -std::numeric_limits<double>::infinity();
    return forEach(b, loc, options.classes, {s.f32(least), s.index(0)},
                   [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
                     Scalars s{b, loc};
                     Value mine = scoreOf(s, box, i);
                     Value isBetter = s.less(best[0], mine);
                     return Values{s.select(isBetter, mine, best[0]),
                                   s.select(isBetter, i, best[1])};
                   });
  }

  Value zeros(OpBuilder &b, Location loc) {
    return qnn::filled(b, loc, reals(b, {options.most}), Scalars{b, loc}.f32(0));
  }

  /// The lists of boxes, classes and scores (of f32, and of the number of each
  /// box) as the operator's results.
  Values results(OpBuilder &b, Location loc, Value taken, Value classes,
                 Value ranks, Value count) {
    auto row = [&](Value list) {
      return qnn::mapIndices(b, loc, reals(b, {1, options.most}),
                             [&](OpBuilder &b, Location loc, ValueRange at) {
                               return Scalars{b, loc}.at(list, at[1]);
                             });
    };
    Value corners = qnn::mapIndices(
        b, loc, reals(b, {1, options.most, 4}),
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          Scalars s{b, loc};
          Value number = s.make<arith::FPToSIOp>(b.getI64Type(), s.at(taken, at[1]));
          Value box = s.make<arith::IndexCastOp>(b.getIndexType(), number);
          Value place = s.make<arith::IndexCastOp>(b.getI64Type(), at[1]);
          Value isThere = s.less(s.make<arith::SIToFPOp>(b.getF32Type(), place), count);
          return s.select(isThere, s.at(boxes, {box, at[2]}), s.f32(0));
        });
    return {corners, row(classes), row(ranks),
            qnn::filled(b, loc, reals(b, {1}), count)};
  }

  static Value real(const Scalars &s, Value index) {
    Value number = s.make<arith::IndexCastOp>(s.b.getI64Type(), index);
    return s.make<arith::SIToFPOp>(s.b.getF32Type(), number);
  }

  Values buildFast(OpBuilder &b, Location loc) {
    Value ranks = qnn::mapIndices(b, loc, reals(b, {options.boxes}),
                                  [&](OpBuilder &b, Location loc, ValueRange at) {
                                    return bestClass(b, loc, at[0])[0];
                                  });
    Values initial{zeros(b, loc), zeros(b, loc), zeros(b, loc),
                   Scalars{b, loc}.index(0)};
    Values lists = takeBest(
        b, loc, ranks, options.most, initial,
        [&](OpBuilder &b, Location loc, Value box, Value rank, ValueRange lists) {
          Scalars s{b, loc};
          Value place = lists[3], column = bestClass(b, loc, box)[1];
          return Values{s.make<tensor::InsertOp>(real(s, box), lists[0], place),
                        s.make<tensor::InsertOp>(real(s, column), lists[1], place),
                        s.make<tensor::InsertOp>(rank, lists[2], place),
                        s.make<arith::AddIOp>(place, s.index(1))};
        });
    return results(b, loc, lists[0], lists[1], lists[2],
                   real(Scalars{b, loc}, lists[3]));
  }

  Values buildRegular(OpBuilder &b, Location loc) {
    Scalars s{b, loc};
    Value none = qnn::filled(b, loc, reals(b, {options.most}), s.f32(closed));
    Values lists = forEach(
        b, loc, options.classes, {zeros(b, loc), zeros(b, loc), none},
        [&](OpBuilder &b, Location loc, Value column, ValueRange lists) {
          Value ranks = qnn::mapIndices(
              b, loc, reals(b, {options.boxes}),
              [&](OpBuilder &b, Location loc, ValueRange at) {
                return scoreOf(Scalars{b, loc}, at[0], column);
              });
          return takeBest(b, loc, ranks, options.mostPerClass, lists,
                          [&](OpBuilder &b, Location loc, Value box, Value rank,
                              ValueRange lists) {
                            Scalars s{b, loc};
                            Value values[] = {real(s, box), real(s, column), rank};
                            return insertSorted(b, loc, lists, values);
                          });
        });
    // Places that nothing was kept for are zero and don't count.
    Value count = forEach(b, loc, options.most, {s.f32(0)},
                          [&](OpBuilder &b, Location loc, Value i, ValueRange sum) {
                            Scalars s{b, loc};
                            Value isThere = s.less(s.f32(closed), s.at(lists[2], i));
                            Value one = s.select(isThere, s.f32(1), s.f32(0));
                            return Values{s.make<arith::AddFOp>(sum[0], one)};
                          })[0];
    Value ranks = qnn::mapElements(
        b, loc, reals(b, {options.most}), lists[2],
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Scalars s{b, loc};
          return s.select(s.less(s.f32(closed), x[0]), x[0], s.f32(0));
        });
    return results(b, loc, lists[0], lists[1], ranks, count);
  }

  /// The lists with `values` behind all that have as high a rank, the last list.
  Values insertSorted(OpBuilder &b, Location loc, ValueRange lists,
                      ArrayRef<Value> values) {
    // From the last place on: what ranks lower moves one place further.
    return forEach(
        b, loc, options.most, lists,
        [&](OpBuilder &b, Location loc, Value i, ValueRange lists) {
          Scalars s{b, loc};
          Value place = s.make<arith::SubIOp>(s.index(options.most - 1), i);
          Value before = s.make<arith::MaxSIOp>(
              s.make<arith::SubIOp>(place, s.index(1)), s.index(0));
          Value isFirst =
              s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, place, s.index(0));
          Value isLower = s.less(s.at(lists[2], place), values[2]);
          Value staysBefore = s.make<arith::OrIOp>(
              isFirst, s.atLeast(s.at(lists[2], before), values[2]));
          Values next;
          for (auto [list, value] : llvm::zip_equal(lists, values)) {
            Value moved = s.select(staysBefore, value, s.at(list, before));
            Value entry = s.select(isLower, moved, s.at(list, place));
            next.push_back(s.make<tensor::InsertOp>(entry, list, place));
          }
          return next;
        });
  }

  /// Less than any score: what is left out.
  static constexpr double closed = -std::numeric_limits<float>::max();

  const Detection &options;
  Value scores, boxes;
};

} // namespace

/// The options, a flexbuffer, or an error.
static FailureOr<Detection> optionsOf(NodeImporter &node) {
  ArrayRef<uint8_t> bytes = valuesOf(node.getOperator().table->custom_options());
  std::vector<uint8_t> seen;
  if (bytes.empty() || !flexbuffers::VerifyBuffer(bytes.data(), bytes.size(), &seen) ||
      !flexbuffers::GetRoot(bytes.data(), bytes.size()).IsMap())
    return node.emitError() << "its options are missing or damaged";
  auto map = flexbuffers::GetRoot(bytes.data(), bytes.size()).AsMap();
  Detection options;
  options.most = map["max_detections"].AsInt32();
  options.mostPerClass = map["detections_per_class"].IsNull()
                             ? 100
                             : map["detections_per_class"].AsInt32();
  options.classes = map["num_classes"].AsInt32();
  options.isRegular = map["use_regular_nms"].AsBool();
  options.leastScore = map["nms_score_threshold"].AsFloat();
  options.mostOverlap = map["nms_iou_threshold"].AsFloat();
  for (auto [scale, name] : llvm::zip_equal(
           options.scales, ArrayRef{"y_scale", "x_scale", "h_scale", "w_scale"}))
    scale = map[name].AsFloat();
  if (!options.isRegular && map["max_classes_per_detection"].AsInt32() != 1)
    return node.unsupported("max_classes_per_detection other than 1");
  if (options.most < 1 || options.most > 4096 || options.mostPerClass < 1 ||
      options.mostPerClass > 4096 || !(options.mostOverlap > 0))
    return node.emitError() << "expected 1 to 4096 detections and an overlap above "
                               "0, but got "
                            << options.most << ", " << options.mostPerClass
                            << " and " << options.mostOverlap;
  return options;
}

/// An input as floats.
static Value realInput(NodeImporter &node, size_t i) {
  Value input = node.input(i);
  if (!input || elementOf(input).isF32())
    return input;
  if (!isa<quant::UniformQuantizedType>(elementOf(input))) {
    node.unsupported("an operand of " + nameOf(node.inputTensor(i).type()));
    return {};
  }
  auto type = cast<RankedTensorType>(input.getType())
                  .clone(Float32Type::get(input.getContext()));
  return quant::DequantizeCastOp::create(node.getBuilder(), node.getLoc(), type,
                                         input);
}

static LogicalResult convertDetection(NodeImporter &node) {
  auto options = optionsOf(node);
  Value encodings = realInput(node, 0), scores = realInput(node, 1),
        anchors = realInput(node, 2);
  if (failed(options) || !encodings || !scores || !anchors)
    return failure();
  ArrayRef<int64_t> boxShape = shapeOf(encodings), scoreShape = shapeOf(scores);
  if (boxShape.size() != 3 || scoreShape.size() != 3 || boxShape[0] != 1 ||
      scoreShape[0] != 1 || boxShape[2] < 4 || boxShape[1] != scoreShape[1] ||
      shapeOf(anchors) != ArrayRef<int64_t>{boxShape[1], 4} ||
      options->classes < 1 || options->classes > scoreShape[2] ||
      node.numOutputs() != 4)
    return node.emitError() << "expected 1xNx4 boxes, 1xNxC scores for "
                            << options->classes
                            << " classes, Nx4 anchors and 4 results, but got "
                            << toString(boxShape) << ", " << toString(scoreShape)
                            << " and " << toString(shapeOf(anchors));
  options->boxes = boxShape[1];
  options->background = scoreShape[2] - options->classes;
  OpBuilder &b = node.getBuilder();
  auto type = [&](ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, b.getF32Type());
  };
  int64_t most = options->most;
  auto compute = qnn::buildCompute(
      b, node.getLoc(), "DetectionPostProcess",
      {type({1, most, 4}), type({1, most}), type({1, most}), type({1})},
      {encodings, scores, anchors},
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        return DetectionBuilder(*options).build(b, loc, arguments);
      });
  for (size_t i = 0; i < 4; ++i)
    if (failed(node.setOutput(compute.getResult(i), i)))
      return failure();
  return success();
}

ArrayRef<OpEntry> detectionOps() {
  static const OpEntry entries[] = {
      {tflite::BuiltinOperator::CUSTOM, 3, 3, convertDetection, -1,
       "TFLite_Detection_PostProcess"},
  };
  return entries;
}

} // namespace dyadic::tflite_import
