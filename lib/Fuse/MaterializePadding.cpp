//===- MaterializePadding.cpp - pads of float ops as an op ----------------===//
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Fuse/Passes.h"

#include <limits>

namespace dyadic {
#define GEN_PASS_DEF_MATERIALIZEPADDING
#include "dyadic/Fuse/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// Takes the pads off `op` and puts a qnn.pad before it.
template <typename Op> static void materialize(Op op, float value) {
  ArrayRef<int64_t> pads = op.getPads();
  auto type = cast<RankedTensorType>(op.getInput().getType());
  if (!type.getElementType().isF32() ||
      llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return;
  SmallVector<int64_t> low{0, pads[0], pads[1], 0}, high{0, pads[2], pads[3], 0};
  SmallVector<int64_t> shape(type.getShape());
  for (unsigned i = 0; i < 4; ++i)
    shape[i] += low[i] + high[i];
  OpBuilder builder(op);
  Value padded =
      qnn::PadOp::create(builder, op.getLoc(), type.clone(shape), op.getInput(),
                         low, high, llvm::APFloat(value));
  op.getInputMutable().assign(padded);
  op.setPads({0, 0, 0, 0});
}

namespace {
struct MaterializePaddingPass
    : dyadic::impl::MaterializePaddingBase<MaterializePaddingPass> {
  using MaterializePaddingBase::MaterializePaddingBase;

  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (auto conv = dyn_cast<qnn::Conv2DOp>(op))
        materialize(conv, 0);
      else if (auto pool = dyn_cast<qnn::MaxPool2DOp>(op))
        materialize(pool, -std::numeric_limits<float>::infinity());
      else if (auto pool = dyn_cast<qnn::AvgPool2DOp>(op))
        if (pool.getCountIncludePad())
          materialize(pool, 0);
    });
  }
};
} // namespace
