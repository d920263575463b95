//===- OperationsTest.cpp - arithmetic and vectors against the host's -----===//
#include "EmulateTest.h"

#include <cmath>
#include <functional>

using namespace dyadic;

namespace {
class OperationsTest : public EmulateTest {
protected:
  static constexpr int kCount = 64;

  /// Runs `ops`, which makes %r of %a and %b, elements of the halves of %x, on
  /// 64 threads, each with its own pair.
  template <typename In, typename Out>
  void check(const std::string &ops, const std::string &in,
             const std::string &out, std::function<Out(In, In)> expected) {
    std::vector<In> x = random<In>(2 * kCount, -1000, 1000);
    std::vector<In> extremes = {In(0), In(1), In(-1),
                                std::numeric_limits<In>::max(),
                                std::numeric_limits<In>::lowest()};
    for (int i = 0; i < 25; ++i) {
      x[i] = extremes[i % 5];
      x[kCount + i] = extremes[i / 5];
    }
    std::string kernel =
        "gpu.func @k(%x: memref<128x" + in + ">, %y: memref<64x" + out +
        ">) kernel {\n  %t = gpu.thread_id x\n"
        "  %half = arith.constant 64 : index\n"
        "  %u = arith.addi %t, %half : index\n"
        "  %a = memref.load %x[%t] : memref<128x" +
        in + ">\n  %b = memref.load %x[%u] : memref<128x" + in + ">\n" + ops +
        "\n  memref.store %r, %y[%t] : memref<64x" + out + ">\n  gpu.return\n}";
    std::vector<Out> y(kCount);
    ASSERT_TRUE(run(moduleWith(kernel, "memref<128x" + in + ">",
                               "memref<64x" + out + ">", 1, kCount),
                    {x.data()}, {y.data()}))
        << errors;
    for (int i = 0; i < kCount; ++i) {
      Out want = expected(x[i], x[kCount + i]);
      if (want != want)
        ASSERT_NE(y[i], y[i]) << ops << " of " << x[i] << ", " << x[kCount + i];
      else
        ASSERT_EQ(y[i], want) << ops << " of " << x[i] << ", " << x[kCount + i];
    }
  }

  void onI32(const std::string &op,
             std::function<int32_t(int32_t, int32_t)> expected) {
    check<int32_t, int32_t>("  %r = " + op + " %a, %b : i32", "i32", "i32",
                            expected);
  }
  void onF32(const std::string &op,
             std::function<float(float, float)> expected) {
    check<float, float>("  %r = " + op + " %a, %b : f32", "f32", "f32",
                        expected);
  }
};

TEST_F(OperationsTest, IntegersWrap) {
  onI32("arith.addi", [](uint32_t x, uint32_t y) { return x + y; });
  onI32("arith.subi", [](uint32_t x, uint32_t y) { return x - y; });
  onI32("arith.muli", [](uint32_t x, uint32_t y) { return x * y; });
  onI32("arith.maxsi", [](int32_t x, int32_t y) { return std::max(x, y); });
  onI32("arith.minui", [](uint32_t x, uint32_t y) { return std::min(x, y); });
  check<int16_t, int16_t>(
      "  %r = arith.muli %a, %b : i16", "i16", "i16",
      [](int16_t x, int16_t y) { return uint32_t(x) * uint32_t(y); });
}

TEST_F(OperationsTest, ShiftsByTheWidthOrMoreLeaveNothing) {
  onI32("arith.shli",
        [](uint32_t x, uint32_t y) { return y < 32 ? x << y : 0; });
  onI32("arith.shrui",
        [](uint32_t x, uint32_t y) { return y < 32 ? x >> y : 0; });
  onI32("arith.shrsi",
        [](int32_t x, uint32_t y) { return x >> std::min(y, 31u); });
}

TEST_F(OperationsTest, Divisions) {
  const std::string one =
      "  %one = arith.constant 1 : i32\n  %d = arith.maxui %b, %one : i32\n";
  auto divisor = [](int32_t y) { return y == 0 ? 1 : y; };
  auto onDivisor = [&](const std::string &op,
                       std::function<int32_t(int64_t, int64_t)> f) {
    check<int32_t, int32_t>(
        one + "  %r = " + op + " %a, %d : i32", "i32", "i32",
        [=](int32_t x, int32_t y) { return f(x, divisor(y)); });
  };
  onDivisor("arith.divsi", [](int64_t x, int64_t y) { return x / y; });
  onDivisor("arith.remsi", [](int64_t x, int64_t y) { return x % y; });
  onDivisor("arith.floordivsi", [](int64_t x, int64_t y) {
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
  });
  onDivisor("arith.ceildivsi", [](int64_t x, int64_t y) {
    return x / y + (x % y != 0 && (x < 0) == (y < 0));
  });
  onDivisor("arith.divui",
            [](int64_t x, int64_t y) { return uint32_t(x) / uint32_t(y); });
  onI32("arith.andi", [](int32_t x, int32_t y) { return x & y; });
  std::vector<int32_t> zeros(128), y(64);
  EXPECT_FALSE(
      run(moduleWith(
              R"(gpu.func @k(%x: memref<128xi32>, %y: memref<64xi32>) kernel {
    %t = gpu.thread_id x
    %a = memref.load %x[%t] : memref<128xi32>
    %r = arith.divsi %a, %a : i32
    gpu.return })",
              "memref<128xi32>", "memref<64xi32>", 1, 64),
          {zeros.data()}, {y.data()}));
  EXPECT_NE(errors.find("division by zero"), std::string::npos) << errors;
}

