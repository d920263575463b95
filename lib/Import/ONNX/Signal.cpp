//===- Signal.cpp - Fourier transforms, windows, mel weights --------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {

constexpr double kPi = 3.14159265358979323846;

/// cos or sin of 2πi/n for all i below n: a transform reads its angles there.
static Value angles(NodeImporter &node, int64_t n, bool isSine) {
  SmallVector<float> table;
  if (failed(node.checkAllowance(n, sizeof(float))))
    return {};
  for (int64_t i = 0; i < n; ++i) {
    double angle = 2 * kPi * static_cast<double>(i) / static_cast<double>(n);
    table.push_back(static_cast<float>(isSine ? std::sin(angle) : std::cos(angle)));
  }
  return node.constantTensor(table, {n});
}

namespace {
/// The discrete Fourier transform along an axis of a tensor whose last extent
/// holds real and imaginary parts, or reals alone.
struct Transform {
  int64_t axis, length; // zeros behind, or cut off
  bool inverse = false, onesided = false;

  /// Extents of the result but the last.
  int64_t outputs() const { return onesided && !inverse ? length / 2 + 1 : length; }

  /// Element `at` of the transform of what `read` gives: x(i) for position i of the
  /// axis below `extent`, its real or imaginary part.
  Scalar element(const Formula &f, Scalar k, Scalar part, int64_t extent,
                 bool isComplex, Value cosines, Value sines,
                 function_ref<Scalar(const Formula &, Scalar, int64_t)> read) const {
    Scalar isImaginary = part == 1;
    // Of a real signal's spectrum half is given: the rest is its mirror image.
    bool mirrors = inverse && onesided;
    int64_t half = length / 2;
    int64_t terms = mirrors ? length : std::min(extent, length);
    Scalar sum = f.sum(terms, f.real(0), [&](const Formula &f, ArrayRef<Scalar> at) {
      Scalar i = at[0];
      Scalar place = (i * k) % double(length);
      Scalar c = f.read(cosines, place), s = f.read(sines, place);
      Scalar source = i;
      Scalar isMirrored = half < i;
      if (mirrors)
        source = minimum(select(isMirrored, double(length) - i, i),
                         f.index(extent - 1));
      Scalar re = read(f, source, 0);
      Scalar im = isComplex ? read(f, source, 1) : f.real(0);
      if (mirrors)
        im = select(isMirrored, 0 - im, im);
      Scalar sign = f.real(inverse ? 1 : -1);
      // (re + i·im)·(c + i·sign·s)
      return select(isImaginary, im * c + sign * re * s, re * c - sign * im * s);
    });
    return inverse ? sum / static_cast<double>(length) : sum;
  }
};
} // namespace

static FailureOr<int64_t> readLength(NodeImporter &node, size_t index,
                                     int64_t fallback) {
  if (!node.hasInput(index))
    return fallback;
  auto length = node.scalar(index, "a length");
  if (failed(length))
    return failure();
  if (!(*length >= 1 && *length <= (1 << 24)))
    return node.emitError() << "expected a positive length, but got " << *length;
  return static_cast<int64_t>(*length);
}

static LogicalResult convertDFT(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  int64_t rank = shape.size();
  int64_t axis = node.getOpset() < 20 ? node.getInt("axis", 1) : -2;
  if (node.getOpset() >= 20 && node.hasInput(2)) {
    auto given = node.scalar(2, "an axis");
    if (failed(given))
      return failure();
    axis = static_cast<int64_t>(*given);
  }
  auto resolved = resolveAxis(node, axis, rank);
  if (failed(resolved))
    return failure();
  if (rank < 2 || *resolved == rank - 1 || shape.back() > 2)
    return node.emitError() << "expected a signal of one or two parts, but got "
                            << toString(shape);
  Transform transform{*resolved, 0, node.getInt("inverse", 0) != 0,
                      node.getInt("onesided", 0) != 0};
  int64_t extent = shape[*resolved];
  bool real = transform.inverse && transform.onesided;
  auto length = readLength(node, 1, real ? 2 * (extent - 1) : extent);
  if (failed(length))
    return failure();
  transform.length = std::max<int64_t>(*length, 1);
  bool isComplex = shape.back() == 2;
  Shape result(shape);
  result[*resolved] = transform.outputs();
  result.back() = real ? 1 : 2;
  return node.setOutput(emitFormula(
      node, result, node.getBuilder().getF32Type(),
      {input, angles(node, transform.length, false),
       angles(node, transform.length, true)},
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        return transform.element(
            f, at[transform.axis], at.back(), extent, isComplex, tensors[1],
            tensors[2], [&](const Formula &f, Scalar i, int64_t part) {
              SmallVector<Scalar> from(at);
              from[transform.axis] = i;
              from.back() = f.index(part);
              return f.read(tensors[0], from);
            });
      }));
}

