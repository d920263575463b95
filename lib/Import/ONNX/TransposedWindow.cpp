//===- TransposedWindow.cpp - ConvTranspose in general, Col2Im ------------===//
//
// Both add up, for a position of the result, what every window that covers it has
// at the tap that meets it.
//
//===----------------------------------------------------------------------===//
#include "TransposedWindow.h"

#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

namespace {
struct Meeting {
  /// Which window meets a position at a tap, a number a dimension, and whether
  /// there is one.
  SmallVector<Scalar> window;
  Scalar valid;
};
} // namespace

/// The windows whose tap `tap` is at `position`; `counts` are how many there are.
static Meeting meet(const Formula &f, const Window &window,
                    ArrayRef<int64_t> counts, ArrayRef<Scalar> position,
                    ArrayRef<Scalar> tap) {
  Meeting meeting{{}, f.index(0) == 0};
  for (size_t i = 0; i < window.rank(); ++i) {
    Scalar start =
        position[i] + window.begin[i] - tap[i] * window.dilations[i];
    Scalar number = start / window.strides[i];
    meeting.valid = meeting.valid & (0 <= start) &
                    (start % window.strides[i] == 0) & (number < counts[i]);
    meeting.window.push_back(
        clamp(number, 0, static_cast<double>(counts[i] - 1)));
  }
  return meeting;
}

/// The window, whose `end` is of no matter, and the extents of the result.
static FailureOr<Shape> readTransposed(NodeImporter &node, Window &window,
                                       ArrayRef<int64_t> spatial,
                                       ArrayRef<int64_t> kernel) {
  size_t rank = spatial.size();
  Shape ones(rank, 1), zeros(rank, 0);
  Shape pads = node.getInts("pads", Shape(2 * rank, 0)),
        extra = node.getInts("output_padding", zeros),
        wanted = node.getInts("output_shape");
  window = {Shape(kernel), node.getInts("strides", ones),
            node.getInts("dilations", ones), zeros, zeros, zeros};
  std::string automatic = node.getString("auto_pad", "NOTSET");
  bool automates = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (!automates && automatic != "NOTSET" && automatic != "VALID")
    return node.unsupported("auto_pad '" + automatic + "'");
  if (node.getInts("kernel_shape", kernel) != Shape(kernel))
    return node.emitError() << "expected kernel_shape " << toString(kernel)
                            << ", the filter's";
  auto inRange = [](ArrayRef<int64_t> numbers, int64_t least) {
    return llvm::all_of(numbers, [&](int64_t n) {
      return n >= least && n <= int64_t{1} << 16;
    });
  };
  if (window.strides.size() != rank || window.dilations.size() != rank ||
      pads.size() != 2 * rank || extra.size() != rank ||
      (!wanted.empty() && wanted.size() != rank) || !inRange(window.strides, 1) ||
      !inRange(window.dilations, 1) || !inRange(pads, 0) || !inRange(extra, 0) ||
      !inRange(wanted, 1))
    return node.emitError() << "expected strides, dilations, pads, "
                               "output_padding and output_shape for "
                            << rank << " dimensions";
  Shape result;
  for (size_t i = 0; i < rank; ++i) {
    int64_t all = window.strides[i] * (spatial[i] - 1) + extra[i] +
                  (kernel[i] - 1) * window.dilations[i] + 1;
    if (wanted.empty() && !automates) {
      bool isValid = automatic == "VALID";
      window.begin[i] = isValid ? 0 : pads[i];
      result.push_back(all - (isValid ? 0 : pads[i] + pads[rank + i]));
      continue;
    }
    result.push_back(wanted.empty() ? spatial[i] * window.strides[i] : wanted[i]);
    int64_t total = std::max<int64_t>(all - result.back(), 0);
    window.begin[i] =
        automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
  }
  return result;
}

