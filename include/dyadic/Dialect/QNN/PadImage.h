//===- PadImage.h - a convolution's border as an op -------------*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_PADIMAGE_H
#define DYADIC_DIALECT_QNN_PADIMAGE_H

#include "dyadic/Dialect/QNN/QNN.h"

namespace dyadic::qnn {

/// `input` with the border that `op` pads its own with, of `value`; `input` itself if
/// there is none.
inline mlir::Value padImage(mlir::OpBuilder &builder, Conv2DOp op, mlir::Value input,
                            float value) {
  llvm::ArrayRef<int64_t> pads = op.getPads();
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return input;
  llvm::SmallVector<int64_t> low{0, pads[0], pads[1], 0}, high{0, pads[2], pads[3], 0};
  auto type = mlir::cast<mlir::RankedTensorType>(input.getType());
  llvm::SmallVector<int64_t> shape(type.getShape());
  for (auto [extent, before, after] : llvm::zip_equal(shape, low, high))
    extent += before + after;
  return PadOp::create(builder, op.getLoc(), type.clone(shape), input, low, high,
                       llvm::APFloat(value));
}

} // namespace dyadic::qnn

#endif
