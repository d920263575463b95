//===- Softmax.cpp - the ops that spell a softmax -------------------------===//
//
//   m = reduce_max x;  e = exp(x − m);  y = e · reciprocal(reduce_sum e)
//
//===----------------------------------------------------------------------===//
#include "OpConverter.h"

using namespace mlir;

namespace dyadic::tosa_import {

/// The axis of `e · reciprocal(sum)` and the softmax's input, if it is one.
static std::optional<std::pair<Value, int64_t>> matchSoftmax(Value e,
                                                             Value inverse) {
  auto exp = e.getDefiningOp<tosa::ExpOp>();
  auto reciprocal = inverse.getDefiningOp<tosa::ReciprocalOp>();
  if (!exp || !reciprocal)
    return std::nullopt;
  auto sum = reciprocal.getInput1().getDefiningOp<tosa::ReduceSumOp>();
  auto difference = exp.getInput1().getDefiningOp<tosa::SubOp>();
  if (!sum || sum.getInput() != e || !difference)
    return std::nullopt;
  auto max = difference.getInput2().getDefiningOp<tosa::ReduceMaxOp>();
  if (!max || max.getInput() != difference.getInput1() ||
      max.getAxis() != sum.getAxis())
    return std::nullopt;
  return std::make_pair(max.getInput(), static_cast<int64_t>(sum.getAxis()));
}

void recognizeSoftmax(func::FuncOp func) {
  SmallVector<tosa::MulOp> products;
  func.walk([&](tosa::MulOp op) { products.push_back(op); });
  for (tosa::MulOp op : products) {
    auto match = matchSoftmax(op.getInput1(), op.getInput2());
    if (!match)
      match = matchSoftmax(op.getInput2(), op.getInput1());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!match || !type || !type.getElementType().isF32() ||
        match->first.getType() != type)
      continue;
    OpBuilder b(op);
    auto softmax = qnn::SoftmaxOp::create(b, op.getLoc(), type, match->first,
                                          match->second);
    softmax->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    op.replaceAllUsesWith(softmax.getResult());
  }
}

} // namespace dyadic::tosa_import