LogicalResult convertTransposedWindow(NodeImporter &node) {
  Value input = node.number(0), filter = node.number(1);
  Value bias = node.hasInput(2) ? node.number(2) : Value();
  int64_t groups = node.getInt("group", 1);
  if (!input || !filter || (node.hasInput(2) && !bias))
    return failure();
  Shape shape(shapeOf(input)), weights(shapeOf(filter));
  if (shape.size() < 3 || weights.size() != shape.size() ||
      weights[0] != shape[1] || groups < 1 || weights[0] % groups)
    return node.emitError()
           << "expected an image and a filter for its channels in " << groups
           << " groups, but got " << toString(shape) << " and "
           << toString(weights);
  int64_t depth = shape[1] / groups, outputs = weights[1];
  if (bias && shapeOf(bias) != ArrayRef<int64_t>{outputs * groups})
    return node.emitError() << "expected a bias of " << outputs * groups
                            << " elements, but got " << bias.getType();
  ArrayRef<int64_t> spatial = ArrayRef<int64_t>(shape).drop_front(2);
  Window window;
  auto extents = readTransposed(node, window, spatial,
                                ArrayRef<int64_t>(weights).drop_front(2));
  if (failed(extents))
    return failure();
  Shape result{shape[0], outputs * groups}, taps{depth};
  llvm::append_range(result, *extents);
  llvm::append_range(taps, window.kernel);
  Type element = elementOf(input), compute = computeType(element);
  SmallVector<Value> operands{input, filter};
  if (bias)
    operands.push_back(bias);
  return node.setOutput(emitFormula(
      node, result, element, operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Scalar zero = f.real(0, compute);
        Scalar first = at[1] / outputs * depth, output = at[1] % outputs;
        Scalar sum = f.sum(
            taps, zero, [&](const Formula &f, ArrayRef<Scalar> tap) {
              Meeting meeting = meet(f, window, spatial, at.drop_front(2),
                                     tap.drop_front());
              SmallVector<Scalar> from{at[0], first + tap[0]},
                  weight{first + tap[0], output};
              llvm::append_range(from, meeting.window);
              llvm::append_range(weight, tap.drop_front());
              Scalar product = widen(f.read(tensors[0], from), element) *
                               widen(f.read(tensors[1], weight), element);
              return select(meeting.valid, product, product.like(0));
            });
        return bias ? sum + widen(f.read(tensors[2], at[1]), element) : sum;
      }));
}

/// Columns that im2col would make of an image, added up where they overlap.
static LogicalResult convertCol2Im(NodeImporter &node) {
  Value input = node.number(0);
  auto image = node.intsArgument(1, "image_shape", 0),
       block = node.intsArgument(2, "block_shape", 0);
  if (!input || failed(image) || failed(block))
    return failure();
  size_t rank = image->size();
  Shape ones(rank, 1), shape(shapeOf(input)),
      pads = node.getInts("pads", Shape(2 * rank, 0));
  auto kernelSize = countElements(*block), pixels = countElements(*image);
  if (shape.size() != 3 || block->size() != rank || pads.size() != 2 * rank ||
      kernelSize.value_or(0) == 0 || pixels.value_or(0) == 0 ||
      shape[1] % *kernelSize)
    return node.emitError()
           << "expected columns for blocks of " << toString(*block)
           << " of an image of " << toString(*image) << ", but got "
           << toString(shape);
  Window window{*block, node.getInts("strides", ones),
                node.getInts("dilations", ones),
                Shape(ArrayRef<int64_t>(pads).take_front(rank)),
                Shape(ArrayRef<int64_t>(pads).drop_front(rank)),
                Shape(rank, 0)};
  auto positive = [&](ArrayRef<int64_t> numbers) {
    return numbers.size() == rank &&
           llvm::all_of(numbers, [](int64_t n) { return n > 0; });
  };
  if (!positive(window.strides) || !positive(window.dilations))
    return node.emitError() << "expected " << rank
                            << " positive strides and dilations";
  Shape counts;
  for (size_t i = 0; i < rank; ++i)
    counts.push_back(window.count(i, (*image)[i]));
  if (countElements(counts).value_or(0) != shape[2])
    return node.emitError() << "expected columns for " << toString(counts)
                            << " blocks, but got " << toString(shape);
  Shape result{shape[0], shape[1] / *kernelSize};
  llvm::append_range(result, *image);
  Shape tapStrides = stridesOf(*block), countStrides = stridesOf(counts);
  Type element = elementOf(input);
  return node.setOutput(emitFormula(
      node, result, element, input,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        return f.sum(
            *block, f.real(0, computeType(element)),
            [&](const Formula &f, ArrayRef<Scalar> tap) {
              Meeting meeting = meet(f, window, counts, at.drop_front(2), tap);
              Scalar row = at[1] * *kernelSize, column = f.index(0);
              for (size_t i = 0; i < rank; ++i) {
                row = row + tap[i] * tapStrides[i];
                column = column + meeting.window[i] * countStrides[i];
              }
              Scalar value = widen(f.read(tensors[0], {at[0], row, column}), element);
              return select(meeting.valid, value, value.like(0));
            });
      }));
}

ArrayRef<OpEntry> transposedWindowOps() {
  static const OpEntry entries[] = {
      {"Col2Im", 3, 3, convertCol2Im, 18},
  };
  return entries;
}

} // namespace dyadic::onnx_import
