//===- ExpandMathTest.cpp - rounding without instructions, bit for bit ----===//
#include "../../../lib/Emit/ExpandMath.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace llvm;

namespace {
using Binary = float (*)(float, float);

/// A function of two floats, made of one intrinsic, for a processor that has
/// nothing beyond SSE2.
class ExpandMathTest : public testing::Test {
protected:
  Binary compile(Intrinsic::ID id, unsigned operands) {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    Triple triple(sys::getProcessTriple());
    auto context = std::make_unique<LLVMContext>();
    auto module = std::make_unique<Module>("test", *context);
    Type *f32 = Type::getFloatTy(*context);
    auto *function =
        Function::Create(FunctionType::get(f32, {f32, f32}, false),
                         GlobalValue::ExternalLinkage, "f", *module);
    IRBuilder<> b(BasicBlock::Create(*context, "", function));
    SmallVector<Value *> arguments{function->getArg(0), function->getArg(1)};
    arguments.resize(operands);
    b.CreateRet(b.CreateIntrinsic(id, {f32}, arguments));

    std::string error;
    const Target *target = TargetRegistry::lookupTarget(triple, error);
    std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
        triple, "x86-64", "", TargetOptions(), std::nullopt));
    dyadic::expandMath(*function, *machine);
    for (Instruction &instruction : function->getEntryBlock())
      if (auto *call = dyn_cast<CallBase>(&instruction))
        EXPECT_NE(call->getIntrinsicID(), id);
    jit = cantFail(orc::LLJITBuilder().create());
    cantFail(jit->addIRModule({std::move(module), std::move(context)}));
    return cantFail(jit->lookup("f")).toPtr<Binary>();
  }

  void compare(Intrinsic::ID id, float (*expected)(float)) {
    Binary function = compile(id, 1);
    for (float x : values())
      same(function(x, 0), expected(x), x);
  }

  static void same(float got, float expected, float x) {
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(got)) << x;
      return;
    }
    uint32_t a, b;
    std::memcpy(&a, &got, 4);
    std::memcpy(&b, &expected, 4);
    EXPECT_EQ(a, b) << x << ": " << got << " for " << expected;
  }

  static std::vector<float> values() {
    std::vector<float> list;
    float infinity = std::numeric_limits<float>::infinity();
    for (float x :
         {0.0f, 0.25f, 0.49999997f, 0.5f, 0.50000006f, 0.75f, 1.0f, 1.5f, 2.5f,
          3.5f, 126.5f, 4194303.5f, 4194304.5f, 8388607.5f, 8388608.0f,
          8388609.0f, 3e9f, 1e30f, 1e-40f, infinity, std::nanf("")})
      for (float sign : {1.0f, -1.0f})
        list.push_back(std::copysign(x, sign));
    for (uint32_t i = 0, state = 1; i < 10000; ++i) {
      state = state * 1664525u + 1013904223u;
      list.push_back((float(state >> 8) * 0x1p-24f - 0.5f) * 1000);
    }
    return list;
  }

  std::unique_ptr<orc::LLJIT> jit;
};
} // namespace

#if defined(__x86_64__)
TEST_F(ExpandMathTest, RoundEven) {
  compare(Intrinsic::roundeven, [](float x) { return std::nearbyintf(x); });
}
TEST_F(ExpandMathTest, Floor) {
  compare(Intrinsic::floor, [](float x) { return std::floor(x); });
}
TEST_F(ExpandMathTest, Ceil) {
  compare(Intrinsic::ceil, [](float x) { return std::ceil(x); });
}
TEST_F(ExpandMathTest, Trunc) {
  compare(Intrinsic::trunc, [](float x) { return std::trunc(x); });
}
TEST_F(ExpandMathTest, Round) {
  compare(Intrinsic::round, [](float x) { return std::round(x); });
}
#endif
