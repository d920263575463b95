//===- TargetInfoTest.cpp - CPU names, levels and their messages ----------===//
#include "dyadic/Target/TargetInfo.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// Resolves names and keeps the message where one is refused.
class TargetInfoTest : public testing::Test {
protected:
  FailureOr<TargetInfo> resolve(StringRef cpu) {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      message = diagnostic.str();
      return success();
    });
    return resolveTarget(cpu, UnknownLoc::get(&context));
  }
  ISA isaOf(StringRef cpu) {
    auto target = resolve(cpu);
    EXPECT_TRUE(succeeded(target)) << cpu.str() << ": " << message;
    return succeeded(target) ? target->isa : ISA::Scalar;
  }

  MLIRContext context;
  std::string message;
};
} // namespace

TEST_F(TargetInfoTest, NamesOfLevels) {
  for (ISA isa : {ISA::Scalar, ISA::AVX2, ISA::AVX512VNNI})
    EXPECT_EQ(isaOf(name(isa)), isa);
}

TEST_F(TargetInfoTest, LevelsFollowFromFeatures) {
  EXPECT_EQ(isaOf("x86-64"), ISA::Scalar);
  EXPECT_EQ(isaOf("haswell"), ISA::AVX2);
  // AVX-512 without VNNI has no kernels of its own.
  EXPECT_EQ(isaOf("skylake-avx512"), ISA::AVX2);
  EXPECT_EQ(isaOf("skylake-avx512,+avx512vnni"), ISA::AVX512VNNI);
  EXPECT_EQ(isaOf("icelake-server"), ISA::AVX512VNNI);
  EXPECT_EQ(isaOf("icelake-server,-avx512vnni"), ISA::AVX2);
  EXPECT_EQ(isaOf("haswell,-fma"), ISA::Scalar);
}

TEST_F(TargetInfoTest, ByteTablesNeedVBMI) {
  EXPECT_FALSE(resolve("avx512vnni")->hasVBMI);
  EXPECT_TRUE(resolve("avx512vnni,+avx512vbmi")->hasVBMI);
  EXPECT_TRUE(resolve("icelake-server")->hasVBMI);
  EXPECT_FALSE(resolve("avx2")->hasVBMI);
}

TEST_F(TargetInfoTest, UnknownNamesAreRefusedWithNearOnes) {
  EXPECT_TRUE(failed(resolve("haswel")));
  EXPECT_NE(message.find("unknown CPU 'haswel'"), std::string::npos) << message;
  EXPECT_NE(message.find("haswell"), std::string::npos) << message;
  EXPECT_TRUE(failed(resolve("avx2,+avx512vnn")));
  EXPECT_NE(message.find("avx512vnni"), std::string::npos) << message;
  // A feature wants its sign.
  EXPECT_TRUE(failed(resolve("avx2,fma")));
  EXPECT_TRUE(failed(resolve("")));
}

TEST_F(TargetInfoTest, ThisMachineRunsWhatItIsResolvedTo) {
  std::string missing;
  EXPECT_TRUE(hostSupports(*resolve("native"), missing)) << missing;
  EXPECT_TRUE(hostSupports(*resolve("scalar"), missing)) << missing;
}
