//===- Interpreter.cpp ----------------------------------------------------===//
#include "dyadic/Reference/Interpreter.h"

#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;

#include "dyadic/Reference/ReferenceInterfaces.cpp.inc"

/// Checks a tensor against the type of the value it stands for.
static LogicalResult checkTensor(Location loc, const Twine &what, Type type,
                                 const HostTensor &tensor) {
  auto tensorType = dyn_cast<RankedTensorType>(type);
  auto kind = tensorType ? elementKindOf(tensorType.getElementType())
                         : std::nullopt;
  if (!kind || !tensorType.hasStaticShape())
    return emitError(loc) << "expected " << what
                          << " to be a tensor of static shape, but got "
                          << type;
  if (*kind == tensor.kind && tensorType.getShape() == ArrayRef(tensor.shape))
    return success();
  return emitError(loc) << "expected " << what << " of type " << type
                        << ", but got " << describe(tensor);
}

LogicalResult dyadic::interpretOp(Operation *op,
                                  ArrayRef<const HostTensor *> operands,
                                  SmallVectorImpl<HostTensor> &results) {
  auto model = dyn_cast<ReferenceOpInterface>(op);
  if (!model)
    return op->emitOpError() << "has no reference semantics";
  if (operands.size() != op->getNumOperands())
    return op->emitOpError() << "expected " << op->getNumOperands()
                             << " operands, but got " << operands.size();
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes()))
    if (failed(checkTensor(op->getLoc(), "operand " + Twine(i), type,
                           *operands[i])))
      return failure();
  return model.interpret(operands, results);
}

namespace {
/// The tensors that are still needed, each with its number of uses to come.
class LiveTensors {
public:
  /// Makes `value` known; a value without uses isn't kept.
  void define(Value value, HostTensor tensor) {
    if (!value.use_empty())
      entries.try_emplace(value, Entry{std::move(tensor), nullptr, uses(value)});
  }
  /// Makes `value` known as a tensor that belongs to the caller.
  void borrow(Value value, const HostTensor *tensor) {
    entries.try_emplace(value, Entry{HostTensor(), tensor, uses(value)});
  }
  /// The tensor of a value; valid until the next `define` or `release`. Null
  /// if the value isn't known.
  const HostTensor *lookup(Value value) const {
    auto it = entries.find(value);
    if (it == entries.end())
      return nullptr;
    const Entry &entry = it->second;
    return entry.borrowed ? entry.borrowed : &entry.owned;
  }
  /// Counts one use down; the last one drops the tensor.
  void release(Value value) {
    auto it = entries.find(value);
    if (it != entries.end() && --it->second.uses == 0)
      entries.erase(it);
  }

private:
  struct Entry {
    HostTensor owned;
    const HostTensor *borrowed;
    int64_t uses;
  };
  static int64_t uses(Value value) {
    return std::distance(value.use_begin(), value.use_end());
  }
  DenseMap<Value, Entry> entries;
};
} // namespace

/// The tensors of an op's operands, or an error where one isn't known.
static FailureOr<SmallVector<const HostTensor *>>
lookupOperands(Operation &op, const LiveTensors &live) {
  SmallVector<const HostTensor *> tensors;
  for (Value operand : op.getOperands()) {
    const HostTensor *tensor = live.lookup(operand);
    if (!tensor)
      return op.emitOpError() << "expected operands defined in the same block";
    tensors.push_back(tensor);
  }
  return tensors;
}

static bool isConstant(Operation &op) { return op.hasTrait<OpTrait::ConstantLike>(); }

FailureOr<SmallVector<HostTensor>>
dyadic::interpretBlock(Block &block, ArrayRef<const HostTensor *> arguments,
                       ValueObserver observe) {
  LiveTensors live;
  for (auto [argument, tensor] : llvm::zip_equal(block.getArguments(), arguments)) {
    live.borrow(argument, tensor);
    if (observe)
      observe(argument, *tensor);
  }
  // Constants may all stand in front, and each is a copy: they are made for their
  // first use.
  auto defineConstants = [&](Operation &op) -> LogicalResult {
    for (Value operand : op.getOperands()) {
      Operation *constant = operand.getDefiningOp();
      if (!constant || constant->getBlock() != &block || !isConstant(*constant) ||
          live.lookup(operand))
        continue;
      SmallVector<HostTensor> results;
      if (failed(interpretOp(constant, {}, results)))
        return failure();
      if (observe)
        observe(operand, results.front());
      live.define(operand, std::move(results.front()));
    }
    return success();
  };
  for (Operation &op : block.without_terminator()) {
    if (isConstant(op))
      continue;
    if (failed(defineConstants(op)))
      return failure();
    auto operands = lookupOperands(op, live);
    SmallVector<HostTensor> results;
    if (failed(operands) || failed(interpretOp(&op, *operands, results)))
      return failure();
    for (Value operand : op.getOperands())
      live.release(operand);
    for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results)) {
      if (observe)
        observe(value, tensor);
      live.define(value, std::move(tensor));
    }
  }
  if (failed(defineConstants(*block.getTerminator())))
    return failure();
  auto returned = lookupOperands(*block.getTerminator(), live);
  if (failed(returned))
    return failure();
  return llvm::map_to_vector(
      *returned, [](const HostTensor *tensor) { return *tensor; });
}

FailureOr<SmallVector<HostTensor>>
dyadic::interpret(func::FuncOp func, ArrayRef<HostTensor> inputs,
                  ValueObserver observe) {
  if (func.isDeclaration() || !func.getBody().hasOneBlock())
    return func.emitOpError() << "expected a body of one block";
  if (inputs.size() != func.getNumArguments())
    return func.emitOpError() << "expected " << func.getNumArguments()
                              << " inputs, but got " << inputs.size();
  SmallVector<const HostTensor *> arguments;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (failed(checkTensor(func.getLoc(), "input " + Twine(i),
                           func.getArgument(i).getType(), input)))
      return failure();
    arguments.push_back(&input);
  }
  return interpretBlock(func.getBody().front(), arguments, observe);
}
