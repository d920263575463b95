//===- Control.cpp - ops whose regions are run or not ---------------------===//
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::qnn;

bool qnn::isControl(Operation *op) { return isa<IfOp, LoopOp>(op); }

void qnn::forEachBlock(Block &block, llvm::function_ref<void(Block &)> visit) {
  visit(block);
  for (Operation &op : block)
    if (isControl(&op))
      for (Region &region : op.getRegions())
        forEachBlock(region.front(), visit);
}

/// Types as a message lists them.
static std::string toString(TypeRange types) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(types, os);
  return "(" + text + ")";
}

/// A region's arguments and what it yields.
static LogicalResult checkRegion(Operation *op, Region &region,
                                 TypeRange arguments, TypeRange yielded) {
  Block &block = region.front();
  if (TypeRange(block.getArgumentTypes()) != arguments)
    return op->emitOpError()
           << "expected a region with arguments of types " << toString(arguments)
           << ", but got " << toString(block.getArgumentTypes());
  auto next = dyn_cast<ControlYieldOp>(block.getTerminator());
  if (!next || TypeRange(next.getValues().getTypes()) != yielded)
    return op->emitOpError()
           << "expected a region that ends in qnn.next of types "
           << toString(yielded);
  return success();
}

static LogicalResult checkOneElement(Operation *op, StringRef what, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getNumElements() == 1 && type.getElementType().isIntOrFloat())
    return success();
  return op->emitOpError() << "expected " << what
                           << " of one number, but got " << type;
}

static LogicalResult checkOffsets(Operation *op,
                                  std::optional<ArrayRef<int64_t>> offsets,
                                  size_t count) {
  if (!offsets || offsets->size() == count)
    return success();
  return op->emitOpError() << "expected " << count << " arena offsets, but got "
                           << offsets->size();
}

LogicalResult IfOp::verify() {
  if (failed(checkOneElement(*this, "a condition", getCondition())) ||
      failed(checkOffsets(*this, getArenaOffsets(), getNumResults())))
    return failure();
  for (Region *region : getRegions())
    if (failed(checkRegion(*this, *region, getCaptured().getTypes(),
                           getResultTypes())))
      return failure();
  return success();
}

std::optional<int64_t> LoopOp::getConstantTrips() {
  auto trips = readConstant(getTrips());
  if (failed(trips))
    return std::nullopt;
  // Without a limit it is the largest number, which no double is.
  return trips->kind == ElementKind::I64 ? trips->as<int64_t>().front()
                                         : static_cast<int64_t>(trips->get(0));
}

static ValueRange yieldedBy(LoopOp loop) {
  return loop.getBody().front().getTerminator()->getOperands();
}

Value LoopOp::getNextCondition() { return yieldedBy(*this).front(); }

ValueRange LoopOp::getNextCarried() {
  return yieldedBy(*this).slice(1, getCarried().size());
}

ValueRange LoopOp::getParts() {
  return yieldedBy(*this).drop_front(1 + getCarried().size());
}

LogicalResult LoopOp::verify() {
  if (failed(checkOneElement(*this, "a number of iterations", getTrips())) ||
      failed(checkOneElement(*this, "a condition", getCondition())) ||
      failed(checkOffsets(*this, getArenaOffsets(), getNumResults() + 1)))
    return failure();
  size_t carried = getCarried().size();
  if (getNumResults() < carried ||
      TypeRange(getCarried().getTypes()) !=
          TypeRange(getResultTypes()).take_front(carried))
    return emitOpError() << "expected the carried values' types "
                         << toString(getCarried().getTypes())
                         << " first among the results'";
  SmallVector<Type> arguments{
      RankedTensorType::get({}, IntegerType::get(getContext(), 64))};
  Operation *next = getBody().front().getTerminator();
  if (!next->getNumOperands())
    return emitOpError() << "expected a region that yields a condition";
  if (failed(checkOneElement(*this, "a condition", next->getOperand(0))))
    return failure();
  SmallVector<Type> yielded{next->getOperand(0).getType()};
  llvm::append_range(arguments, getCarried().getTypes());
  llvm::append_range(arguments, getCaptured().getTypes());
  llvm::append_range(yielded, getCarried().getTypes());
  for (Type type : TypeRange(getResultTypes()).drop_front(carried)) {
    auto whole = cast<RankedTensorType>(type);
    auto trips = getConstantTrips();
    if (!whole.getRank() || !trips || whole.getDimSize(0) != *trips)
      return emitOpError() << "expected as many parts of " << whole
                           << " as there are iterations, a constant";
    yielded.push_back(whole.clone(whole.getShape().drop_front()));
  }
  return checkRegion(*this, getBody(), arguments, yielded);
}
