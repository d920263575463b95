//===- RoundWeights.h - which way each weight is rounded --------*- C++ -*-===//
//
// With weights W that become Ŵ, a contraction's result moves by (Ŵ − W)x, whose
// mean square over inputs x is Σ_o (ŵ_o − w_o)ᵀ H (ŵ_o − w_o), H = E[x xᵀ]. Rounding
// each weight to the nearest value is best for that only where H is diagonal. What
// is here works on numbers alone: rows of weights, H and the values there are.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_QUANTIZE_ROUNDWEIGHTS_H
#define DYADIC_QUANTIZE_ROUNDWEIGHTS_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace dyadic {

/// The values that quantized weights can take.
class WeightGrid {
public:
  virtual ~WeightGrid();
  /// The largest value of weight (`output`, `input`) that isn't above `value` and
  /// the smallest that isn't below; the outermost one twice for what is beyond it.
  struct Neighbours {
    float below, above;
  };
  virtual Neighbours around(int64_t output, int64_t input, float value) const = 0;

  /// The nearer neighbour.
  float nearest(int64_t output, int64_t input, float value) const;
};

/// Some outputs of a matrix of weights, [outputs × inputs] row by row, the first of
/// them output `first` of `grid`.
struct WeightRows {
  llvm::ArrayRef<float> weights;
  int64_t first;
  const WeightGrid &grid;
};

struct AdaRoundOptions {
  /// Steps of gradient descent; fewer for matrices that would take more than
  /// `products` multiplications, but a tenth at least.
  int64_t steps = 1000;
  double products = 2e11;
  /// Of Adam (Kingma and Ba, 2015).
  double rate = 0.1;
  /// What an undecided weight costs beside the mean squared error, in squares of a
  /// step of the grid at an input of the mean power.
  double pressure = 0.3;
};

/// Rounds rows of weights whose inputs have second moments H.
class WeightRounder {
public:
  /// `moments` is H, [inputs × inputs] row by row, symmetric; `damping` times the
  /// mean of its diagonal is added to the diagonal, against the few samples' chance.
  WeightRounder(int64_t inputs, std::vector<double> moments, double damping);

  using Rows = std::vector<float>;
  /// The nearest values.
  Rows nearest(const WeightRows &rows) const;
  /// One input after the other, those of the greatest power first: what rounding an
  /// input's weights loses, those of the inputs that are left make up for. Frantar et
  /// al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
  /// Transformers", 2022, by the Cholesky factor of H⁻¹, in blocks of inputs.
  Rows gptq(const WeightRows &rows) const;
  /// Gradient descent on how far each weight is rounded up, h in [0, 1], with a
  /// growing cost of what is between. Nagel et al., "Up or Down? Adaptive Rounding
  /// for Post-Training Quantization", 2020, equations 21–25, layer by layer and
  /// without regard to the activation behind it: so H is all that is needed.
  Rows adaRound(const WeightRows &rows, const AdaRoundOptions &options = {}) const;
  /// Moves single weights to where the error is least as long as that helps, for
  /// some rounds. Then takes the nearest values for the rows where they are better.
  void improve(const WeightRows &rows, Rows &rounded) const;

  /// The rows that make of inputs x what `weights` make of x + e where they can, for
  /// `errors` Cov(x_k, e_l): w + H⁻¹ Cov(x, e) w.
  Rows makingUpFor(llvm::ArrayRef<double> errors, llvm::ArrayRef<float> weights) const;

  /// (ŵ − w)ᵀ H (ŵ − w) of each row.
  std::vector<double> errors(const WeightRows &rows, llvm::ArrayRef<float> rounded) const;

private:
  int64_t outputs(const WeightRows &rows) const { return rows.weights.size() / inputs; }

  int64_t inputs;
  std::vector<double> moments;
  /// Inputs by falling power, and in that order the upper Cholesky factor of H⁻¹;
  /// empty if there is none.
  std::vector<int64_t> order;
  std::vector<float> factor;
};

} // namespace dyadic

#endif
