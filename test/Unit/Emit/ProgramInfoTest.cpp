//===- ProgramInfoTest.cpp ------------------------------------------------===//
#include "EmitTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class ProgramInfoTest : public EmitTest {};

TEST_F(ProgramInfoTest, ReadsBorderAndKeptTensors) {
  auto module = parse(R"mlir(
module attributes {dyadic.arena_bytes = 192 : i64} {
func.func @main(%x: tensor<1x4xf32> {qnn.name = "image"}) -> (tensor<1x4xf32> {qnn.name = "scores"}) {
  %0 = dyadic.kernel(%x) {arena_offsets = array<i64: 64>} : (tensor<1x4xf32>) -> tensor<1x4xui8> {
  ^bb0(%a: tensor<1x4xf32>):
    %q = dyadic.quantize %a {inverse_scale = 2.0 : f32, zero_point = 3 : i32} : (tensor<1x4xf32>) -> tensor<1x4xui8> loc("quantized image")
    dyadic.yield %q : tensor<1x4xui8>
  }
  %1 = dyadic.kernel(%0) {arena_offsets = array<i64: -1>} : (tensor<1x4xui8>) -> tensor<1x4xf32> {
  ^bb0(%a: tensor<1x4xui8>):
    %d = dyadic.dequantize %a {scale = 0.5 : f32, zero_point = 3 : i32} : (tensor<1x4xui8>) -> tensor<1x4xf32>
    dyadic.yield %d : tensor<1x4xf32>
  }
  return %1 : tensor<1x4xf32>
}})mlir");
  auto info = readProgramInfo(*module, "my-net.v2");
  ASSERT_TRUE(succeeded(info));
  EXPECT_EQ(info->name, "my_net_v2");
  EXPECT_EQ(info->arenaBytes, 192);
  ASSERT_EQ(info->inputs.size(), 1u);
  EXPECT_EQ(info->inputs[0].name, "image");
  EXPECT_EQ(info->inputs[0].scale, 0.5f);
  EXPECT_EQ(info->inputs[0].zeroPoint, 3);
  ASSERT_EQ(info->outputs.size(), 1u);
  EXPECT_EQ(info->outputs[0].name, "scores");
  ASSERT_EQ(info->kept.size(), 1u);
  EXPECT_EQ(info->kept[0].name, "quantized image");
  EXPECT_EQ(info->kept[0].arenaOffset, 64);
  EXPECT_EQ(info->kept[0].kind, ElementKind::U8);
  EXPECT_EQ(info->kept[0].numBytes(), 4);
}

TEST_F(ProgramInfoTest, RefusesAModuleThatIsNotPlanned) {
  ScopedDiagnosticHandler handler(&context, [](Diagnostic &) {});
  EXPECT_TRUE(failed(readProgramInfo(*parse("module {}"), "m")));
  EXPECT_TRUE(failed(readProgramInfo(
      *parse("func.func @main() { return }"), "m")));
}

TEST(ToIdentifier, GivesCNames) {
  EXPECT_EQ(toIdentifier("7-segment"), "_7_segment");
  EXPECT_EQ(toIdentifier(""), "_");
}

} // namespace
