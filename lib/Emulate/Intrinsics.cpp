//===- Intrinsics.cpp - instructions of x86 that kernels name -------------===//
//
// Each as the Software Developer's Manual defines it. CPU kernels have one
// thread, so that the elements of a vector lie next to each other.
//
//===----------------------------------------------------------------------===//
#include "BFloat16.h"
#include "Block.h"
#include "OpTable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::emulate {

namespace {
/// Operands and result of one call.
struct Call {
  Block &block;
  const Instruction &instruction;

  template <typename T> const T *in(int i) const {
    return block.at<T>(instruction.in[i]);
  }
  template <typename T> T *out() const { return block.at<T>(instruction.out); }
  /// Elements of the result.
  uint32_t count() const { return instruction.count; }
};
} // namespace

template <void (*body)(const Call &)>
static void execute(Block &block, const Instruction &instruction) {
  body({block, instruction});
}

template <typename T> static T saturate(int64_t x) {
  return std::clamp<int64_t>(x, std::numeric_limits<T>::min(),
                             std::numeric_limits<T>::max());
}

//===--- Dot products -----------------------------------------------------===//

/// c[i] + Σ_j a[n·i + j] · b[n·i + j], wrapping or saturating at the end.
template <typename A, typename B, int n, bool saturates>
static void dot(const Call &call) {
  const int32_t *c = call.in<int32_t>(0);
  const A *a = call.in<A>(1);
  const B *b = call.in<B>(2);
  for (uint32_t i = 0; i < call.count(); ++i) {
    int64_t sum = c[i];
    for (int j = 0; j < n; ++j)
      sum += int64_t(a[n * i + j]) * b[n * i + j];
    call.out<int32_t>()[i] =
        saturates ? saturate<int32_t>(sum) : int32_t(uint32_t(sum));
  }
}

/// Neighbouring products of 16 bits: −2^15 · −2^15 twice wraps.
static void multiplyAddWords(const Call &call) {
  const int16_t *a = call.in<int16_t>(0), *b = call.in<int16_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<int32_t>()[i] = int32_t(uint32_t(
        int64_t(a[2 * i]) * b[2 * i] + int64_t(a[2 * i + 1]) * b[2 * i + 1]));
}

static void multiplyAddBytes(const Call &call) {
  const uint8_t *a = call.in<uint8_t>(0);
  const int8_t *b = call.in<int8_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<int16_t>()[i] =
        saturate<int16_t>(a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]);
}

static void sumDifferences(const Call &call) {
  const uint8_t *a = call.in<uint8_t>(0), *b = call.in<uint8_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i) {
    uint64_t sum = 0;
    for (int j = 0; j < 8; ++j)
      sum += std::abs(a[8 * i + j] - b[8 * i + j]);
    call.out<uint64_t>()[i] = sum;
  }
}

static void multiplyHigh(const Call &call) {
  const int16_t *a = call.in<int16_t>(0), *b = call.in<int16_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<int16_t>()[i] = int16_t((int32_t(a[i]) * b[i]) >> 16);
}

static void multiplyHighRound(const Call &call) {
  const int16_t *a = call.in<int16_t>(0), *b = call.in<int16_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<int16_t>()[i] =
        int16_t((((int32_t(a[i]) * b[i]) >> 14) + 1) >> 1);
}

//===--- Permutations -----------------------------------------------------===//

/// Lanes of 128 bits of `a` and `b` in turns, each element saturated.
template <typename From, typename To> static void pack(const Call &call) {
  constexpr uint32_t half = 16 / sizeof(From);
  const From *a = call.in<From>(0), *b = call.in<From>(1);
  for (uint32_t i = 0; i < call.count(); ++i) {
    uint32_t lane = i / (2 * half), within = i % (2 * half);
    const From *from = within < half ? a : b;
    call.out<To>()[i] = saturate<To>(from[lane * half + within % half]);
  }
}

/// a ++ b at the indices in between.
template <typename T> static void permuteTwo(const Call &call) {
  const T *a = call.in<T>(0), *index = call.in<T>(1), *b = call.in<T>(2);
  uint32_t n = call.count();
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t at = uint32_t(index[i]) & (2 * n - 1);
    call.out<T>()[i] = at < n ? a[at] : b[at - n];
  }
}

