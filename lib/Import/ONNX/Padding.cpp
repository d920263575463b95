//===- Padding.cpp - Pad and CenterCropPad --------------------------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

namespace {
/// What stands around a tensor, in elements of each dimension.
struct Margins {
  Shape low, high;
  bool any() const {
    return llvm::any_of(llvm::concat<const int64_t>(low, high),
                        [](int64_t pad) { return pad != 0; });
  }
  Shape around(ArrayRef<int64_t> shape) const {
    Shape result(shape);
    for (auto [extent, before, after] : llvm::zip_equal(result, low, high))
      extent += before + after;
    return result;
  }
};
} // namespace

/// Which element each position of a padded dimension of `extent` elements takes,
/// which repeat to its sides in the way of `mode`.
static HostTensor sourcesOf(int64_t extent, int64_t low, int64_t high,
                            StringRef mode) {
  Shape sources;
  int64_t period = mode == "reflect" ? std::max<int64_t>(2 * (extent - 1), 1) : extent;
  for (int64_t i = -low; i < extent + high; ++i) {
    int64_t wrapped = (i % period + period) % period;
    sources.push_back(mode == "edge" ? std::clamp<int64_t>(i, 0, extent - 1)
                      : mode == "wrap" ? wrapped
                                       : std::min(wrapped, period - wrapped));
  }
  return makeInts(sources);
}

static Value repeated(NodeImporter &node, Value value, const Margins &margins,
                      StringRef mode) {
  for (size_t i = 0; value && i < margins.low.size(); ++i) {
    int64_t low = margins.low[i], high = margins.high[i];
    if (low == 0 && high == 0)
      continue;
    int64_t extent = shapeOf(value)[i];
    if (failed(node.checkAllowance(low + extent + high, sizeof(int64_t))))
      return {};
    value = node.emit<qnn::GatherOp>(
        {value, node.constantTensor(sourcesOf(extent, low, high, mode))},
        node.attr("axis", static_cast<int64_t>(i)));
  }
  return value;
}

/// Padding with a number that is computed, or null for zero.
static Value padByFormula(NodeImporter &node, Value value,
                          const Margins &margins, Value fill) {
  SmallVector<Value> operands{value};
  if (fill)
    operands.push_back(fill);
  return emitFormula(
      node, margins.around(shapeOf(value)), elementOf(value), operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        SmallVector<Scalar> from;
        for (auto [index, low] : llvm::zip_equal(at, margins.low))
          from.push_back(index - double(low));
        SmallVector<Scalar> first(fill ? shapeOf(fill).size() : 0, f.index(0));
        return f.readOr(tensors[0], from,
                        fill ? f.read(tensors[1], first)
                             : f.real(0, elementOf(tensors[0])));
      });
}

Value NodeImporter::pad(Value value, ArrayRef<int64_t> low,
                        ArrayRef<int64_t> high, float with) {
  Margins margins{Shape(low), Shape(high)};
  if (!value || !margins.any())
    return value;
  return emit<qnn::PadOp>(value, {attr("low", low), attr("high", high),
                                  floatAttr("value", with)});
}

/// A negative pad cuts elements off, which it takes out of the margins.
static Value crop(NodeImporter &node, Value value, Margins &margins) {
  Shape offsets, sizes(shapeOf(value)), strides(sizes.size(), 1);
  for (auto [size, low, high] :
       llvm::zip_equal(sizes, margins.low, margins.high)) {
    offsets.push_back(std::max<int64_t>(-low, 0));
    size -= offsets.back() + std::max<int64_t>(-high, 0);
    low = std::max<int64_t>(low, 0);
    high = std::max<int64_t>(high, 0);
    if (size <= 0) {
      node.emitError() << "the pads leave nothing of "
                       << toString(shapeOf(value));
      return {};
    }
  }
  return node.slice(value, offsets, sizes, strides);
}

