//===- InputMoments.h - what a contraction's inputs are like ----*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_INPUTMOMENTS_H
#define DYADIC_LIB_QUANTIZE_INPUTMOMENTS_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/BitVector.h"

#include <optional>
#include <vector>

namespace dyadic {

/// A convolution or matrix product with constant weights as `groups` matrices of
/// `outputs` × `inputs` weights, each of which multiplies its part of a position's
/// inputs: those under a filter, or a row.
struct ContractionMatrix {
  /// None for other ops, and for matrices of several products.
  static std::optional<ContractionMatrix> of(mlir::Operation *op);

  /// Where in the constant the weight of an output, 0 to groups · outputs − 1, for
  /// one of its group's inputs is.
  int64_t weight(int64_t output, int64_t input) const {
    return inputsFirst ? input * outputs + output : output * inputs + input;
  }

  int64_t groups = 1, outputs = 0, inputs = 0;
  bool inputsFirst = false;
};

/// Covariances of a contraction's inputs, gathered sample by sample at positions
/// spread over each. In covariances, not second moments: the op's bias takes what the
/// mean of the rounding's error makes of the mean input.
class InputMoments {
public:
  InputMoments(mlir::Operation *op, const ContractionMatrix &matrix, size_t samples,
               bool withErrors);

  /// `input` is the op's first operand for the next sample, of that operand's type,
  /// `real` what it is in the float network, for their errors. Only rows in `counted`
  /// count.
  void add(const HostTensor &input, const HostTensor *real = nullptr,
           const llvm::BitVector *counted = nullptr);
  /// After the last one.
  void finish() { addRows(); }
  /// Of a group's inputs, inputs × inputs, those of different inputs shrunk by how
  /// little the positions tell of them; once.
  std::vector<double> takeCovariance(int64_t group);
  /// Likewise Cov(x_k, r_l − x_l) of inputs x that are r in the float network; empty
  /// without errors.
  std::vector<double> takeErrorCovariance(int64_t group);

private:
  struct Scales {
    llvm::ArrayRef<float> scales, zeroPoints;
  };
  void gather(const HostTensor &input, Scales scales, int64_t position, float *row) const;
  std::vector<double> finish(std::vector<double> &product, llvm::ArrayRef<double> sums,
                             llvm::ArrayRef<double> otherSums) const;
  void addRows();

  mlir::Operation *op;
  ContractionMatrix matrix;
  bool withErrors;
  /// Of one sample.
  int64_t positions, wanted;
  /// The operand's reals are (q − zero points) · scales, one or one a channel.
  llvm::SmallVector<float> scales, zeroPoints;
  int64_t count = 0, samplesSeen = 0;
  /// Rows that are still to be added, and what float ones are more.
  std::vector<float> rows, errorRows;
  int64_t rowSize;
  /// What is taken off each row: about its mean.
  std::vector<float> shift;
  /// By group.
  std::vector<std::vector<double>> sums, products, errorSums, errorProducts;
};

} // namespace dyadic

#endif