template <typename T> static void permute(const Call &call) {
  const T *a = call.in<T>(0), *index = call.in<T>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<T>()[i] = a[uint32_t(index[i]) & (call.count() - 1)];
}

/// Within lanes of 128 bits; zero where the index has its top bit.
static void shuffleBytes(const Call &call) {
  const uint8_t *a = call.in<uint8_t>(0), *index = call.in<uint8_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<uint8_t>()[i] =
        index[i] & 0x80 ? 0 : a[(i & ~15u) + (index[i] & 15)];
}

/// Byte i: 8 bits of the quadword of `b` from bit `a[i]` on, cyclically.
static void multiShift(const Call &call) {
  const uint8_t *shift = call.in<uint8_t>(0);
  const uint64_t *words = call.in<uint64_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i) {
    uint32_t by = shift[i] & 63;
    uint64_t word = words[i / 8];
    call.out<uint8_t>()[i] =
        uint8_t(word >> by | (by ? word << (64 - by) : 0));
  }
}

//===--- Conversions ------------------------------------------------------===//

/// To nearest, ties to even; what has no i32 becomes the smallest one.
static void roundToInt(const Call &call) {
  const float *x = call.in<float>(0);
  for (uint32_t i = 0; i < call.count(); ++i) {
    float rounded = std::nearbyint(x[i]);
    call.out<int32_t>()[i] = rounded >= -0x1p31f && rounded < 0x1p31f
                                 ? int32_t(rounded)
                                 : std::numeric_limits<int32_t>::min();
  }
}

/// What `immediate` rounds to: so many binary places, up, down, to zero or to nearest.
static float roundAs(float x, int immediate) {
  float scaled = std::ldexp(x, immediate >> 4);
  switch (immediate & 7) {
  case 1:
    scaled = std::floor(scaled);
    break;
  case 2:
    scaled = std::ceil(scaled);
    break;
  case 3:
    scaled = std::trunc(scaled);
    break;
  default:
    scaled = std::nearbyint(scaled);
  }
  return std::ldexp(scaled, -(immediate >> 4));
}

/// x less x rounded.
static void reduceFloats(const Call &call) {
  const float *x = call.in<float>(0);
  int immediate = *call.in<int32_t>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<float>()[i] = std::isinf(x[i]) ? 0 : x[i] - roundAs(x[i], immediate);
}

/// x · 2^⌊y⌋.
static void scaleFloats(const Call &call) {
  const float *x = call.in<float>(0), *y = call.in<float>(1);
  for (uint32_t i = 0; i < call.count(); ++i) {
    // Beyond 400 either way nothing changes.
    float power = std::floor(std::clamp(y[i], -400.f, 400.f));
    call.out<float>()[i] = std::isnan(y[i]) ? y[i] : std::ldexp(x[i], int(power));
  }
}

/// x or y, the lesser or, by the immediate's bits, the greater one, of magnitudes; with the
/// sign of x, its own, none, or minus.
static void chooseFloats(const Call &call) {
  const float *x = call.in<float>(0), *y = call.in<float>(1);
  int immediate = *call.in<int32_t>(2);
  for (uint32_t i = 0; i < call.count(); ++i) {
    bool byMagnitude = immediate & 2, takesGreater = immediate & 1;
    float a = byMagnitude ? std::abs(x[i]) : x[i], b = byMagnitude ? std::abs(y[i]) : y[i];
    // What is no number is not taken where the other is one.
    bool takesX = std::isnan(b) || (takesGreater ? a > b : a < b);
    float chosen = takesX ? x[i] : y[i];
    float signs[] = {x[i], chosen, 1, -1};
    call.out<float>()[i] = std::copysign(chosen, signs[immediate >> 2 & 3]);
  }
}

static void toBF16(const Call &call) {
  const float *x = call.in<float>(0);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<uint16_t>()[i] = roundToBF16(x[i]);
}

/// The second operand's elements come first.
static void twoToBF16(const Call &call) {
  uint32_t half = call.count() / 2;
  for (uint32_t i = 0; i < half; ++i) {
    call.out<uint16_t>()[i] = roundToBF16(call.in<float>(1)[i]);
    call.out<uint16_t>()[half + i] = roundToBF16(call.in<float>(0)[i]);
  }
}

