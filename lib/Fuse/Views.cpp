//===- Views.cpp - results that lie inside of others ----------------------===//
#include "dyadic/Fuse/Views.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool dyadic::isMovement(Operation *op) {
  return isa<dyadic::ConcatOp, qnn::ConcatOp, dyadic::SliceOp, qnn::SliceOp, dyadic::PadOp,
             qnn::PadOp, dyadic::TransposeOp, qnn::TransposeOp, dyadic::ResizeOp,
             qnn::ResizeOp>(op);
}

using Numbers = SmallVector<int64_t>;

/// The view that a movement makes of its operand number `operand`.
static std::optional<View> viewOfMovement(KernelOp kernel, Operation *anchor,
                                          unsigned operand) {
  Value input = kernel.getInputs()[operand], result = kernel.getResult(0);
  int64_t rank = typeOf(result).getRank();
  Numbers zeros(rank, 0), ones(rank, 1);
  return llvm::TypeSwitch<Operation *, std::optional<View>>(anchor)
      .Case<dyadic::ConcatOp, qnn::ConcatOp>([&](auto op) -> std::optional<View> {
        // Kernels have an operand twice only once.
        Value inside = kernel.getBody().getArgument(operand);
        if (llvm::count(op.getInputs(), inside) != 1)
          return std::nullopt;
        View view{input, result, zeros, ones};
        for (Value other : op.getInputs()) {
          if (other == inside)
            break;
          view.offsets[op.getAxis()] += typeOf(other).getDimSize(op.getAxis());
        }
        return view;
      })
      .Case<dyadic::PadOp, qnn::PadOp>([&](auto op) -> std::optional<View> {
        return View{input, result, Numbers(op.getLow()), ones};
      })
      .Case<dyadic::SliceOp, qnn::SliceOp>([&](auto op) -> std::optional<View> {
        return View{result, input, Numbers(op.getOffsets()),
                    Numbers(op.getStrides())};
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<View> dyadic::viewOf(KernelOp kernel, unsigned operand) {
  if (kernel.getNumResults() != 1)
    return std::nullopt;
  Value input = kernel.getInputs()[operand], result = kernel.getResult(0);
  Operation *anchor = kernel.getAnchor();
  if (anchor && kernel.getYield().getValues().front() == anchor->getResult(0))
    return viewOfMovement(kernel, anchor, operand);
  // What only pointwise ops read is read where the result is written.
  for (Operation *user : kernel.getBody().getArgument(operand).getUsers())
    if (user == anchor)
      return std::nullopt;
  auto bits = [](Value v) { return typeOf(v).getElementTypeBitWidth(); };
  if (typeOf(input).getShape() != typeOf(result).getShape() ||
      bits(input) != bits(result))
    return std::nullopt;
  int64_t rank = typeOf(result).getRank();
  return View{input, result, Numbers(rank, 0), Numbers(rank, 1)};
}

Placement::Placement(Block &block) {
  for (auto kernel : block.getOps<KernelOp>())
    if (std::optional<ArrayRef<int64_t>> operands = kernel.getInPlace())
      for (int64_t operand : *operands)
        if (auto view = viewOf(kernel, operand))
          add(*view);
}

const View *Placement::find(Value value) const {
  auto found = views.find(stripReshapes(value));
  return found == views.end() ? nullptr : &found->second;
}

bool Placement::add(const View &view) {
  return views.try_emplace(stripReshapes(view.part), view).second;
}

void Placement::remove(const View &view) { views.erase(stripReshapes(view.part)); }

std::optional<Placement::Place> Placement::of(Value value) const {
  auto shapeOf = [](Value value) { return typeOf(value).getShape(); };
  value = stripReshapes(value);
  const View *view = find(value);
  if (!view)
    return Place{value, 0, stridesOf(shapeOf(value))};
  auto place = of(view->whole);
  if (!place)
    return std::nullopt;
  auto strides = reshapeStrides(shapeOf(stripReshapes(view->whole)),
                                place->strides, shapeOf(view->whole));
  if (!strides)
    return std::nullopt;
  for (auto [offset, step, stride] :
       llvm::zip_equal(view->offsets, view->steps, *strides)) {
    place->offset += offset * stride;
    stride *= step;
  }
  auto own = reshapeStrides(shapeOf(view->part), *strides, shapeOf(value));
  if (!own)
    return std::nullopt;
  place->strides = *own;
  return place;
}

void dyadic::forEachReader(Value value, function_ref<void(OpOperand &)> visit) {
  for (OpOperand &use : value.getUses())
    if (isa<qnn::ReshapeOp, dyadic::ReshapeOp>(use.getOwner()))
      forEachReader(use.getOwner()->getResult(0), visit);
    else
      visit(use);
}
