//===- ModelTable.cpp -----------------------------------------------------===//
#include "ModelTable.h"

#include "CPURuntime.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace dyadic {

namespace {
/// Builds constants in the layout of struct dyadic_tensor_info and friends.
struct TableBuilder {
  Module &module;
  LLVMContext &context = module.getContext();
  IntegerType *i32 = Type::getInt32Ty(context);
  IntegerType *i64 = Type::getInt64Ty(context);
  PointerType *pointer = PointerType::get(context, 0);

  Constant *global(Constant *value, const Twine &name) {
    auto *variable =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                           GlobalValue::PrivateLinkage, value, name);
    variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return variable;
  }

  Constant *text(StringRef value) {
    return global(ConstantDataArray::getString(context, value), "dyadic.text");
  }

  Constant *tensor(const TensorInfo &info) {
    SmallVector<uint64_t> extents(info.shape.begin(), info.shape.end());
    Constant *shape = global(
        ConstantDataArray::get(context, ArrayRef<uint64_t>(extents)),
        "dyadic.shape");
    return ConstantStruct::getAnon(
        {text(info.name), shape, ConstantInt::get(i64, info.numBytes()),
         ConstantInt::getSigned(i64, info.arenaOffset),
         ConstantInt::get(i32, info.shape.size()),
         ConstantInt::get(i32, static_cast<int>(info.kind)),
         ConstantFP::get(Type::getFloatTy(context), info.scale.value_or(0.0f)),
         ConstantInt::getSigned(i32, info.zeroPoint)});
  }

  Constant *tensors(ArrayRef<TensorInfo> infos) {
    if (infos.empty())
      return ConstantPointerNull::get(pointer);
    auto elements = map_to_vector(
        infos, [&](const TensorInfo &info) { return tensor(info); });
    auto *type = ArrayType::get(elements.front()->getType(), elements.size());
    return global(ConstantArray::get(type, elements), "dyadic.tensors");
  }
};
} // namespace

/// void <name>_invoke(const void *const *inputs, void *const *outputs, void *arena)
static Function *addInvoke(Module &module, const ProgramInfo &info) {
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::get(context, 0);
  auto *type = FunctionType::get(Type::getVoidTy(context),
                                 {pointer, pointer, pointer}, false);
  Function *invoke = Function::Create(type, GlobalValue::ExternalLinkage,
                                      info.name + "_invoke", module);
  IRBuilder<> builder(BasicBlock::Create(context, "", invoke));
  SmallVector<Value *> arguments;
  auto load = [&](Value *array, size_t count) {
    for (size_t i = 0; i < count; ++i)
      arguments.push_back(builder.CreateLoad(
          pointer, builder.CreateConstInBoundsGEP1_64(pointer, array, i)));
  };
  load(invoke->getArg(0), info.inputs.size());
  load(invoke->getArg(1), info.outputs.size());
  arguments.push_back(invoke->getArg(2));
  builder.CreateCall(module.getFunction(info.name + "_run"), arguments);
  builder.CreateRetVoid();
  return invoke;
}

void addModelTable(Module &module, const ProgramInfo &info, StringRef features,
                   ArrayRef<std::string> variants, bool withMainModel) {
  TableBuilder table{module};
  Function *invoke = addInvoke(module, info);
  Constant *missing = addSupportCheck(module, info.name, features);
  auto count = [&](auto &list) { return ConstantInt::get(table.i32, list.size()); };
  Constant *value = ConstantStruct::getAnon(
      {table.text(info.name), table.tensors(info.inputs),
       table.tensors(info.outputs), table.tensors(info.kept),
       count(info.inputs), count(info.outputs), count(info.kept),
       ConstantInt::get(table.i32, 2), // DYADIC_MODEL_VERSION
       ConstantInt::get(table.i64, info.arenaBytes),
       ConstantInt::get(table.i64, info.weightBytes), table.text(features),
       invoke, table.text(llvm::join(variants, ",")), missing});
  auto *variable =
      new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                         GlobalValue::ExternalLinkage, value,
                         info.name + "_info");
  if (withMainModel)
    GlobalAlias::create(value->getType(), 0, GlobalValue::ExternalLinkage,
                        "dyadic_main_model", variable, &module);
}

} // namespace dyadic
