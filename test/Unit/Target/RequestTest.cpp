//===- RequestTest.cpp - triples, CPUs of other machines, variants --------===//
#include "dyadic/Target/Target.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dyadic;

namespace {
class RequestTest : public testing::Test {
protected:
  FailureOr<std::vector<TargetInfo>> resolve(StringRef triple, StringRef cpu) {
    messages.clear();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      messages.push_back(diagnostic.str());
      return success();
    });
    return resolveVariants(TargetRequest{triple.str(), cpu.str()},
                           UnknownLoc::get(&context));
  }
  std::string levels(StringRef triple, StringRef cpu) {
    auto variants = resolve(triple, cpu);
    std::string text;
    if (succeeded(variants))
      for (const TargetInfo &variant : *variants)
        text += (text.empty() ? "" : " ") + variant.level;
    return text;
  }

  MLIRContext context;
  std::vector<std::string> messages;
};
} // namespace

TEST_F(RequestTest, LevelsFollowFromLLVMsProcessors) {
  EXPECT_EQ(levels("aarch64-linux-gnu", ""), "neon");
  EXPECT_EQ(levels("aarch64-linux-gnu", "scalar"), "scalar");
  EXPECT_EQ(levels("aarch64-linux-gnu", "cortex-a53"), "neon");
  EXPECT_EQ(levels("aarch64-linux-gnu", "cortex-a76"), "dotprod");
  EXPECT_EQ(levels("arm64-apple-macos", "apple-m1"), "dotprod");
  EXPECT_EQ(levels("aarch64-linux-gnu", "neoverse-n1"), "dotprod");
  EXPECT_EQ(levels("aarch64-linux-gnu", "neoverse-v2"), "i8mm");
  EXPECT_EQ(levels("aarch64-linux-gnu", "cortex-a53,+dotprod"), "dotprod");
}

TEST_F(RequestTest, TriplesAreNormalized) {
  EXPECT_EQ(resolve("aarch64-linux-gnu", "")->front().triple,
            "aarch64-unknown-linux-gnu");
  for (const char *triple :
       {"arm64-apple-macos", "aarch64-linux-android24", "armv7a-linux-gnueabihf",
        "thumbv7em-none-eabihf", "riscv64-unknown-elf", "s390x-linux-gnu",
        "x86_64-pc-windows-msvc", "aarch64-poky-linux-gnu"})
    EXPECT_TRUE(succeeded(resolve(triple, ""))) << triple;
  EXPECT_EQ(resolve("thumbv7em-none-eabihf", "")->front().cpu, "cortex-m4");
  EXPECT_TRUE(resolve("riscv64-linux-gnu", "")->front().has("d"));
}

TEST_F(RequestTest, PartsOfTriplesWithoutMeaningAreRefused) {
  for (auto [triple, part] :
       {std::pair("aarch65-linux-gnu", "('aarch65')"),
        std::pair("aarch64-linx-gnu", "('linx')"),
        std::pair("aarch64-linuxx-gnu", "('linuxx')"),
        std::pair("aarch64-linux-gnueaby", "('gnueaby')")}) {
    EXPECT_TRUE(failed(resolve(triple, ""))) << triple;
    ASSERT_EQ(messages.size(), 1u) << triple;
    EXPECT_NE(messages[0].find(part), std::string::npos) << messages[0];
    EXPECT_NE(messages[0].find("aarch64-linux-gnu"), std::string::npos);
  }
}

TEST_F(RequestTest, VariantsAreOrderedAndFeaturesStayWithTheirName) {
  EXPECT_EQ(levels("x86", "avx512vnni,+gfni,scalar,avx2"),
            "scalar avx2 avx512vnni");
  EXPECT_TRUE(resolve("x86", "avx512vnni,+gfni,avx2")->back().has("gfni"));
  EXPECT_FALSE(resolve("x86", "avx512vnni,+gfni,avx2")->front().has("gfni"));
  EXPECT_TRUE(failed(resolve("x86", "avx2,avx2")));
  EXPECT_TRUE(failed(resolve("x86", "avx3,+gfnii,avx2,+fmaa")));
  EXPECT_EQ(messages.size(), 3u);
  EXPECT_TRUE(failed(resolve("nvptx64-nvidia-cuda", "sm_80,sm_90")));
}

TEST_F(RequestTest, WhatAMachineMustHave) {
  EXPECT_EQ(resolve("aarch64-linux-gnu", "")->front().required(), "");
  EXPECT_EQ(resolve("aarch64-linux-gnu", "dotprod")->front().required(),
            "+dotprod");
  EXPECT_EQ(resolve("x86", "scalar")->front().required(), "");
  std::string missing;
  EXPECT_FALSE(
      hostSupports(resolve("riscv64-linux-gnu", "")->front(), missing));
  EXPECT_EQ(missing, "riscv64-unknown-linux-gnu");
}
