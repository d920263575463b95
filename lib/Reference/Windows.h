//===- Windows.h - pooling and reduction loops ------------------*- C++ -*-===//
#ifndef DYADIC_LIB_REFERENCE_WINDOWS_H
#define DYADIC_LIB_REFERENCE_WINDOWS_H

#include "Tensors.h"

namespace dyadic::reference {

struct WindowAttributes {
  llvm::ArrayRef<int64_t> kernel;
  llvm::ArrayRef<int64_t> strides;
  /// Rows above and columns left of the image.
  int64_t top = 0;
  int64_t left = 0;
};

/// Folds each channel of each window of an N×H×W×C image:
/// output = finish(combine(… combine(init, x) …), count) over the `count`
/// positions that are inside the image.
template <typename T, typename Acc, typename Out, typename Combine,
          typename Finish>
void foldWindows(llvm::ArrayRef<T> input, llvm::ArrayRef<int64_t> inShape,
                 const WindowAttributes &window, Acc init, Combine combine,
                 Finish finish, llvm::MutableArrayRef<Out> output,
                 llvm::ArrayRef<int64_t> outShape) {
  int64_t height = inShape[1], width = inShape[2], channels = inShape[3];
  std::vector<Acc> folded(channels);
  Out *out = output.data();
  for (int64_t n = 0; n < outShape[0]; ++n)
    for (int64_t y = 0; y < outShape[1]; ++y)
      for (int64_t x = 0; x < outShape[2]; ++x, out += channels) {
        int64_t top = y * window.strides[0] - window.top;
        int64_t left = x * window.strides[1] - window.left;
        int64_t bottom = std::min(top + window.kernel[0], height);
        int64_t right = std::min(left + window.kernel[1], width);
        int64_t count = 0;
        folded.assign(channels, init);
        for (int64_t row = std::max<int64_t>(top, 0); row < bottom; ++row)
          for (int64_t col = std::max<int64_t>(left, 0); col < right; ++col) {
            const T *pixel =
                input.data() + ((n * height + row) * width + col) * channels;
            for (int64_t c = 0; c < channels; ++c)
              folded[c] = combine(folded[c], pixel[c]);
            ++count;
          }
        for (int64_t c = 0; c < channels; ++c)
          out[c] = finish(folded[c], count);
      }
}

/// Adds the elements of `input` over `axes` into `sums`, which has one entry
/// for each index of the other dimensions.
template <typename T, typename Acc>
void sumOver(llvm::ArrayRef<T> input, llvm::ArrayRef<int64_t> shape,
             llvm::ArrayRef<int64_t> axes, std::vector<Acc> &sums) {
  Shape kept(shape);
  for (int64_t axis : axes)
    kept[axis] = 1;
  walk(shape, rowMajorStrides(shape), broadcastStrides(kept, shape),
       [&](int64_t i, int64_t sum) { sums[sum] += input[i]; });
}

} // namespace dyadic::reference

#endif
