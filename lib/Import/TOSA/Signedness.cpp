//===- Signedness.cpp - unsigned tensors by their type --------------------===//
//
// TOSA's tensors are signless; a rescale alone knows that one is unsigned. Ours
// say it by their type.
//
//===----------------------------------------------------------------------===//
#include "OpConverter.h"

using namespace mlir;

namespace dyadic::tosa_import {

static bool readsUnsigned(OpOperand &use) {
  if (isa<func::ReturnOp>(use.getOwner()))
    return true;
  auto rescale = dyn_cast<tosa::RescaleOp>(use.getOwner());
  return rescale && rescale.getInputUnsigned() && use.getOperandNumber() == 0;
}

void stateSignedness(func::FuncOp func) {
  auto makeUnsigned = [](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !type.getElementType().isSignlessInteger() ||
        !llvm::all_of(value.getUses(), readsUnsigned))
      return;
    auto element = IntegerType::get(value.getContext(),
                                    type.getElementTypeBitWidth(),
                                    IntegerType::Unsigned);
    value.setType(type.clone(element));
  };
  if (!llvm::hasSingleElement(func.getBody()))
    return;
  Block &body = func.getBody().front();
  for (BlockArgument argument : body.getArguments())
    if (llvm::any_of(argument.getUsers(), llvm::IsaPred<tosa::RescaleOp>))
      makeUnsigned(argument);
  for (auto rescale : body.getOps<tosa::RescaleOp>())
    if (rescale.getOutputUnsigned())
      makeUnsigned(rescale.getOutput());
}

} // namespace dyadic::tosa_import
