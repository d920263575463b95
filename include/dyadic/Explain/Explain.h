//===- Explain.h - where a quantized network loses accuracy -----*- C++ -*-===//
//
// Runs the float network and the quantized one on the same samples and tells, op
// by op of level 1, what each error is made of and what it does to the outputs.
// docs/Explain.md has the definitions.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EXPLAIN_EXPLAIN_H
#define DYADIC_EXPLAIN_EXPLAIN_H

#include "dyadic/Explain/Escalate.h"

#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace dyadic {

/// How far a tensor is from another over all samples, where both are finite.
class Deviation {
public:
  void add(llvm::ArrayRef<float> exact, llvm::ArrayRef<float> got);

  /// Squares of the error over squares of the exact values, no more than 10²⁰; 0
  /// without an error.
  double relativeNoise() const;
  /// The signal-to-noise ratio in decibels, infinite where they are equal.
  double sqnr() const;
  /// Of all samples as one vector, in [−1, 1].
  double cosine() const;

private:
  double signal = 0, noise = 0, dot = 0, gotNorm = 0;
};

/// The signal-to-noise ratio, in decibels, that a relative noise is.
double toDecibels(double relativeNoise);

/// A change of options that may help one layer.
struct Remedy {
  enum class Kind { None, KeepFloat, Activations, Observer, Weights, Rounding };
  Kind kind = Kind::None;
  /// The option's values; it is given once for each.
  std::vector<std::string> values;
  /// Ends "… because".
  std::string why;

  /// As it is typed in a shell; empty without a remedy.
  std::string flag() const;
  void apply(CompileOptions &options) const;
};

/// A remedy that was compiled and measured.
struct Trial {
  std::string flag;
  /// What effects are measured on, in decibels.
  double before = 0, after = 0;
};

/// The weights of a layer, as they were and as they are stored.
struct WeightReport {
  llvm::SmallVector<int64_t> shape;
  int64_t bits = 0;
  /// The largest magnitude of each output channel.
  std::vector<float> channelMax;
  Deviation error;

  /// The largest channel over the median one: what a scale for all of them
  /// would cost the others.
  double spread() const;
};

/// One op of the network in float, or one of its inputs.
struct Layer {
  /// As the user's file names it; may be empty.
  std::string name;
  std::string kind;
  llvm::SmallVector<int64_t> shape;
  /// The layers that make its operands.
  std::vector<int64_t> inputs;
  bool isInput = false, isInteger = false;
  /// Moves elements without rounding them.
  bool isMovement = false;
  /// The layer that does this one's work, as a convolution that of a relu; or −1.
  int64_t foldedInto = -1;
  /// Why it stays float; empty if it doesn't, or is no op.
  std::string floatReason;
  /// What its result is stored as: u8, i16, f32.
  std::string type;

  /// Nothing else quantized; the step from there to the whole network quantized;
  /// both.
  Deviation own, inherited, total;
  /// The shares of the own error, of the exact result's squares, that come from
  /// weights, from values outside of the range, and from rounding inside it.
  double weightNoise = 0, clippingNoise = 0, roundingNoise = 0;
  /// The relative noise of the outputs, or of the scores behind them, if this layer
  /// alone is quantized, and its share of the sum over all layers. None if it makes
  /// no error.
  std::optional<double> effect;
  double share = 0;

  /// What the type represents, what calibration asked for, what samples showed.
  std::optional<Range> range, calibrated;
  Histogram values;
  /// The fraction of values that the range cuts off, other than those that the
  /// op behind doesn't tell apart.
  double clipped = 0;

  std::optional<WeightReport> weights;
  int64_t macs = 0, weightBytes = 0, activationBytes = 0;
  /// The same in f32.
  int64_t floatWeightBytes = 0, floatActivationBytes = 0;
  /// Picojoules of a batch, as quantized and in f32.
  double energy = 0, floatEnergy = 0;
  /// Medians of the kernels that begin with this op, on this machine: those of ops
  /// fused with it count here.
  double seconds = 0, floatSeconds = 0;

  /// What to try, and if that isn't it, float for the layer and what reads it.
  Remedy remedy, lastResort;
  std::vector<Trial> trials;
};

struct OutputReport {
  std::string name;
  llvm::SmallVector<int64_t> shape;
  Deviation error;
  /// Where a softmax makes this output: the scores it is made of, which effects are
  /// measured on.
  std::optional<Deviation> scores;
};

struct Explanation {
  std::string model, observer;
  int64_t samples = 0, effectSamples = 0;
  std::vector<Layer> layers;
  /// The layers that make an error, the one that costs the outputs most first.
  std::vector<int64_t> culprits;
  /// The f32 outputs.
  std::vector<OutputReport> outputs;
  /// How the options were found, if they were.
  std::optional<Escalation> escalation;

  /// Mean relative noise of the outputs.
  double outputNoise() const;
  /// The name of a layer and those of what it took in; none if it has none.
  std::vector<std::string> namesOf(int64_t number) const;
};

struct ExplainOptions {
  /// Samples to measure on; empty: those of the calibration.
  std::string input;
  ImageOptions images;
  /// How many of them are run, and how many for each layer's effect.
  int64_t samples = 16, effectSamples = 4;
  /// For how many culprits remedies are tried.
  int64_t tries = 0;
  bool timesLayers = true;
};

/// Compiles a model by `compile`, which must calibrate, and explains it. On
/// failure the errors have been reported and `fault` says whose they are.
mlir::FailureOr<Explanation> explain(mlir::MLIRContext *context,
                                     CompileOptions compile,
                                     const ExplainOptions &options,
                                     ExitCode &fault);

/// Numbers the ops of a calibrated level-1 module, so that they are found again
/// when it has been quantized, and their kernels by location.
void markLayers(mlir::ModuleOp calibrated);

/// The same on modules: a marked one at level 1, and what quantization made of a
/// copy of it. `rounding` is that of requantizations. Remedies aren't tried.
mlir::FailureOr<Explanation> explainModules(mlir::ModuleOp calibrated,
                                            mlir::ModuleOp quantized,
                                            llvm::StringRef rounding,
                                            SampleStream &samples,
                                            const ExplainOptions &options);

/// What to try for each culprit, given how the network was compiled.
void advise(Explanation &explanation, const CompileOptions &compile);

/// The remedies that were tried and helped, as a file for --overrides: each helped by
/// itself.
llvm::json::Value toOverrides(const Explanation &explanation);

/// The format that docs/Explain.md describes.
llvm::json::Value toJSON(const Explanation &explanation);
/// The same as a page that shows it, and needs nothing else.
std::string toHTML(const Explanation &explanation);

} // namespace dyadic

#endif