TEST_F(OperationsTest, Floats) {
  onF32("arith.addf", [](float x, float y) { return x + y; });
  onF32("arith.divf", [](float x, float y) { return x / y; });
  onF32("arith.maxnumf", [](float x, float y) { return std::fmax(x, y); });
  check<float, float>("  %r = math.fma %a, %b, %a : f32", "f32", "f32",
                      [](float x, float y) { return std::fma(x, y, x); });
  check<float, float>(
      "  %q = arith.divf %a, %b : f32\n  %r = math.roundeven %q : f32", "f32",
      "f32", [](float x, float y) { return std::nearbyint(x / y); });
  check<float, float>("  %q = math.absf %a : f32\n  %r = math.sqrt %q : f32",
                      "f32", "f32",
                      [](float x, float) { return std::sqrt(std::fabs(x)); });
}

TEST_F(OperationsTest, ConversionsAsPTX) {
  // Out of range to the nearest integer, a NaN to 0.
  check<float, int32_t>(
      "  %q = arith.divf %a, %b : f32\n  %r = arith.fptosi %q : f32 to i32",
      "f32", "i32", [](float x, float y) -> int32_t {
        float q = x / y;
        return std::isnan(q)        ? 0
               : q >= 2147483648.0f ? INT32_MAX
               : q < -2147483648.0f ? INT32_MIN
                                    : int32_t(q);
      });
  check<int32_t, float>("  %r = arith.sitofp %a : i32 to f32", "i32", "f32",
                        [](int32_t x, int32_t) { return float(x); });
  check<int32_t, int32_t>(
      "  %c = arith.cmpi slt, %a, %b : i32\n  %r = arith.extsi %c : i1 to i32",
      "i32", "i32", [](int32_t x, int32_t y) { return x < y ? -1 : 0; });
  check<int32_t, int32_t>(
      "  %n = arith.trunci %a : i32 to i8\n  %r = arith.extui %n : i8 to i32",
      "i32", "i32", [](int32_t x, int32_t) { return uint8_t(x); });
  check<float, int32_t>("  %r = arith.bitcast %a : f32 to i32", "f32", "i32",
                        [](float x, float) {
                          int32_t bits;
                          std::memcpy(&bits, &x, 4);
                          return bits;
                        });
}

TEST_F(OperationsTest, ComparisonsWithNaN) {
  auto onQuotients = [&](const std::string &predicate,
                         std::function<bool(float, float)> f) {
    check<float, int32_t>(
        "  %q = arith.divf %a, %b : f32\n  %c = arith.cmpf " + predicate +
            ", %q, %a : f32\n  %r = arith.extui %c : i1 to i32",
        "f32", "i32", [=](float x, float y) { return f(x / y, x); });
  };
  onQuotients("olt", [](float x, float y) { return x < y; });
  onQuotients("ult", [](float x, float y) { return !(x >= y); });
  onQuotients("one", [](float x, float y) { return x < y || x > y; });
  onQuotients("une", [](float x, float y) { return x != y; });
  onQuotients("uno", [](float x, float y) { return x != x || y != y; });
}

TEST_F(OperationsTest, DotProductsOfMixedSigns) {
  for (bool aSigned : {false, true})
    for (bool bSigned : {false, true})
      check<int32_t, int32_t>(
          std::string(
              "  %va = vector.broadcast %a : i32 to vector<1xi32>\n"
              "  %vb = vector.broadcast %b : i32 to vector<1xi32>\n"
              "  %ba = vector.bitcast %va : vector<1xi32> to vector<4xi8>\n"
              "  %bb = vector.bitcast %vb : vector<1xi32> to vector<4xi8>\n"
              "  %r = nvvm.dot.accumulate.4way %ba <") +
              (aSigned ? "signed" : "unsigned") + ">, %bb <" +
              (bSigned ? "signed" : "unsigned") +
              ">, %a : vector<4xi8>, vector<4xi8>",
          "i32", "i32", [=](int32_t x, int32_t y) -> int32_t {
            uint32_t sum = x;
            for (int i = 0; i < 32; i += 8) {
              uint8_t u = uint32_t(x) >> i, v = uint32_t(y) >> i;
              sum += (aSigned ? int8_t(u) : int(u)) *
                     (bSigned ? int8_t(v) : int(v));
            }
            return sum;
          });
}

