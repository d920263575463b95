//===- Compute.cpp - qnn.compute ------------------------------------------===//
//
// The body becomes loops on memory by upstream means: a function of its own on
// shaped memrefs, one-shot bufferization with the results as destinations, linalg
// to loops. What is left is cloned into the kernel, whose flat memory stands for
// the function's arguments and whose scratch for the allocations.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static MemRefType shapedMemRef(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return MemRefType::get(type.getShape(),
                         memoryElementType(type.getElementType()));
}

/// A module with a function on the op's operands and results in memory.
static OwningOpRef<ModuleOp> makeFunction(qnn::ComputeOp op) {
  Location loc = op.getLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  SmallVector<Type> types;
  for (Value value : llvm::concat<Value>(llvm::to_vector(op.getInputs()),
                                         llvm::to_vector(op.getOutputs())))
    types.push_back(shapedMemRef(value));
  auto function =
      func::FuncOp::create(b, loc, "compute", b.getFunctionType(types, {}));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  IRMapping mapping;
  for (auto [inside, memory] : llvm::zip(op.getBody().front().getArguments(),
                                         entry->getArguments()))
    mapping.map(inside, bufferization::ToTensorOp::create(
                            b, loc, inside.getType(), memory, /*restrict=*/true)
                            .getResult());
  for (Operation &inside : op.getBody().front().without_terminator())
    b.clone(inside, mapping);
  for (auto [value, memory] :
       llvm::zip_equal(op.getYield().getValues(),
                       entry->getArguments().take_back(op.getNumResults())))
    bufferization::MaterializeInDestinationOp::create(
        b, loc, TypeRange(), mapping.lookup(value), memory, /*restrict=*/true,
        /*writable=*/true);
  func::ReturnOp::create(b, loc);
  return module;
}

/// Removes copies of memory to itself, which the same view made twice hides.
static void removeCopies(IRRewriter &rewriter, func::FuncOp function) {
  DominanceInfo dominance(function);
  eliminateCommonSubExpressions(rewriter, dominance, function);
  RewritePatternSet patterns(function.getContext());
  memref::CopyOp::getCanonicalizationPatterns(patterns, function.getContext());
  memref::CastOp::getCanonicalizationPatterns(patterns, function.getContext());
  (void)applyPatternsGreedily(function, std::move(patterns));
}

/// Tensors become memory.
static LogicalResult bufferize(IRRewriter &rewriter, func::FuncOp function) {
  bufferization::OneShotBufferizationOptions options;
  options.allowReturnAllocsFromLoops = true;
  bufferization::BufferizationState state;
  if (failed(bufferization::eliminateEmptyTensors(rewriter, function)))
    return failure();
  return bufferization::runOneShotBufferize(function, options, state);
}

/// Copies and structured ops become loops.
static LogicalResult makeLoops(IRRewriter &rewriter, func::FuncOp function) {
  SmallVector<memref::CopyOp> copies;
  function.walk([&](memref::CopyOp copy) { copies.push_back(copy); });
  for (memref::CopyOp copy : copies) {
    rewriter.setInsertionPoint(copy);
    linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
    rewriter.eraseOp(copy);
  }
  SmallVector<linalg::LinalgOp> structured;
  function.walk([&](linalg::LinalgOp op) { structured.push_back(op); });
  for (linalg::LinalgOp op : structured) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::linalgOpToLoops(rewriter, op)))
      return op.emitError() << "expected an op that can become loops, but got '"
                            << op->getName() << "'";
    rewriter.eraseOp(op);
  }
  return success();
}

/// What `memory` is a view of.
static Value rootOf(Value memory) {
  while (auto view = memory.getDefiningOp<ViewLikeOpInterface>())
    memory = view.getViewSource();
  return memory;
}

/// Whether memory of two roots is known to have no byte in common.
static bool areDisjoint(Value x, Value y) {
  auto isOwn = [](Value root) {
    return isa_and_nonnull<memref::AllocOp, memref::AllocaOp, memref::GetGlobalOp>(
        root.getDefiningOp());
  };
  auto isArgument = [](Value root) {
    auto argument = dyn_cast<BlockArgument>(root);
    return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp());
  };
  return x != y && ((isOwn(x) && (isOwn(y) || isArgument(y))) || (isArgument(x) && isOwn(y)));
}

