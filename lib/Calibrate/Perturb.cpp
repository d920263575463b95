//===- Perturb.cpp --------------------------------------------------------===//
#include "dyadic/Calibrate/Perturb.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>

using namespace dyadic;

using Samples = llvm::ArrayRef<llvm::SmallVector<HostTensor>>;

namespace {
/// Numbers that are the same with every standard library.
class Random {
public:
  /// In [0, 1).
  double uniform() { return engine() * 0x1p-32; }
  size_t below(size_t count) { return engine() % count; }
  /// Of mean 0 and variance 1, nearly normal.
  double normal() {
    constexpr int kTerms = 12;
    double sum = -0.5 * kTerms;
    for (int i = 0; i < kTerms; ++i)
      sum += uniform();
    return sum;
  }

private:
  std::mt19937 engine{20251};
};

/// What an input of floats is on all samples.
struct Spread {
  double min = INFINITY, max = -INFINITY, deviation = 0;

  Spread(Samples samples, size_t input) {
    double sum = 0, squares = 0, count = 0;
    for (const auto &sample : samples)
      for (float x : sample[input].as<float>()) {
        min = std::min<double>(min, x);
        max = std::max<double>(max, x);
        sum += x;
        squares += double(x) * x;
        ++count;
      }
    double mean = sum / std::max(count, 1.0);
    deviation = std::sqrt(std::max(squares / std::max(count, 1.0) - mean * mean, 0.0));
  }
};

/// Where the elements of an image are.
struct ImageLayout {
  int64_t height, width, lineStep, columnStep;

  static std::optional<ImageLayout> of(const HostTensor &tensor) {
    constexpr int64_t kMostChannels = 3;
    llvm::ArrayRef<int64_t> shape = tensor.shape;
    if (shape.size() != 4)
      return std::nullopt;
    if (shape[1] <= kMostChannels)
      return ImageLayout{shape[2], shape[3], shape[3], 1};
    if (shape[3] <= kMostChannels)
      return ImageLayout{shape[1], shape[2], shape[2] * shape[3], shape[3]};
    return std::nullopt;
  }
};
} // namespace

/// Each pixel the mean of the 3 × 3 around it that the image has.
static void blur(HostTensor &image, const ImageLayout &layout) {
  const HostTensor given = image;
  llvm::ArrayRef<float> from = given.as<float>();
  for (auto [i, x] : llvm::enumerate(image.as<float>())) {
    int64_t at = i, line = at / layout.lineStep % layout.height,
            column = at / layout.columnStep % layout.width;
    double sum = 0, count = 0;
    for (int64_t dy = line ? -1 : 0; dy <= (line + 1 < layout.height); ++dy)
      for (int64_t dx = column ? -1 : 0; dx <= (column + 1 < layout.width); ++dx) {
        sum += from[at + dy * layout.lineStep + dx * layout.columnStep];
        ++count;
      }
    x = static_cast<float>(sum / count);
  }
}

static void addNoise(HostTensor &tensor, double deviation, Random &random) {
  for (float &x : tensor.as<float>())
    x = static_cast<float>(x + deviation * random.normal());
}

/// x ← x · factor + offset.
static void changeLevels(HostTensor &tensor, double factor, double offset) {
  for (float &x : tensor.as<float>())
    x = static_cast<float>(x * factor + offset);
}

/// Changes an image in the `turn`-th of all ways.
static void perturbImage(HostTensor &image, const ImageLayout &layout, const Spread &spread,
                         size_t turn, Random &random) {
  constexpr double kNoise = 0.05, kContrast = 0.7, kBrightness = 0.1;
  double range = spread.max - spread.min, middle = (spread.max + spread.min) / 2;
  switch (turn % 4) {
  case 0:
    addNoise(image, kNoise * range, random);
    break;
  case 1:
    blur(image, layout);
    break;
  case 2:
    changeLevels(image, kContrast, (1 - kContrast) * middle);
    break;
  default:
    changeLevels(image, 1, (turn % 8 < 4 ? kBrightness : -kBrightness) * range);
  }
  for (float &x : image.as<float>())
    x = std::clamp<float>(x, spread.min, spread.max);
}

static void perturbFloats(std::vector<llvm::SmallVector<HostTensor>> &copies, size_t input,
                          Random &random) {
  constexpr double kNoise = 0.05;
  Spread spread(copies, input);
  for (auto [s, sample] : llvm::enumerate(copies))
    if (auto layout = ImageLayout::of(sample[input]))
      perturbImage(sample[input], *layout, spread, s, random);
    else
      addNoise(sample[input], kNoise * spread.deviation, random);
}

/// The integers that an input has on some samples and not on all, in order.
static std::vector<double> replaceable(Samples samples, size_t input) {
  std::map<double, size_t> seenIn;
  for (const auto &sample : samples) {
    std::set<double> values;
    for (int64_t i = 0, e = sample[input].numElements(); i < e; ++i)
      values.insert(sample[input].get(i));
    for (double value : values)
      ++seenIn[value];
  }
  std::vector<double> values;
  for (auto [value, count] : seenIn)
    if (count < samples.size())
      values.push_back(value);
  return values;
}

static void perturbIntegers(std::vector<llvm::SmallVector<HostTensor>> &copies, size_t input,
                            double replaced, Random &random) {
  std::vector<double> values = replaceable(copies, input);
  for (auto &sample : copies)
    for (int64_t i = 0, e = sample[input].numElements(); i < e; ++i)
      if (llvm::binary_search(values, sample[input].get(i)) && random.uniform() < replaced)
        sample[input].set(i, values[random.below(values.size())]);
}

std::vector<llvm::SmallVector<HostTensor>> dyadic::perturbedCopies(Samples samples,
                                                                   double replaced) {
  std::vector<llvm::SmallVector<HostTensor>> copies(samples.begin(), samples.end());
  Random random;
  for (size_t input = 0; !copies.empty() && input < copies.front().size(); ++input) {
    ElementKind kind = copies.front()[input].kind;
    if (kind == ElementKind::F32)
      perturbFloats(copies, input, random);
    else if (!isFloat(kind))
      perturbIntegers(copies, input, replaced, random);
  }
  return copies;
}
