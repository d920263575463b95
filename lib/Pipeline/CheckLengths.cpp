//===- CheckLengths.cpp ---------------------------------------------------===//
#include "CheckLengths.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

/// Whether a constant is the beginning, in each dimension, of the longest's.
static bool isBeginning(const HostTensor &part, const HostTensor &whole) {
  if (part.kind != whole.kind || part.shape.size() != whole.shape.size())
    return false;
  if (part.shape == whole.shape)
    return part.bytes == whole.bytes;
  Strides strides = stridesOf(whole.shape);
  SmallVector<int64_t> at(part.shape.size(), 0);
  for (int64_t i = 0, count = part.numElements(); i < count; ++i) {
    int64_t from = 0;
    for (auto [index, stride] : llvm::zip_equal(at, strides))
      from += index * stride;
    if (from >= whole.numElements() || part.get(i) != whole.get(from))
      return false;
    for (int64_t d = int64_t(at.size()) - 1; d >= 0 && ++at[d] == part.shape[d]; --d)
      at[d] = 0;
  }
  return true;
}

/// Whether all that reads a constant is the multiplication that makes a sum of a
/// mean: it has the count of the longest, as the mean has.
static bool isCountOfSum(Operation *constant) {
  return llvm::all_of(constant->getUsers(), [](Operation *user) {
    return isa<qnn::MulOp>(user) &&
           llvm::any_of(user->getOperands(), [](Value operand) {
             Operation *mean = operand.getDefiningOp();
             return mean && mean->hasAttr(kIsSumAttr);
           });
  });
}

static LogicalResult checkConstant(Operation *op, Operation *like) {
  auto whole = readConstant(op->getResult(0)), part = readConstant(like->getResult(0));
  if (failed(whole) || failed(part) || isBeginning(*part, *whole) || isCountOfSum(op))
    return success();
  Operation *user = op->use_empty() ? op : *op->user_begin();
  return user->emitError("can't run at a length that varies: a constant that it "
                         "reads has other values for other lengths");
}

/// The attributes but those that only say the longest's extents.
static SmallVector<NamedAttribute> plainAttributes(Operation *op) {
  SmallVector<NamedAttribute> attributes(op->getAttrDictionary().getValue());
  llvm::erase_if(attributes, [&](NamedAttribute attribute) {
    return isa<qnn::SliceOp>(op) && attribute.getName() == "sizes";
  });
  return attributes;
}

LogicalResult checkLength(func::FuncOp model, const DynamicShapes &shapes,
                          func::FuncOp other, int64_t index) {
  Block &block = model.getBody().front(), &like = other.getBody().front();
  auto isComputed = [](Operation &op) { return !op.hasTrait<OpTrait::ConstantLike>(); };
  auto ops = llvm::make_filter_range(block, isComputed),
       others = llvm::make_filter_range(like, isComputed);
  int64_t length = shapes.lengths().at(index);
  bool valid = true;
  llvm::SmallPtrSet<Operation *, 16> seen;
  auto it = others.begin();
  for (Operation &op : ops) {
    auto error = [&] {
      valid = false;
      return op.emitError("can't run at a length that varies: ");
    };
    if (it == others.end() || (*it).getName() != op.getName() ||
        (*it).getNumOperands() != op.getNumOperands()) {
      error() << "another op stands here for a length of " << length;
      return failure();
    }
    Operation &now = *it++;
    if (plainAttributes(&op) != plainAttributes(&now))
      error() << "its attributes are others for a length of " << length;
    for (auto [result, nowResult] : llvm::zip_equal(op.getResults(), now.getResults()))
      if (ArrayRef<int64_t> shape = shapeOf(nowResult);
          shapes.shapeAt(result, index) != shape)
        error() << "expected its shape to follow from its operands', ["
                << shapes.shapeAt(result, index) << "], but for a length of "
                << length << " the model makes it [" << shape << "]";
    for (auto [operand, nowOperand] : llvm::zip_equal(op.getOperands(), now.getOperands())) {
      Operation *constant = operand.getDefiningOp(),
                *nowConstant = nowOperand.getDefiningOp();
      bool isConstant = constant && !isComputed(*constant);
      if (isConstant != (nowConstant && !isComputed(*nowConstant)))
        error() << "an operand is a constant for some lengths only";
      else if (isConstant && seen.insert(constant).second)
        valid &= succeeded(checkConstant(constant, nowConstant));
    }
  }
  return success(valid);
}

} // namespace dyadic
