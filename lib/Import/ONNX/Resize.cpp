//===- Resize.cpp - Resize and Upsample -----------------------------------===//
//
// Along each axis an element of the result is a weighted sum of a few elements of
// the input, which the coordinate transformations, modes and roundings of every
// opset decide here. Nearest neighbours in images are qnn.resize.
//
//===----------------------------------------------------------------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {
namespace {
/// An axis that antialiasing shrinks by more than this is refused for the size
/// of its tables.
constexpr double kMostReach = 1 << 24;
constexpr int64_t kMostExtent = 1 << 24;

/// How an output position becomes a source position, and what is read there.
struct Sampling {
  std::string transformation = "half_pixel", rounding = "round_prefer_floor",
              mode = "nearest";
  bool antialias = false, excludeOutside = false;
  float cubic = -0.75f, extrapolation = 0;
};

/// What an axis of the result reads: `count` elements, each with a weight, for
/// every position.
struct Taps {
  int64_t count = 1;
  SmallVector<int64_t> positions;
  SmallVector<double> weights;
  /// Positions whose source lies outside of a cropped input; or none.
  SmallVector<int64_t> outside;
};

/// One axis: `from` elements become `to`, over [begin, end] of it if cropped.
/// `length` is `to` before it was rounded down.
struct Axis {
  int64_t from, to;
  float scale, length;
  float begin = 0, end = 1;
};
} // namespace

