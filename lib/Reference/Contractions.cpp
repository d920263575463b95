//===- Contractions.cpp - Spec §4 -----------------------------------------===//
//
// A convolution gathers the input patches of output positions into rows; from
// there both ops are products of matrices. Whole networks run through here, so
// blocks of sums stay in registers, in the widest vectors that the machine has.
// Every sum is in the order of k: no result depends on the machine or the blocks.
//
//===----------------------------------------------------------------------===//
#include "Contractions.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

using namespace llvm;
using namespace dyadic;
using namespace dyadic::reference;

#if defined(__x86_64__) && defined(__linux__) && !defined(DYADIC_SANITIZED)
#define DYADIC_EVERY_CPU                                                       \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DYADIC_EVERY_CPU
#endif

/// Integer sums wrap instead of being undefined.
template <typename T>
using SumOf = std::conditional_t<std::is_same_v<T, float>, float, uint32_t>;

static float plus(float bias, float sum) { return bias + sum; }
static int32_t plus(int32_t bias, uint32_t sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) + sum);
}

/// Rows and columns of a block of sums.
static constexpr int64_t kRows = 4, kColumns = 16;

template <typename T>
using Columns = T __attribute__((vector_size(kColumns * sizeof(T))));

/// A matrix b of k × columns in panels of kColumns columns, zeros behind the last.
/// Neighbours in b are `rowStride` and `columnStride` apart.
template <typename T>
static std::vector<T> packPanels(const T *b, int64_t k, int64_t columns,
                                 int64_t rowStride, int64_t columnStride) {
  std::vector<T> panels(divideCeil(columns, kColumns) * k * kColumns);
  T *out = panels.data();
  for (int64_t first = 0; first < columns; first += kColumns)
    for (int64_t i = 0; i < k; ++i, out += kColumns)
      for (int64_t j = 0, e = std::min(kColumns, columns - first); j < e; ++j)
        out[j] = b[i * rowStride + (first + j) * columnStride];
  return panels;
}

/// sums[r][j] = Σ_i rows[r][i]·panel[i][j]
template <typename T>
[[gnu::always_inline]] static inline void
sumBlockImpl(const T *const rows[kRows], const T *panel, int64_t k,
             SumOf<T> sums[kRows][kColumns]) {
  Columns<SumOf<T>> accumulators[kRows] = {};
  for (int64_t i = 0; i < k; ++i, panel += kColumns) {
    Columns<T> factors;
    std::memcpy(&factors, panel, sizeof factors);
    auto wide = __builtin_convertvector(factors, Columns<SumOf<T>>);
    for (int64_t r = 0; r < kRows; ++r)
      accumulators[r] += static_cast<SumOf<T>>(rows[r][i]) * wide;
  }
  std::memcpy(sums, accumulators, sizeof accumulators);
}
DYADIC_EVERY_CPU
static void sumBlock(const float *const rows[kRows], const float *panel, int64_t k,
                     float sums[kRows][kColumns]) {
  sumBlockImpl(rows, panel, k, sums);
}
DYADIC_EVERY_CPU
static void sumBlock(const int16_t *const rows[kRows], const int16_t *panel, int64_t k,
                     uint32_t sums[kRows][kColumns]) {
  sumBlockImpl(rows, panel, k, sums);
}

/// out[i][j] = bias[j] + Σ_k a[i][k]·b[k][j], rows of `out` `outStride` apart.
template <typename T, typename Acc>
static void multiplyRows(const T *a, int64_t rows, const T *panels, int64_t columns,
                         int64_t k, const Acc *bias, Acc *out,
                         int64_t outStride) {
  SumOf<T> sums[kRows][kColumns];
  for (int64_t j = 0; j < columns; j += kColumns, panels += k * kColumns)
    for (int64_t i = 0; i < rows; i += kRows) {
      const T *block[kRows];
      for (int64_t r = 0; r < kRows; ++r)
        block[r] = a + std::min(i + r, rows - 1) * k;
      sumBlock(block, panels, k, sums);
      for (int64_t r = 0; r < std::min(kRows, rows - i); ++r)
        for (int64_t c = 0; c < std::min(kColumns, columns - j); ++c)
          out[(i + r) * outStride + j + c] =
              plus(bias ? bias[j + c] : Acc(0), sums[r][c]);
    }
}

/// sums[c] += x[c]·w[c]
template <typename T>
[[gnu::always_inline]] static inline void
addProductsImpl(const T *x, const T *w, int64_t channels, SumOf<T> *sums) {
  for (int64_t c = 0; c < channels; ++c)
    sums[c] += static_cast<SumOf<T>>(x[c]) * static_cast<SumOf<T>>(w[c]);
}
DYADIC_EVERY_CPU
static void addProducts(const float *x, const float *w, int64_t channels, float *sums) {
  addProductsImpl(x, w, channels, sums);
}
DYADIC_EVERY_CPU
static void addProducts(const int16_t *x, const int16_t *w, int64_t channels,
                        uint32_t *sums) {
  addProductsImpl(x, w, channels, sums);
}

