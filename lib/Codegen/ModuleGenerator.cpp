//===- ModuleGenerator.cpp ------------------------------------------------===//
#include "ModuleGenerator.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

ModuleGenerator::ModuleGenerator(ModuleOp module, func::FuncOp main,
                                 StringRef modelName)
    : module(module), main(main), modelName(modelName),
      b(OpBuilder::atBlockEnd(module.getBody())), loc(main.getLoc()) {}

FailureOr<func::FuncOp> ModuleGenerator::findMain(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || !main.getBody().hasOneBlock())
    return module.emitError("expected a function @main of one block");
  return main;
}

LogicalResult ModuleGenerator::generate() {
  if (failed(checkSupported()) || failed(startRun()))
    return failure();
  reserveWeights();
  if (failed(generateBlock(main.getBody().front())))
    return failure();
  for (auto [result, dense] : stagedResults)
    copyDense(result, dense, memory(result), /*toDense=*/true);
  func::ReturnOp::create(runBuilder, loc);
  defineWeights();
  extendArena();
  main.erase();
  return success();
}

/// Names everything that can't be generated at once, not one a run.
LogicalResult ModuleGenerator::checkSupported() {
  LogicalResult result = success();
  main.walk([&](KernelOp kernel) {
    Operation *anchor = kernel.getAnchor();
    if (anchor && !hasEmitter(anchor))
      result = anchor->emitError("code generation has no kernel for '")
               << qnn::reportedKind(anchor) << "' on this target";
    if (!kernel.getArenaOffsets())
      result = kernel.emitError("expected arena_offsets: run "
                                "--dyadic-plan-memory first");
    if (!readsViews() && (kernel.getLayouts() || kernel.getInPlace()))
      result = kernel.emitError("expected tensors in buffers of their own for "
                                "this target: leave --dyadic-place-views out");
  });
  if (lengthsOf(main) && failed(inferLengths()))
    return failure();
  qnn::forEachBlock(main.getBody().front(), [&](Block &block) {
    for (Operation &op : block.without_terminator())
      if (qnn::isControl(&op)) {
        if (!hasControl())
          result = op.emitError("a condition that is computed at run time is not "
                                "supported on this target");
      } else if (!isa<KernelOp, dyadic::ReshapeOp, qnn::ReshapeOp>(op) &&
                 !op.hasTrait<OpTrait::ConstantLike>()) {
        result = op.emitError("expected a dyadic.kernel: run "
                              "--dyadic-fuse-kernels first");
      }
  });
  return result;
}

/// Opens `@<model>_run` and binds the function's arguments and results.
LogicalResult ModuleGenerator::startRun() {
  auto arena = module->getAttrOfType<IntegerAttr>(kArenaBytesAttr);
  if (!arena)
    return main.emitError("expected the module attribute "
                          "dyadic.arena_bytes: run --dyadic-plan-memory first");
  SmallVector<Type> types;
  for (Type type : llvm::concat<const Type>(main.getArgumentTypes(),
                                            main.getResultTypes()))
    types.push_back(flatMemRef(cast<RankedTensorType>(type)));
  plannedBytes = arena.getInt();
  types.push_back(MemRefType::get(plannedBytes, b.getI8Type()));
  if (shapes)
    types.push_back(b.getIndexType());
  run = func::FuncOp::create(b, loc, modelName + "_run",
                             b.getFunctionType(types, {}));
  Block *entry = run.addEntryBlock();
  runBuilder = OpBuilder::atBlockEnd(entry);
  for (auto [argument, memory] :
       llvm::zip(main.getArguments(), entry->getArguments()))
    memrefs[argument] = memory;
  auto results = main.getBody().front().getTerminator()->getOperands();
  for (auto [i, value] : llvm::enumerate(results))
    resultMemory[stripReshapes(value)] =
        entry->getArgument(main.getNumArguments() + i);
  this->arena = entry->getArgument(main.getNumArguments() + main.getNumResults());
  if (shapes)
    startLength(entry->getArguments().back());
  return success();
}

Value ModuleGenerator::constantIndex(int64_t value) {
  return arith::ConstantIndexOp::create(runBuilder, loc, value);
}

/// The flat memory of a tensor at the call of a kernel.
Value ModuleGenerator::memory(Value tensor) {
  tensor = stripReshapes(tensor);
  Value known = memrefs.lookup(tensor);
  if (!known)
    known = resultMemory.lookup(tensor);
  return known;
}

/// Whether the kernel's result is where its operands are, and nothing is left
/// to be done.
static bool isInPlace(KernelOp kernel) {
  Operation *anchor = kernel.getAnchor();
  return isa_and_nonnull<dyadic::ConcatOp, qnn::ConcatOp, dyadic::SliceOp,
                         qnn::SliceOp>(anchor) &&
         !kernel.getInputs().empty() && // else it writes a constant
         llvm::all_of(llvm::seq<unsigned>(kernel.getInputs().size()),
                      [&](unsigned i) { return kernel.isInPlace(i); });
}

/// Whether the kernel's results have no elements.
static bool isEmpty(KernelOp kernel) {
  return llvm::all_of(kernel.getResultTypes(), [](Type type) {
    return cast<RankedTensorType>(type).getNumElements() == 0;
  });
}

/// What stands for the op in a symbol: "conv2d", "topk".
static std::string labelOf(Operation *anchor) {
  StringRef name = qnn::reportedKind(anchor);
  std::string label;
  for (char c : name.substr(name.rfind('.') + 1))
    label += llvm::isAlnum(c) ? llvm::toLower(c) : '_';
  return label;
}