/// The odd product is added first.
static void dotBF16(const Call &call) {
  const float *c = call.in<float>(0);
  const uint16_t *a = call.in<uint16_t>(1), *b = call.in<uint16_t>(2);
  for (uint32_t i = 0; i < call.count(); ++i) {
    float sum = flushDenormal(c[i]);
    for (int j : {1, 0})
      sum = flushDenormal(std::fma(widenBF16(a[2 * i + j]),
                                   widenBF16(b[2 * i + j]), sum));
    call.out<float>()[i] = sum;
  }
}

template <typename T, int sign> static void addSaturating(const Call &call) {
  const T *a = call.in<T>(0), *b = call.in<T>(1);
  for (uint32_t i = 0; i < call.count(); ++i)
    call.out<T>()[i] = saturate<T>(int64_t(a[i]) + sign * int64_t(b[i]));
}

static void nothing(const Call &) {}

//===--- The table --------------------------------------------------------===//

/// LLVM's own name their type at the end: for bytes and words.
template <int sign>
static Execute findSaturating(StringRef type, bool isSigned) {
  if (type.ends_with("i8"))
    return isSigned ? execute<addSaturating<int8_t, sign>>
                    : execute<addSaturating<uint8_t, sign>>;
  if (type.ends_with("i16"))
    return isSigned ? execute<addSaturating<int16_t, sign>>
                    : execute<addSaturating<uint16_t, sign>>;
  return nullptr;
}

