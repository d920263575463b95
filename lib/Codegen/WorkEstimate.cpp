//===- WorkEstimate.cpp ---------------------------------------------------===//
#include "WorkEstimate.h"

#include "Emitters.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"

using namespace mlir;
using namespace dyadic;

static double bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// Products for one element of an anchor's result.
static double productsPerElement(Operation *anchor) {
  auto kind = codegen::anchorKind(anchor->getName().getStringRef());
  if (!kind)
    return 0;
  switch (*kind) {
  case codegen::AnchorKind::Conv2D: {
    ArrayRef<int64_t> filter = shapeOf(anchor->getOperand(1));
    return ShapedType::getNumElements(filter.drop_front());
  }
  case codegen::AnchorKind::Matmul:
  case codegen::AnchorKind::BatchMatmul:
    return shapeOf(anchor->getOperand(0)).back();
  case codegen::AnchorKind::Softmax:
  case codegen::AnchorKind::LayerNorm:
    return 16; // an exponential; several passes
  case codegen::AnchorKind::DynamicQuantize:
    return 8;
  default:
    return 0;
  }
}

double codegen::estimateNanoseconds(KernelOp kernel) {
  // What one core with 256-bit dot products does in a nanosecond.
  constexpr double products = 64, bytes = 16, elements = 8;
  double traffic = 0;
  for (Value value : llvm::concat<Value>(llvm::to_vector(kernel.getInputs()),
                                         llvm::to_vector(kernel.getOutputs())))
    traffic += bytesOf(value);
  double time = traffic / bytes;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (op.getNumResults() != 1)
      continue;
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      time += bytesOf(op.getResult(0)) / bytes;
      continue;
    }
    double count = ShapedType::getNumElements(shapeOf(op.getResult(0)));
    time += count / elements;
    if (&op == kernel.getAnchor())
      time += count * productsPerElement(&op) / products;
  }
  return time;
}

int64_t codegen::worthwhileThreads(KernelOp kernel, int64_t threads,
                                   double threadCost) {
  double most = threads;
  if (threadCost > 0)
    most = std::min(most, estimateNanoseconds(kernel) / threadCost);
  return std::max<int64_t>(static_cast<int64_t>(most), 1);
}

int64_t codegen::worthwhileTeam(func::FuncOp function, int64_t threads,
                                double threadCost) {
  // Starting a team that is awake takes some microseconds.
  constexpr double costsOfStart = 4;
  double saved = 0;
  for (auto kernel : function.getOps<KernelOp>()) {
    int64_t count = worthwhileThreads(kernel, threads, threadCost);
    saved += estimateNanoseconds(kernel) * (count - 1) / count;
  }
  return saved < costsOfStart * threadCost ? 1 : threads;
}
