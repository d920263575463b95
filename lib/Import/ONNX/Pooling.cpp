//===- Pooling.cpp - windows and reductions -------------------------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Window.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

namespace {
/// A pool with its window over the input, and the forms it can take.
class Pool {
public:
  explicit Pool(NodeImporter &node) : node(node) {}

  LogicalResult read() {
    input = node.number(0);
    if (!input)
      return failure();
    auto resolved = resolveWindow(node, shapeOf(input), {});
    if (failed(resolved))
      return failure();
    window = *resolved;
    auto shape = windowedShape(node, window, shapeOf(input), shapeOf(input)[1]);
    if (failed(shape))
      return failure();
    resultShape = *shape;
    return success();
  }

  /// The whole input as one window.
  LogicalResult readGlobal() {
    input = node.number(0);
    if (!input)
      return failure();
    size_t rank = shapeOf(input).size();
    if (rank < 3)
      return node.emitError()
             << "expected an image, but got " << toString(shapeOf(input));
    Shape ones(rank - 2, 1), zeros(rank - 2, 0);
    window = {Shape(shapeOf(input).drop_front(2)), ones, ones, zeros, zeros, zeros};
    resultShape = Shape{shapeOf(input)[0], shapeOf(input)[1]};
    resultShape.append(rank - 2, 1);
    return success();
  }

  /// Whether qnn's pools over images have this window and elements: of stored
  /// integers the maximum is that of the reals.
  bool isPlanar(bool ofStored = false) const {
    Type element = elementOf(input);
    return (element.isF32() || (ofStored && element.isInteger(8))) && window.rank() <= 2 &&
           llvm::all_of(window.dilations, [](int64_t d) { return d == 1; });
  }

  template <typename PoolOp>
  Value planar(ArrayRef<NamedAttribute> more = {}) {
    Window image = asImageWindow(window);
    SmallVector<NamedAttribute> attributes{node.attr("kernel", image.kernel),
                                           node.attr("strides", image.strides),
                                           node.attr("pads", image.pads())};
    llvm::append_range(attributes, more);
    Value output =
        node.emit<PoolOp>(imageToChannelsLast(node, node.asQuantized(input)), attributes);
    return node.asStored(imageToChannelsFirst(node, output, shapeOf(input).size()));
  }

  /// The state after `body` saw every element of a window that lies inside the
  /// input, `finish`ed to an element of the result.
  using Visit = function_ref<SmallVector<Scalar>(
      const Formula &, Scalar element, ArrayRef<Scalar> position,
      ArrayRef<Scalar> state)>;
  Value formula(Type element,
                function_ref<SmallVector<Scalar>(const Formula &)> initial,
                Visit visit,
                function_ref<Scalar(const Formula &, ArrayRef<Scalar> state,
                                    ArrayRef<Scalar> at)>
                    finish) {
    Type from = elementOf(input);
    return emitFormula(
        node, resultShape, element, input,
        [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
          auto state = f.loop(
              window.kernel, initial(f),
              [&](const Formula &f, ArrayRef<Scalar> tap, ArrayRef<Scalar> state) {
                SmallVector<Scalar> position =
                    tapPosition(window, at.drop_front(2), tap);
                SmallVector<Scalar> full{at[0], at[1]};
                llvm::append_range(full, position);
                Scalar valid = f.inside(tensors[0], full);
                Scalar value = widen(
                    f.readOr(tensors[0], full, f.real(0, elementOf(tensors[0]))), from);
                SmallVector<Scalar> result;
                for (auto [next, old] :
                     llvm::zip_equal(visit(f, value, position, state), state))
                  result.push_back(select(valid, next, old));
                return result;
              });
          return finish(f, state, at.drop_front(2));
        });
  }

  NodeImporter &node;
  Value input;
  Window window;
  Shape resultShape;
};
} // namespace

/// Below every element.
static Scalar lowest(const Formula &f, Type compute) {
  if (isa<FloatType>(compute))
    return f.real(-std::numeric_limits<double>::infinity(), compute);
  return f.of(arith::ConstantOp::create(
      f.b, f.loc, f.b.getIntegerAttr(compute, std::numeric_limits<int64_t>::min())));
}

