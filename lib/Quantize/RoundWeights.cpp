//===- RoundWeights.cpp ---------------------------------------------------===//
#include "dyadic/Quantize/RoundWeights.h"

#include "llvm/ADT/STLExtras.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <cmath>
#include <numeric>

using namespace dyadic;

using MatrixD = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// Columns in a row in memory, for what goes through them one by one.
using Columns = Eigen::MatrixXf;

static Eigen::Map<const MatrixD> viewOf(const std::vector<double> &values, int64_t size) {
  return {values.data(), size, size};
}
static Eigen::Map<const MatrixF> viewOf(llvm::ArrayRef<float> values, int64_t columns) {
  return {values.data(), static_cast<int64_t>(values.size()) / columns, columns};
}
static MatrixD difference(llvm::ArrayRef<float> a, llvm::ArrayRef<float> b, int64_t columns) {
  return viewOf(a, columns).cast<double>() - viewOf(b, columns).cast<double>();
}

WeightGrid::~WeightGrid() = default;

float WeightGrid::nearest(int64_t output, int64_t input, float value) const {
  auto [below, above] = around(output, input, value);
  return value - below <= above - value ? below : above;
}

WeightRounder::WeightRounder(int64_t inputs, std::vector<double> given, double damping)
    : inputs(inputs), moments(std::move(given)), order(inputs) {
  Eigen::Map<MatrixD> h(moments.data(), inputs, inputs);
  h.diagonal().array() += damping * h.diagonal().mean();
  // An input that never was anything but zero: its weights are free.
  double tiny = 1e-9 * h.diagonal().maxCoeff();
  h.diagonal() = h.diagonal().array().max(tiny);

  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) { return std::pair(h(b, b), a) < std::pair(h(a, a), b); });
  // In place, as these are the largest matrices of all.
  using InPlace = Eigen::LLT<Eigen::Ref<MatrixD>>;
  MatrixD inverse;
  {
    MatrixD sorted = h(order, order);
    InPlace cholesky(sorted);
    if (!(tiny > 0) || cholesky.info() != Eigen::Success)
      return;
    inverse = MatrixD::Identity(inputs, inputs);
    cholesky.solveInPlace(inverse);
  }
  InPlace ofInverse(inverse);
  if (ofInverse.info() != Eigen::Success)
    return;
  factor.resize(inputs * inputs, 0);
  Eigen::Map<MatrixF> upper(factor.data(), inputs, inputs);
  for (int64_t row = 0; row < inputs; ++row)
    upper.row(row).tail(inputs - row) =
        inverse.col(row).tail(inputs - row).transpose().cast<float>();
}

WeightRounder::Rows WeightRounder::nearest(const WeightRows &rows) const {
  Rows rounded(rows.weights.size());
  for (auto [i, value] : llvm::enumerate(rounded))
    value = rows.grid.nearest(rows.first + i / inputs, i % inputs, rows.weights[i]);
  return rounded;
}

WeightRounder::Rows WeightRounder::gptq(const WeightRows &rows) const {
  if (factor.empty())
    return nearest(rows);
  constexpr int64_t kBlock = 64;
  int64_t count = outputs(rows);
  auto u = viewOf(factor, inputs);
  Columns left = viewOf(rows.weights, inputs)(Eigen::all, order);
  Rows rounded(rows.weights.size());
  Columns errors(count, kBlock);
  for (int64_t begin = 0; begin < inputs; begin += kBlock) {
    int64_t size = std::min(kBlock, inputs - begin), end = begin + size;
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t o = 0; o < count; ++o) {
        float value = rows.grid.nearest(rows.first + o, order[j], left(o, j));
        rounded[o * inputs + order[j]] = value;
        errors(o, j - begin) = (left(o, j) - value) / u(j, j);
      }
      int64_t rest = end - j - 1;
      left.middleCols(j + 1, rest).noalias() -=
          errors.col(j - begin) * u.row(j).segment(j + 1, rest);
    }
    left.rightCols(inputs - end).noalias() -=
        errors.leftCols(size) * u.block(begin, end, size, inputs - end);
  }
  return rounded;
}

namespace {
/// How far weights are rounded up, by variables that gradient descent moves.
class SoftRounding {
public:
  SoftRounding(MatrixF weights, MatrixF below, MatrixF above)
      : below(std::move(below)), step(above - this->below), error(std::move(weights)) {
    // So that h begins with what leaves each weight as it is.
    Eigen::ArrayXXf part =
        (step.array() > 0).select((error - this->below).array() / step.array().max(1e-30f), 0);
    Eigen::ArrayXXf p = (part.max(0.01f).min(0.99f) - kLow) / (kHigh - kLow);
    variables = (p / (1 - p)).log();
    real = std::move(error);
    first = second = Eigen::ArrayXXf::Zero(variables.rows(), variables.cols());
  }

  /// A step of Adam along the gradient of the error by `moments`, each row divided by
  /// `units`, and of pressure · Σ (1 − |2h − 1|^sharpness).
  void advance(const MatrixF &moments, const Eigen::ArrayXf &units, double rate,
               double pressure, double sharpness) {
    Eigen::ArrayXXf sigmoid = 1 / (1 + (-variables).exp());
    Eigen::ArrayXXf stretched = sigmoid * (kHigh - kLow) + kLow;
    Eigen::ArrayXXf h = stretched.max(0).min(1);
    error = below + (h * step.array()).matrix() - real;
    Eigen::ArrayXXf gradient = 2 * (error * moments).array() * step.array();
    gradient.colwise() /= units;
    if (pressure > 0) {
      Eigen::ArrayXXf from = 2 * h - 1;
      gradient -= static_cast<float>(2 * pressure * sharpness) * from.sign() *
                  from.abs().pow(static_cast<float>(sharpness - 1));
    }
    gradient = (stretched == h).select(gradient * sigmoid * (1 - sigmoid) * (kHigh - kLow), 0);
    constexpr float kFirst = 0.9f, kSecond = 0.999f;
    firstPower *= kFirst;
    secondPower *= kSecond;
    first = kFirst * first + (1 - kFirst) * gradient;
    second = kSecond * second + (1 - kSecond) * gradient.square();
    variables -= static_cast<float>(rate) * (first / (1 - firstPower)) /
                 ((second / (1 - secondPower)).sqrt() + 1e-8f);
  }