/// A convolution with one filter for each channel: all channels at once, which a
/// row of patches for each would make slow.
template <typename T, typename Acc>
static void convolveChannels(ArrayRef<T> input, ArrayRef<int64_t> inShape,
                             ArrayRef<T> filter, ArrayRef<int64_t> filterShape,
                             const Acc *bias, const ConvAttributes &conv,
                             MutableArrayRef<Acc> output,
                             ArrayRef<int64_t> outShape) {
  int64_t height = inShape[1], width = inShape[2], channels = inShape[3];
  int64_t kw = filterShape[2], taps = filterShape[1] * kw;
  std::vector<T> weights(filter.size()); // taps × channels
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t tap = 0; tap < taps; ++tap)
      weights[tap * channels + c] = filter[c * taps + tap];
  std::vector<SumOf<T>> sums(channels);
  Acc *out = output.data();
  for (int64_t n = 0; n < outShape[0]; ++n)
    for (int64_t y = 0; y < outShape[1]; ++y)
      for (int64_t x = 0; x < outShape[2]; ++x, out += channels) {
        llvm::fill(sums, 0);
        for (int64_t tap = 0; tap < taps; ++tap) {
          int64_t row = y * conv.strides[0] + tap / kw * conv.dilations[0] - conv.top;
          int64_t col = x * conv.strides[1] + tap % kw * conv.dilations[1] - conv.left;
          if (row < 0 || row >= height || col < 0 || col >= width)
            continue;
          addProducts(input.data() + ((n * height + row) * width + col) * channels,
                      weights.data() + tap * channels, channels, sums.data());
        }
        for (int64_t c = 0; c < channels; ++c)
          out[c] = plus(bias ? bias[c] : Acc(0), sums[c]);
      }
}

/// Rows multiplied at once: they stay in the cache while b passes by.
static constexpr int64_t kRowBlock = 16;

template <typename T, typename Acc>
static void convolve(ArrayRef<T> input, ArrayRef<int64_t> inShape,
                     ArrayRef<T> filter, ArrayRef<int64_t> filterShape,
                     const Acc *bias, const ConvAttributes &conv,
                     MutableArrayRef<Acc> output, ArrayRef<int64_t> outShape) {
  int64_t height = inShape[1], width = inShape[2], channels = inShape[3];
  int64_t kh = filterShape[1], kw = filterShape[2], depth = filterShape[3];
  int64_t outHeight = outShape[1], outWidth = outShape[2], outs = outShape[3];
  int64_t groupOuts = outs / conv.groups, k = kh * kw * depth;
  if (depth == 1 && groupOuts == 1)
    return convolveChannels(input, inShape, filter, filterShape, bias, conv,
                            output, outShape);
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

  int64_t positions = outHeight * outWidth;
  for (int64_t group = 0; group < conv.groups; ++group) {
    int64_t first = group * groupOuts;
    std::vector<T> panels = packPanels(filter.data() + first * k, k, groupOuts, 1, k);
    for (int64_t n = 0; n < outShape[0]; ++n)
      for (int64_t begin = 0; begin < positions; begin += kRowBlock) {
        int64_t rows = std::min(kRowBlock, positions - begin);
        for (int64_t r = 0; r < rows; ++r)
          gather(n, (begin + r) / outWidth, (begin + r) % outWidth, group,
                 patches.data() + r * k);
        multiplyRows<T, Acc>(patches.data(), rows, panels.data(), groupOuts, k,
                             bias ? bias + first : nullptr,
                             output.data() + (n * positions + begin) * outs + first,
                             outs);
      }
  }
}

template <typename T, typename Acc>
static void multiply(ArrayRef<T> lhs, ArrayRef<int64_t> lhsShape,
                     ArrayRef<T> rhs, ArrayRef<int64_t> rhsShape,
                     const Acc *bias, MutableArrayRef<Acc> output,
                     ArrayRef<int64_t> outShape) {
  int64_t m = outShape[outShape.size() - 2], n = outShape.back();
  int64_t k = lhsShape.back();
  std::vector<T> panels;
  const T *packedFrom = nullptr;
  int64_t batch = 0;
  ArrayRef<int64_t> batches = outShape.drop_back(2);
  Shape lhsStrides = broadcastStrides(lhsShape.drop_back(2), batches);
  Shape rhsStrides = broadcastStrides(rhsShape.drop_back(2), batches);
  walk(batches, lhsStrides, rhsStrides, [&](int64_t lhsBatch, int64_t rhsBatch) {
    const T *a = lhs.data() + lhsBatch * m * k;
    const T *b = rhs.data() + rhsBatch * k * n;
    Acc *out = output.data() + batch++ * m * n;
    if (b != packedFrom) {
      panels = packPanels(b, k, n, n, 1);
      packedFrom = b;
    }
    for (int64_t i = 0; i < m; i += kRowBlock)
      multiplyRows<T, Acc>(a + i * k, std::min(kRowBlock, m - i),
                           panels.data(), n, k, bias, out + i * n, n);
  });
}

/// Storage values as i16, which holds all of them.
static std::vector<int16_t> widen(const HostTensor &tensor) {
  return withIntegers(tensor, [](auto values) {
    return std::vector<int16_t>(values.begin(), values.end());
  });
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
