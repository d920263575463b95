//===- Peak.cpp - loops of one instruction --------------------------------===//
//
// Twelve independent accumulators: more than latency × instructions a cycle on
// every core so far. Operands are registers, so nothing but the instruction's
// own ports bounds the loop.
//
//===----------------------------------------------------------------------===//
#include "Peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace dyadic::bench;

using Clock = std::chrono::steady_clock;

/// Seconds of the fastest of some runs.
static double best(const std::function<void()> &body) {
  double fastest = 1e9;
  for (int i = 0; i < 15; ++i) {
    auto start = Clock::now();
    body();
    fastest = std::min(
        fastest, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return fastest;
}

static bool cpuid(unsigned leaf, unsigned sub, int reg, unsigned bit) {
  unsigned r[4] = {};
  return __get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]) &&
         (r[reg] >> bit & 1);
}
enum { EAX, EBX, ECX, EDX };

static bool systemKeeps(unsigned bits) {
  if (!cpuid(1, 0, ECX, 27)) // OSXSAVE
    return false;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & bits) == bits;
}

/// AMX: the kernel must be asked once.
static bool permitTiles() {
  return syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */,
                 18 /* tile data */) == 0;
}

static constexpr long kRounds = 100000;

// clang-format off
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define LOOP(BODY)                                                             \
  long n = kRounds;                                                            \
  __asm__ volatile("1:\n" BODY "dec %0\n jnz 1b\n"                             \
                   : "+r"(n) : : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", \
                     "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
                     "xmm12", "xmm13", "xmm14", "xmm15")

#define VNNI512(I) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #I "\n"
#define VNNI256(I) "%{evex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #I "\n"
#define VEXVNNI(I) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #I "\n"
#define FMA512(I)  "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #I "\n"
#define FMA256(I)  "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #I "\n"
#define BF16512(I) "vdpbf16ps %%zmm14, %%zmm15, %%zmm" #I "\n"
// What AVX2 kernels do: a product of pairs, then the sum.
#define MADD256(I) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n" \
                   "vpaddd %%ymm13, %%ymm" #I ", %%ymm" #I "\n"
// clang-format on

static void vnni512() { LOOP(TWELVE(VNNI512)); }
static void vnni256() { LOOP(TWELVE(VNNI256)); }
static void vexVNNI() { LOOP(TWELVE(VEXVNNI)); }
static void fma512() { LOOP(TWELVE(FMA512)); }
static void fma256() { LOOP(TWELVE(FMA256)); }
static void bf16() { LOOP(TWELVE(BF16512)); }
static void madd256() { LOOP(TWELVE(MADD256)); }

/// Four accumulators of two pairs of tiles, as a 2×2 block of a kernel has.
static void tiles(bool isInteger) {
  alignas(64) uint8_t config[64] = {1};
  for (int i = 0; i < 8; ++i) {
    config[16 + 2 * i] = 64; // bytes a row
    config[48 + i] = 16;     // rows
  }
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  long n = kRounds / 4;
  if (isInteger)
    __asm__ volatile("1:\n tdpbusd %%tmm6, %%tmm4, %%tmm0\n"
                     "tdpbusd %%tmm7, %%tmm4, %%tmm1\n"
                     "tdpbusd %%tmm6, %%tmm5, %%tmm2\n"
                     "tdpbusd %%tmm7, %%tmm5, %%tmm3\n dec %0\n jnz 1b\n"
                     : "+r"(n) : : "cc");
  else
    __asm__ volatile("1:\n tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n"
                     "tdpbf16ps %%tmm7, %%tmm4, %%tmm1\n"
                     "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n"
                     "tdpbf16ps %%tmm7, %%tmm5, %%tmm3\n dec %0\n jnz 1b\n"
                     : "+r"(n) : : "cc");
  __asm__ volatile("tilerelease");
}

std::vector<Peak> dyadic::bench::measurePeaks() {
  bool ymm = systemKeeps(0x6), zmm = systemKeeps(0xe6),
       tile = systemKeeps(0x60000);
  bool avx512 = zmm && cpuid(7, 0, EBX, 16) && cpuid(7, 0, EBX, 31);
  bool avx2 = ymm && cpuid(7, 0, EBX, 5);
  bool amxInt8 = tile && cpuid(7, 0, EDX, 25) && permitTiles();
  bool amxBF16 = tile && cpuid(7, 0, EDX, 22) && permitTiles();
  struct Loop {
    const char *instruction, *level;
    bool has;
    double operations; // a round
    std::function<void()> run;
  } loops[] = {
      {"tdpbusd", "amx", amxInt8, 2.0 * 16 * 16 * 64, [] { tiles(true); }},
      {"vpdpbusd zmm", "avx512vnni", avx512 && cpuid(7, 0, ECX, 11),
       12 * 2.0 * 64, vnni512},
      {"vpdpbusd ymm, EVEX", "", avx512 && cpuid(7, 0, ECX, 11), 12 * 2.0 * 32,
       vnni256},
      {"vpdpbusd ymm", "avxvnni", avx2 && cpuid(7, 1, EAX, 4), 12 * 2.0 * 32,
       vexVNNI},
      {"vpmaddwd, vpaddd ymm", "avx2", avx2, 12 * 2.0 * 16, madd256},
      {"tdpbf16ps", "amx bf16", amxBF16, 2.0 * 16 * 16 * 32,
       [] { tiles(false); }},
      {"vdpbf16ps zmm", "avx512 bf16", avx512 && cpuid(7, 1, EAX, 5),
       12 * 2.0 * 32, bf16},
      {"vfmadd zmm", "avx512 f32", avx512, 12 * 2.0 * 16, fma512},
      {"vfmadd ymm", "avx2 f32", avx2 && cpuid(1, 0, ECX, 12), 12 * 2.0 * 8,
       fma256},
  };
  std::vector<Peak> peaks;
  for (const Loop &loop : loops)
    peaks.push_back({loop.instruction, loop.level,
                     loop.has ? 1e-9 * kRounds * loop.operations / best(loop.run)
                              : 0});
  return peaks;
}

double dyadic::bench::measureReadBandwidth(size_t bytes) {
  struct Free {
    void operator()(void *p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> buffer(
      static_cast<char *>(std::aligned_alloc(4096, bytes)));
  std::fill_n(buffer.get(), bytes, char(1));
  long repeats = std::max<long>(1, (4 << 20) / bytes);
  double seconds = best([&] {
    for (long r = 0; r < repeats; ++r) {
      const char *p = buffer.get(), *end = p + bytes;
      __asm__ volatile("1:\n"
                       "vmovdqa (%0), %%ymm0\n vmovdqa 32(%0), %%ymm1\n"
                       "vmovdqa 64(%0), %%ymm2\n vmovdqa 96(%0), %%ymm3\n"
                       "prefetcht0 2048(%0)\n prefetcht0 2112(%0)\n"
                       "add $128, %0\n cmp %1, %0\n jb 1b\n"
                       : "+r"(p)
                       : "r"(end)
                       : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3");
    }
  });
  return 1e-9 * bytes * repeats / seconds;
}
