//===- TosaToQNN.cpp - TOSA functions as level 1 --------------------------===//
#include "dyadic/Import/TOSA/Passes.h"

#include "OpConverter.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_TOSATOQNN
#include "dyadic/Import/TOSA/Passes.h.inc"

namespace {
using namespace tosa_import;

bool isTosa(Operation &op) {
  return isa_and_nonnull<tosa::TosaDialect>(op.getDialect());
}

/// Constants that other ops read as attributes: shapes, zero points, shifts,
/// tables. They are dead once those ops are converted.
bool isParameter(Operation &op) {
  if (isa<tosa::ConstShapeOp>(op))
    return true;
  auto constant = dyn_cast<tosa::ConstOp>(op);
  return constant &&
         cast<ShapedType>(constant.getType()).getElementType().isInteger();
}

struct TosaToQNN : impl::TosaToQNNBase<TosaToQNN> {
  using TosaToQNNBase::TosaToQNNBase;

  void runOnOperation() override {
    ConverterTable table;
    addContractions(table);
    addElementwise(table);
    addMovement(table);
    addPooling(table);

    recognizeSoftmax(getOperation());
    eraseDead();
    bool failedAny = false;
    for (Block &block : getOperation().getBody())
      for (Operation &op : llvm::make_early_inc_range(block))
        if (isTosa(op) && !isParameter(op))
          failedAny |= failed(convert(op, table));
    if (failedAny)
      return signalPassFailure();
    eraseDead();
    for (Operation &op : getOperation().getOps())
      if (isTosa(op)) {
        op.emitOpError() << "expected only reads by TOSA ops";
        signalPassFailure();
      }
  }

private:
  LogicalResult convert(Operation &op, const ConverterTable &table) {
    ConvertFn function = table.lookup(op.getName().getStringRef());
    if (!function)
      return op.emitOpError() << "has no counterpart in qnn";
    OpConverter converter(&op);
    FailureOr<Value> value = function(converter, &op);
    if (failed(value))
      return failure();
    if (!llvm::is_contained(op.getOperands(), *value))
      value->getDefiningOp()->setDiscardableAttrs(
          op.getDiscardableAttrDictionary());
    op.getResult(0).replaceAllUsesWith(*value);
    op.erase();
    return success();
  }

  void eraseDead() {
    for (Block &block : getOperation().getBody())
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
        if ((isTosa(op) || isa<qnn::ConstantOp>(op)) && isOpTriviallyDead(&op))
          op.erase(); // shapes, zero points, …
  }
};
} // namespace
} // namespace dyadic