/// Moves what no iteration changes in front of loops, loads included. Allocations share the
/// kernel's scratch, where LLVM can't tell them apart: with a number of the row in memory
/// it would leave a loop over the row's elements scalar.
static void hoistInvariants(func::FuncOp function) {
  function.walk([](scf::ForOp loop) {
    moveLoopInvariantCode(loop);
    auto first = getConstantIntValue(loop.getLowerBound()),
         last = getConstantIntValue(loop.getUpperBound());
    if (!first || !last || *first >= *last)
      return;
    SmallVector<Value> written;
    bool isKnown = true;
    loop.walk([&](Operation *op) {
      if (auto store = dyn_cast<memref::StoreOp>(op))
        written.push_back(rootOf(store.getMemRef()));
      else if (!isa<memref::LoadOp, memref::AllocOp, memref::AllocaOp>(op) &&
               !op->hasTrait<OpTrait::HasRecursiveMemoryEffects>())
        isKnown &= isMemoryEffectFree(op);
    });
    for (auto load : llvm::make_early_inc_range(loop.getBody()->getOps<memref::LoadOp>())) {
      Value root = rootOf(load.getMemRef());
      if (isKnown && llvm::all_of(load->getOperands(), [&](Value operand) {
            return loop.isDefinedOutsideOfLoop(operand);
          }) && llvm::all_of(written, [&](Value other) { return areDisjoint(root, other); }))
        load->moveBefore(loop);
    }
  });
}

/// Memory of a type with static shape, in the kernel's flat memory.
static Value withShape(KernelBuilder &k, Value flat, MemRefType type) {
  SmallVector<int64_t> strides = stridesOf(type.getShape());
  return memref::ReinterpretCastOp::create(k.b, k.loc, type, flat, /*offset=*/0,
                                           type.getShape(), strides);
}

/// Replaces the function's allocations and constants by memory of the kernel.
static LogicalResult placeMemory(KernelBuilder &k, func::FuncOp function) {
  auto module = function->getParentOfType<ModuleOp>();
  auto result = function.walk([&](Operation *op) {
    if (!isa<memref::AllocOp, memref::AllocaOp, memref::GetGlobalOp>(op))
      return WalkResult::advance();
    auto type = cast<MemRefType>(op->getResult(0).getType());
    if (!type.hasStaticShape() || !type.getLayout().isIdentity()) {
      op->emitError() << "expected temporary tensors of static shape in the "
                         "body of qnn.compute, but got "
                      << type;
      return WalkResult::interrupt();
    }
    Value memory;
    if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
      auto source = module.lookupSymbol<memref::GlobalOp>(global.getName());
      FailureOr<HostTensor> constant = readConstant(*source.getInitialValue());
      if (failed(constant) || constant->kind == ElementKind::Bool) {
        op->emitError() << "expected constants of bytes in the body of "
                           "qnn.compute, but got "
                        << type;
        return WalkResult::interrupt();
      }
      memory = k.constantBytes(constant->bytes, type.getElementType());
    } else {
      int64_t width =
          isa<IndexType>(type.getElementType())
              ? 8
              : llvm::PowerOf2Ceil(
                    llvm::divideCeil(type.getElementTypeBitWidth(), 8));
      // As bytes first: an i1 or an index is no element of the kernel's memory.
      memory = memref::ViewOp::create(
          k.b, k.loc,
          MemRefType::get(type.getNumElements(), type.getElementType()),
          k.scratch(type.getNumElements() * width, k.b.getI8Type()), k.index(0),
          ValueRange());
    }
    op->replaceAllUsesWith(ValueRange(withShape(k, memory, type)));
    op->erase();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult codegen::emitCompute(KernelBuilder &k, Operation *anchor) {
  auto op = cast<qnn::ComputeOp>(anchor);
  OwningOpRef<ModuleOp> module = makeFunction(op);
  auto function = *module->getOps<func::FuncOp>().begin();
  IRRewriter rewriter(op.getContext());
  if (failed(bufferize(rewriter, function)))
    return failure();
  removeCopies(rewriter, function);
  if (failed(makeLoops(rewriter, function)))
    return failure();
  hoistInvariants(function);

  IRMapping mapping;
  auto arguments = function.getArguments();
  for (auto [argument, input] : llvm::zip(arguments, op.getInputs()))
    mapping.map(argument, withShape(k, k.buffer(input),
                                    cast<MemRefType>(argument.getType())));
  for (auto [i, argument] :
       llvm::enumerate(arguments.take_back(op.getNumResults())))
    mapping.map(argument, withShape(k, k.output(i),
                                    cast<MemRefType>(argument.getType())));
  if (failed(placeMemory(k, function)))
    return failure();
  for (Operation &inside : function.getBody().front().without_terminator())
    k.b.clone(inside, mapping);
  return success();
}