static Execute findIntrinsic(StringRef name) {
  for (bool isSigned : {true, false}) {
    StringRef type = name;
    if (type.consume_front(isSigned ? "llvm.sadd.sat." : "llvm.uadd.sat."))
      return findSaturating<1>(type, isSigned);
    if (type.consume_front(isSigned ? "llvm.ssub.sat." : "llvm.usub.sat."))
      return findSaturating<-1>(type, isSigned);
  }
  static const auto *table = [] {
    auto *map = new llvm::StringMap<Execute>();
    auto add = [&](std::initializer_list<const char *> names, Execute code) {
      for (const char *name : names)
        map->try_emplace(name, code);
    };
    // vpdpbusd and its kin are there in three widths.
    auto widths = [&](const char *prefix, Execute code) {
      for (const char *width : {"128", "256", "512"})
        map->try_emplace((StringRef(prefix) + width).str(), code);
    };
    widths("llvm.x86.avx512.vpdpbusd.", execute<dot<uint8_t, int8_t, 4, false>>);
    widths("llvm.x86.avx512.vpdpbusds.", execute<dot<uint8_t, int8_t, 4, true>>);
    widths("llvm.x86.avx512.vpdpwssd.",
           execute<dot<int16_t, int16_t, 2, false>>);
    widths("llvm.x86.avx512.vpdpwssds.",
           execute<dot<int16_t, int16_t, 2, true>>);
    widths("llvm.x86.avx2.vpdpbssd.", execute<dot<int8_t, int8_t, 4, false>>);
    widths("llvm.x86.avx512bf16.dpbf16ps.", execute<dotBF16>);
    widths("llvm.x86.avx512bf16.cvtneps2bf16.", execute<toBF16>);
    widths("llvm.x86.avx512bf16.cvtne2ps2bf16.", execute<twoToBF16>);
    widths("llvm.x86.avx512.vpermi2var.qi.", execute<permuteTwo<uint8_t>>);
    widths("llvm.x86.avx512.vpermi2var.hi.", execute<permuteTwo<uint16_t>>);
    widths("llvm.x86.avx512.vpermi2var.d.", execute<permuteTwo<uint32_t>>);
    widths("llvm.x86.avx512.permvar.qi.", execute<permute<uint8_t>>);
    widths("llvm.x86.avx512.permvar.hi.", execute<permute<uint16_t>>);
    widths("llvm.x86.avx512.permvar.si.", execute<permute<uint32_t>>);
    widths("llvm.x86.avx512.permvar.di.", execute<permute<uint64_t>>);
    widths("llvm.x86.avx512.permvar.sf.", execute<permute<uint32_t>>);
    widths("llvm.x86.avx512.pmultishift.qb.", execute<multiShift>);
    add({"llvm.x86.avx2.permd", "llvm.x86.avx2.permps"}, execute<permute<uint32_t>>);
    add({"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd",
         "llvm.x86.avx512.pmaddw.d.512"},
        execute<multiplyAddWords>);
    add({"llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.avx2.pmadd.ub.sw",
         "llvm.x86.avx512.pmaddubs.w.512"},
        execute<multiplyAddBytes>);
    add({"llvm.x86.sse2.psad.bw", "llvm.x86.avx2.psad.bw",
         "llvm.x86.avx512.psad.bw.512"},
        execute<sumDifferences>);
    add({"llvm.x86.sse2.pmulh.w", "llvm.x86.avx2.pmulh.w",
         "llvm.x86.avx512.pmulh.w.512"},
        execute<multiplyHigh>);
    add({"llvm.x86.ssse3.pmul.hr.sw.128", "llvm.x86.avx2.pmul.hr.sw",
         "llvm.x86.avx512.pmul.hr.sw.512"},
        execute<multiplyHighRound>);
    add({"llvm.x86.sse2.packssdw.128", "llvm.x86.avx2.packssdw",
         "llvm.x86.avx512.packssdw.512"},
        execute<pack<int32_t, int16_t>>);
    add({"llvm.x86.sse41.packusdw", "llvm.x86.avx2.packusdw",
         "llvm.x86.avx512.packusdw.512"},
        execute<pack<int32_t, uint16_t>>);
    add({"llvm.x86.sse2.packsswb.128", "llvm.x86.avx2.packsswb",
         "llvm.x86.avx512.packsswb.512"},
        execute<pack<int16_t, int8_t>>);
    add({"llvm.x86.sse2.packuswb.128", "llvm.x86.avx2.packuswb",
         "llvm.x86.avx512.packuswb.512"},
        execute<pack<int16_t, uint8_t>>);
    add({"llvm.x86.ssse3.pshuf.b.128", "llvm.x86.avx2.pshuf.b",
         "llvm.x86.avx512.pshuf.b.512"},
        execute<shuffleBytes>);
    widths("llvm.x86.avx512.mask.reduce.ps.", execute<reduceFloats>);
    widths("llvm.x86.avx512.mask.scalef.ps.", execute<scaleFloats>);
    widths("llvm.x86.avx512.mask.range.ps.", execute<chooseFloats>);
    add({"llvm.x86.sse2.cvtps2dq", "llvm.x86.avx.cvt.ps2dq.256",
         "llvm.x86.avx512.mask.cvtps2dq.512"},
        execute<roundToInt>);
    add({"llvm.prefetch.p0", "llvm.prefetch"}, execute<nothing>);
    return map;
  }();
  return table->lookup(name);
}

bool knowsIntrinsic(Operation *op) {
  auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
  return !call || findIntrinsic(call.getIntrin());
}

/// Whether no lane is left out: of the masked ones' last operands, mask and, of 512 bits,
/// rounding, nothing else is emulated.
static bool isWhole(LLVM::CallIntrinsicOp call) {
  llvm::APInt mask;
  size_t last = call.getIntrin().ends_with(".512") ? 2 : 1;
  return !call.getIntrin().contains(".mask.") ||
         (call.getArgs().size() >= last &&
          matchPattern(call.getArgs().take_back(last).front(), m_ConstantInt(&mask)) &&
          mask.isAllOnes());
}

LogicalResult compileIntrinsic(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  auto call = cast<LLVM::CallIntrinsicOp>(op);
  Execute code = findIntrinsic(call.getIntrin());
  if (!code || !compiler.program.isCPU)
    return op->emitError("the emulator knows the intrinsic '")
           << call.getIntrin() << "' in CPU kernels only";
  if (!isWhole(call))
    return op->emitError("expected '")
           << call.getIntrin() << "' with a mask that leaves no lane out";
  if (op->getNumResults())
    compiler.emitElementwise(code, op);
  return success();
}

} // namespace dyadic::emulate
