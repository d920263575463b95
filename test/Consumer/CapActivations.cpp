//===- CapActivations.cpp - a pass between two of Dyadic's ----------------===//
#include "Outside.h"

namespace outside {
#define GEN_PASS_DEF_CAPACTIVATIONS
#include "OutsidePasses.h.inc"

namespace {
struct CapActivations : impl::CapActivationsBase<CapActivations> {
  using CapActivationsBase::CapActivationsBase;

  void runOnOperation() override {
    getOperation().walk([&](dyadic::qnn::ReluOp relu) {
      mlir::OpBuilder b(relu);
      auto clamp = dyadic::qnn::ClampOp::create(
          b, relu.getLoc(), relu.getType(), relu.getInput(),
          llvm::APFloat(0.0f), llvm::APFloat(static_cast<float>(limit)));
      clamp->setDiscardableAttrs(relu->getDiscardableAttrDictionary());
      relu.replaceAllUsesWith(clamp.getResult());
      relu.erase();
    });
  }
};
} // namespace
} // namespace outside