static bool isKnown(const Sampling &sampling) {
  static constexpr StringLiteral transformations[] = {
      "half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",
      "align_corners", "asymmetric",           "tf_half_pixel_for_nn",
      "tf_crop_and_resize"};
  static constexpr StringLiteral roundings[] = {
      "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  static constexpr StringLiteral modes[] = {"nearest", "linear", "cubic"};
  return llvm::is_contained(transformations, sampling.transformation) &&
         llvm::is_contained(roundings, sampling.rounding) &&
         llvm::is_contained(modes, sampling.mode);
}

/// The source of position `i`. ONNX computes coordinates in float32, and so does
/// this.
static float sourceOf(int64_t i, const Axis &axis, StringRef form) {
  float x = static_cast<float>(i), length = static_cast<float>(axis.from);
  float last = static_cast<float>(axis.to - 1);
  if (form == "asymmetric")
    return x / axis.scale;
  if (form == "align_corners")
    return axis.to == 1 ? 0 : x * (length - 1) / (axis.length - 1);
  if (form == "tf_half_pixel_for_nn")
    return (x + 0.5f) / axis.scale;
  if (form == "tf_crop_and_resize")
    return axis.to == 1
               ? 0.5f * (axis.begin + axis.end) * (length - 1)
               : (axis.begin + x * (axis.end - axis.begin) / last) * (length - 1);
  if (form == "pytorch_half_pixel" && axis.to == 1)
    return 0;
  float center = (x + 0.5f) / axis.scale - 0.5f;
  if (form == "half_pixel_symmetric") {
    float adjustment = static_cast<float>(axis.to) / (axis.scale * length);
    center += length / 2 * (1 - adjustment);
  }
  return center;
}

static float roundBy(StringRef rounding, float x) {
  if (rounding == "floor")
    return std::floor(x);
  if (rounding == "ceil")
    return std::ceil(x);
  return rounding == "round_prefer_ceil" ? std::floor(x + 0.5f)
                                         : std::ceil(x - 0.5f);
}

/// The kernel's value at a distance: a triangle, or Keys' cubic with slope `a`.
static double kernelAt(const Sampling &sampling, double distance) {
  double x = std::fabs(distance), a = sampling.cubic;
  if (sampling.mode == "linear")
    return std::max(0.0, 1 - x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Antialiasing widens the kernel where the axis shrinks. An error where the
/// tables would be larger than such a model may ask for.
static FailureOr<Taps> sample(NodeImporter &node, const Axis &axis,
                              const Sampling &sampling) {
  Taps taps;
  double shrink = sampling.antialias ? std::min(axis.scale, 1.0f) : 1;
  double radius = sampling.mode == "linear" ? 1 : 2;
  int64_t reach = sampling.mode == "nearest"
                      ? 0
                      : static_cast<int64_t>(
                            std::min(std::ceil(radius / shrink), kMostReach));
  taps.count = std::max<int64_t>(1, 2 * reach);
  // A position, a weight and both again as tensors.
  if (failed(node.checkAllowance(taps.count * axis.to, 32)))
    return failure();
  bool crops = sampling.transformation == "tf_crop_and_resize";
  for (int64_t i = 0; i < axis.to; ++i) {
    float source = sourceOf(i, axis, sampling.transformation);
    if (crops)
      taps.outside.push_back(source < 0 || source > axis.from - 1);
    auto inside = [&](int64_t position) {
      return std::clamp<int64_t>(position, 0, axis.from - 1);
    };
    // Far from what an integer holds only where nothing is read.
    source = std::clamp<float>(source, -1, axis.from);
    if (reach == 0) {
      taps.positions.push_back(
          inside(static_cast<int64_t>(roundBy(sampling.rounding, source))));
      taps.weights.push_back(1);
      continue;
    }
    auto first = static_cast<int64_t>(std::floor(source)) - reach + 1;
    double sum = 0;
    size_t begin = taps.weights.size();
    for (int64_t position = first; position < first + taps.count; ++position) {
      double weight = kernelAt(sampling, (position - double(source)) * shrink);
      if (sampling.excludeOutside && position != inside(position))
        weight = 0;
      taps.positions.push_back(inside(position));
      taps.weights.push_back(weight);
      sum += weight;
    }
    if (sum != 0 && (sampling.excludeOutside || sampling.antialias))
      for (size_t k = begin; k < taps.weights.size(); ++k)
        taps.weights[k] /= sum;
  }
  return taps;
}

static bool isIdentity(ArrayRef<int64_t> table, int64_t extent) {
  return llvm::equal(table, llvm::seq<int64_t>(0, extent));
}

namespace {
struct Target {
  Shape sizes;
  SmallVector<float> scales;
  /// The sizes, of which scales may leave a part of an element.
  SmallVector<float> lengths;
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
  Target target{Shape(shape), SmallVector<float>(shape.size(), 1),
                SmallVector<float>(shape.begin(), shape.end())};
  for (size_t i = 0; i < count; ++i) {
    auto axis = resolveAxis(
        node, axes.empty() ? static_cast<int64_t>(i) : axes[i], shape.size());
    if (failed(axis))
      return failure();
    float extent = static_cast<float>(shape[*axis]);
    float size = sizes.empty() ? std::floor(extent * scales[i])
                               : static_cast<float>(sizes[i]);
    if (!(size >= 1 && size <= static_cast<float>(kMostExtent)))
      return node.emitError()
             << "cannot resize an extent of " << extent << " to " << size;
    target.sizes[*axis] = static_cast<int64_t>(size);
    target.scales[*axis] = sizes.empty() ? scales[i] : size / extent;
    target.lengths[*axis] = sizes.empty() ? extent * scales[i] : size;
  }
  return target;
}

/// The value resampled along one axis.
static Value resample(NodeImporter &node, Value value, size_t axis,
                      const Taps &taps, int64_t to, float extrapolation) {
  Type element = elementOf(value);
  bool gathers = taps.count == 1;
  Type compute = gathers                    ? computeType(element)
                 : isa<FloatType>(element) ? computeType(element)
                                           : node.getBuilder().getF64Type();
  Shape shape(shapeOf(value)), table{to, taps.count};
  shape[axis] = to;
  HostTensor positions(ElementKind::I64, table);
  llvm::copy(taps.positions, positions.as<int64_t>().begin());
  HostTensor weights(compute.isF64() ? ElementKind::F64 : ElementKind::F32, table);
  for (auto [i, weight] : llvm::enumerate(taps.weights))
    weights.set(i, weight);
  SmallVector<Value> operands{value, node.constantTensor(std::move(positions))};
  if (!gathers)
    operands.push_back(node.constantTensor(std::move(weights)));
  bool crops = !taps.outside.empty();
  if (crops) {
    HostTensor outside(ElementKind::I64, {to});
    llvm::copy(taps.outside, outside.as<int64_t>().begin());
    operands.push_back(node.constantTensor(std::move(outside)));
  }
  return emitFormula(
      node, shape, element, operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        auto read = [&](const Formula &f, Scalar tap) {
          SmallVector<Scalar> from(at);
          from[axis] = f.read(tensors[1], {at[axis], tap}).toIndex();
          return widen(f.read(tensors[0], from), element).to(compute);
        };
        Scalar result =
            gathers ? read(f, f.index(0))
                    : f.sum(taps.count, f.real(0, compute),
                            [&](const Formula &f, ArrayRef<Scalar> tap) {
                              return read(f, tap[0]) *
                                     f.read(tensors[2], {at[axis], tap[0]});
                            });
        if (!crops)
          return result;
        Scalar outside = f.read(tensors.back(), at[axis]);
        return select(outside == 0, result, result.like(extrapolation));
      });
}

static LogicalResult emitResize(NodeImporter &node, Value input,
                                const Target &target, const Sampling &sampling,
                                ArrayRef<float> region = {}) {
  if (!isKnown(sampling))
    return node.unsupported("the sampling '" + sampling.transformation +
                            "' with '" + sampling.rounding + "' and mode '" +
                            sampling.mode + "'");
  Shape shape(shapeOf(input));
  size_t rank = shape.size();
  SmallVector<Taps> taps;
  for (size_t i = 0; i < rank; ++i) {
    if (target.sizes[i] < 1 || target.sizes[i] > kMostExtent)
      return node.emitError() << "cannot resize an extent of " << shape[i]
                              << " to " << target.sizes[i];
    Axis axis{shape[i], target.sizes[i], target.scales[i], target.lengths[i]};
    if (!region.empty())
      axis.begin = region[i], axis.end = region[i + rank];
    auto sampled = sample(node, axis, sampling);
    if (failed(sampled))
      return failure();
    taps.push_back(std::move(*sampled));
  }
  bool isImage = rank == 4 && elementOf(input).isF32() && region.empty() &&
                 sampling.mode == "nearest" && target.sizes[0] == shape[0] &&
                 target.sizes[1] == shape[1];
  if (isImage) {
    Shape rows = taps[2].positions, columns = taps[3].positions;
    if (isIdentity(rows, shape[2]) && isIdentity(columns, shape[3]))
      return node.setOutput(input);
    Value output = node.emit<qnn::ResizeOp>(
        node.toChannelsLast(input),
        {node.attr("rows", rows), node.attr("cols", columns)});
    return node.setOutput(node.toChannelsFirst(output));
  }
  Value output = input;
  for (size_t i = 0; i < rank && output; ++i) {
    bool stays = target.scales[i] == 1 && target.sizes[i] == shape[i] &&
                 (region.empty() || (region[i] == 0 && region[i + rank] == 1));
    if (!stays)
      output = resample(node, output, i, taps[i], target.sizes[i],
                        sampling.extrapolation);
  }
  return node.setOutput(output);
}

/// Upsample, and Resize of opset 10, which is the same: nearest at
/// floor(x / scale), or linear.
static LogicalResult convertUpsample(NodeImporter &node) {
  Value input = node.number(0);
  Sampling sampling{"asymmetric", "floor", node.getString("mode", "nearest")};
  if (!input)
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
  return emitResize(node, input, *target, sampling);
}

/// The sizes for which all axes have one scale: the least, or the greatest, of
/// those that the sizes ask for.
static void keepAspectRatio(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                            StringRef policy, Target &target) {
  double scale = 0;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    double own = double(target.sizes[axis]) / double(shape[axis]);
    scale = i == 0                    ? own
            : policy == "not_larger" ? std::min(scale, own)
                                     : std::max(scale, own);
  }
  for (int64_t axis : axes) {
    target.sizes[axis] =
        static_cast<int64_t>(std::floor(scale * double(shape[axis]) + 0.5));
    target.scales[axis] = static_cast<float>(scale);
  }
}

/// The region's begins and ends over all dimensions.
static FailureOr<SmallVector<float>> readRegion(NodeImporter &node,
                                                ArrayRef<int64_t> axes,
                                                size_t rank) {
  const HostTensor *known = node.constant(1);
  if (!known)
    return node.hasInput(1) ? node.mustBeKnown(1, "'roi'")
                            : node.emitError() << "input 1 is missing";
  SmallVector<float> given = toFloats(*known), region(2 * rank, 0);
  if (given.size() != 2 * axes.size())
    return node.emitError() << "expected a region of " << 2 * axes.size()
                            << " numbers, but got " << given.size();
  std::fill(region.begin() + rank, region.end(), 1.0f);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    region[axis] = given[i];
    region[axis + rank] = given[i + axes.size()];
  }
  return region;
}

static LogicalResult convertResize(NodeImporter &node) {
  if (node.getOpset() < 11)
    return convertUpsample(node);
  Value input = node.number(0);
  Sampling sampling{
      node.getString("coordinate_transformation_mode", "half_pixel"),
      node.getString("nearest_mode", "round_prefer_floor"),
      node.getString("mode", "nearest"),
      node.getInt("antialias", 0) != 0,
      node.getInt("exclude_outside", 0) != 0,
      node.getFloat("cubic_coeff_a", -0.75f),
      node.getFloat("extrapolation_value", 0)};
  std::string policy = node.getString("keep_aspect_ratio_policy", "stretch");
  Shape axes = node.getInts("axes");
  if (!input)
    return failure();
  for (size_t i : {2, 3})
    if (node.hasInput(i) && !node.constant(i))
      return node.mustBeKnown(i, "the size");
  SmallVector<float> scales;
  Shape sizes;
  if (const HostTensor *known = node.constant(2))
    scales = toFloats(*known);
  if (const HostTensor *known = node.constant(3))
    sizes = toInts(*known);
  ArrayRef<int64_t> shape = shapeOf(input);
  auto target = resolveTarget(node, shape, scales, sizes, axes);
  if (failed(target))
    return failure();
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  for (int64_t &axis : axes)
    axis = *normalizeAxis(axis, shape.size());
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    return node.unsupported("the policy '" + policy + "'");
  if (policy != "stretch" && !sizes.empty())
    keepAspectRatio(shape, axes, policy, *target);
  if (sampling.transformation != "tf_crop_and_resize")
    return emitResize(node, input, *target, sampling);
  auto region = readRegion(node, axes, shape.size());
  return failed(region) ? failure()
                        : emitResize(node, input, *target, sampling, *region);
}

ArrayRef<OpEntry> resizeOps() {
  static const OpEntry entries[] = {
      {"Resize", 1, 4, convertResize, 10},
      {"Upsample", 1, 2, convertUpsample, 7, 9},
  };
  return entries;
}

} // namespace dyadic::onnx_import
