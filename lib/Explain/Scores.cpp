//===- Scores.cpp ---------------------------------------------------------===//
#include "Scores.h"

#include "Probe.h"

#include "dyadic/Explain/Explain.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

namespace {
/// A network that returns its scores.
struct Scoring {
  std::unique_ptr<Probe> probe;
  SmallVector<size_t> numbers;

  static FailureOr<Scoring> create(ModuleOp module, StringRef rounding) {
    OwningOpRef<ModuleOp> copy = module.clone();
    auto main = copy->lookupSymbol<func::FuncOp>("main");
    Scoring scoring;
    Results results(main);
    for (size_t i : floatResults(main))
      scoring.numbers.push_back(results.addScores(i));
    results.finish();
    auto probe = Probe::create(std::move(copy), /*isQuantized=*/true, rounding);
    if (failed(probe))
      return failure();
    scoring.probe = std::move(*probe);
    return std::move(scoring);
  }

  void run(ArrayRef<HostTensor> sample) {
    SmallVector<const void *> from;
    for (const HostTensor &tensor : sample)
      from.push_back(tensor.bytes.data());
    probe->run(from);
  }
};
} // namespace

FailureOr<Scores> Scores::create(ModuleOp calibrated, SampleStream &samples, int64_t count) {
  auto network = Scoring::create(calibrated, "");
  if (failed(network))
    return failure();
  Scores scores;
  for (int64_t i = 0; i < count; ++i) {
    auto sample = samples.read(i);
    if (!sample)
      return emitError(UnknownLoc::get(calibrated.getContext()))
             << llvm::toString(sample.takeError());
    network->run(*sample);
    scores.exact.emplace_back();
    for (size_t number : network->numbers)
      scores.exact.back().push_back(network->probe->result(number));
    scores.samples.push_back(std::move(*sample));
  }
  return scores;
}

FailureOr<double> Scores::noiseOf(ModuleOp quantized, StringRef rounding) const {
  auto network = Scoring::create(quantized, rounding);
  if (failed(network))
    return failure();
  std::vector<Deviation> deviations(network->numbers.size());
  for (auto [sample, tensors] : llvm::zip_equal(samples, exact)) {
    network->run(sample);
    for (auto [deviation, tensor, number] :
         llvm::zip_equal(deviations, tensors, network->numbers))
      deviation.add(tensor.as<float>(), network->probe->floats(number));
  }
  double sum = 0;
  for (const Deviation &deviation : deviations)
    sum += deviation.relativeNoise();
  return sum / std::max<size_t>(deviations.size(), 1);
}

} // namespace dyadic