LogicalResult ModuleGenerator::generateBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(generateOp(op)))
      return failure();
  return success();
}

LogicalResult ModuleGenerator::generateOp(Operation &op) {
  if (auto kernel = dyn_cast<KernelOp>(op))
    return generateKernel(kernel);
  if (auto branch = dyn_cast<qnn::IfOp>(op))
    return generateIf(branch);
  if (auto loop = dyn_cast<qnn::LoopOp>(op))
    return generateLoop(loop);
  return success();
}

LogicalResult ModuleGenerator::generateKernel(KernelOp kernel) {
  for (auto [result, offset] :
       llvm::zip(kernel.getOutputs(), *kernel.getArenaOffsets())) {
    if (offset < 0) {
      if (!resultMemory.count(result))
        return kernel.emitError("expected an arena offset for a result that "
                                "the function doesn't return");
      continue;
    }
    memrefs[result] = memref::ViewOp::create(
        runBuilder, kernel.getLoc(), flatMemRef(result), arena,
        constantIndex(offset), ValueRange());
  }
  if (isInPlace(kernel) || isEmpty(kernel))
    return success();

  std::string name = "k" + std::to_string(kernelCount++);
  if (Operation *anchor = kernel.getAnchor())
    name += "_" + labelOf(anchor);
  settleOperands(kernel);
  FailureOr<WrittenKernel> written = write(kernel, name, blob);
  if (failed(written) || failed(callKernel(kernel, *written)))
    return failure();
  settleBorder(kernel);
  return success();
}

/// The function itself, or an earlier one that is the same.
FunctionOpInterface ModuleGenerator::shareFunction(FunctionOpInterface function) {
  std::string name = function.getName().str(), text;
  function.setName("kernel");
  llvm::raw_string_ostream os(text);
  function->print(os, OpPrintingFlags().assumeVerified().useLocalScope());
  function.setName(name);
  auto [known, isNew] = functions.try_emplace(text, function);
  if (!isNew)
    function.erase();
  return known->second;
}

LogicalResult ModuleGenerator::callKernel(KernelOp kernel,
                                          WrittenKernel written) {
  FunctionOpInterface function = shareFunction(written.function);
  SmallVector<Value> operands;
  for (Value value : llvm::concat<Value>(llvm::to_vector(kernel.getInputs()),
                                         llvm::to_vector(kernel.getOutputs()))) {
    Value known = memory(value);
    if (!known)
      return kernel.emitError("expected operands made by kernels or passed "
                              "to the function");
    operands.push_back(known);
  }
  operands.push_back(
      constantsView(written.constantsOffset, written.constantsSize));
  if (written.weightsSize)
    operands.push_back(constantsView(written.weightsOffset, written.weightsSize));
  if (written.scratchSize)
    operands.push_back(scratchView(written.scratchSize));
  if (written.usesLength)
    operands.push_back(lengthIndex);
  call(runBuilder, kernel.getLoc(), function, operands, written.threads);
  return success();
}

/// The kernel's part of the weights. The global's type has its final size
/// only when all kernels are done.
Value ModuleGenerator::constantsView(int64_t offset, int64_t size) {
  auto global = memref::GetGlobalOp::create(
      runBuilder, loc, MemRefType::get(0, b.getI8Type()), weightsName());
  globals.push_back(global);
  return memref::ViewOp::create(runBuilder, loc,
                                MemRefType::get(size, b.getI8Type()), global,
                                constantIndex(offset), ValueRange());
}

/// One kernel runs after the other: all have the same scratch.
Value ModuleGenerator::scratchView(int64_t size) {
  scratchBytes = std::max(scratchBytes, size);
  return memref::ViewOp::create(
      runBuilder, loc, MemRefType::get(size, b.getI8Type()), arena,
      constantIndex(plannedBytes), ValueRange());
}

/// Adds the scratch to the arena.
void ModuleGenerator::extendArena() {
  if (!scratchBytes && !shapes)
    return;
  int64_t bytes = plannedBytes + scratchBytes + WeightBlob::kAlignment;
  module->setAttr(kArenaBytesAttr, b.getI64IntegerAttr(bytes));
  arena.setType(MemRefType::get(bytes, b.getI8Type()));
  run.setType(b.getFunctionType(
      run.getBody().front().getArgumentTypes(), {}));
}

/// Makes room for all constants, and a quarter of that for what kernels pad.
void ModuleGenerator::reserveWeights() {
  int64_t bytes = 0;
  main.walk([&](Operation *op) {
    if (!op->hasTrait<OpTrait::ConstantLike>())
      return;
    if (auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType()))
      if (auto kind = elementKindOf(type.getElementType()))
        bytes += type.getNumElements() * byteWidth(*kind);
  });
  blob.reserve(bytes + bytes / 4);
}

void ModuleGenerator::defineWeights() {
  if (blob.size() == 0)
    blob.append(std::vector<char>(1)); // an empty global has no address
  auto type = MemRefType::get(blob.size(), b.getI8Type());
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  memref::GlobalOp::create(top, loc, weightsName(),
                           top.getStringAttr("private"), type,
                           makeConstant(blob.takeBytes(), b.getContext()),
                           /*constant=*/true,
                           top.getI64IntegerAttr(WeightBlob::kAlignment));
  for (memref::GetGlobalOp global : globals)
    global.getResult().setType(type);
}