/// Where the greatest element of each window lies: its number in the tensor, with
/// the image's last dimension the slowest if `columnMajor`.
static Value indicesOfMaxima(Pool &pool, bool columnMajor) {
  Shape shape(shapeOf(pool.input));
  ArrayRef<int64_t> spatial = ArrayRef<int64_t>(shape).drop_front(2);
  Shape strides = stridesOf(spatial);
  if (columnMajor) {
    int64_t next = 1;
    for (size_t i = 0; i < spatial.size(); ++i) {
      strides[i] = next;
      next *= spatial[i];
    }
  }
  int64_t plane = *countElements(spatial);
  Type compute = computeType(elementOf(pool.input));
  Type i64 = pool.node.getBuilder().getI64Type();
  return emitFormula(
      pool.node, pool.resultShape, i64, pool.input,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        SmallVector<Scalar> initial{lowest(f, compute), f.index(-1)};
        auto state = f.loop(
            pool.window.kernel, initial,
            [&](const Formula &f, ArrayRef<Scalar> tap, ArrayRef<Scalar> state)
                -> SmallVector<Scalar> {
              SmallVector<Scalar> full{at[0], at[1]};
              llvm::append_range(
                  full, tapPosition(pool.window, at.drop_front(2), tap));
              Scalar value = widen(f.readOr(tensors[0], full,
                                            f.real(0, elementOf(tensors[0]))),
                                   elementOf(pool.input));
              Scalar better = f.inside(tensors[0], full) &
                              ((state[0] < value) | (state[1] < 0));
              Scalar number = f.index(0);
              for (auto [i, stride] : llvm::enumerate(strides))
                number = number + full[i + 2] * stride;
              return {select(better, value, state[0]),
                      select(better, number, state[1])};
            });
        return (at[0] * shape[1] + at[1]) * plane + state[1];
      });
}

static Value maximumOfWindows(Pool &pool) {
  if (pool.isPlanar(/*ofStored=*/true))
    return pool.planar<qnn::MaxPool2DOp>();
  Type element = elementOf(pool.input), compute = computeType(element);
  return pool.formula(
      element,
      [&](const Formula &f) { return SmallVector<Scalar>{lowest(f, compute)}; },
      [](const Formula &f, Scalar value, ArrayRef<Scalar>, ArrayRef<Scalar> state) {
        return SmallVector<Scalar>{maximum(value, state[0])};
      },
      [](const Formula &, ArrayRef<Scalar> state, ArrayRef<Scalar>) { return state[0]; });
}

static LogicalResult convertMaxPool(NodeImporter &node) {
  Pool pool(node);
  bool columnMajor = node.getInt("storage_order", 0) != 0;
  if (failed(pool.read()))
    return failure();
  if (node.isUsed(1) &&
      failed(node.setOutput(1, indicesOfMaxima(pool, columnMajor))))
    return failure();
  return node.isUsed(0) ? node.setOutput(maximumOfWindows(pool)) : success();
}

/// The mean of each window: of its elements, or with `countPads` also of the
/// padding, though not of what ceil_mode adds behind it.
static Value meanOfWindows(Pool &pool, bool countPads) {
  bool anyPads = llvm::any_of(pool.window.pads(), [](int64_t pad) { return pad; });
  bool anyExtra = llvm::any_of(pool.window.ceilExtra, [](int64_t n) { return n; });
  if (pool.isPlanar() && !(countPads && anyExtra))
    return pool.planar<qnn::AvgPool2DOp>(
        pool.node.boolAttr("count_include_pad", countPads && anyPads));
  Type element = elementOf(pool.input), compute = computeType(element);
  const Window &window = pool.window;
  Shape spatial(shapeOf(pool.input).drop_front(2));
  return pool.formula(
      element,
      [&](const Formula &f) {
        return SmallVector<Scalar>{f.real(0, compute), f.real(0, compute)};
      },
      [](const Formula &f, Scalar value, ArrayRef<Scalar>, ArrayRef<Scalar> state) {
        return SmallVector<Scalar>{state[0] + value, state[1] + 1};
      },
      [&](const Formula &f, ArrayRef<Scalar> state, ArrayRef<Scalar> at) {
        if (!countPads)
          return state[0] / state[1];
        // Taps before the end of the padding.
        Scalar count = f.index(1);
        for (size_t i = 0; i < window.rank(); ++i) {
          int64_t padded = spatial[i] + window.begin[i] + window.end[i] -
                           window.ceilExtra[i];
          Scalar room = padded - 1 - at[i] * window.strides[i];
          count = count * clamp(room / window.dilations[i] + 1, 1,
                                window.kernel[i]);
        }
        return state[0] / count.to(compute);
      });
}

static LogicalResult convertAveragePool(NodeImporter &node) {
  Pool pool(node);
  bool countPads = node.getInt("count_include_pad", 0) != 0;
  return failed(pool.read()) ? failure()
                             : node.setOutput(meanOfWindows(pool, countPads));
}

