//===- IntrinsicsTest.cpp - emulated instructions against this machine's --===//
#include "EmulateTest.h"

#if defined(__x86_64__)
#include <immintrin.h>

using namespace dyadic;

namespace {
#define DYADIC_TARGET                                                          \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,"     \
                        "avx512bf16,avx512dq,avx2,fma")))

/// 64 bytes, as whatever an instruction takes them for.
struct alignas(64) Register {
  char bytes[64];
};
using Hardware = void (*)(const Register *in, Register &out);

struct Instruction {
  const char *name;
  /// Types of the operands and of the result.
  const char *x, *y, *z, *result;
  Hardware execute;
  /// What the call is given where that isn't just its vectors: rounding to nearest,
  /// what takes the place of lanes left out, no lane left out, the mode's rounding.
  const char *values = nullptr, *types = nullptr;
};

#define DYADIC_BINARY(FUNCTION)                                                \
  [](const Register *in, Register &out) DYADIC_TARGET {                        \
    auto *from = reinterpret_cast<const __m512i *>(in);                        \
    *reinterpret_cast<__m512i *>(&out) = FUNCTION(from[0], from[1]);           \
  }
#define DYADIC_TERNARY(FUNCTION)                                               \
  [](const Register *in, Register &out) DYADIC_TARGET {                        \
    auto *from = reinterpret_cast<const __m512i *>(in);                        \
    *reinterpret_cast<__m512i *>(&out) = FUNCTION(from[0], from[1], from[2]);  \
  }

const Instruction kInstructions[] = {
    {"llvm.x86.avx512.vpdpbusd.512", "16xi32", "64xi8", "64xi8", "16xi32",
     DYADIC_TERNARY(_mm512_dpbusd_epi32)},
    {"llvm.x86.avx512.vpdpbusds.512", "16xi32", "64xi8", "64xi8", "16xi32",
     DYADIC_TERNARY(_mm512_dpbusds_epi32)},
    {"llvm.x86.avx512.vpdpwssd.512", "16xi32", "32xi16", "32xi16", "16xi32",
     DYADIC_TERNARY(_mm512_dpwssd_epi32)},
    {"llvm.x86.avx512.pmaddw.d.512", "32xi16", "32xi16", nullptr, "16xi32",
     DYADIC_BINARY(_mm512_madd_epi16)},
    {"llvm.x86.avx512.pmaddubs.w.512", "64xi8", "64xi8", nullptr, "32xi16",
     DYADIC_BINARY(_mm512_maddubs_epi16)},
    {"llvm.x86.avx512.psad.bw.512", "64xi8", "64xi8", nullptr, "8xi64",
     DYADIC_BINARY(_mm512_sad_epu8)},
    {"llvm.x86.avx512.pmulh.w.512", "32xi16", "32xi16", nullptr, "32xi16",
     DYADIC_BINARY(_mm512_mulhi_epi16)},
    {"llvm.x86.avx512.pmul.hr.sw.512", "32xi16", "32xi16", nullptr, "32xi16",
     DYADIC_BINARY(_mm512_mulhrs_epi16)},
    {"llvm.x86.avx512.packssdw.512", "16xi32", "16xi32", nullptr, "32xi16",
     DYADIC_BINARY(_mm512_packs_epi32)},
    {"llvm.x86.avx512.packusdw.512", "16xi32", "16xi32", nullptr, "32xi16",
     DYADIC_BINARY(_mm512_packus_epi32)},
    {"llvm.x86.avx512.packsswb.512", "32xi16", "32xi16", nullptr, "64xi8",
     DYADIC_BINARY(_mm512_packs_epi16)},
    {"llvm.x86.avx512.packuswb.512", "32xi16", "32xi16", nullptr, "64xi8",
     DYADIC_BINARY(_mm512_packus_epi16)},
    {"llvm.x86.avx512.pshuf.b.512", "64xi8", "64xi8", nullptr, "64xi8",
     DYADIC_BINARY(_mm512_shuffle_epi8)},
    // The builtin function takes the index first.
    {"llvm.x86.avx512.permvar.qi.512", "64xi8", "64xi8", nullptr, "64xi8",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512i *>(in);
       *reinterpret_cast<__m512i *>(&out) =
           _mm512_permutexvar_epi8(from[1], from[0]);
     }},
    {"llvm.x86.avx512.permvar.sf.512", "16xf32", "16xi32", nullptr, "16xf32",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512i *>(in);
       *reinterpret_cast<__m512 *>(&out) =
           _mm512_permutexvar_ps(from[1], _mm512_castsi512_ps(from[0]));
     }},
    {"llvm.x86.avx512.vpermi2var.qi.512", "64xi8", "64xi8", "64xi8", "64xi8",
     DYADIC_TERNARY(_mm512_permutex2var_epi8)},
    {"llvm.x86.avx512.pmultishift.qb.512", "64xi8", "64xi8", nullptr, "64xi8",
     DYADIC_BINARY(_mm512_multishift_epi64_epi8)},
    {"llvm.x86.avx512bf16.dpbf16ps.512", "16xf32", "32xbf16", "32xbf16",
     "16xf32",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512i *>(in);
       *reinterpret_cast<__m512 *>(&out) = _mm512_dpbf16_ps(
           _mm512_castsi512_ps(from[0]), (__m512bh)from[1], (__m512bh)from[2]);
     }},
    {"llvm.x86.avx512bf16.cvtne2ps2bf16.512", "16xf32", "16xf32", nullptr,
     "32xbf16",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512 *>(in);
       *reinterpret_cast<__m512bh *>(&out) =
           _mm512_cvtne2ps_pbh(from[0], from[1]);
     }},
    {"llvm.x86.avx512.mask.reduce.ps.512", "16xf32", nullptr, nullptr, "16xf32",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512 *>(in);
       *reinterpret_cast<__m512 *>(&out) = _mm512_reduce_ps(from[0], 0);
     },
     "%v0, %zero, %v0, %all, %mode", "vector<16xf32>, i32, vector<16xf32>, i16, i32"},
    {"llvm.x86.avx512.mask.scalef.ps.512", "16xf32", "16xf32", nullptr, "16xf32",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512 *>(in);
       *reinterpret_cast<__m512 *>(&out) = _mm512_scalef_ps(from[0], from[1]);
     },
     "%v0, %v1, %v0, %all, %mode",
     "vector<16xf32>, vector<16xf32>, vector<16xf32>, i16, i32"},
    {"llvm.x86.avx512.mask.range.ps.512", "16xf32", "16xf32", nullptr, "16xf32",
     [](const Register *in, Register &out) DYADIC_TARGET {
       auto *from = reinterpret_cast<const __m512 *>(in);
       *reinterpret_cast<__m512 *>(&out) = _mm512_range_ps(from[0], from[1], 2);
     },
     "%v0, %v1, %smaller, %v0, %all, %mode",
     "vector<16xf32>, vector<16xf32>, i32, vector<16xf32>, i16, i32"},
};

