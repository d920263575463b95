//===- KernelTest.h - kernels against the interpreter -----------*- C++ -*-===//
//
// A test builds level-3 ops on random constants; `check` fuses them, generates
// code for the test's target, runs it on random inputs and compares whole
// tensors with what the interpreter makes of the same ops: integers byte for
// byte, floats within 1e-5.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TEST_UNIT_CODEGEN_KERNELTEST_H
#define DYADIC_TEST_UNIT_CODEGEN_KERNELTEST_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/HostTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "gtest/gtest.h"

#include <random>

namespace dyadic {

/// The targets that every kernel is tested on; their form is Runner's. Each
/// level of ARM runs on the oldest core that has it, GPUs in our emulator, and so
/// do the levels of x86 that few machines have.
inline auto kernelTargets() {
  return testing::Values("scalar", "avx2", "avx512vnni", "native",
                         "x86/avxvnni/emulated", "x86/amx/emulated",
                         "arm/neon/cortex-a53", "arm/dotprod/cortex-a76",
                         "arm/i8mm/max", "nvptx/sm_75", "nvptx/sm_80");
}

/// The parameter is one of them.
class KernelTest : public testing::TestWithParam<const char *> {
protected:
  using Value = mlir::Value;
  using Shape = llvm::ArrayRef<int64_t>;

  KernelTest();
  void SetUp() override;

  //===--- Values ----------------------------------------------------------===//

  mlir::Type u8() { return b.getIntegerType(8, /*isSigned=*/false); }
  mlir::Type i8() { return b.getI8Type(); }
  mlir::Type i16() { return b.getIntegerType(16); }
  mlir::Type f32() { return b.getF32Type(); }

  Value input(Shape shape, mlir::Type element);
  /// Weights of i8 are at least `leastWeight`, those of i32 within ±20000.
  Value constant(Shape shape, mlir::Type element);
  /// Weights of an integer contraction whose channels are dimension `axis`.
  Value weights(Shape shape, int64_t axis);
  double leastWeight = -127;
  /// Weights and inputs of integers are one end of their range or the other.
  bool onlyExtremes = false;
  /// Weights of integer contractions are i4: numbers, or those of these entries.
  bool nibbles = false;
  llvm::SmallVector<int8_t> entries;
  /// They are numbers of four bits times factors of groups of so many; 0: they aren't.
  int64_t factorGroup = 0;
  /// Weights of float contractions are integers of so many bits, with a scale and zero
  /// point for each group of so many; 0: they aren't.
  unsigned codedBits = 0;
  int64_t codedGroup = 0;
  /// Weights of a float contraction.
  Value floatWeights(Shape shape, int64_t axis);
  mlir::Type weightType() { return nibbles ? b.getI4Type() : i8(); }
  mlir::DenseI8ArrayAttr codebook() {
    return entries.empty() ? mlir::DenseI8ArrayAttr()
                           : b.getDenseI8ArrayAttr(entries);
  }

  //===--- Ops of either dialect, by the element type ----------------------===//

  struct Conv {
    int64_t outputs, kernel, stride = 1, dilation = 1, groups = 1;
  };
  Value conv(Value x, const Conv &conv);
  Value depthwise(Value x, int64_t kernel, int64_t stride);
  Value matmul(Value x, int64_t outputs);
  /// Scales that make use of the whole output type and saturate here and there.
  Value requantize(Value x, bool perChannel, mlir::Type output,
                   Rounding rounding = Rounding::NearestEven);
  Value requantize(Value x) { return requantize(x, true, u8()); }
  Value add(Value lhs, Value rhs);
  Value lookup(Value x);
  Value quantize(Value x);
  Value dequantize(Value x);

  template <typename Op, typename... Args> Value make(Args &&...args) {
    return Op::create(b, b.getUnknownLoc(), std::forward<Args>(args)...)
        .getOutput();
  }
  /// The op of the dialect that `x`'s element type belongs to.
  template <typename IntegerOp, typename FloatOp, typename... Args>
  Value makeFor(Value x, Args &&...args) {
    if (elementType(x).isF32())
      return make<FloatOp>(std::forward<Args>(args)...);
    return make<IntegerOp>(std::forward<Args>(args)...);
  }

  mlir::Type elementType(Value x) {
    return llvm::cast<mlir::RankedTensorType>(x.getType()).getElementType();
  }
  Shape shapeOf(Value x) {
    return llvm::cast<mlir::RankedTensorType>(x.getType()).getShape();
  }
  mlir::RankedTensorType typed(Shape shape, mlir::Type element) {
    return mlir::RankedTensorType::get(shape, element);
  }

  //===--- The comparison --------------------------------------------------===//

  void check(mlir::ValueRange results);
  /// Sums are written over one of their terms where nothing else reads it.
  bool overwritesTerms = false;
  /// What was chosen for each contraction by the last check (KernelStrategy::tile).
  std::vector<std::string> tiles;
  /// Generation fails with this message.
  void checkRefused(mlir::ValueRange results, llvm::StringRef message);

  mlir::MLIRContext context;
  mlir::OpBuilder b;

private:
  HostTensor randomTensor(mlir::RankedTensorType type);
  mlir::LogicalResult planKernels(mlir::ValueRange results);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp main;
  std::mt19937 random{7};
};

} // namespace dyadic

#endif
