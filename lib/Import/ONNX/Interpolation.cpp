//===- Interpolation.cpp - reading images between their pixels ------------===//
//
// GridSample, AffineGrid, RoiAlign and DeformConv.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"
#include "Window.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace mlir;

namespace dyadic::onnx_import {

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {
/// How a grid names points of an image and what lies around that.
struct Sampler {
  enum class Outside { Zeros, Border, Reflection } outside;
  int64_t reach; // taps to each side: 0 is the nearest pixel
  bool alignCorners;

  /// The coordinate in pixels that a grid's -1 … 1 stands for.
  Scalar coordinate(Scalar grid, int64_t extent) const {
    return alignCorners ? (grid + 1) / 2 * static_cast<double>(extent - 1)
                        : ((grid + 1) * static_cast<double>(extent) - 1) / 2;
  }

  double low() const { return alignCorners ? 0 : -0.5; }

  /// `x` thrown back into the image at its borders, as often as it takes.
  Scalar reflect(Scalar x, int64_t extent) const {
    double range = static_cast<double>(alignCorners ? extent - 1 : extent);
    if (range == 0)
      return x.like(0);
    Scalar rest = (x - low()) - floorOf((x - low()) / (2 * range)) * (2 * range);
    return minimum(rest, 2 * range - rest) + low();
  }

  /// A coordinate that lies in the image, unless what is outside is zero.
  Scalar placed(Scalar x, int64_t extent) const {
    if (outside == Outside::Border)
      return clamp(x, 0, static_cast<double>(extent - 1));
    return outside == Outside::Reflection ? reflect(x, extent) : x;
  }
};
} // namespace

/// The weight of the pixel at `distance`, below `reach`.
static Scalar weightAt(Scalar distance, int64_t reach) {
  Scalar x = absOf(distance);
  if (reach == 1)
    return 1 - x;
  const double a = -0.75;
  Scalar nearer = ((x * (a + 2) - (a + 3)) * x) * x + 1;
  Scalar farther = ((x * a - 5 * a) * x + 8 * a) * x - 4 * a;
  return select(x <= 1, nearer, farther);
}

static LogicalResult convertGridSample(NodeImporter &node) {
  Value input = node.number(0), grid = node.number(1);
  std::string mode = node.getString("mode", "linear"),
              padding = node.getString("padding_mode", "zeros");
  bool alignCorners = node.getInt("align_corners", 0) != 0;
  if (!input || !grid)
    return failure();
  Shape shape(shapeOf(input)), points(shapeOf(grid));
  size_t rank = shape.size() < 3 ? 0 : shape.size() - 2;
  if (rank == 0 || points.size() != rank + 2 || points[0] != shape[0] ||
      points.back() != static_cast<int64_t>(rank) ||
      !isa<FloatType>(elementOf(grid)))
    return node.emitError() << "expected a grid for an image of "
                            << toString(shape) << ", but got " << toString(points);
  auto reach = llvm::StringSwitch<int64_t>(mode)
                   .Case("nearest", 0)
                   .Cases({"linear", "bilinear"}, 1)
                   .Cases({"cubic", "bicubic"}, 2)
                   .Default(-1);
  auto outside = llvm::StringSwitch<std::optional<Sampler::Outside>>(padding)
                     .Case("zeros", Sampler::Outside::Zeros)
                     .Case("border", Sampler::Outside::Border)
                     .Case("reflection", Sampler::Outside::Reflection)
                     .Default(std::nullopt);
  if (reach < 0 || !outside)
    return node.unsupported("the mode '" + mode + "' with padding '" + padding + "'");
  Sampler sampler{*outside, reach, alignCorners};
  Shape result{shape[0], shape[1]};
  llvm::append_range(result, ArrayRef<int64_t>(points).drop_front().drop_back());
  Type element = elementOf(input), compute = computeType(elementOf(grid));
  return node.setOutput(emitFormula(
      node, result, element, {input, grid},
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        SmallVector<Scalar> point{at[0]}, coordinates;
        llvm::append_range(point, at.drop_front(2));
        for (size_t i = 0; i < rank; ++i) {
          // The grid has the last dimension first.
          SmallVector<Scalar> place(point);
          place.push_back(f.index(static_cast<int64_t>(rank - 1 - i)));
          int64_t extent = shape[i + 2];
          Scalar x = sampler.coordinate(
              widen(f.read(tensors[1], place), elementOf(grid)), extent);
          coordinates.push_back(reach == 0 ? sampler.placed(roundOf(x), extent)
                                : reach == 1 ? sampler.placed(x, extent)
                                             : x);
        }
        auto pixel = [&](const Formula &f, ArrayRef<Scalar> position) {
          SmallVector<Scalar> from{at[0], at[1]};
          for (auto [x, extent] :
               llvm::zip_equal(position, ArrayRef<int64_t>(shape).drop_front(2))) {
            // Far outside an integer couldn't hold it.
            Scalar near = clamp(roundOf(sampler.placed(x, extent)), -2,
                                static_cast<double>(extent + 1));
            from.push_back(near.toIndex());
          }
          Scalar zero = f.real(0, elementOf(tensors[0]));
          return widen(f.readOr(tensors[0], from, zero), element);
        };
        if (reach == 0)
          return pixel(f, coordinates);
        Type real = isa<FloatType>(element) ? computeType(element) : compute;
        return f.sum(
            Shape(rank, 2 * reach), f.real(0, real),
            [&](const Formula &f, ArrayRef<Scalar> tap) {
              Scalar weight = f.real(1, compute);
              SmallVector<Scalar> position;
              for (size_t i = 0; i < rank; ++i) {
                position.push_back(floorOf(coordinates[i]) +
                                   tap[i].to(compute) - double(reach - 1));
                weight =
                    weight * weightAt(coordinates[i] - position[i], reach);
              }
              return pixel(f, position).to(real) * weight.to(real);
            });
      }));
}

