//===- HeaderTest.cpp -----------------------------------------------------===//
#include "dyadic/Emit/Header.h"

#include "gtest/gtest.h"

using namespace dyadic;

namespace {

TEST(Header, StatesTheInterface) {
  ProgramInfo info;
  info.name = "net";
  info.arenaBytes = 100;
  info.weightBytes = 5;
  TensorInfo x, y;
  x.name = "images:0";
  x.shape = {1, 3, 8, 8};
  x.scale = 1e-5f;
  x.zeroPoint = 128;
  y.name = "arena"; // the scratch memory has that name
  y.shape = {1, 10};
  info.inputs = {x};
  info.outputs = {y};
  std::string text = makeHeader(info, TargetInfo());
  for (const char *line :
       {"void net_run(const float *images_0, float *arena_2, void *arena);\n",
        "#define NET_ARENA_BYTES 128\n", "#define NET_WEIGHT_BYTES 5 ",
        "#define NET_IMAGES_0_SIZE 192 ", "#define NET_IMAGES_0_BYTES 768\n",
        "#define NET_IMAGES_0_DIM1 3\n", "#define NET_ARENA_2_RANK 2\n",
        "#define NET_IMAGES_0_SCALE 9.99999975e-06f\n",
        "#define NET_IMAGES_0_ZERO_POINT 128\n", "/* input 'images:0': float "
        "[1][3][8][8]", "round to nearest even"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST(Header, SurvivesStrangeNames) {
  ProgramInfo info;
  info.name = "net";
  for (const char *name : {"int", "Int", "*/ evil()", "a.b", "a/b"}) {
    TensorInfo tensor;
    tensor.name = name;
    info.inputs.push_back(tensor);
  }
  info.outputs = {info.inputs[0]};
  std::string text = makeHeader(info, TargetInfo());
  EXPECT_NE(text.find("(const float *int_2, const float *Int_3, const float "
                      "*___evil__, const float *a_b, const float *a_b_2, float "
                      "*int_4, void *arena);"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("*/ evil"), std::string::npos);
}

} // namespace
