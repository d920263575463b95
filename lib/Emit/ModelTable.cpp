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

  Constant *numbers(ArrayRef<int64_t> values, const Twine &name) {
    SmallVector<uint64_t> elements(values.begin(), values.end());
    return global(ConstantDataArray::get(context, ArrayRef<uint64_t>(elements)),
                  name);
  }

  Constant *text(StringRef value) {
    return global(ConstantDataArray::getString(context, value), "dyadic.text");
  }

  Constant *tensor(const TensorInfo &info) {
    Constant *open = ConstantPointerNull::get(pointer);
    if (info.openDim >= 0)
      open = numbers(info.extents, "dyadic.extents");
    Constant *shape = numbers(info.shape, "dyadic.shape");
    return ConstantStruct::getAnon(
        {text(info.name), shape, ConstantInt::get(i64, info.numBytes()),
         ConstantInt::getSigned(i64, info.arenaOffset),
         ConstantInt::get(i32, info.shape.size()),
         ConstantInt::get(i32, static_cast<int>(info.kind)),
         ConstantFP::get(Type::getFloatTy(context), info.scale.value_or(0.0f)),
         ConstantInt::getSigned(i32, info.zeroPoint), open,
         ConstantInt::getSigned(i64, info.openDim)});
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
  Function *run = addLengthCheck(module, info);
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
  if (info.lengths) {
    // Behind the inputs: where the length is.
    Value *place = builder.CreateLoad(
        pointer, builder.CreateConstInBoundsGEP1_64(pointer, invoke->getArg(0),
                                                    info.inputs.size()));
    arguments.push_back(builder.CreateLoad(builder.getInt64Ty(), place));
  }
  builder.CreateCall(run, arguments);
  builder.CreateRetVoid();
  return invoke;
}

void addModelTable(Module &module, const ProgramInfo &info, StringRef features,
                   ArrayRef<std::string> variants, bool withMainModel) {
  TableBuilder table{module};
  Function *invoke = addInvoke(module, info);
  Constant *missing = addSupportCheck(module, info.name, features);
  LengthRange lengths = info.lengths.value_or(LengthRange{0, 0, 0});
  auto count = [&](auto &list) { return ConstantInt::get(table.i32, list.size()); };
  Constant *value = ConstantStruct::getAnon(
      {table.text(info.name), table.tensors(info.inputs),
       table.tensors(info.outputs), table.tensors(info.kept),
       count(info.inputs), count(info.outputs), count(info.kept),
       ConstantInt::get(table.i32, 3), // DYADIC_MODEL_VERSION
       ConstantInt::get(table.i64, info.arenaBytes),
       ConstantInt::get(table.i64, info.weightBytes), table.text(features),
       invoke, table.text(llvm::join(variants, ",")), missing,
       ConstantInt::get(table.i64, lengths.min),
       ConstantInt::get(table.i64, lengths.max),
       ConstantInt::get(table.i64, lengths.step)});
  auto *variable =
      new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                         GlobalValue::ExternalLinkage, value,
                         info.name + "_info");
  if (withMainModel)
    GlobalAlias::create(value->getType(), 0, GlobalValue::ExternalLinkage,
                        "dyadic_main_model", variable, &module);
}

} // namespace dyadic
