//===- ApproximateMathTest.cpp - polynomials against libm in double -------===//
#include "EmitTest.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace dyadic;
using namespace mlir;

namespace {

constexpr int64_t kCount = 1 << 16;

constexpr llvm::StringLiteral kModule = R"mlir(
func.func private @k0(%x: memref<{0}xf32>, %y: memref<{0}xf32>) {{
  %c0 = arith.constant 0 : index
  %step = arith.constant 8 : index
  %end = arith.constant {0} : index
  scf.for %i = %c0 to %end step %step {{
    %a = vector.load %x[%i] : memref<{0}xf32>, vector<8xf32>
    %b = math.{1} %a : vector<8xf32>
    vector.store %b, %y[%i] : memref<{0}xf32>, vector<8xf32>
  }
  return
}
func.func @m_run(%x: memref<{0}xf32>, %y: memref<{0}xf32>, %arena: memref<64xi8>) {{
  call @k0(%x, %y) : (memref<{0}xf32>, memref<{0}xf32>) -> ()
  return
}
)mlir";

struct Function {
  const char *name;
  double (*exact)(double);
  double low, high;
};

class ApproximateMathTest : public EmitTest,
                            public testing::WithParamInterface<Function> {
protected:
  /// The function over `x` as compiled code computes it.
  std::vector<float> evaluate(ArrayRef<float> x) {
    std::string text =
        llvm::formatv(kModule.data(), kCount, GetParam().name).str();
    auto module = parse(text);
    ProgramInfo info;
    info.name = "m";
    info.inputs = {f32("x", kCount)};
    info.outputs = {f32("y", kCount)};
    info.arenaBytes = 64;
    auto program = load(*module, info);
    std::vector<float> in(kCount), out(kCount);
    llvm::copy(x, in.begin());
    alignas(64) char arena[64];
    program->run({in.data()}, {out.data()}, arena);
    out.resize(x.size());
    return out;
  }
};

TEST_P(ApproximateMathTest, StaysWithinAMillionth) {
  auto [name, exact, low, high] = GetParam();
  std::vector<float> x(kCount);
  for (int64_t i = 0; i < kCount; ++i)
    x[i] = low + (high - low) * i / (kCount - 1);
  std::vector<float> y = evaluate(x);
  double worst = 0;
  float at = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    double want = exact(x[i]);
    // Below the normal numbers only the absolute error means anything.
    double error = std::abs(y[i] - want) / std::max(std::abs(want), 1e-37);
    if (!(error <= worst))
      worst = error, at = x[i];
  }
  EXPECT_LE(worst, 1e-6) << name << " at " << at << ": " << exact(at);
}

TEST_P(ApproximateMathTest, HandlesTheEdges) {
  const float inf = INFINITY;
  std::vector<float> x = {0.0f, -0.0f, inf, -inf, NAN, 200.0f, -200.0f, 1e-30f};
  std::vector<float> y = evaluate(x);
  for (size_t i = 0; i < x.size(); ++i) {
    float want = GetParam().exact(x[i]);
    if (std::isnan(want))
      EXPECT_TRUE(std::isnan(y[i])) << "at " << x[i] << ": " << y[i];
    else if (std::isinf(want))
      EXPECT_EQ(y[i], want) << "at " << x[i];
    else if (std::abs(want) < 1e-37f)
      EXPECT_NEAR(y[i], want, 1e-37f) << "at " << x[i];
    else
      EXPECT_NEAR(y[i] / want, 1, 1e-6) << "at " << x[i];
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ApproximateMathTest,
    testing::Values(Function{"exp", std::exp, -87, 88},
                    Function{"tanh", std::tanh, -10, 10},
                    Function{"erf", std::erf, -5, 5},
                    Function{"log", std::log, 1e-6, 100},
                    Function{"log2", std::log2, 1e-6, 100},
                    Function{"log1p", std::log1p, -0.99, 100},
                    Function{"expm1", std::expm1, -10, 10},
                    Function{"sin", std::sin, -10, 10},
                    Function{"atan", std::atan, -10, 10},
                    Function{"sqrt", std::sqrt, 0, 100},
                    Function{"rsqrt", [](double x) { return 1 / std::sqrt(x); },
                             1e-6, 100}),
    [](auto &info) { return info.param.name; });

} // namespace