class IntrinsicsTest : public EmulateTest,
                       public testing::WithParamInterface<Instruction> {};
} // namespace

TEST_P(IntrinsicsTest, GivesWhatTheProcessorGives) {
  if (!__builtin_cpu_supports("avx512vnni") ||
      !__builtin_cpu_supports("avx512vbmi") ||
      !__builtin_cpu_supports("avx512bf16"))
    GTEST_SKIP() << "this machine lacks AVX512-VNNI, VBMI or BF16";
  const Instruction &op = GetParam();
  auto vector = [](const char *type) {
    return "vector<" + std::string(type) + ">";
  };
  auto memory = [](const char *type) {
    return "memref<" + std::string(type) + ">";
  };
  std::vector<const char *> operands;
  for (const char *operand : {op.x, op.y, op.z})
    if (operand)
      operands.push_back(operand);
  std::string arguments, names, types, loads, values, vectors;
  for (size_t i = 0; i < operands.size(); ++i) {
    std::string n = std::to_string(i);
    arguments += "%x" + n + ": " + memory(operands[i]) + ", ";
    names += "%x" + n + ", ";
    types += memory(operands[i]) + ", ";
    loads += "  %v" + n + " = vector.load %x" + n + "[%c0] : " +
             memory(operands[i]) + ", " + vector(operands[i]) + "\n";
    values += (i ? ", %v" : "%v") + n;
    vectors += (i ? ", " : "") + vector(operands[i]);
  }
  if (op.values) {
    loads += "  %zero = arith.constant 0 : i32\n  %all = arith.constant -1 : i16\n"
             "  %mode = arith.constant 4 : i32\n  %smaller = arith.constant 2 : i32\n";
    values = op.values;
    vectors = op.types;
  }
  std::string text =
      "func.func private @k(" + arguments + "%y: " + memory(op.result) + ") {\n" +
      "  %c0 = arith.constant 0 : index\n" + loads +
      "  %r = llvm.call_intrinsic \"" + op.name + "\"(" + values + ") : (" +
      vectors + ") -> " + vector(op.result) + "\n  vector.store %r, %y[%c0] : " +
      memory(op.result) + ", " + vector(op.result) + "\n  return\n}\n" +
      "func.func @m_run(" + arguments + "%y: " + memory(op.result) +
      ") {\n  call @k(" + names + "%y) : (" + types + memory(op.result) +
      ") -> ()\n  return\n}\n";

  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Register in[3], expected, got;
    bool isFloat = llvm::StringRef(op.x).ends_with("f32");
    for (Register &r : in)
      for (int i = 0; i < 64; i += 4) {
        uint32_t word = random();
        if (round % 5 == 1) // what saturates
          word = random() % 2 ? 0x7fff7fff : 0x80008080;
        if (isFloat) // numbers, some of them denormal, none infinite
          word = (word & 0x807fffff) | (random() % 8 ? 100 + random() % 50 : 0) << 23;
        std::memcpy(r.bytes + i, &word, 4);
      }
    if (isFloat && op.z) // pairs of bf16
      for (Register *r : {&in[1], &in[2]})
        for (int i = 0; i < 64; i += 2) {
          uint16_t half = (random() & 0x807f) | (random() % 8 ? 100 + random() % 50 : 0) << 7;
          std::memcpy(r->bytes + i, &half, 2);
        }
    op.execute(in, expected);
    std::vector<const void *> from;
    for (size_t i = 0; i < operands.size(); ++i)
      from.push_back(in[i].bytes);
    ASSERT_TRUE(run(text, from, {got.bytes})) << errors;
    EXPECT_EQ(std::memcmp(expected.bytes, got.bytes, 64), 0)
        << op.name << ", round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(, IntrinsicsTest, testing::ValuesIn(kInstructions),
                         [](auto &info) {
                           std::string name = info.param.name;
                           for (char &c : name)
                             if (c == '.')
                               c = '_';
                           return name;
                         });
#endif
