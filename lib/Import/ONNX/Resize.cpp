//===- Resize.cpp - Resize and Upsample as index tables -------------------===//
//
// qnn.resize samples by tables of source rows and columns. The coordinate
// transformations and roundings of every opset are evaluated here.
//
//===----------------------------------------------------------------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {
namespace {
/// How an output position becomes a source position.
struct Sampling {
  std::string transformation, rounding;
};
} // namespace

static bool isKnown(const Sampling &sampling) {
  static constexpr StringLiteral transformations[] = {
      "half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",
      "align_corners", "asymmetric",           "tf_half_pixel_for_nn"};
  static constexpr StringLiteral roundings[] = {
      "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  return llvm::is_contained(transformations, sampling.transformation) &&
         llvm::is_contained(roundings, sampling.rounding);
}

/// The table for one dimension of `from` elements resized to `to`. ONNX
/// computes coordinates in float32, and so does this.
static Shape sample(int64_t from, int64_t to, float scale,
                    const Sampling &sampling) {
  Shape table;
  StringRef form = sampling.transformation;
  for (int64_t i = 0; i < to; ++i) {
    float x = static_cast<float>(i), length = static_cast<float>(from);
    float coordinate;
    if (form == "asymmetric")
      coordinate = x / scale;
    else if (form == "align_corners")
      coordinate = to == 1 ? 0 : x * (length - 1) / static_cast<float>(to - 1);
    else if (form == "tf_half_pixel_for_nn")
      coordinate = (x + 0.5f) / scale;
    else if (form == "pytorch_half_pixel" && to == 1)
      coordinate = 0;
    else
      coordinate = (x + 0.5f) / scale - 0.5f;
    if (form == "half_pixel_symmetric") {
      float adjustment = static_cast<float>(to) / (scale * length);
      float center = length / 2;
      coordinate += center * (1 - adjustment);
    }
    float rounded;
    if (sampling.rounding == "floor")
      rounded = std::floor(coordinate);
    else if (sampling.rounding == "ceil")
      rounded = std::ceil(coordinate);
    else if (sampling.rounding == "round_prefer_ceil")
      rounded = std::floor(coordinate + 0.5f);
    else
      rounded = std::ceil(coordinate - 0.5f);
    table.push_back(
        static_cast<int64_t>(std::clamp(rounded, 0.0f, length - 1)));
  }
  return table;
}

static bool isIdentity(ArrayRef<int64_t> table, int64_t extent) {
  return llvm::equal(table, llvm::seq<int64_t>(0, extent));
}

namespace {
struct Target {
  Shape sizes;
  SmallVector<float> scales;
};
} // namespace

/// Sizes and scales of all dimensions from whichever of both is given, for
/// the dimensions that `axes` names.
static FailureOr<Target> resolveTarget(NodeImporter &node,
                                       ArrayRef<int64_t> shape,
                                       ArrayRef<float> scales,
                                       ArrayRef<int64_t> sizes,
                                       ArrayRef<int64_t> axes) {
  size_t count = axes.empty() ? shape.size() : axes.size();
  if (scales.empty() == sizes.empty() ||
      (scales.empty() ? sizes.size() : scales.size()) != count)
    return node.emitError()
           << "expected either " << count << " scales or " << count
           << " sizes, but got " << scales.size() << " and " << sizes.size();
  Target target{Shape(shape), SmallVector<float>(shape.size(), 1)};
  for (size_t i = 0; i < count; ++i) {
    auto axis = resolveAxis(
        node, axes.empty() ? static_cast<int64_t>(i) : axes[i], shape.size());
    if (failed(axis))
      return failure();
    float extent = static_cast<float>(shape[*axis]);
    float size = sizes.empty() ? std::floor(extent * scales[i])
                               : static_cast<float>(sizes[i]);
    if (!(size >= 1 && size <= static_cast<float>(1 << 24)))
      return node.emitError()
             << "cannot resize an extent of " << extent << " to " << size;
    target.sizes[*axis] = static_cast<int64_t>(size);
    target.scales[*axis] = sizes.empty() ? scales[i] : size / extent;
  }
  return target;
}

static LogicalResult emitResize(NodeImporter &node, Value input,
                                const Target &target,
                                const Sampling &sampling) {
  if (!isKnown(sampling))
    return node.unsupported("the sampling '" + sampling.transformation +
                            "' with '" + sampling.rounding + "'");
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() != 4 || target.sizes[0] != shape[0] ||
      target.sizes[1] != shape[1])
    return node.unsupported("resizing " + toString(shape) + " to " +
                            toString(target.sizes));
  Shape rows = sample(shape[2], target.sizes[2], target.scales[2], sampling);
  Shape columns = sample(shape[3], target.sizes[3], target.scales[3], sampling);
  if (isIdentity(rows, shape[2]) && isIdentity(columns, shape[3]))
    return node.setOutput(input);
  Value output = node.emit<qnn::ResizeOp>(
      node.toChannelsLast(input),
      {node.attr("rows", rows), node.attr("cols", columns)});
  return node.setOutput(node.toChannelsFirst(output));
}

static LogicalResult checkMode(NodeImporter &node) {
  std::string mode = node.getString("mode", "nearest");
  return mode == "nearest" ? success()
                           : node.unsupported("the mode '" + mode + "'");
}

/// Upsample, and Resize of opset 10, which is the same: nearest at
/// floor(x / scale).
static LogicalResult convertUpsample(NodeImporter &node) {
  Value input = node.input(0);
  if (failed(checkMode(node)) || !input)
    return failure();
  SmallVector<float> scales;
  if (node.getOpType() == "Upsample" && node.getOpset() < 9)
    scales = node.getFloats("scales");
  else if (const HostTensor *known = node.constant(1))
    scales = toFloats(*known);
  else
    return node.mustBeKnown(1, "the scale");
  auto target = resolveTarget(node, shapeOf(input), scales, {}, {});
  if (failed(target))
    return failure();
  return emitResize(node, input, *target, {"asymmetric", "floor"});
}

static LogicalResult convertResize(NodeImporter &node) {
  if (node.getOpset() < 11)
    return convertUpsample(node);
  Value input = node.input(0);
  Sampling sampling{
      node.getString("coordinate_transformation_mode", "half_pixel"),
      node.getString("nearest_mode", "round_prefer_floor")};
  node.ignore("cubic_coeff_a");
  node.ignore("exclude_outside");
  node.ignore("extrapolation_value"); // only with tf_crop_and_resize
  if (failed(checkMode(node)) || !input)
    return failure();
  if (node.getInt("antialias", 0) != 0)
    return node.unsupported("antialias");
  if (node.getString("keep_aspect_ratio_policy", "stretch") != "stretch")
    return node.unsupported("keeping the aspect ratio");
  Shape axes = node.getInts("axes");
  for (size_t i : {2, 3})
    if (node.hasInput(i) && !node.constant(i))
      return node.mustBeKnown(i, "the size");
  SmallVector<float> scales;
  Shape sizes;
  if (const HostTensor *known = node.constant(2))
    scales = toFloats(*known);
  if (const HostTensor *known = node.constant(3))
    sizes = toInts(*known);
  auto target = resolveTarget(node, shapeOf(input), scales, sizes, axes);
  if (failed(target))
    return failure();
  return emitResize(node, input, *target, sampling);
}

ArrayRef<OpEntry> resizeOps() {
  static const OpEntry entries[] = {
      {"Resize", 1, 4, convertResize, 10},
      {"Upsample", 1, 2, convertUpsample, 7, 9},
  };
  return entries;
}

} // namespace dyadic::onnx_import
