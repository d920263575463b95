//===- CheckLength.cpp - <model>_run of programs that leave a length open -===//
#include "ModelTable.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace dyadic {

Function *addLengthCheck(Module &module, const ProgramInfo &info) {
  Function *run = module.getFunction(info.name + "_run");
  if (!info.lengths)
    return run;
  const LengthRange &lengths = *info.lengths;
  run->setName(info.name + "_run_checked");
  run->setLinkage(GlobalValue::InternalLinkage);
  LLVMContext &context = module.getContext();
  auto *i32 = Type::getInt32Ty(context);
  auto *type = FunctionType::get(
      i32, run->getFunctionType()->params(), /*isVarArg=*/false);
  Function *checked = Function::Create(type, GlobalValue::ExternalLinkage,
                                       info.name + "_run", module);
  auto *entry = BasicBlock::Create(context, "", checked);
  auto *valid = BasicBlock::Create(context, "valid", checked);
  auto *refused = BasicBlock::Create(context, "refused", checked);
  IRBuilder<> builder(entry);
  Value *length = std::prev(checked->arg_end());
  auto number = [&](int64_t value) { return builder.getInt64(value); };
  // Below the shortest the difference is a large unsigned number.
  Value *above = builder.CreateSub(length, number(lengths.min));
  Value *inside = builder.CreateICmpULE(above, number(lengths.max - lengths.min));
  Value *rest = builder.CreateURem(above, number(lengths.step));
  builder.CreateCondBr(
      builder.CreateAnd(inside, builder.CreateICmpEQ(rest, number(0))), valid,
      refused);
  builder.SetInsertPoint(valid);
  SmallVector<Value *> arguments;
  for (auto [from, to] : zip(checked->args(), run->args())) {
    arguments.push_back(&from);
    for (Attribute attribute : run->getAttributes().getParamAttrs(to.getArgNo()))
      from.addAttr(attribute);
  }
  builder.CreateCall(run, arguments);
  builder.CreateRet(builder.getInt32(0));
  builder.SetInsertPoint(refused);
  builder.CreateRet(builder.getInt32(1));
  return checked;
}

} // namespace dyadic
