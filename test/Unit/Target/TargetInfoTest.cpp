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
  std::string levelOf(StringRef cpu) {
    auto target = resolve(cpu);
    EXPECT_TRUE(succeeded(target)) << cpu.str() << ": " << message;
    return succeeded(target) ? target->level : "";
  }

  MLIRContext context;
  std::string message;
};
} // namespace

TEST_F(TargetInfoTest, NamesOfLevels) {
  for (const char *level : {"scalar", "avx2", "avx512vnni"})
    EXPECT_EQ(levelOf(level), level);
}

TEST_F(TargetInfoTest, LevelsFollowFromFeatures) {
  EXPECT_EQ(levelOf("x86-64"), "scalar");
  EXPECT_EQ(levelOf("haswell"), "avx2");
  // AVX-512 without VNNI has no kernels of its own.
  EXPECT_EQ(levelOf("skylake-avx512"), "avx2");
  EXPECT_EQ(levelOf("skylake-avx512,+avx512vnni"), "avx512vnni");
  EXPECT_EQ(levelOf("icelake-server"), "avx512vnni");
  EXPECT_EQ(levelOf("icelake-server,-avx512vnni"), "avx2");
  EXPECT_EQ(levelOf("haswell,-fma"), "scalar");
}

TEST_F(TargetInfoTest, ByteTablesNeedVBMI) {
  EXPECT_FALSE(resolve("avx512vnni")->has("avx512vbmi"));
  EXPECT_TRUE(resolve("avx512vnni,+avx512vbmi")->has("avx512vbmi"));
  EXPECT_TRUE(resolve("icelake-server")->has("avx512vbmi"));
  EXPECT_FALSE(resolve("avx2")->has("avx512vbmi"));
}

TEST_F(TargetInfoTest, UnknownNamesAreRefusedWithNearOnes) {
  EXPECT_TRUE(failed(resolve("haswel")));
  EXPECT_NE(message.find("unknown CPU 'haswel'"), std::string::npos) << message;
  EXPECT_NE(message.find("haswell"), std::string::npos) << message;
  EXPECT_TRUE(failed(resolve("avx2,+avx512vnn")));
  EXPECT_NE(message.find("avx512vnni"), std::string::npos) << message;
  // A feature wants its sign.
  EXPECT_TRUE(failed(resolve("avx2,fma")));
}

TEST_F(TargetInfoTest, ThisMachineRunsWhatItIsResolvedTo) {
  std::string missing;
  EXPECT_TRUE(hostSupports(*resolve("native"), missing)) << missing;
  EXPECT_TRUE(hostSupports(*resolve("scalar"), missing)) << missing;
}
