//===- Movement.cpp - Spec §6 ---------------------------------------------===//
#include "Movement.h"

using namespace llvm;
using namespace dyadic;
using namespace dyadic::reference;

/// Copies the elements of index space `shape` between two tensors, each with
/// a start and strides counted in elements of `Width` bytes.
template <int64_t Width>
static void copyElements(ArrayRef<int64_t> shape, const char *from,
                         ArrayRef<int64_t> fromStrides, char *to,
                         ArrayRef<int64_t> toStrides) {
  walk(shape, fromStrides, toStrides, [&](int64_t i, int64_t j) {
    std::copy_n(from + i * Width, Width, to + j * Width);
  });
}

static void copyStrided(ArrayRef<int64_t> shape, const HostTensor &from,
                        int64_t fromStart, ArrayRef<int64_t> fromStrides,
                        HostTensor &to, int64_t toStart,
                        ArrayRef<int64_t> toStrides) {
  int64_t width = byteWidth(from.kind);
  const char *source = from.bytes.data() + fromStart * width;
  char *target = to.bytes.data() + toStart * width;
  switch (width) {
  case 1:
    return copyElements<1>(shape, source, fromStrides, target, toStrides);
  case 2:
    return copyElements<2>(shape, source, fromStrides, target, toStrides);
  case 4:
    return copyElements<4>(shape, source, fromStrides, target, toStrides);
  default:
    return copyElements<8>(shape, source, fromStrides, target, toStrides);
  }
}

static int64_t offsetOf(ArrayRef<int64_t> index, ArrayRef<int64_t> strides) {
  int64_t offset = 0;
  for (auto [i, stride] : llvm::zip_equal(index, strides))
    offset += i * stride;
  return offset;
}

void reference::transpose(const HostTensor &input,
                          ArrayRef<int64_t> permutation, HostTensor &output) {
  Shape inputStrides = rowMajorStrides(input.shape), permuted;
  for (int64_t dimension : permutation)
    permuted.push_back(inputStrides[dimension]);
  copyStrided(output.shape, input, 0, permuted, output, 0,
              rowMajorStrides(output.shape));
}

/// Element `i` of a tensor of integers or booleans.
static int64_t integerAt(const HostTensor &tensor, int64_t i) {
  return tensor.kind == ElementKind::I64 ? tensor.as<int64_t>()[i]
                                         : static_cast<int64_t>(tensor.get(i));
}

void reference::gather(const HostTensor &input, const HostTensor &indices,
                       int64_t axis, HostTensor &output) {
  int64_t extent = input.shape[axis], count = indices.numElements();
  int64_t bytes = byteWidth(input.kind) * rowMajorStrides(input.shape)[axis];
  int64_t outer = extent ? input.bytes.size() / (extent * bytes) : 0;
  char *target = output.bytes.data();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < count; ++i, target += bytes) {
      int64_t index = integerAt(indices, i);
      index += index < 0 ? extent : 0;
      index = std::min(std::max<int64_t>(index, 0), extent - 1);
      std::copy_n(input.bytes.data() + (o * extent + index) * bytes, bytes,
                  target);
    }
}

void reference::concat(Operands inputs, int64_t axis, HostTensor &output) {
  Shape strides = rowMajorStrides(output.shape);
  int64_t position = 0;
  for (const HostTensor *input : inputs) {
    copyStrided(input->shape, *input, 0, rowMajorStrides(input->shape), output,
                position * strides[axis], strides);
    position += input->shape[axis];
  }
}

void reference::slice(const HostTensor &input, ArrayRef<int64_t> offsets,
                      ArrayRef<int64_t> strides, HostTensor &output) {
  Shape inputStrides = rowMajorStrides(input.shape), steps;
  for (auto [stride, own] : llvm::zip_equal(strides, inputStrides))
    steps.push_back(stride * own);
  copyStrided(output.shape, input, offsetOf(offsets, inputStrides), steps,
              output, 0, rowMajorStrides(output.shape));
}

void reference::pad(const HostTensor &input, ArrayRef<int64_t> low,
                    double value, HostTensor &output) {
  for (int64_t i = 0, e = output.numElements(); i < e; ++i)
    output.set(i, value);
  Shape strides = rowMajorStrides(output.shape);
  copyStrided(input.shape, input, 0, rowMajorStrides(input.shape), output,
              offsetOf(low, strides), strides);
}

void reference::resize(const HostTensor &input, ArrayRef<int64_t> rows,
                       ArrayRef<int64_t> cols, HostTensor &output) {
  int64_t height = input.shape[1], width = input.shape[2];
  int64_t pixelBytes = input.shape[3] * byteWidth(input.kind);
  char *to = output.bytes.data();
  for (int64_t n = 0; n < input.shape[0]; ++n)
    for (int64_t row : rows)
      for (int64_t col : cols) {
        int64_t pixel = (n * height + row) * width + col;
        to = std::copy_n(input.bytes.data() + pixel * pixelBytes, pixelBytes,
                         to);
      }
}
