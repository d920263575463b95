//===- MmaTest.cpp - fragments as the PTX ISA words them ------------------===//
//
// Each test fills the registers of 32 threads by the formulas of the PTX ISA
// ("Warp-level matrix instructions", groupID = laneid >> 2,
// threadID_in_group = laneid % 4), and reads D by them.
//
//===----------------------------------------------------------------------===//
#include "EmulateTest.h"

#include <functional>

using namespace dyadic;

namespace {
struct Place {
  int row, column;
};

struct Shape {
  int m, n, k;
  /// Where element `i` of thread (group, t) lies in A, B, and C or D.
  std::function<Place(int group, int t, int i)> a, b, c;
};

const Shape m8n8k16{8,
                    8,
                    16,
                    [](int group, int t, int i) {
                      return Place{group, t * 4 + i};
                    },
                    [](int group, int t, int i) {
                      return Place{t * 4 + i, group};
                    },
                    [](int group, int t, int i) {
                      return Place{group, t * 2 + i};
                    }};

const Shape m16n8k16{16,
                     8,
                     16,
                     [](int group, int t, int i) {
                       return Place{i < 4 ? group : group + 8, t * 4 + (i & 3)};
                     },
                     [](int group, int t, int i) {
                       return Place{t * 4 + i, group};
                     },
                     [](int group, int t, int i) {
                       return Place{i < 2 ? group : group + 8, t * 2 + (i & 1)};
                     }};

const Shape m16n8k32{
    16,
    8,
    32,
    [](int group, int t, int i) {
      int row = (0 <= i && i < 4) || (8 <= i && i < 12) ? group : group + 8;
      return Place{row, i < 8 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16};
    },
    [](int group, int t, int i) {
      return Place{i < 4 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16, group};
    },
    [](int group, int t, int i) {
      return Place{i < 2 ? group : group + 8, t * 2 + (i & 1)};
    }};

class MmaTest : public EmulateTest {
protected:
  /// A kernel that loads all registers of a thread, multiplies and stores D.
  static std::string kernel(const Shape &s, const char *a, const char *b,
                            const char *overflow) {
    int numA = s.m * s.k / 128, numB = s.k / 16, numC = s.m * s.n / 32;
    std::string load, names[3], types;
    int offset = 0;
    for (int operand = 0; operand < 3; ++operand)
      for (int i = 0, count = std::array{numA, numB, numC}[operand]; i < count;
           ++i) {
        std::string name = "%r" + std::to_string(offset),
                    at = std::to_string(offset);
        load += "  %i" + at + " = arith.constant " + at + " : index\n  " +
                name + " = memref.load %x[%t, %i" + at +
                "] : memref<32x16xi32>\n";
        names[operand] += (i ? ", " : "") + name;
        ++offset;
      }
    std::string members;
    for (int i = 0; i < numC; ++i)
      members += i ? ", i32" : "i32";
    auto text = [](int value) { return std::to_string(value); };
    std::string body =
        "gpu.func @k(%x: memref<32x16xi32>, %y: memref<32x4xi32>) kernel {\n"
        "  %t = gpu.thread_id x\n" +
        load + "  %d = nvvm.mma.sync A[" + names[0] + "] B[" + names[1] +
        "] C[" + names[2] +
        "] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, "
        "multiplicandAPtxType = #nvvm.mma_type<" +
        a + ">, multiplicandBPtxType = #nvvm.mma_type<" + b +
        ">, intOverflowBehavior = #nvvm.mma_int_overflow<" + overflow +
        ">, shape = #nvvm.shape<m = " + text(s.m) + ", n = " + text(s.n) +
        ", k = " + text(s.k) + ">} : (i32, i32, i32) -> !llvm.struct<(" +
        members + ")>\n";
    for (int i = 0; i < numC; ++i)
      body += "  %d" + text(i) + " = llvm.extractvalue %d[" + text(i) +
              "] : !llvm.struct<(" + members + ")>\n  %j" + text(i) +
              " = arith.constant " + text(i) + " : index\n  memref.store %d" +
              text(i) + ", %y[%t, %j" + text(i) + "] : memref<32x4xi32>\n";
    return moduleWith(body + "  gpu.return\n}", "memref<32x16xi32>",
                      "memref<32x4xi32>", 1, 32);
  }

  void check(const Shape &s, bool aSigned, bool bSigned,
             bool saturates = false) {
    int numA = s.m * s.k / 32, numB = s.k * s.n / 32,
        numC = s.m * s.n / 32; // elements
    auto matrix = [&](int rows, int columns, bool isSigned) {
      auto values = random<int>(rows * columns, isSigned ? -128 : 0,
                                isSigned ? 127 : 255);
      return [=](Place p) { return values[p.row * columns + p.column]; };
    };
    auto a = matrix(s.m, s.k, aSigned), b = matrix(s.k, s.n, bSigned);
    auto c = random<int32_t>(s.m * s.n, INT32_MIN, INT32_MAX);
    std::vector<int32_t> registers(32 * 16), d(32 * 4);
    auto *bytes = reinterpret_cast<uint8_t *>(registers.data());
    for (int lane = 0; lane < 32; ++lane) {
      int group = lane >> 2, t = lane % 4;
      uint8_t *own = bytes + lane * 64;
      for (int i = 0; i < numA; ++i)
        own[i] = a(s.a(group, t, i));
      for (int i = 0; i < numB; ++i)
        own[numA + i] = b(s.b(group, t, i));
      for (int i = 0; i < numC; ++i) {
        Place p = s.c(group, t, i);
        registers[lane * 16 + (numA + numB) / 4 + i] =
            c[p.row * s.n + p.column];
      }
    }
    ASSERT_TRUE(run(kernel(s, aSigned ? "s8" : "u8", bSigned ? "s8" : "u8",
                           saturates ? "satfinite" : "wrapped"),
                    {registers.data()}, {d.data()}))
        << errors;
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < numC; ++i) {
        Place p = s.c(lane >> 2, lane % 4, i);
        int64_t sum = c[p.row * s.n + p.column];
        for (int k = 0; k < s.k; ++k)
          sum += a({p.row, k}) * b({k, p.column});
        if (saturates)
          sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
        ASSERT_EQ(d[lane * 4 + i], int32_t(sum))
            << "lane " << lane << ", element " << i;
      }
  }
};

TEST_F(MmaTest, Fragments) {
  for (const Shape *shape : {&m8n8k16, &m16n8k16, &m16n8k32})
    for (bool a : {false, true})
      for (bool b : {false, true})
        check(*shape, a, b);
}

TEST_F(MmaTest, Saturates) { check(m16n8k32, false, true, true); }

TEST_F(MmaTest, RefusesOtherShapes) {
  EXPECT_FALSE(run(moduleWith(R"(
gpu.func @k(%x: memref<4xf32>, %y: memref<4xf32>) kernel {
  %a = arith.constant dense<1.0> : vector<2xf32>
  %0 = arith.constant 0 : i32
  %c = arith.constant 0.0 : f32
  %d = nvvm.mma.sync A[%0, %0] B[%0] C[%c, %c, %c, %c] {layoutA = #nvvm.mma_layout<row>,
    layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<tf32>,
    multiplicandBPtxType = #nvvm.mma_type<tf32>, shape = #nvvm.shape<m = 16, n = 8, k = 4>}
    : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  gpu.return
})",
                              "memref<4xf32>", "memref<4xf32>", 1, 32),
                   {}, {}));
  EXPECT_NE(errors.find("shapes m8n8k16, m16n8k16 and m16n8k32 on s8 and u8"),
            std::string::npos)
      << errors;
}
} // namespace