  MatrixF decided() const {
    return below + (variables > 0).select(step.array(), 0).matrix();
  }

private:
  static constexpr float kLow = -0.1f, kHigh = 1.1f;
  MatrixF below, step, error, real;
  Eigen::ArrayXXf variables, first, second;
  float firstPower = 1, secondPower = 1;
};
} // namespace

WeightRounder::Rows WeightRounder::adaRound(const WeightRows &rows,
                                            const AdaRoundOptions &options) const {
  int64_t count = outputs(rows);
  MatrixF below(count, inputs), above(count, inputs);
  for (int64_t o = 0; o < count; ++o)
    for (int64_t k = 0; k < inputs; ++k) {
      auto around = rows.grid.around(rows.first + o, k, rows.weights[o * inputs + k]);
      below(o, k) = around.below;
      above(o, k) = around.above;
    }
  auto h = viewOf(moments, inputs);
  MatrixF single = h.cast<float>();
  // A mean square of the row's steps at an input of the mean power is one.
  Eigen::ArrayXf units = (above - below).rowwise().squaredNorm().array() / inputs *
                         static_cast<float>(h.diagonal().mean());
  units = units.max(std::numeric_limits<float>::min());
  double products = double(count) * inputs * inputs;
  int64_t steps = std::clamp<int64_t>(options.products / products, (options.steps + 9) / 10,
                                      options.steps);
  SoftRounding soft(viewOf(rows.weights, inputs), below, above);
  for (int64_t i = 0; i < steps; ++i) {
    // The first fifth is free; then the cost of what is undecided reaches ever
    // further from the middle.
    constexpr double kFree = 0.2, kSharpest = 20, kBluntest = 2;
    double part = (double(i) / steps - kFree) / (1 - kFree);
    double sharpness =
        kBluntest + (kSharpest - kBluntest) * 0.5 * (1 + std::cos(M_PI * std::max(part, 0.0)));
    soft.advance(single, units, options.rate, part > 0 ? options.pressure : 0, sharpness);
  }
  Rows rounded(rows.weights.size());
  Eigen::Map<MatrixF>(rounded.data(), count, inputs) = soft.decided();
  return rounded;
}

void WeightRounder::improve(const WeightRows &rows, Rows &rounded) const {
  constexpr int kRounds = 8;
  auto h = viewOf(moments, inputs);
  Rows simple = nearest(rows);
  std::vector<double> simpleErrors = errors(rows, simple);
  // Half the gradient of each output's error, a column each.
  Eigen::MatrixXd pulls = h * difference(rounded, rows.weights, inputs).transpose();
  for (int64_t o = 0, count = outputs(rows); o < count; ++o) {
    llvm::MutableArrayRef<float> row(rounded.data() + o * inputs, inputs);
    auto pull = pulls.col(o);
    bool moved = true;
    for (int round = 0; round < kRounds && moved; ++round) {
      moved = false;
      for (int64_t k = 0; k < inputs; ++k) {
        double best = row[k] - pull[k] / h(k, k);
        float value = rows.grid.nearest(rows.first + o, k, static_cast<float>(best));
        double step = double(value) - row[k];
        // Twice as far is where it stands as well as before.
        if (step == 0 || !(step * (2 * pull[k] + step * h(k, k)) < 0))
          continue;
        pull += step * h.row(k).transpose();
        row[k] = value;
        moved = true;
      }
    }
    // The pulls followed all steps.
    MatrixD last = difference(row, rows.weights.slice(o * inputs, inputs), inputs);
    if (!(last.row(0).dot(pull) < simpleErrors[o]))
      std::copy_n(simple.begin() + o * inputs, inputs, row.begin());
  }
}

WeightRounder::Rows WeightRounder::makingUpFor(llvm::ArrayRef<double> errors,
                                               llvm::ArrayRef<float> weights) const {
  Rows result(weights.begin(), weights.end());
  if (factor.empty())
    return result;
  // H⁻¹ is UᵀU.
  MatrixD u = viewOf(llvm::ArrayRef(factor), inputs).cast<double>();
  MatrixD w = viewOf(weights, inputs).cast<double>();
  MatrixD pull = w * Eigen::Map<const MatrixD>(errors.data(), inputs, inputs).transpose();
  MatrixD move = (pull(Eigen::all, order) * u.transpose()) * u;
  for (auto [i, k] : llvm::enumerate(order))
    w.col(k) += move.col(i);
  Eigen::Map<MatrixF>(result.data(), w.rows(), inputs) = w.cast<float>();
  return result;
}

std::vector<double> WeightRounder::errors(const WeightRows &rows,
                                          llvm::ArrayRef<float> rounded) const {
  std::vector<double> result(outputs(rows));
  MatrixD e = difference(rounded, rows.weights, inputs);
  Eigen::Map<Eigen::VectorXd>(result.data(), result.size()) =
      (e * viewOf(moments, inputs)).cwiseProduct(e).rowwise().sum();
  return result;
}
