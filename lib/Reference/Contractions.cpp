//===- Contractions.cpp - Spec §4 -----------------------------------------===//
//
// A convolution gathers the input patch of each output position into a row;
// from there both ops are products of rows with rows. Whole networks run
// through here, so the rows are contiguous and the dot product vectorizes.
//
//===----------------------------------------------------------------------===//
#include "Contractions.h"

#include <algorithm>
#include <type_traits>

using namespace llvm;
using namespace dyadic;
using namespace dyadic::reference;

/// How many partial sums `dot` has.
static constexpr int64_t kLanes = 16;

/// Partial sums in a fixed order: vectorizes without reassociation.
static float dot(const float *a, const float *b, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t l = 0; l < kLanes; ++l)
      lanes[l] += a[i + l] * b[i + l];
  float sum = 0;
  for (; i < n; ++i)
    sum += a[i] * b[i];
  for (float lane : lanes)
    sum += lane;
  return sum;
}

/// Unsigned sums: they wrap instead of being undefined, and the order of
/// summation is free.
static uint32_t dot(const int16_t *a, const int16_t *b, int64_t n) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += static_cast<uint32_t>(int32_t{a[i]} * int32_t{b[i]});
  return sum;
}

static float product(float x, float y) { return x * y; }
static int32_t product(int16_t x, int16_t y) { return int32_t{x} * int32_t{y}; }

static float plus(float bias, float sum) { return bias + sum; }
static int32_t plus(int32_t bias, uint32_t sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) + sum);
}

/// out[i][j] = bias[j] + Σ_k a[i][k]·b[j][k], rows of `out` `outStride` apart.
template <typename T, typename Acc>
static void multiplyRows(const T *a, int64_t rows, const T *b, int64_t columns,
                         int64_t k, const Acc *bias, Acc *out,
                         int64_t outStride) {
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i)
      out[i * outStride + j] =
          plus(bias ? bias[j] : Acc(0), dot(a + i * k, b + j * k, k));
}

/// The taps of a filter in the order in which `dot` adds their products, of fewer
/// than two for each partial sum.
static SmallVector<int64_t> orderOfSum(int64_t taps) {
  SmallVector<int64_t> order;
  int64_t inLanes = taps / kLanes * kLanes;
  for (int64_t i = inLanes; i < taps; ++i)
    order.push_back(i);
  for (int64_t i = 0; i < inLanes; ++i)
    order.push_back(i);
  return order;
}

/// A convolution with one filter for each channel: all channels at once, which a
/// row of patches for each would make slow.
template <typename T, typename Acc, typename Sum>
static void convolveChannels(ArrayRef<T> input, ArrayRef<int64_t> inShape,
                             ArrayRef<T> filter, ArrayRef<int64_t> filterShape,
                             const Acc *bias, const ConvAttributes &conv,
                             MutableArrayRef<Acc> output,
                             ArrayRef<int64_t> outShape) {
  int64_t height = inShape[1], width = inShape[2], channels = inShape[3];
  int64_t kw = filterShape[2], taps = filterShape[1] * kw;
  SmallVector<int64_t> order = orderOfSum(taps);
  std::vector<T> weights(filter.size()); // taps × channels
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t tap = 0; tap < taps; ++tap)
      weights[tap * channels + c] = filter[c * taps + tap];
  std::vector<Sum> sums(channels);
  Acc *out = output.data();
  for (int64_t n = 0; n < outShape[0]; ++n)
    for (int64_t y = 0; y < outShape[1]; ++y)
      for (int64_t x = 0; x < outShape[2]; ++x, out += channels) {
        std::fill(sums.begin(), sums.end(), Sum(0));
        for (int64_t tap : order) {
          int64_t row = y * conv.strides[0] + tap / kw * conv.dilations[0] - conv.top;
          int64_t col = x * conv.strides[1] + tap % kw * conv.dilations[1] - conv.left;
          if (row < 0 || row >= height || col < 0 || col >= width)
            continue;
          const T *pixel = input.data() + ((n * height + row) * width + col) * channels;
          const T *weight = weights.data() + tap * channels;
          for (int64_t c = 0; c < channels; ++c)
            sums[c] += static_cast<Sum>(product(pixel[c], weight[c]));
        }
        for (int64_t c = 0; c < channels; ++c)
          out[c] = plus(bias ? bias[c] : Acc(0), sums[c]);
      }
}

/// Rows multiplied at once: they stay in the cache while b passes by.
static constexpr int64_t kRowBlock = 8;

