//===- Recover.h - accuracy that measurement wins back ----------*- C++ -*-===//
//
// Functions on networks of one block, of levels 1 and 2, and samples in memory.
// Networks are run by the reference interpreter.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_QUANTIZE_RECOVER_H
#define DYADIC_QUANTIZE_RECOVER_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"

#include <string>
#include <vector>

namespace dyadic {

/// Tensors by sample, in the order of a function's arguments or results.
using SampleTensors = std::vector<llvm::SmallVector<HostTensor>>;

/// Adds what calibration found to inputs that lie beside the values of their 8-bit type,
/// as `qnn-shift-inputs`, which explains it. Returns how many were moved.
int64_t shiftInputs(mlir::func::FuncOp func, llvm::ArrayRef<std::string> keepFloat = {});

/// Equalizes channels, as `qnn-equalize`, which explains it. Returns how many
/// groups of tensors were rescaled.
int64_t equalizeChannels(mlir::func::FuncOp func);

/// Divides channels of tensors in front of weights of few bits, which `weights` names as
/// `--weights` does, and multiplies the weights by as much: those that loud channels
/// read are rounded more finely. The factors are the channels' magnitudes to a power, 0,
/// 0.05 … 1, with which the layers that read them lose least on `samples` when their
/// weights are rounded to the nearest (Lin et al., "AWQ", MLSys 2024). Returns how many
/// groups of tensors were divided.
mlir::FailureOr<int64_t> equalizeForWeights(mlir::func::FuncOp func,
                                            const SampleTensors &samples,
                                            llvm::ArrayRef<std::string> weights);

/// Brings channels that reach far beyond all others between two contractions and a
/// GELU or swish, for which equalization does nothing, into the others' range: before
/// the function they are shifted and divided, behind it multiplied, by what fits their
/// values on `samples` best. Changes what the network computes a little; it is for
/// networks whose error is measured then. Returns how many channels were changed.
mlir::FailureOr<int64_t> tameOutliers(mlir::func::FuncOp func, const SampleTensors &samples);

/// Reals by sample and result of a network: what the result is decided by, in
/// front of a softmax or sigmoid at its end.
using DecidingTensors = std::vector<llvm::SmallVector<llvm::SmallVector<double, 0>>>;

/// What `func` makes of each of `samples`.
mlir::FailureOr<DecidingTensors> runOn(mlir::func::FuncOp func, const SampleTensors &samples);

/// How far what `func` makes of `samples` is from `expected`: the mean over its results
/// of (mean of √e)² of the samples, e being a sample's Σ(y − ŷ)² / Σy². Infinite where
/// anything isn't finite.
mlir::FailureOr<double> outputError(mlir::func::FuncOp func, const SampleTensors &samples,
                                    const DecidingTensors &expected);
/// The same of what has been computed.
double outputError(const DecidingTensors &got, const DecidingTensors &expected);

/// Which of the values around it a weight becomes.
enum class WeightRounding {
  Nearest,
  /// By what its inputs are like on samples; docs/Quantization.md, "Rounding on samples".
  GPTQ,
  AdaRound,
  /// To the nearest, after equalizeForWeights.
  AWQ,
  Best ///< what the error is least with on samples
};

/// How much each row of a result, such as a token or a pixel, counts for its channels'
/// means.
enum class MeansOver {
  Rows,
  /// Those larger than the median row of their sample less, in proportion to their power:
  /// a transformer may have tokens hundreds of times as large as all others, whose errors
  /// nothing behind a layer norm sees.
  EvenRows
};

/// By channel, an index of a tensor's last dimension.
using ChannelMeans = llvm::SmallVector<double, 0>;
/// By row, the elements of one index of all dimensions but the last.
using RowWeights = std::vector<float>;

/// What the contractions with constant weights of a network in float, in order, give on
/// samples.
struct RealMeans {
  const std::vector<ChannelMeans> &of(MeansOver rows) const {
    return rows == MeansOver::Rows ? overRows : overEvenRows;
  }
  /// Whether most of the power of some contraction's result is in what means over even
  /// rows leave out. Where it isn't, there are none.
  bool areRowsUneven() const { return !evenWeights.empty(); }

  std::vector<ChannelMeans> overRows, overEvenRows;
  /// By contraction and sample, what rows count in `overEvenRows`.
  std::vector<std::vector<RowWeights>> evenWeights;
};

/// Runs `real` on `samples`; with `Rows` there are no means over even rows. Rows that a
/// mask among the inputs leaves out, [batch × tokens] with "mask" but not "pad" in its
/// name, count for nothing; nor do they for `correctMeans` and `runOn`.
mlir::FailureOr<RealMeans> meansOf(mlir::func::FuncOp real, const SampleTensors &samples,
                                   MeansOver rows = MeansOver::EvenRows);

/// Gives the bias of each contraction of `quantized`, one after the other, what
/// makes the mean of each channel of its sums that of `real`, the same network in
/// float, of which `means` are on the same samples: rounded weights, rounded and clipped
/// activations before it move it. The empirical correction of Nagel et al., "Data-Free
/// Quantization Through Weight Equalization and Bias Correction", 2019, appendix D, on sums
/// that the corrected ones before have made. Before that the weights are rounded as
/// `rounding` says, `Best` being GPTQ. Changes nothing if the networks' contractions don't
/// match. Returns what `quantized` makes of `samples` now.
mlir::FailureOr<DecidingTensors>
correctMeans(mlir::func::FuncOp quantized, mlir::func::FuncOp real, const SampleTensors &samples,
             const RealMeans &means, MeansOver rows = MeansOver::Rows,
             WeightRounding rounding = WeightRounding::Nearest);

} // namespace dyadic

#endif
