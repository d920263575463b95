//===- Uniformity.cpp - which values are the same in all threads ----------===//
#include "OpTable.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace dyadic::emulate {

namespace {
/// Marks values as varying until nothing changes; the rest is uniform.
class Analysis {
public:
  llvm::DenseSet<Value> varying;
  bool changed = false;

  void visit(Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return visitFor(loop);
    if (auto choice = dyn_cast<scf::IfOp>(op))
      return visitIf(choice);
    const OpEntry *entry = findOp(op->getName().getStringRef());
    bool varies = !entry || entry->flow == Flow::Varying ||
                  (entry->flow == Flow::Pure && anyVaries(op->getOperands()));
    if (varies)
      mark(op->getResults());
  }

private:
  bool anyVaries(ValueRange values) {
    return llvm::any_of(values,
                        [&](Value value) { return varying.contains(value); });
  }
  void mark(Value value) { changed |= varying.insert(value).second; }
  void mark(ValueRange values) {
    for (Value value : values)
      mark(value);
  }

  void visitFor(scf::ForOp loop) {
    bool trips =
        anyVaries({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
    if (trips)
      mark(loop.getInductionVar());
    // An argument, what it starts with, what is yielded for it and the result
    // go together.
    auto visitCarried = [&] {
      for (auto [init, argument, yielded, result] :
           llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                     loop.getYieldedValues(), loop.getResults()))
        if (trips || anyVaries({init, yielded, argument})) {
          mark(argument);
          mark(Value(result));
        }
    };
    visitCarried();
    for (Operation &op : *loop.getBody())
      visit(&op);
    visitCarried();
  }

  void visitIf(scf::IfOp choice) {
    for (Region &region : choice->getRegions())
      for (Operation &op : region.getOps())
        visit(&op);
    if (choice.getNumResults() == 0)
      return;
    for (auto [result, then, otherwise] :
         llvm::zip(choice.getResults(), choice.thenYield().getResults(),
                   choice.elseYield().getResults()))
      if (anyVaries({choice.getCondition(), then, otherwise}))
        mark(Value(result));
  }
};
} // namespace

llvm::DenseSet<Value> findUniformValues(FunctionOpInterface function,
                                        bool oneThread) {
  Analysis analysis;
  Region &body = function.getFunctionBody();
  analysis.changed = !oneThread;
  while (analysis.changed) {
    analysis.changed = false;
    for (Operation &op : body.front())
      analysis.visit(&op);
  }
  llvm::DenseSet<Value> uniform;
  auto add = [&](Value value) {
    if (!analysis.varying.contains(value))
      uniform.insert(value);
  };
  for (Value argument : body.getArguments())
    add(argument);
  function.walk([&](Operation *op) {
    for (Value result : op->getResults())
      add(result);
    for (Region &region : op->getRegions())
      for (mlir::Block &block : region)
        for (Value argument : block.getArguments())
          add(argument);
  });
  return uniform;
}

} // namespace dyadic::emulate