template <typename T, typename Acc>
static void convolve(ArrayRef<T> input, ArrayRef<int64_t> inShape,
                     ArrayRef<T> filter, ArrayRef<int64_t> filterShape,
                     const Acc *bias, const ConvAttributes &conv,
                     MutableArrayRef<Acc> output, ArrayRef<int64_t> outShape) {
  int64_t height = inShape[1], width = inShape[2], channels = inShape[3];
  int64_t kh = filterShape[1], kw = filterShape[2], depth = filterShape[3];
  int64_t outHeight = outShape[1], outWidth = outShape[2], outs = outShape[3];
  int64_t groupOuts = outs / conv.groups, k = kh * kw * depth;
  using Sum = std::conditional_t<std::is_same_v<T, float>, float, uint32_t>;
  if (depth == 1 && groupOuts == 1 && k < 2 * kLanes)
    return convolveChannels<T, Acc, Sum>(input, inShape, filter, filterShape, bias,
                                         conv, output, outShape);
  std::vector<T> patches(kRowBlock * k);

  auto gather = [&](int64_t n, int64_t y, int64_t x, int64_t group, T *patch) {
    for (int64_t i = 0; i < kh; ++i)
      for (int64_t j = 0; j < kw; ++j, patch += depth) {
        int64_t row = y * conv.strides[0] + i * conv.dilations[0] - conv.top;
        int64_t col = x * conv.strides[1] + j * conv.dilations[1] - conv.left;
        if (row < 0 || row >= height || col < 0 || col >= width) {
          std::fill_n(patch, depth, T(0));
          continue;
        }
        int64_t pixel = (n * height + row) * width + col;
        std::copy_n(input.data() + pixel * channels + group * depth, depth,
                    patch);
      }
  };

  for (int64_t n = 0; n < outShape[0]; ++n)
    for (int64_t y = 0; y < outHeight; ++y)
      for (int64_t x = 0; x < outWidth; x += kRowBlock)
        for (int64_t group = 0; group < conv.groups; ++group) {
          int64_t rows = std::min(kRowBlock, outWidth - x);
          for (int64_t r = 0; r < rows; ++r)
            gather(n, y, x + r, group, patches.data() + r * k);
          int64_t first = group * groupOuts;
          int64_t pixel = (n * outHeight + y) * outWidth + x;
          multiplyRows<T, Acc>(patches.data(), rows, filter.data() + first * k,
                               groupOuts, k, bias ? bias + first : nullptr,
                               output.data() + pixel * outs + first, outs);
        }
}

template <typename T, typename Acc>
static void multiply(ArrayRef<T> lhs, ArrayRef<int64_t> lhsShape,
                     ArrayRef<T> rhs, ArrayRef<int64_t> rhsShape,
                     const Acc *bias, MutableArrayRef<Acc> output,
                     ArrayRef<int64_t> outShape) {
  int64_t m = outShape[outShape.size() - 2], n = outShape.back();
  int64_t k = lhsShape.back();
  std::vector<T> transposed(n * k);
  const T *transposedFrom = nullptr;
  int64_t batch = 0;
  ArrayRef<int64_t> batches = outShape.drop_back(2);
  Shape lhsStrides = broadcastStrides(lhsShape.drop_back(2), batches);
  Shape rhsStrides = broadcastStrides(rhsShape.drop_back(2), batches);
  walk(batches, lhsStrides, rhsStrides, [&](int64_t lhsBatch, int64_t rhsBatch) {
    const T *a = lhs.data() + lhsBatch * m * k;
    const T *b = rhs.data() + rhsBatch * k * n;
    Acc *out = output.data() + batch++ * m * n;
    if (b != transposedFrom) {
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < n; ++j)
          transposed[j * k + i] = b[i * n + j];
      transposedFrom = b;
    }
    for (int64_t i = 0; i < m; i += kRowBlock)
      multiplyRows<T, Acc>(a + i * k, std::min(kRowBlock, m - i),
                           transposed.data(), n, k, bias, out + i * n, n);
  });
}

/// Storage values as i16, which holds all of them.
static std::vector<int16_t> widen(const HostTensor &tensor) {
  auto convert = [](auto values) {
    return std::vector<int16_t>(values.begin(), values.end());
  };
  switch (tensor.kind) {
  case ElementKind::U8:
    return convert(tensor.as<uint8_t>());
  case ElementKind::I8:
    return convert(tensor.as<int8_t>());
  default:
    return convert(tensor.as<int16_t>());
  }
}

template <typename T> static const T *dataOrNull(const HostTensor *tensor) {
  return tensor ? tensor->as<T>().data() : nullptr;
}

void reference::conv2d(const HostTensor &input, const HostTensor &filter,
                       const HostTensor *bias, const ConvAttributes &attributes,
                       HostTensor &output) {
  if (input.kind == ElementKind::F32)
    return convolve(input.as<float>(), input.shape, filter.as<float>(),
                    filter.shape, dataOrNull<float>(bias), attributes,
                    output.as<float>(), output.shape);
  std::vector<int16_t> x = widen(input), w = widen(filter);
  convolve(ArrayRef(x), input.shape, ArrayRef(w), filter.shape,
           dataOrNull<int32_t>(bias), attributes, output.as<int32_t>(),
           output.shape);
}

void reference::matmul(const HostTensor &lhs, const HostTensor &rhs,
                       const HostTensor *bias, HostTensor &output) {
  if (lhs.kind == ElementKind::F32)
    return multiply(lhs.as<float>(), lhs.shape, rhs.as<float>(), rhs.shape,
                    dataOrNull<float>(bias), output.as<float>(), output.shape);
  std::vector<int16_t> x = widen(lhs), w = widen(rhs);
  multiply(ArrayRef(x), lhs.shape, ArrayRef(w), rhs.shape,
           dataOrNull<int32_t>(bias), output.as<int32_t>(), output.shape);
}