/// The points of an image of known size, moved by a matrix for each of a batch.
static LogicalResult convertAffineGrid(NodeImporter &node) {
  Value theta = node.number(0);
  auto size = node.intsArgument(1, "size", 0);
  bool alignCorners = node.getInt("align_corners", 0) != 0;
  if (!theta || failed(size))
    return failure();
  int64_t rank = static_cast<int64_t>(size->size()) - 2;
  Shape shape(shapeOf(theta));
  if (rank < 1 || shape.size() != 3 || shape[0] != (*size)[0] ||
      shape[1] != rank || shape[2] != rank + 1 ||
      countElements(*size).value_or(0) == 0)
    return node.emitError() << "expected matrices for images of "
                            << toString(*size) << ", but got " << toString(shape);
  Shape spatial(ArrayRef<int64_t>(*size).drop_front(2)), result{shape[0]};
  llvm::append_range(result, spatial);
  result.push_back(rank);
  Type element = elementOf(theta), compute = computeType(element);
  return node.setOutput(emitFormula(
      node, result, element, theta,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        auto factor = [&](int64_t i) {
          return widen(f.read(tensors[0], {at[0], at.back(), f.index(i)}), element);
        };
        Scalar sum = factor(rank);
        for (int64_t i = 0; i < rank; ++i) {
          auto extent = static_cast<double>(spatial[rank - 1 - i]);
          Scalar x = at[rank - i].to(compute);
          Scalar place = alignCorners
                             ? x * (extent == 1 ? 0 : 2 / (extent - 1)) - 1
                             : (x * 2 + 1) / extent - 1;
          sum = sum + factor(i) * place;
        }
        return sum;
      }));
}

//===----------------------------------------------------------------------===//
// Bilinear reading of a plane
//===----------------------------------------------------------------------===//

/// The number at (y, x) between the pixels of plane (n, c), zero outside.
static Scalar bilinear(const Formula &f, Value image, Type element, Scalar n,
                       Scalar c, Scalar y, Scalar x) {
  Type compute = y.type();
  Shape shape(shapeOf(image));
  auto near = [&](Scalar v, int64_t extent) {
    return clamp(v, -2, static_cast<double>(extent + 1));
  };
  Scalar top = near(floorOf(y), shape[2]), left = near(floorOf(x), shape[3]);
  auto pixel = [&](int dy, int dx) {
    Scalar zero = f.real(0, elementOf(image));
    return widen(f.readOr(image, {n, c, top.toIndex() + dy, left.toIndex() + dx}, zero),
                 element)
        .to(compute);
  };
  Scalar below = y - floorOf(y), right = x - floorOf(x);
  return (pixel(0, 0) * (1 - right) + pixel(0, 1) * right) * (1 - below) +
         (pixel(1, 0) * (1 - right) + pixel(1, 1) * right) * below;
}

