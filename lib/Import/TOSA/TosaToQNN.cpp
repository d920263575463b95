//===- TosaToQNN.cpp - TOSA functions as level 1 --------------------------===//
#include "dyadic/Import/TOSA/Passes.h"

#include "ByLoops.h"
#include "OpConverter.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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

/// Constants that other ops read as attributes and that go with them.
bool isParameter(Operation &op) {
  return isa<tosa::ConstShapeOp>(op) ||
         (isa<tosa::ConstOp>(op) && !op.use_empty());
}

/// Whether the op computes on integers that aren't quantized.
bool isInteger(Operation &op) {
  return !isa<tosa::ConstOp>(op) &&
         (llvm::any_of(op.getResultTypes(), hasIntegers) ||
          (op.getNumOperands() && hasIntegers(op.getOperand(0).getType())));
}

struct TosaToQNN : impl::TosaToQNNBase<TosaToQNN> {
  using TosaToQNNBase::TosaToQNNBase;

  void runOnOperation() override {
    ConverterTable table;
    addContractions(table);
    addElementwise(table);
    addMovement(table);
    addPooling(table);
    ConverterTable integers;
    addIntegerContractions(integers);
    addIntegerArithmetic(integers);

    stateSignedness(getOperation());
    recognizeSoftmax(getOperation());
    eraseDead();
    llvm::SmallPtrSet<Operation *, 4> refused;
    for (Block &block : getOperation().getBody())
      for (Operation &op : llvm::make_early_inc_range(block))
        if (isTosa(op) && !isa<tosa::ConstShapeOp>(op) &&
            failed(convert(op, isInteger(op) ? integers : table, table)))
          refused.insert(&op);
    eraseDead();
    ByLoops loops;
    loops.widenArguments(getOperation());
    for (Block &block : getOperation().getBody())
      for (Operation &op : llvm::make_early_inc_range(block))
        if (isTosa(op) && !isParameter(op) && !refused.contains(&op))
          if (Value value = loops.convert(&op))
            replace(op, value);
    eraseDead();
    for (Operation &op : getOperation().getOps())
      if (isTosa(op) && !isParameter(op) && !refused.contains(&op)) {
        op.emitOpError() << "has no counterpart in qnn";
        signalPassFailure();
      }
    if (!refused.empty())
      signalPassFailure();
    restateType(getOperation());
  }

private:
  /// An op that no function of ours takes stays: it is looked at again once all
  /// its readers are converted.
  LogicalResult convert(Operation &op, const ConverterTable &table,
                        const ConverterTable &movement) {
    if (op.getNumResults() != 1)
      return success();
    ConvertFn function = table.lookup(op.getName().getStringRef());
    if (!function && isStorage(op.getResult(0).getType()))
      function = movement.lookup(op.getName().getStringRef());
    if (!function)
      return success();
    OpConverter converter(&op);
    FailureOr<Value> value = function(converter, &op);
    if (failed(value))
      return failure();
    if (!*value)
      return success();
    if (!llvm::is_contained(op.getOperands(), *value))
      value->getDefiningOp()->setDiscardableAttrs(
          op.getDiscardableAttrDictionary());
    replace(op, *value);
    return success();
  }

  static void replace(Operation &op, Value value) {
    op.getResult(0).replaceAllUsesWith(value);
    op.erase();
  }

  /// Arguments and results may have another type than the function said.
  static void restateType(func::FuncOp func) {
    if (!llvm::hasSingleElement(func.getBody()))
      return;
    Block &body = func.getBody().front();
    func.setType(FunctionType::get(func.getContext(), body.getArgumentTypes(),
                                   body.getTerminator()->getOperandTypes()));
  }

  void eraseDead() {
    for (Block &block : getOperation().getBody())
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
        if ((isTosa(op) || isa<qnn::ConstantOp, dyadic::ConstantOp, ReduceSumOp>(op)) && isOpTriviallyDead(&op))
          op.erase(); // shapes, zero points, …
  }
};
} // namespace
} // namespace dyadic
