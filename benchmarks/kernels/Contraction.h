//===- Contraction.h - one kernel, compiled into this process ---*- C++ -*-===//
#ifndef DYADIC_BENCHMARKS_CONTRACTION_H
#define DYADIC_BENCHMARKS_CONTRACTION_H

#include "dyadic/Emit/JIT.h"

#include "mlir/IR/MLIRContext.h"

namespace dyadic::bench {

/// A matrix product (kernel 0; height × width rows of `inputs` products) or a
/// convolution over an image that is padded already, of random weights,
/// requantized per channel to ui8 by random scales.
struct Shape {
  std::string name;
  int64_t height, width, inputs, outputs;
  int64_t kernel = 0, stride = 1;
  bool isDepthwise = false;

  int64_t outputHeight() const { return extent(height); }
  int64_t outputWidth() const { return extent(width); }
  /// Multiplications and additions.
  double operations() const;

private:
  int64_t extent(int64_t size) const {
    return kernel ? (size - kernel) / stride + 1 : size;
  }
};

/// Matrix product of `rows` × `depth` with `depth` × `columns`.
Shape gemm(int64_t rows, int64_t columns, int64_t depth);
/// "3x3 56x56 64→64": a convolution whose output is `size` × `size`.
Shape conv(int64_t size, int64_t inputs, int64_t outputs, int64_t kernel,
           int64_t stride = 1);
Shape depthwise(int64_t size, int64_t channels, int64_t kernel,
                int64_t stride = 1);

/// The program, or a failure that has been reported.
class Kernel {
public:
  static mlir::FailureOr<std::unique_ptr<Kernel>>
  create(mlir::MLIRContext &context, const Shape &shape, llvm::StringRef cpu);

  void run();
  int64_t weightBytes() const { return weights; }

private:
  std::unique_ptr<JITProgram> program;
  std::vector<HostTensor> inputs, outputs;
  HostTensor arena;
  std::vector<const void *> from;
  std::vector<void *> to;
  int64_t weights = 0;
};

} // namespace dyadic::bench

#endif
