//===- DyadicToTosa.cpp - level 3 as TOSA ---------------------------------===//
#include "dyadic/Export/TOSA/Passes.h"

#include "Exporter.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_DYADICTOTOSA
#include "dyadic/Export/TOSA/Passes.h.inc"

namespace {
using namespace tosa_export;

/// The same values in the other signedness; TOSA's identity is 2^30 · 2^−30.
Value changeSign(Exporter &e, Value value, RankedTensorType type) {
  int32_t multiplier = 1 << 30, shift = 30;
  RescaleNumbers numbers{multiplier, shift};
  numbers.inputUnsigned = offsetOf(value.getType()) != 0;
  numbers.outputUnsigned = offsetOf(type) != 0;
  numbers.inputZp = offsetOf(value.getType());
  numbers.outputZp = offsetOf(type);
  return e.rescale(value, type, numbers);
}

struct DyadicToTosa : impl::DyadicToTosaBase<DyadicToTosa> {
  using DyadicToTosaBase::DyadicToTosaBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!llvm::hasSingleElement(func.getBody()))
      return;
    Block &body = func.getBody().front();
    ExportTable table;
    addArithmetic(table);
    addBorders(table);
    addContractions(table);
    addMovement(table);

    IRMapping map;
    SmallVector<Operation *> exported;
    for (Operation &op : body.without_terminator())
      exported.push_back(&op);
    for (BlockArgument argument : body.getArguments()) {
      Value value = argument;
      if (offsetOf(value.getType()) && !value.use_empty()) {
        Exporter first(&body.front(), map);
        value = changeSign(first, value, exportedType(value.getType()));
      }
      map.map(argument, value);
    }
    for (Operation *op : exported)
      if (failed(exportOp(op, table, map)))
        signalPassFailure();
    Operation *terminator = body.getTerminator();
    Exporter last(terminator, map);
    for (OpOperand &operand : terminator->getOpOperands()) {
      Type type = operand.get().getType();
      Value value = map.lookup(operand.get());
      if (value.getType() != type && value != operand.get())
        value = changeSign(last, value, cast<RankedTensorType>(type));
      if (!isa<BlockArgument>(operand.get()))
        operand.set(value);
    }
    for (Operation *op : llvm::reverse(exported))
      if (op->use_empty())
        op->erase();
    // Pads and biases that their reader has in another form.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isa<tosa::TosaDialect>(op.getDialect()) && isOpTriviallyDead(&op))
        op.erase();
  }

private:
  /// A failed op stands for itself, so that those behind it are looked at.
  LogicalResult exportOp(Operation *op, const ExportTable &table,
                         IRMapping &map) {
    ExportFn function = table.lookup(op->getName().getStringRef());
    FailureOr<Value> value = failure();
    Exporter exporter(op, map);
    if (function)
      value = function(exporter, op);
    else
      op->emitOpError() << "has no counterpart in TOSA";
    for (Value result : op->getResults())
      map.map(result, result);
    if (failed(value))
      return failure();
    map.map(op->getResult(0), *value);
    return success();
  }
};
} // namespace
} // namespace dyadic