/// out = bias + Σ input at (tap's place + its offset) · mask · filter
static LogicalResult convertDeformConv(NodeImporter &node) {
  SmallVector<Value> operands;
  for (size_t i : {0, 1, 2})
    operands.push_back(node.number(i));
  bool hasBias = node.hasInput(3), hasMask = node.hasInput(4);
  for (size_t i : {3, 4})
    if (node.hasInput(i))
      operands.push_back(node.number(i));
  if (llvm::is_contained(operands, Value()))
    return failure();
  Shape shape(shapeOf(operands[0])), filter(shapeOf(operands[1])),
      offsets(shapeOf(operands[2]));
  int64_t groups = node.getInt("group", 1),
          offsetGroups = node.getInt("offset_group", 1);
  if (shape.size() != 4 || filter.size() != 4)
    return node.unsupported("an input of " + std::to_string(shape.size()) +
                            " dimensions");
  auto window = resolveWindow(node, shape, ArrayRef<int64_t>(filter).drop_front(2));
  if (failed(window))
    return failure();
  auto result = windowedShape(node, *window, shape, filter[0]);
  if (failed(result))
    return failure();
  int64_t size = window->kernel[0] * window->kernel[1];
  auto mapShape = [&](int64_t numbers) {
    return Shape{shape[0], offsetGroups * size * numbers, (*result)[2], (*result)[3]};
  };
  bool fits = groups > 0 && offsetGroups > 0 && filter[1] * groups == shape[1] &&
              filter[0] % groups == 0 && shape[1] % offsetGroups == 0 &&
              offsets == mapShape(2) &&
              (!hasBias || shapeOf(operands[3]) == ArrayRef<int64_t>(filter[0])) &&
              (!hasMask ||
               shapeOf(operands.back()) == ArrayRef<int64_t>(mapShape(1)));
  if (!fits)
    return node.emitError() << "expected a filter, offsets " << toString(mapShape(2))
                            << ", a bias and a mask for an input of "
                            << toString(shape) << ", but got a filter of "
                            << toString(filter) << " and offsets "
                            << toString(offsets);
  int64_t depth = filter[1], outputs = filter[0] / groups,
          perOffset = shape[1] / offsetGroups, columns = window->kernel[1];
  Type element = elementOf(operands[0]), compute = computeType(element);
  return node.setOutput(emitFormula(
      node, *result, element, operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        auto read = [&](const Formula &f, Value tensor, ArrayRef<Scalar> where) {
          return widen(f.read(tensor, where), element);
        };
        Scalar first = at[1] / outputs * depth;
        Scalar sum = f.sum(
            {depth, window->kernel[0], columns}, f.real(0, compute),
            [&](const Formula &f, ArrayRef<Scalar> tap) {
              Scalar channel = first + tap[0];
              Scalar number = channel / perOffset * size + tap[1] * columns + tap[2];
              auto place = tapPosition(*window, at.drop_front(2), tap.drop_front());
              auto moved = [&](int axis) {
                return place[axis].to(compute) +
                       read(f, tensors[2], {at[0], number * 2 + axis, at[2], at[3]});
              };
              Scalar x = bilinear(f, tensors[0], element, at[0], channel,
                                  moved(0), moved(1));
              if (hasMask)
                x = x * read(f, tensors.back(), {at[0], number, at[2], at[3]});
              return x * read(f, tensors[1], {at[1], tap[0], tap[1], tap[2]});
            });
        return hasBias ? sum + read(f, tensors[3], at[1]) : sum;
      }));
}

