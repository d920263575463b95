//===- Compute.cpp - qnn.compute ------------------------------------------===//
#include "dyadic/Dialect/QNN/QNN.h"

#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::qnn;

qnn::YieldOp ComputeOp::getYield() {
  return cast<qnn::YieldOp>(getBody().front().getTerminator());
}

/// Checks that the values inside are `outside` as they are in memory.
static LogicalResult checkTypes(ComputeOp op, StringRef what, TypeRange outside,
                                TypeRange inside) {
  if (outside.size() != inside.size())
    return op.emitOpError() << "expected " << outside.size() << " " << what
                            << ", but got " << inside.size();
  for (auto [out, in] : llvm::zip_equal(outside, inside)) {
    auto tensor = cast<RankedTensorType>(out);
    if (!tensor.hasStaticShape())
      return op.emitOpError() << "expected static shapes, but got " << tensor;
    Type expected = tensor.clone(memoryElementType(tensor.getElementType()));
    if (in != expected)
      return op.emitOpError() << "expected " << what << " of type " << expected
                              << " for " << out << ", but got " << in;
  }
  return success();
}

LogicalResult ComputeOp::verify() {
  if (getNumResults() == 0)
    return emitOpError() << "expected a result";
  auto yield = dyn_cast<qnn::YieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError() << "expected a body that ends with qnn.yield";
  if (failed(checkTypes(*this, "body arguments", getInputs().getTypes(),
                        getBody().front().getArgumentTypes())))
    return failure();
  return checkTypes(*this, "yielded values", getOutputs().getTypes(),
                    yield.getValues().getTypes());
}
