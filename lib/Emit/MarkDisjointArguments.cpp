//===- MarkDisjointArguments.cpp ------------------------------------------===//
#include "dyadic/Emit/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_MARKDISJOINTARGUMENTSPASS
#include "dyadic/Emit/Passes.h.inc"

namespace {

/// Bytes [begin, end) of the object `root`: a value, or a global's name.
struct ByteRange {
  void *root = nullptr; // null: not known
  int64_t begin = 0;
  int64_t end = 0;

  bool disjointFrom(const ByteRange &other) const {
    if (!root || !other.root)
      return false;
    return root != other.root || end <= other.begin || other.end <= begin;
  }
};

/// Bytes of a contiguous memref of static shape; none otherwise.
std::optional<int64_t> byteSize(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
      !type.getElementType().isIntOrFloat())
    return std::nullopt;
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

ByteRange rangeOf(Value memref) {
  if (!isa<MemRefType>(memref.getType()))
    return {};
  if (auto argument = dyn_cast<BlockArgument>(memref)) {
    auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto size = byteSize(memref);
    if (!func || !func.isPublic() || !size)
      return {};
    return {memref.getAsOpaquePointer(), 0, *size};
  }
  Operation *op = memref.getDefiningOp();
  if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
    auto size = byteSize(memref);
    if (!size)
      return {};
    auto name = global.getNameAttr().getAttr();
    return {const_cast<void *>(name.getAsOpaquePointer()), 0, *size};
  }
  if (auto view = dyn_cast<memref::ViewOp>(op)) {
    ByteRange source = rangeOf(view.getSource());
    APInt shift;
    auto size = byteSize(memref);
    if (!source.root || !size ||
        !matchPattern(view.getByteShift(), m_ConstantInt(&shift)))
      return {};
    int64_t begin = source.begin + shift.getSExtValue();
    return {source.root, begin, begin + *size};
  }
  // These stay inside their source.
  if (isa<memref::SubViewOp, memref::CastOp, memref::CollapseShapeOp,
          memref::ExpandShapeOp>(op))
    return rangeOf(op->getOperand(0));
  return {};
}

/// Whether all that happens to the memory behind `memref` is being loaded.
bool isOnlyRead(Value memref) {
  return llvm::all_of(memref.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<memref::DimOp>(user))
      return true;
    if (isa<ViewLikeOpInterface>(user))
      return user->getNumResults() == 1 && isOnlyRead(user->getResult(0));
    auto effects = dyn_cast<MemoryEffectOpInterface>(user);
    if (!effects)
      return false;
    SmallVector<MemoryEffects::EffectInstance> found;
    effects.getEffectsOnValue(memref, found);
    return !found.empty() && llvm::all_of(found, [](auto &effect) {
      return isa<MemoryEffects::Read>(effect.getEffect());
    });
  });
}

struct MarkDisjointArguments
    : impl::MarkDisjointArgumentsPassBase<MarkDisjointArguments> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::DenseMap<StringRef, SmallVector<func::CallOp>> calls;
    module.walk([&](func::CallOp call) {
      calls[call.getCallee()].push_back(call);
    });
    for (auto func : module.getOps<func::FuncOp>()) {
      if (func.isExternal())
        continue;
      if (func.isPublic())
        markAll(func);
      else
        markKernel(func, calls.lookup(func.getName()));
    }
  }

  static void markAll(func::FuncOp func) {
    auto unit = UnitAttr::get(func.getContext());
    for (BlockArgument argument : func.getArguments())
      if (isa<MemRefType>(argument.getType()))
        func.setArgAttr(argument.getArgNumber(),
                        LLVM::LLVMDialect::getNoAliasAttrName(), unit);
  }

  static void markKernel(func::FuncOp func, ArrayRef<func::CallOp> calls) {
    auto unit = UnitAttr::get(func.getContext());
    unsigned count = func.getNumArguments();
    SmallVector<bool> isMemref(count), readOnly(count);
    for (auto [i, argument] : llvm::enumerate(func.getArguments())) {
      isMemref[i] = isa<MemRefType>(argument.getType());
      readOnly[i] = isMemref[i] && isOnlyRead(argument);
    }
    SmallVector<bool> disjoint(isMemref);
    for (func::CallOp call : calls) {
      auto ranges = llvm::map_to_vector(call.getOperands(), rangeOf);
      for (unsigned i = 0; i < count; ++i)
        for (unsigned j = i + 1; j < count; ++j) {
          if (!isMemref[i] || !isMemref[j] || (readOnly[i] && readOnly[j]) ||
              ranges[i].disjointFrom(ranges[j]))
            continue;
          disjoint[i] = disjoint[j] = false;
        }
    }
    for (unsigned i = 0; i < count; ++i) {
      if (disjoint[i] && !calls.empty())
        func.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), unit);
      if (readOnly[i])
        func.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(), unit);
    }
  }
};

} // namespace
} // namespace dyadic