/// Means, or maxima, of points within the cells of regions of an image.
static LogicalResult convertRoiAlign(NodeImporter &node) {
  Value input = node.number(0), regions = node.number(1),
        batch = node.number(2);
  int64_t height = node.getInt("output_height", 1),
          width = node.getInt("output_width", 1),
          ratio = node.getInt("sampling_ratio", 0);
  double scale = node.getFloat("spatial_scale", 1);
  std::string mode = node.getString("mode", "avg");
  std::string pixels = node.getString(
      "coordinate_transformation_mode",
      node.getOpset() < 16 ? "output_half_pixel" : "half_pixel");
  if (!input || !regions || !batch)
    return failure();
  Shape shape(shapeOf(input)), boxes(shapeOf(regions));
  if (shape.size() != 4 || boxes.size() != 2 || boxes[1] != 4 ||
      shapeOf(batch) != ArrayRef<int64_t>(boxes[0]) || height < 1 || width < 1 ||
      ratio < 0)
    return node.emitError() << "expected an image, regions and their numbers, but got "
                            << toString(shape) << ", " << toString(boxes);
  if ((mode != "avg" && mode != "max") ||
      (pixels != "half_pixel" && pixels != "output_half_pixel"))
    return node.unsupported("the mode '" + mode + "' with '" + pixels + "'");
  bool half = pixels == "half_pixel", isMaximum = mode == "max";
  Type element = elementOf(input), compute = computeType(element);
  return node.setOutput(emitFormula(
      node, {boxes[0], shape[1], height, width}, element, {input, regions, batch},
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        auto corner = [&](int64_t i) {
          Scalar x = widen(f.read(tensors[1], {at[0], f.index(i)}), elementOf(regions));
          return x.to(compute) * scale - (half ? 0.5 : 0);
        };
        auto least = [&](Scalar x) { return half ? x : maximum(x, x.like(1)); };
        Scalar left = corner(0), top = corner(1);
        Scalar cellWidth = least(corner(2) - left) / double(width),
               cellHeight = least(corner(3) - top) / double(height);
        auto countOf = [&](Scalar cell) {
          return ratio > 0 ? f.index(ratio)
                           : clamp(ceilOf(cell), 0, 1 << 16).toIndex();
        };
        Scalar rows = countOf(cellHeight), columns = countOf(cellWidth);
        Scalar image = clamp(f.read(tensors[2], at[0]).toIndex(), 0,
                             static_cast<double>(shape[0] - 1));
        Scalar y0 = top + at[2].to(compute) * cellHeight,
               x0 = left + at[3].to(compute) * cellWidth;
        Scalar initial = f.real(
            isMaximum ? -std::numeric_limits<double>::infinity() : 0, compute);
        auto state = f.loop(
            {rows, columns}, initial,
            [&](const Formula &f, ArrayRef<Scalar> tap,
                ArrayRef<Scalar> state) -> SmallVector<Scalar> {
              auto place = [&](Scalar begin, Scalar i, Scalar cell, Scalar count) {
                return begin + (i.to(compute) + 0.5) * cell / count.to(compute);
              };
              Scalar y = place(y0, tap[0], cellHeight, rows),
                     x = place(x0, tap[1], cellWidth, columns);
              Scalar valid = (-1 <= y) & (y <= double(shape[2])) & (-1 <= x) &
                             (x <= double(shape[3]));
              auto inside = [](Scalar v, int64_t extent) {
                return clamp(v, 0, static_cast<double>(extent - 1));
              };
              Scalar rowBegin = inside(y, shape[2]), columnBegin = inside(x, shape[3]);
              if (!isMaximum) {
                Scalar v = bilinear(f, tensors[0], element, image, at[1], rowBegin,
                                    columnBegin);
                return {state[0] + select(valid, v, v.like(0))};
              }
              // The greatest of the four weighted pixels, as ONNX has it.
              Scalar best = state[0];
              Scalar below = rowBegin - floorOf(rowBegin),
                     right = columnBegin - floorOf(columnBegin);
              for (int dy : {0, 1})
                for (int dx : {0, 1}) {
                  Scalar weight = (dy ? below : 1 - below) * (dx ? right : 1 - right);
                  Scalar pixel = widen(
                      f.readOr(tensors[0],
                               {image, at[1], floorOf(rowBegin).toIndex() + dy,
                                floorOf(columnBegin).toIndex() + dx},
                               f.real(0, elementOf(tensors[0]))),
                      element);
                  Scalar value = pixel * weight;
                  best = maximum(best, select(valid, value, value.like(0)));
                }
              return {best};
            });
        if (isMaximum)
          return state[0];
        Scalar count = (rows * columns).to(compute);
        return state[0] / maximum(count, count.like(1));
      }));
}

ArrayRef<OpEntry> interpolationOps() {
  static const OpEntry entries[] = {
      {"GridSample", 2, 2, convertGridSample, 16},
      {"AffineGrid", 2, 2, convertAffineGrid, 20},
      {"DeformConv", 3, 5, convertDeformConv, 19},
      {"RoiAlign", 3, 3, convertRoiAlign, 10},
  };
  return entries;
}

} // namespace dyadic::onnx_import
