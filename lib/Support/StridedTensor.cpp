//===- StridedTensor.cpp --------------------------------------------------===//
#include "dyadic/Support/StridedTensor.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

namespace dyadic {

void forEachPosition(llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<int64_t> strides, int64_t offset,
                     llvm::function_ref<void(int64_t)> visit) {
  if (llvm::is_contained(shape, 0))
    return;
  if (shape.empty())
    return visit(offset);
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  int64_t last = shape.size() - 1;
  int64_t position = offset;
  while (true) {
    for (int64_t i = 0; i < shape[last]; ++i)
      visit(position + i * strides[last]);
    int64_t dim = last - 1;
    for (; dim >= 0; --dim) {
      position += strides[dim];
      if (++index[dim] < shape[dim])
        break;
      position -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
    if (dim < 0)
      return;
  }
}

HostTensor copyStrided(const HostTensor &in, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> strides, int64_t offset) {
  HostTensor out(in.kind, shape);
  char *target = out.bytes.data();
  const char *source = in.bytes.data();
  auto copyAs = [&](auto *type) {
    using T = std::remove_pointer_t<decltype(type)>;
    forEachPosition(shape, strides, offset, [&](int64_t position) {
      std::memcpy(target, source + position * sizeof(T), sizeof(T));
      target += sizeof(T);
    });
  };
  switch (byteWidth(in.kind)) {
  case 1:
    copyAs((uint8_t *)nullptr);
    break;
  case 2:
    copyAs((uint16_t *)nullptr);
    break;
  case 4:
    copyAs((uint32_t *)nullptr);
    break;
  default:
    copyAs((uint64_t *)nullptr);
  }
  return out;
}

HostTensor transpose(const HostTensor &in,
                     llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<int64_t> own(in.shape.size(), 1), shape, strides;
  for (size_t i = own.size(); i-- > 1;)
    own[i - 1] = own[i] * in.shape[i];
  for (int64_t dim : permutation) {
    shape.push_back(in.shape[dim]);
    strides.push_back(own[dim]);
  }
  return copyStrided(in, shape, strides);
}

} // namespace dyadic