/// The transforms of windows that step along a signal.
static LogicalResult convertSTFT(NodeImporter &node) {
  Value input = node.input(0);
  bool hasWindow = node.hasInput(2);
  Value window = hasWindow ? node.input(2) : Value();
  if (!input || (hasWindow && !window))
    return failure();
  Shape shape(shapeOf(input));
  auto step = readLength(node, 1, 1);
  if (failed(step))
    return failure();
  if (shape.size() == 2)
    input = node.reshape(input, {shape[0], shape[1], 1}), shape.push_back(1);
  if (shape.size() != 3 || shape[2] > 2)
    return node.emitError() << "expected batch x signal of one or two parts, but got "
                            << toString(shape);
  auto length = readLength(node, 3, hasWindow ? shapeOf(window)[0] : shape[1]);
  if (failed(length))
    return failure();
  if (*length > shape[1] ||
      (hasWindow && shapeOf(window) != ArrayRef<int64_t>(*length)))
    return node.emitError() << "expected frames that fit " << toString(shape)
                            << ", but got a length of " << *length;
  Transform transform{0, *length, false, node.getInt("onesided", 1) != 0};
  int64_t frames = (shape[1] - *length) / *step + 1;
  SmallVector<Value> operands{input, angles(node, *length, false),
                              angles(node, *length, true)};
  if (hasWindow)
    operands.push_back(window);
  return node.setOutput(emitFormula(
      node, {shape[0], frames, transform.outputs(), 2},
      node.getBuilder().getF32Type(), operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        return transform.element(
            f, at[2], at[3], *length, shape[2] == 2, tensors[1], tensors[2],
            [&](const Formula &f, Scalar i, int64_t part) {
              Scalar x = f.read(tensors[0], {at[0], at[1] * double(*step) + i,
                                             f.index(part)});
              return hasWindow ? x * f.read(tensors[3], i) : x;
            });
      }));
}

/// a0 − a1·cos(2πi/n) + a2·cos(4πi/n), where n is the size, or one less for a
/// window that isn't periodic.
static LogicalResult makeWindow(NodeImporter &node, double a0, double a1, double a2) {
  auto size = readLength(node, 0, 1);
  bool periodic = node.getInt("periodic", 1) != 0;
  node.ignore("output_datatype");
  if (failed(size) || failed(node.checkAllowance(*size, sizeof(float))))
    return failure();
  double period = std::max<double>(1, double(*size) - (periodic ? 0 : 1));
  HostTensor window(ElementKind::F32, {*size});
  for (int64_t i = 0; i < *size; ++i) {
    double angle = 2 * kPi * static_cast<double>(i) / period;
    window.set(i, a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle));
  }
  return node.setOutput(std::move(window));
}

static LogicalResult convertHannWindow(NodeImporter &node) {
  return makeWindow(node, 0.5, 0.5, 0);
}
static LogicalResult convertHammingWindow(NodeImporter &node) {
  return makeWindow(node, 25.0 / 46, 21.0 / 46, 0);
}
static LogicalResult convertBlackmanWindow(NodeImporter &node) {
  return makeWindow(node, 0.42, 0.5, 0.08);
}

/// Triangles over the bins of a spectrum that are evenly spaced in mel.
static LogicalResult convertMelWeightMatrix(NodeImporter &node) {
  double numbers[5];
  node.ignore("output_datatype");
  for (size_t i = 0; i < 5; ++i) {
    auto number = node.scalar(i, "a number");
    if (failed(number))
      return failure();
    numbers[i] = *number;
  }
  auto [bins, length, rate, low, high] = std::tie(
      numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
  if (!(bins >= 1 && bins <= 1 << 16 && length >= 1 && length <= 1 << 24 && rate > 0 &&
        low >= 0 && low <= high && high <= rate))
    return node.emitError() << "expected bins, a length, a sample rate and edges "
                               "below it, but got "
                            << bins << ", " << length << ", " << rate << ", " << low
                            << " and " << high;
  auto count = static_cast<int64_t>(bins), rows = static_cast<int64_t>(length) / 2 + 1;
  auto toMel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double first = toMel(low), step = (toMel(high) - first) / double(count + 2);
  Shape edges;
  for (int64_t i = 0; i < count + 2; ++i) {
    double hertz = 700 * (std::pow(10, (first + step * double(i)) / 2595) - 1);
    edges.push_back(std::clamp<int64_t>(
        static_cast<int64_t>(std::floor((length + 1) * hertz / rate)), 0, rows - 1));
  }
  if (failed(node.checkAllowance(rows * count, sizeof(float))))
    return failure();
  HostTensor weights(ElementKind::F32, {rows, count});
  for (int64_t i = 0; i < count; ++i) {
    int64_t left = edges[i], center = edges[i + 1], right = edges[i + 2];
    if (left == center)
      weights.set(center * count + i, 1);
    for (int64_t j = left; left != center && j <= center; ++j)
      weights.set(j * count + i, double(j - left) / double(center - left));
    for (int64_t j = center; j < right; ++j)
      weights.set(j * count + i, double(right - j) / double(right - center));
  }
  return node.setOutput(std::move(weights));
}

ArrayRef<OpEntry> signalOps() {
  static const OpEntry entries[] = {
      {"DFT", 1, 3, convertDFT, 17},
      {"STFT", 2, 4, convertSTFT, 17},
      {"HannWindow", 1, 1, convertHannWindow, 17},
      {"HammingWindow", 1, 1, convertHammingWindow, 17},
      {"BlackmanWindow", 1, 1, convertBlackmanWindow, 17},
      {"MelWeightMatrix", 5, 5, convertMelWeightMatrix, 17},
  };
  return entries;
}

} // namespace dyadic::onnx_import
