//===- MathOps.cpp - functions of one and three numbers -------------------===//
#include "Elementwise.h"

#include "llvm/ADT/bit.h"

#include <cmath>

namespace dyadic::emulate {

namespace {
#define DYADIC_FUNCTION(NAME, RESULT)                                          \
  struct NAME {                                                                \
    template <typename T> static T apply(T x) { return RESULT; }               \
  };
DYADIC_FUNCTION(Neg, -x)
DYADIC_FUNCTION(AbsF, std::fabs(x))
DYADIC_FUNCTION(AbsI, Signed<T>(x) < 0 ? T(0 - x) : x)
DYADIC_FUNCTION(Sqrt, std::sqrt(x))
DYADIC_FUNCTION(Rsqrt, T(1) / std::sqrt(x))
DYADIC_FUNCTION(Exp, std::exp(x))
DYADIC_FUNCTION(Exp2, std::exp2(x))
DYADIC_FUNCTION(ExpM1, std::expm1(x))
DYADIC_FUNCTION(Log, std::log(x))
DYADIC_FUNCTION(Log2, std::log2(x))
DYADIC_FUNCTION(Log1p, std::log1p(x))
DYADIC_FUNCTION(Tanh, std::tanh(x))
DYADIC_FUNCTION(Erf, std::erf(x))
DYADIC_FUNCTION(Sin, std::sin(x))
DYADIC_FUNCTION(Cos, std::cos(x))
DYADIC_FUNCTION(Floor, std::floor(x))
DYADIC_FUNCTION(Ceil, std::ceil(x))
DYADIC_FUNCTION(Trunc, std::trunc(x))
DYADIC_FUNCTION(Round, std::round(x))
// The default rounding mode of the host is to nearest even.
DYADIC_FUNCTION(RoundEven, std::nearbyint(x))
DYADIC_FUNCTION(CtLz, llvm::countl_zero(x))
DYADIC_FUNCTION(CtTz, llvm::countr_zero(x))
DYADIC_FUNCTION(CtPop, llvm::popcount(x))
#undef DYADIC_FUNCTION

struct CopySign {
  template <typename T> static T apply(T x, T y) { return std::copysign(x, y); }
};
struct Pow {
  template <typename T> static T apply(T x, T y) { return std::pow(x, y); }
};
struct Fma {
  template <typename T> static T apply(T x, T y, T z) {
    return std::fma(x, y, z);
  }
};
} // namespace

static constexpr ElementwiseCode fused() {
  ElementwiseCode code;
  code.byKind[unsigned(Kind::F32)] = ternaryLoop<float, Fma>;
  code.byKind[unsigned(Kind::F64)] = ternaryLoop<double, Fma>;
  return code;
}

const ElementwiseCode fmaCode = fused();
const ElementwiseCode negCode = unaryFloats<Neg>();
const ElementwiseCode absCode =
    join(unaryIntegers<AbsI>(), unaryFloats<AbsF>());
const ElementwiseCode sqrtCode = unaryFloats<Sqrt>();
const ElementwiseCode rsqrtCode = unaryFloats<Rsqrt>();
const ElementwiseCode expCode = unaryFloats<Exp>();
const ElementwiseCode exp2Code = unaryFloats<Exp2>();
const ElementwiseCode expM1Code = unaryFloats<ExpM1>();
const ElementwiseCode logCode = unaryFloats<Log>();
const ElementwiseCode log2Code = unaryFloats<Log2>();
const ElementwiseCode log1pCode = unaryFloats<Log1p>();
const ElementwiseCode tanhCode = unaryFloats<Tanh>();
const ElementwiseCode erfCode = unaryFloats<Erf>();
const ElementwiseCode sinCode = unaryFloats<Sin>();
const ElementwiseCode cosCode = unaryFloats<Cos>();
const ElementwiseCode floorCode = unaryFloats<Floor>();
const ElementwiseCode ceilCode = unaryFloats<Ceil>();
const ElementwiseCode truncCode = unaryFloats<Trunc>();
const ElementwiseCode roundCode = unaryFloats<Round>();
const ElementwiseCode roundEvenCode = unaryFloats<RoundEven>();
const ElementwiseCode copySignCode = floats<CopySign>();
const ElementwiseCode powCode = floats<Pow>();
const ElementwiseCode ctlzCode = unaryIntegers<CtLz>();
const ElementwiseCode cttzCode = unaryIntegers<CtTz>();
const ElementwiseCode ctpopCode = unaryIntegers<CtPop>();

} // namespace dyadic::emulate
