//===- ControlModels.cpp - branches and loops -----------------------------===//
#include "Models.h"

#include "dyadic/Dialect/QNN/Control.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;

using Operands = ArrayRef<const HostTensor *>;

namespace {
struct IfModel : ReferenceOpInterface::ExternalModel<IfModel, qnn::IfOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto branch = cast<qnn::IfOp>(op);
    Region &taken = operands[0]->get(0) != 0 ? branch.getThenBody()
                                             : branch.getElseBody();
    auto values = interpretBlock(taken.front(), operands.drop_front());
    if (failed(values))
      return failure();
    llvm::append_range(results, *values);
    return success();
  }
};

struct LoopModel : ReferenceOpInterface::ExternalModel<LoopModel, qnn::LoopOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    auto loop = cast<qnn::LoopOp>(op);
    size_t numCarried = loop.getCarried().size();
    SmallVector<HostTensor> carried;
    for (const HostTensor *initial : operands.slice(2, numCarried))
      carried.push_back(*initial);
    SmallVector<HostTensor> collected(loop.getNumResults() - numCarried);
    HostTensor iteration(ElementKind::I64, ArrayRef<int64_t>());
    bool goesOn = operands[1]->get(0) != 0;
    std::optional<int64_t> constant = loop.getConstantTrips();
    int64_t trips = constant ? *constant : operands[0]->get(0);
    for (int64_t i = 0; goesOn && i < trips; ++i) {
      iteration.set(0, i);
      SmallVector<const HostTensor *> arguments{&iteration};
      for (const HostTensor &value : carried)
        arguments.push_back(&value);
      llvm::append_range(arguments, operands.drop_front(2 + numCarried));
      auto values = interpretBlock(loop.getBody().front(), arguments);
      if (failed(values))
        return failure();
      goesOn = values->front().get(0) != 0;
      for (auto [value, next] : llvm::zip(carried, llvm::drop_begin(*values)))
        value = std::move(next);
      for (auto [whole, part] :
           llvm::zip(collected, llvm::drop_begin(*values, 1 + numCarried)))
        llvm::append_range(whole.bytes, part.bytes);
    }
    for (auto [whole, result] : llvm::zip_equal(
             collected, loop.getResults().drop_front(numCarried))) {
      HostTensor typed = reference::makeResult(result.getType());
      typed.bytes = std::move(whole.bytes);
      whole = std::move(typed);
    }
    llvm::move(carried, std::back_inserter(results));
    llvm::move(collected, std::back_inserter(results));
    return success();
  }
};
} // namespace

void reference::registerControlModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    qnn::IfOp::attachInterface<IfModel>(*context);
    qnn::LoopOp::attachInterface<LoopModel>(*context);
  });
}
