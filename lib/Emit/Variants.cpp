//===- Variants.cpp -------------------------------------------------------===//
#include "dyadic/Emit/Variants.h"

#include "CPURuntime.h"
#include "dyadic/Support/AlignedBytes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace dyadic {

std::vector<std::string> variantNames(ArrayRef<TargetInfo> variants) {
  std::vector<std::string> names;
  llvm::StringMap<int> seen;
  for (const TargetInfo &variant : variants) {
    int count = ++seen[variant.level];
    names.push_back(variant.level +
                    (count > 1 ? "_" + std::to_string(count) : ""));
  }
  return names;
}

const TargetInfo *variantOf(StringRef function, ArrayRef<TargetInfo> variants,
                            ArrayRef<std::string> names) {
  for (auto [variant, name] : llvm::zip(variants, names))
    if (function.starts_with(name + "."))
      return &variant;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Level 5
//===----------------------------------------------------------------------===//

namespace {
/// The weights of all variants, each run of bytes that a kernel reads once.
class SharedWeights {
public:
  static constexpr int64_t kAlignment = 64;

  int64_t place(StringRef part) {
    auto [entry, isNew] = offsets.try_emplace(part, int64_t(bytes.size()));
    if (isNew) {
      bytes.insert(bytes.end(), part.begin(), part.end());
      bytes.resize(llvm::alignTo(bytes.size(), kAlignment));
    }
    return entry->second;
  }
  AlignedBytes take() {
    if (bytes.empty())
      bytes.push_back(0); // an empty global has no address
    return std::move(bytes);
  }

private:
  llvm::StringMap<int64_t> offsets;
  AlignedBytes bytes;
};
} // namespace

/// Points the views of `module`'s weights into the shared ones. Their global is
/// erased.
static LogicalResult shareWeights(ModuleOp module, StringRef globalName,
                                  SharedWeights &shared) {
  auto global = module.lookupSymbol<memref::GlobalOp>(globalName);
  if (!global || !global.getInitialValue())
    return module.emitError("expected the weights '") << globalName << "'";
  auto tensor = readConstant(*global.getInitialValue());
  if (failed(tensor))
    return global.emitError("expected a constant with its bytes at hand");
  StringRef bytes(tensor->bytes.data(), tensor->bytes.size());
  auto result = module.walk([&](memref::GetGlobalOp get) {
    if (get.getName() != globalName)
      return WalkResult::advance();
    for (OpOperand &use : llvm::make_early_inc_range(get->getUses())) {
      auto view = dyn_cast<memref::ViewOp>(use.getOwner());
      if (!view) {
        // A view of all that the only kernel with weights has was folded away.
        OpBuilder b(use.getOwner());
        Value begin = arith::ConstantIndexOp::create(b, get.getLoc(), 0);
        view = memref::ViewOp::create(b, get.getLoc(), get.getType(), get, begin,
                                      ValueRange());
        use.set(view);
      }
      APInt offset;
      if (!view.getType().hasStaticShape() ||
          !matchPattern(view.getByteShift(), m_ConstantInt(&offset))) {
        view->emitError("expected a view of the weights from a constant offset on");
        return WalkResult::interrupt();
      }
      int64_t size = view.getType().getNumElements() *
                     llvm::divideCeil(view.getType().getElementTypeBitWidth(), 8);
      OpBuilder b(view);
      view.getByteShiftMutable().assign(arith::ConstantIndexOp::create(
          b, view.getLoc(),
          shared.place(bytes.substr(offset.getSExtValue(), size))));
    }
    return WalkResult::advance();
  });
  global.erase();
  return failure(result.wasInterrupted());
}

/// Begins every function's name with `prefix`.
static LogicalResult prefixFunctions(ModuleOp module, StringRef prefix) {
  SymbolTable table(module);
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
    if (failed(table.rename(function, (prefix + "." + function.getName()).str())))
      return function.emitError("expected a function that can be renamed");
  return success();
}

FailureOr<OwningOpRef<ModuleOp>>
mergeVariants(MutableArrayRef<OwningOpRef<ModuleOp>> modules,
              ArrayRef<std::string> names, StringRef model) {
  std::string globalName = (model + "_weights").str();
  SharedWeights shared;
  for (auto [module, name] : llvm::zip(modules, names))
    if (failed(shareWeights(*module, globalName, shared)) ||
        failed(prefixFunctions(*module, name)))
      return failure();

  OwningOpRef<ModuleOp> merged = std::move(modules.front());
  Location loc = merged->getLoc();
  AlignedBytes bytes = shared.take();
  OpBuilder top = OpBuilder::atBlockBegin(merged->getBody());
  auto type = MemRefType::get(bytes.size(), top.getI8Type());
  memref::GlobalOp::create(top, loc, globalName, top.getStringAttr("private"),
                           type, makeConstant(std::move(bytes), top.getContext()),
                           /*constant=*/true,
                           top.getI64IntegerAttr(SharedWeights::kAlignment));
  for (auto &module : modules.drop_front())
    for (Operation &op : llvm::make_early_inc_range(*module->getBody()))
      op.moveBefore(merged->getBody(), merged->getBody()->end());
  merged->walk([&](memref::GetGlobalOp get) {
    if (get.getName() == globalName)
      get.getResult().setType(type);
  });
  return std::move(merged);
}

//===----------------------------------------------------------------------===//
// LLVM IR
//===----------------------------------------------------------------------===//

llvm::Function *addDispatcher(llvm::Module &module, StringRef model,
                              ArrayRef<TargetInfo> variants,
                              ArrayRef<std::string> names) {
  llvm::LLVMContext &context = module.getContext();
  linkCPURuntime(module);
  auto *pointer = llvm::PointerType::get(context, 0);
  SmallVector<llvm::Constant *> functions, lists;
  llvm::IRBuilder<> builder(context);
  auto table = [&](ArrayRef<llvm::Constant *> values, StringRef name) {
    auto *type = llvm::ArrayType::get(pointer, values.size());
    return new llvm::GlobalVariable(
        module, type, /*isConstant=*/true, llvm::GlobalValue::PrivateLinkage,
        llvm::ConstantArray::get(type, values), name);
  };
  auto text = [&](StringRef value) -> llvm::Constant * {
    auto *data = llvm::ConstantDataArray::getString(context, value);
    return new llvm::GlobalVariable(module, data->getType(), true,
                                    llvm::GlobalValue::PrivateLinkage, data,
                                    "dyadic.text");
  };
  for (auto [variant, name] : llvm::zip(variants, names)) {
    functions.push_back(module.getFunction((name + "." + model + "_run").str()));
    lists.push_back(text(variant.required()));
  }
  auto *type = cast<llvm::Function>(functions.front())->getFunctionType();
  auto *run = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage,
                                     model + "_run", module);
  auto *chosen = new llvm::GlobalVariable(
      module, pointer, /*isConstant=*/false, llvm::GlobalValue::InternalLinkage,
      llvm::ConstantPointerNull::get(pointer), "dyadic.variant");

  auto *entry = llvm::BasicBlock::Create(context, "", run);
  auto *choose = llvm::BasicBlock::Create(context, "choose", run);
  auto *call = llvm::BasicBlock::Create(context, "call", run);
  // Threads may choose at the same time, all the same.
  llvm::Align align = module.getDataLayout().getPointerABIAlignment(0);
  builder.SetInsertPoint(entry);
  auto *known = builder.CreateAlignedLoad(pointer, chosen, align);
  known->setAtomic(llvm::AtomicOrdering::Monotonic);
  builder.CreateCondBr(builder.CreateIsNull(known), choose, call);
  builder.SetInsertPoint(choose);
  llvm::Value *index = builder.CreateCall(
      module.getFunction("dyadic_cpu_choose"),
      {table(lists, "dyadic.features"), builder.getInt32(variants.size())});
  llvm::Value *place = builder.CreateInBoundsGEP(
      pointer, table(functions, "dyadic.variants"),
      {builder.CreateZExt(index, builder.getInt64Ty())});
  llvm::Value *found = builder.CreateLoad(pointer, place);
  builder.CreateAlignedStore(found, chosen, align)
      ->setAtomic(llvm::AtomicOrdering::Monotonic);
  builder.CreateBr(call);
  builder.SetInsertPoint(call);
  auto *callee = builder.CreatePHI(pointer, 2);
  callee->addIncoming(known, entry);
  callee->addIncoming(found, choose);
  SmallVector<llvm::Value *> arguments;
  for (llvm::Argument &argument : run->args())
    arguments.push_back(&argument);
  builder.CreateCall(type, callee, arguments)->setTailCall();
  builder.CreateRetVoid();
  makeBaseline(*run);
  return run;
}

} // namespace dyadic
