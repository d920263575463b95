//===- PlaceViews.cpp - movements that move nothing -----------------------===//
//
// Whoever makes the operand of a concat or pad can write it where the result
// has it, and a slice can be read where it is. A value can be part of one other
// only: of two that want it, the larger copy is saved.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Fuse/Passes.h"
#include "dyadic/Fuse/Views.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/BuiltinTypes.h"

namespace dyadic {
#define GEN_PASS_DEF_PLACEVIEWS
#include "dyadic/Fuse/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

static bool isPad(Operation *op) { return isa<dyadic::PadOp, qnn::PadOp>(op); }

static bool isPool(Operation *op) {
  return isa<dyadic::MaxPool2DOp, dyadic::SumPool2DOp, qnn::MaxPool2DOp,
             qnn::AvgPool2DOp>(op);
}

/// Depthwise convolutions read their input by its shape.
template <typename Conv> static bool isDepthwise(Conv conv) {
  return conv.getGroups() > 1 &&
         static_cast<int64_t>(conv.getGroups()) == shapeOf(conv.getInput()).back();
}

/// Whether the kernel's code writes a strided result about as fast.
static bool writesStrided(KernelOp kernel) {
  Operation *anchor = kernel.getAnchor();
  if (!anchor || (isMovement(anchor) && !isPad(anchor)) || isPool(anchor))
    return true;
  if (auto matmul = dyn_cast<qnn::MatmulOp>(anchor))
    return succeeded(readConstant(matmul.getRhs()));
  return isa<dyadic::Conv2DOp, qnn::Conv2DOp, dyadic::MatmulOp>(anchor);
}

/// The same for reading an operand.
static bool readsStrided(KernelOp kernel, unsigned operand) {
  Value inside = kernel.getBody().getArgument(operand);
  return llvm::all_of(inside.getUsers(), [](Operation *user) {
    if (auto conv = dyn_cast<dyadic::Conv2DOp>(user))
      return !isDepthwise(conv);
    if (auto conv = dyn_cast<qnn::Conv2DOp>(user))
      return !isDepthwise(conv);
    return isPointwise(user) || isMovement(user) || isPool(user);
  });
}

static bool isStrided(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  return !isContiguous(shape, strides);
}

/// Vectors lie along the last dimension.
static bool areReadable(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  return isContiguous(shape, strides) ||
         (strides.back() == 1 && shape.back() > 1);
}

namespace {
struct Candidate {
  KernelOp kernel;
  unsigned operand;
  View view;
  int64_t elements;
};

struct PlaceViewsPass : dyadic::impl::PlaceViewsBase<PlaceViewsPass> {
  using PlaceViewsBase::PlaceViewsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    qnn::forEachBlock(func.getBody().front(),
                      [&](Block &block) { placeViews(block); });
  }

  void placeViews(Block &block) {
    SmallVector<Candidate> candidates;
    for (auto kernel : block.getOps<KernelOp>()) {
      Operation *anchor = kernel.getAnchor();
      if (!anchor || !isMovement(anchor) ||
          kernel.getYield().getValues().front() != anchor->getResult(0))
        continue; // with ops behind a movement, its operands are elsewhere
      for (unsigned i = 0; i < kernel.getInputs().size(); ++i)
        if (auto view = viewOf(kernel, i))
          candidates.push_back(
              {kernel, i, *view, ShapedType::getNumElements(shapeOf(view->part))});
    }
    llvm::stable_sort(candidates, [](const Candidate &a, const Candidate &b) {
      return a.elements > b.elements;
    });
    Placement placement(block);
    for (const Candidate &candidate : candidates)
      tryView(block, placement, candidate);
    if (!overwrite)
      return;
    for (auto kernel : block.getOps<KernelOp>())
      for (unsigned i = 0; i < kernel.getInputs().size(); ++i)
        if (mayOverwrite(block, placement, kernel, i) &&
            tryView(block, placement, {kernel, i, *viewOf(kernel, i), 0}))
          break;
  }

  bool tryView(Block &block, Placement &placement, const Candidate &candidate) {
    if (!placement.add(candidate.view))
      return false;
    if (!isAllowed(block, placement, candidate.view)) {
      placement.remove(candidate.view);
      return false;
    }
    KernelOp kernel = candidate.kernel;
    SmallVector<int64_t> inPlace;
    if (kernel.getInPlace())
      inPlace = llvm::to_vector(*kernel.getInPlace());
    inPlace.push_back(candidate.operand);
    llvm::sort(inPlace);
    kernel.setInPlace(inPlace);
    ++numViews;
    return true;
  }

  /// Whether the kernel computes its result element by element from the operand,
  /// whose bytes nobody reads otherwise or later.
  static bool mayOverwrite(Block &block, const Placement &placement,
                           KernelOp kernel, unsigned operand) {
    Operation *anchor = kernel.getAnchor();
    Value value = stripReshapes(kernel.getInputs()[operand]);
    if ((anchor && !isa<dyadic::Conv2DOp, qnn::Conv2DOp, dyadic::MatmulOp>(anchor)) ||
        !viewOf(kernel, operand) || placement.find(value))
      return false;
    auto isInside = [&](Value part) {
      while (part != value) {
        const View *view = placement.find(part);
        if (!view)
          return false;
        part = stripReshapes(view->whole);
      }
      return true;
    };
    bool isLast = true;
    for (auto other : block.getOps<KernelOp>())
      for (Value result : other.getResults())
        if (isInside(result))
          forEachReader(result, [&](OpOperand &use) {
            Operation *reader = use.getOwner();
            isLast &= reader->isBeforeInBlock(kernel) ||
                      (reader == kernel && use.getOperandNumber() == operand);
          });
    return isLast;
  }

  /// Whether everything in the tree that `view` makes larger can be written and
  /// read where it then is.
  static bool isAllowed(Block &block, const Placement &placement,
                        const View &view) {
    if (!stripReshapes(view.part).getDefiningOp<KernelOp>() ||
        !stripReshapes(view.whole).getDefiningOp<KernelOp>())
      return false;
    // What the caller gave memory for stays there.
    for (Value value : {view.part, view.whole}) {
      bool isReturned = false;
      forEachReader(stripReshapes(value), [&](OpOperand &use) {
        isReturned |= isa<func::ReturnOp>(use.getOwner());
      });
      if (isReturned)
        return false;
    }
    auto place = placement.of(view.part);
    if (!place || place->root == stripReshapes(view.part))
      return false;
    for (auto kernel : block.getOps<KernelOp>())
      for (Value result : kernel.getResults())
        if (placement.find(result) && !isAllowed(placement, result))
          return false;
    return true;
  }

  static bool isAllowed(const Placement &placement, Value part) {
    auto place = placement.of(part);
    if (!place)
      return false;
    auto writer = part.getDefiningOp<KernelOp>();
    bool strided = isStrided(shapeOf(part), place->strides);
    if (strided && (!areReadable(shapeOf(part), place->strides) ||
                    !writesStrided(writer)))
      return false;
    bool allowed = true;
    forEachReader(part, [&](OpOperand &use) {
      ArrayRef<int64_t> shape = shapeOf(use.get());
      auto strides = reshapeStrides(shapeOf(part), place->strides, shape);
      auto reader = dyn_cast<KernelOp>(use.getOwner());
      allowed &= strides && areReadable(shape, *strides) &&
                 (!isStrided(shape, *strides) ||
                  (reader && readsStrided(reader, use.getOperandNumber())));
    });
    return allowed;
  }
};
} // namespace
