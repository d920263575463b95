//===- Lockstep.cpp -------------------------------------------------------===//
#include "Lockstep.h"

#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Threading.h"

#include <algorithm>

using namespace mlir;
using namespace dyadic;

/// Ops in a row that are computed anew, as each costs what all before it do.
static constexpr int64_t kDeepest = 8;

static bool isConstant(Operation *op) { return op && op->hasTrait<OpTrait::ConstantLike>(); }

static int64_t usesOf(Value value) {
  return std::distance(value.use_begin(), value.use_end());
}

Lockstep::Lockstep(func::FuncOp func, const SampleTensors &samples, int64_t mostBytes)
    : inputs(samples), count(samples.size()), mostBytes(mostBytes) {
  for (BlockArgument argument : func.getArguments())
    entries[argument].uses = usesOf(argument);
}

LogicalResult Lockstep::makeConstants(Operation *op) {
  for (Value operand : op->getOperands()) {
    Operation *constant = operand.getDefiningOp();
    if (!isConstant(constant) || entries.count(operand))
      continue;
    SmallVector<HostTensor> results;
    if (failed(interpretOp(constant, {}, results)))
      return failure();
    Entry &entry = entries[operand];
    entry.uses = usesOf(operand);
    entry.tensors.push_back(std::move(results.front()));
  }
  return success();
}

const HostTensor *Lockstep::find(Value value, size_t sample, Scratch &scratch) const {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return &inputs[sample][argument.getArgNumber()];
  const auto &tensors = entries.find(value)->second.tensors;
  if (!tensors.empty())
    return &tensors[tensors.size() == 1 ? 0 : sample];
  auto result = cast<OpResult>(value);
  Value first = result.getOwner()->getResult(0);
  auto known = scratch.find(first);
  if (known == scratch.end()) {
    SmallVector<HostTensor> made;
    if (failed(evaluate(result.getOwner(), sample, scratch, made)))
      return nullptr;
    known = scratch.try_emplace(first).first;
    for (HostTensor &tensor : made)
      known->second.push_back(std::move(tensor));
  }
  return &known->second[result.getResultNumber()];
}

LogicalResult Lockstep::evaluate(Operation *op, size_t sample, Scratch &scratch,
                                 SmallVectorImpl<HostTensor> &results) const {
  // First all are computed: what is found stays where it is only until then.
  for (Value operand : op->getOperands())
    if (!find(operand, sample, scratch))
      return failure();
  SmallVector<const HostTensor *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(find(operand, sample, scratch));
  return interpretOp(op, operands, results);
}

LogicalResult Lockstep::evaluate(Operation *op, size_t sample,
                                 SmallVectorImpl<HostTensor> &results) const {
  Scratch scratch;
  return evaluate(op, sample, scratch, results);
}

const HostTensor &Lockstep::at(Value operand, size_t sample) const {
  Scratch scratch;
  const HostTensor *tensor = find(operand, sample, scratch);
  assert(tensor && scratch.empty() && "kept");
  return *tensor;
}

void Lockstep::drop(Operation *op, size_t sample) {
  for (Value operand : op->getOperands())
    if (Entry &entry = entries.find(operand)->second;
        entry.uses == 1 && entry.tensors.size() == count && count > 1)
      entry.tensors[sample] = HostTensor();
}

FailureOr<SampleTensors> Lockstep::evaluate(Operation *op) {
  if (failed(makeConstants(op)))
    return failure();
  SampleTensors results(isConstant(op) ? 1 : count);
  auto run = [&](size_t i) {
    if (failed(evaluate(op, i, results[i])))
      return failure();
    drop(op, i);
    return success();
  };
  if (failed(failableParallelForEachN(op->getContext(), 0, results.size(), run)))
    return failure();
  return results;
}

LogicalResult
Lockstep::forEachSample(Value operand,
                        function_ref<void(size_t, const HostTensor &)> visit) const {
  // As many at a time as are computed at the same time.
  size_t some = std::max(operand.getContext()->getNumThreads(), 1u);
  for (size_t begin = 0; begin < count; begin += some) {
    size_t end = std::min(begin + some, count);
    std::vector<Scratch> scratch(end - begin);
    std::vector<const HostTensor *> found(end - begin);
    parallelFor(operand.getContext(), begin, end,
                [&](size_t i) { found[i - begin] = find(operand, i, scratch[i - begin]); });
    for (auto [i, tensor] : llvm::enumerate(found)) {
      if (!tensor)
        return failure();
      visit(begin + i, *tensor);
    }
  }
  return success();
}

int64_t Lockstep::depthOf(Operation *op) const {
  int64_t bytes = 0, depth = 0;
  for (Type type : op->getResultTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    auto kind = elementKindOf(tensor.getElementType());
    bytes += tensor.getNumElements() * (kind ? byteWidth(*kind) : 0) * count;
  }
  for (Value operand : op->getOperands())
    depth = std::max(depth, entries.find(operand)->second.depth);
  return bytes > mostBytes && depth < kDeepest ? depth + 1 : 0;
}

LogicalResult Lockstep::advanceTo(Operation *&op, Operation *end) {
  for (; op != end; op = op->getNextNode()) {
    if (isConstant(op))
      continue;
    if (failed(makeConstants(op)))
      return failure();
    if (int64_t depth = op->use_empty() ? 0 : depthOf(op)) {
      // Its operands are read as long as its results are.
      for (Value result : op->getResults())
        if (!result.use_empty())
          entries.try_emplace(result, Entry{{}, usesOf(result), depth});
      continue;
    }
    auto results = evaluate(op);
    if (failed(results))
      return failure();
    advance(op, op->getOperands(), std::move(*results));
  }
  return success();
}

void Lockstep::release(Value value) {
  auto read = entries.find(value);
  if (read == entries.end() || --read->second.uses > 0)
    return;
  Operation *anew = read->second.depth ? value.getDefiningOp() : nullptr;
  entries.erase(read);
  if (!anew || llvm::any_of(anew->getResults(), [&](Value other) { return entries.count(other); }))
    return;
  for (Value operand : anew->getOperands())
    release(operand);
}

void Lockstep::advance(Operation *op, ValueRange operands, SampleTensors results) {
  for (Value operand : operands)
    release(operand);
  for (OpResult result : op->getResults()) {
    if (result.use_empty())
      continue;
    Entry &entry = entries[result];
    entry.uses = usesOf(result);
    for (auto &made : results)
      entry.tensors.push_back(std::move(made[result.getResultNumber()]));
  }
}