TEST_F(OperationsTest, Vectors) {
  const std::string quad =
      "  %v = vector.from_elements %a, %b, %a, %b : vector<4xi32>\n";
  check<int32_t, int32_t>(
      quad + "  %w = vector.shuffle %v, %v [3, 4, 1, 6] : vector<4xi32>, "
             "vector<4xi32>\n"
             "  %r = vector.extract %w[0] : i32 from vector<4xi32>",
      "i32", "i32", [](int32_t, int32_t y) { return y; });
  check<int32_t, int32_t>(
      quad + "  %r = vector.reduction <add>, %v : vector<4xi32> into i32",
      "i32", "i32", [](uint32_t x, uint32_t y) { return x + y + x + y; });
  check<float, float>(
      "  %v = vector.from_elements %a, %b, %a : vector<3xf32>\n"
      "  %r = vector.reduction <add>, %v, %b : vector<3xf32> into f32",
      "f32", "f32", [](float x, float y) { return ((y + x) + y) + x; });
  // Bytes of an i32 from the lowest on, and back in another order.
  check<int32_t, int32_t>(
      "  %v = vector.broadcast %a : i32 to vector<1xi32>\n"
      "  %bytes = vector.bitcast %v : vector<1xi32> to vector<4xi8>\n"
      "  %turned = vector.shuffle %bytes, %bytes [3, 2, 1, 0] : vector<4xi8>, "
      "vector<4xi8>\n"
      "  %w = vector.bitcast %turned : vector<4xi8> to vector<1xi32>\n"
      "  %r = vector.extract %w[0] : i32 from vector<1xi32>",
      "i32", "i32", [](int32_t x, int32_t) { return __builtin_bswap32(x); });
  check<int32_t, int32_t>(
      quad +
          "  %m = vector.shape_cast %v : vector<4xi32> to vector<2x2xi32>\n"
          "  %n = vector.transpose %m, [1, 0] : vector<2x2xi32> to "
          "vector<2x2xi32>\n"
          "  %row = vector.extract %n[1] : vector<2xi32> from vector<2x2xi32>\n"
          "  %p = vector.insert_strided_slice %row, %v {offsets = [0], strides "
          "= [1]} : vector<2xi32> into vector<4xi32>\n"
          "  %r = vector.extract %p[0] : i32 from vector<4xi32>",
      "i32", "i32", [](int32_t, int32_t y) { return y; });
  // A position that differs from thread to thread.
  check<int32_t, int32_t>(
      quad + "  %three = arith.constant 3 : index\n  %p = arith.andi %t, "
             "%three : index\n"
             "  %w = vector.insert %a, %v[%p] : i32 into vector<4xi32>\n"
             "  %r = vector.extract %w[%p] : i32 from vector<4xi32>",
      "i32", "i32", [](int32_t x, int32_t) { return x; });
}

TEST_F(OperationsTest, LoopsCarryValuesThatSwap) {
  check<int32_t, int32_t>(
      "  %c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n"
      "  %c3 = arith.constant 3 : index\n"
      "  %s:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%p = %a, %q = %b) "
      "-> (i32, i32) {\n"
      "    scf.yield %q, %p : i32, i32\n  }\n"
      "  %r = arith.subi %s#0, %s#1 : i32",
      "i32", "i32", [](uint32_t x, uint32_t y) { return y - x; });
}

TEST_F(OperationsTest, UniformValuesAreTheSameInEveryThread) {
  // 0 + 1 + 2, a uniform sum, added to what differs.
  check<int32_t, int32_t>(
      "  %c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n"
      "  %c3 = arith.constant 3 : index\n  %zero = arith.constant 0 : i32\n"
      "  %s = scf.for %i = %c0 to %c3 step %c1 iter_args(%p = %zero) -> (i32) "
      "{\n"
      "    %n = arith.index_cast %i : index to i32\n    %next = arith.addi %p, "
      "%n : i32\n"
      "    scf.yield %next : i32\n  }\n"
      "  %even = arith.cmpi eq, %s, %zero : i32\n"
      "  %e = scf.if %even -> (i32) {\n    scf.yield %zero : i32\n  } else {\n"
      "    scf.yield %s : i32\n  }\n"
      "  %r = arith.addi %a, %e : i32",
      "i32", "i32", [](uint32_t x, uint32_t) { return x + 3; });
}
} // namespace