static FailureOr<Margins> readMargins(NodeImporter &node,
                                      ArrayRef<int64_t> shape) {
  auto pads = node.intsArgument(1, "pads", 11);
  auto given = node.intsArgument(3, "axes", 18);
  if (failed(pads) || failed(given))
    return failure();
  Shape axes(*given);
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  size_t count = axes.size();
  if (pads->size() != 2 * count ||
      failed(resolveAxes(node, axes, shape.size())))
    return node.emitError()
           << "expected " << 2 * count << " pads, but got " << pads->size();
  Margins margins{Shape(shape.size(), 0), Shape(shape.size(), 0)};
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = *normalizeAxis(axes[i], shape.size());
    margins.low[axis] = (*pads)[i];
    margins.high[axis] = (*pads)[i + count];
    if (std::max(margins.low[axis], margins.high[axis]) > kMaxElements ||
        std::min(margins.low[axis], margins.high[axis]) < -kMaxElements)
      return node.emitError() << "pads " << toString(*pads) << " are too large";
  }
  return margins;
}

static LogicalResult convertPad(NodeImporter &node) {
  Value input = node.number(0);
  std::string mode = node.getString("mode", "constant");
  if (!input)
    return failure();
  static constexpr StringLiteral modes[] = {"constant", "reflect", "edge", "wrap"};
  if (!llvm::is_contained(modes, mode))
    return node.unsupported("the mode '" + mode + "'");
  auto margins = readMargins(node, shapeOf(input));
  if (failed(margins))
    return failure();
  bool attributes = node.getOpset() < 11;
  float value = attributes ? node.getFloat("value", 0) : 0;
  bool isGiven = !attributes && node.hasInput(2);
  bool isKnown = !isGiven || node.constant(2);
  if (isGiven && isKnown && elementOf(input).isF32()) {
    auto scalar = node.scalar(2, "a padding value");
    if (failed(scalar))
      return failure();
    value = *scalar;
  }
  input = crop(node, input, *margins);
  if (!input || !margins->any())
    return node.setOutput(input);
  if (mode != "constant")
    return node.setOutput(repeated(node, input, *margins, mode));
  if (isKnown && elementOf(input).isF32())
    return node.setOutput(node.pad(input, margins->low, margins->high, value));
  Value fill = isGiven ? node.number(2) : Value();
  if (fill && (elementOf(fill) != elementOf(input) ||
               countElements(shapeOf(fill)) != 1))
    return node.emitError() << "expected a padding value of the input's type, "
                               "but got "
                            << fill.getType();
  return node.setOutput(padByFormula(node, input, *margins, fill));
}

/// Cuts or pads evenly; what is odd is cut, or stands, behind.
static LogicalResult convertCenterCropPad(NodeImporter &node) {
  Value input = node.number(0);
  Shape axes = node.getInts("axes");
  auto target = node.intsArgument(1, "shape", 0);
  if (!input || failed(target))
    return failure();
  Shape shape(shapeOf(input));
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  if (target->size() != axes.size() ||
      failed(resolveAxes(node, axes, shape.size())))
    return node.emitError() << "expected a shape for " << axes.size()
                            << " axes, but got " << toString(*target);
  Margins margins{Shape(shape.size(), 0), Shape(shape.size(), 0)};
  for (auto [axis, extent] : llvm::zip_equal(axes, *target)) {
    int64_t i = *normalizeAxis(axis, shape.size());
    if (extent < 1 || extent > kMaxElements)
      return node.emitError() << "expected positive extents, but got "
                              << toString(*target);
    int64_t missing = extent - shape[i];
    margins.low[i] = missing / 2;
    margins.high[i] = missing - missing / 2;
  }
  input = crop(node, input, margins);
  if (!input || !margins.any())
    return node.setOutput(input);
  if (elementOf(input).isF32())
    return node.setOutput(node.pad(input, margins.low, margins.high, 0));
  return node.setOutput(padByFormula(node, input, margins, {}));
}

ArrayRef<OpEntry> paddingOps() {
  static const OpEntry entries[] = {
      {"Pad", 1, 4, convertPad},
      {"CenterCropPad", 2, 2, convertCenterCropPad, 18},
  };
  return entries;
}

} // namespace dyadic::onnx_import
