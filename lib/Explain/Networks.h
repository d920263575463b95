//===- Networks.h - what explanations are measured with ---------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_NETWORKS_H
#define DYADIC_LIB_EXPLAIN_NETWORKS_H

#include "Layers.h"
#include "Probe.h"

namespace dyadic {

/// Three compiled networks. The first is in float and shows each layer's result, and
/// the same with the layer's stored constants. The second is the quantized one. The
/// third is the float one with an input of its own behind each layer that makes an
/// error, added to the layer's result.
class Networks {
public:
  /// Where a layer's tensors come out of the networks, and its error goes into the
  /// third; −1: nowhere.
  struct Taps {
    int64_t exact = -1, constants = -1, quantized = -1, injection = -1;
  };

  /// Compiles them for a marked module and its quantized copy; the third if
  /// `injects` and there are f32 results. `layers` is filled in from their IR.
  static mlir::FailureOr<Networks> create(mlir::ModuleOp calibrated,
                                          mlir::ModuleOp quantized,
                                          llvm::StringRef rounding, bool injects,
                                          std::vector<Layer> &layers);

  bool makesError(size_t i) const {
    return taps[i].constants >= 0 || rounds[i];
  }
  /// What the float network computes in layer `i`, the inputs being `sample`.
  llvm::ArrayRef<float> exactOf(size_t i, llvm::ArrayRef<HostTensor> sample) const;
  /// The same with the layer's stored constants.
  llvm::ArrayRef<float> withConstantsOf(size_t i, llvm::ArrayRef<float> real) const {
    return taps[i].constants >= 0 ? exact->floats(taps[i].constants) : real;
  }

  std::vector<LayerPair> pairs;
  std::vector<Taps> taps;
  /// Whether the layer's result is rounded to a type.
  std::vector<bool> rounds;
  std::unique_ptr<Probe> exact, approximate, injected;
  /// The numbers of the f32 results, and in each network of what effects are measured
  /// on.
  llvm::SmallVector<size_t> outputs, exactScores, approximateScores, injectedScores;
  /// Bytes of the largest of the third network's own inputs.
  int64_t largestInjection = 0;

private:
  mlir::LogicalResult makeExact(mlir::ModuleOp calibrated, llvm::StringRef rounding);
  mlir::LogicalResult makeApproximate(mlir::ModuleOp quantized,
                                      llvm::StringRef rounding);
  mlir::LogicalResult makeInjected(mlir::ModuleOp calibrated,
                                   llvm::ArrayRef<Layer> layers);
};

} // namespace dyadic

#endif
