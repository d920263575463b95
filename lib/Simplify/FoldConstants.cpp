//===- FoldConstants.cpp - evaluates ops on constants ---------------------===//
#include "Constants.h"

#include "dyadic/Simplify/Passes.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "dyadic/Simplify/Passes.h.inc"

namespace {
struct FoldConstants : impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // In the order of the block, so that one walk folds whole chains.
    for (Operation &op : llvm::make_early_inc_range(getOperation().getOps())) {
      // Weights that come quantized are --qnn-adopt-quantization's.
      if (!isa_and_nonnull<qnn::QNNDialect>(op.getDialect()) ||
          qnn::isBorder(&op))
        continue;
      SmallVector<Operation *> sources;
      for (Value operand : op.getOperands())
        if (Operation *source = operand.getDefiningOp())
          sources.push_back(source);
      if (failed(foldToConstant(rewriter, &op, maxBytes)))
        continue;
      llvm::sort(sources);
      sources.erase(llvm::unique(sources), sources.end());
      for (Operation *source : sources)
        if (source->use_empty())
          rewriter.eraseOp(source);
    }
  }
};
} // namespace
} // namespace dyadic