/// The p-th root of the sum of p-th powers of each window.
static Value normOfWindows(Pool &pool, double p) {
  Type element = elementOf(pool.input), compute = computeType(element);
  return pool.formula(
      element,
      [&](const Formula &f) { return SmallVector<Scalar>{f.real(0, compute)}; },
      [&](const Formula &f, Scalar value, ArrayRef<Scalar>, ArrayRef<Scalar> state) {
        Scalar term = p == 2 ? value * value
                      : p == 1 ? absOf(value)
                               : powOf(absOf(value), value.like(p));
        return SmallVector<Scalar>{state[0] + term};
      },
      [&](const Formula &, ArrayRef<Scalar> state, ArrayRef<Scalar>) {
        return p == 2   ? sqrtOf(state[0])
               : p == 1 ? state[0]
                        : powOf(state[0], state[0].like(1 / p));
      });
}

template <bool isGlobal> static LogicalResult convertLpPool(NodeImporter &node) {
  Pool pool(node);
  double p = static_cast<double>(node.getInt("p", 2));
  if (failed(isGlobal ? pool.readGlobal() : pool.read()))
    return failure();
  if (!isa<FloatType>(elementOf(pool.input)) || p < 1)
    return node.emitError() << "expected floats and p of at least 1, but got "
                            << elementOf(pool.input) << " and " << p;
  return node.setOutput(normOfWindows(pool, p));
}

static LogicalResult convertGlobalMaxPool(NodeImporter &node) {
  Pool pool(node);
  return failed(pool.readGlobal()) ? failure()
                                   : node.setOutput(maximumOfWindows(pool));
}

/// Elements go where the indices of a maximum pool say, among zeros.
static LogicalResult convertMaxUnpool(NodeImporter &node) {
  Value input = node.number(0), indices = node.number(1);
  if (!input || !indices)
    return failure();
  Shape shape(shapeOf(input));
  if (shape.size() < 3 || shapeOf(indices) != ArrayRef<int64_t>(shape) ||
      elementOf(indices).getIntOrFloatBitWidth() != 64)
    return node.emitError() << "expected int64 indices of the shape "
                            << toString(shape) << ", but got " << indices.getType();
  auto window = resolveWindow(node, shape, {});
  if (failed(window))
    return failure();
  for (size_t i = 0; i < window->rank(); ++i)
    shape[i + 2] = (shape[i + 2] - 1) * window->strides[i] + window->kernel[i] -
                   window->begin[i] - window->end[i];
  if (node.hasInput(2)) {
    const HostTensor *wanted = node.constant(2);
    if (!wanted)
      return node.mustBeKnown(2, "'output_shape'");
    Shape given = toInts(*wanted);
    if (given.size() != shape.size())
      return node.emitError() << "expected an output_shape of " << shape.size()
                              << " extents, but got " << toString(given);
    // The indices count in the shape that follows from the window.
    if (given != shape)
      return node.unsupported("an output_shape other than " + toString(shape));
  }
  if (!node.checkResultShape(shape))
    return failure();
  auto type = RankedTensorType::get(shape, elementOf(input));
  auto results = emitTensors(
      node, type, {input, indices},
      [&](const Formula &f, ValueRange tensors) -> SmallVector<Value> {
        int64_t count = *countElements(shape);
        Value flat = f.filled({count}, elementOf(tensors[0]), 0);
        auto state = f.loop(
            shapeOf(tensors[0]), f.of(flat),
            [&](const Formula &f, ArrayRef<Scalar> at,
                ArrayRef<Scalar> state) -> SmallVector<Scalar> {
              Scalar place = clamp(f.read(tensors[1], at).toIndex(), 0,
                                   static_cast<double>(count - 1));
              return {f.of(f.write(state[0], place, f.read(tensors[0], at)))};
            });
        return {f.reshaped(state[0], shape)};
      });
  return node.setOutput(results.front());
}

static LogicalResult convertGlobalAveragePool(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  int64_t rank = shapeOf(input).size();
  if (rank < 3)
    return node.emitError()
           << "expected an image, but got " << toString(shapeOf(input));
  Shape axes = llvm::to_vector(llvm::seq<int64_t>(2, rank));
  return node.setOutput(node.emit<qnn::ReduceMeanOp>(
      input, {node.attr("axes", axes), node.boolAttr("keep_dims", true)}));
}

ArrayRef<OpEntry> poolingOps() {
  static const OpEntry entries[] = {
      {"MaxPool", 1, 1, convertMaxPool},
      {"AveragePool", 1, 1, convertAveragePool},
      {"LpPool", 1, 1, convertLpPool<false>},
      {"GlobalLpPool", 1, 1, convertLpPool<true>},
      {"MaxUnpool", 2, 3, convertMaxUnpool},
      {"GlobalAveragePool", 1, 1, convertGlobalAveragePool},
      {"GlobalMaxPool", 1, 1, convertGlobalMaxPool},
  };
  return entries;
}

} // namespace dyadic::onnx_import
