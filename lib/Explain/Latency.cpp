//===- Latency.cpp --------------------------------------------------------===//
#include "Latency.h"

#include "dyadic/Pipeline/Profile.h"
#include "dyadic/Support/Progress.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

/// Adds each kernel's time to `seconds` of the layer that it begins with.
static LogicalResult addTimes(ModuleOp network, StringRef rounding, bool integerOnly,
                              ArrayRef<HostTensor> inputs, double Layer::*seconds,
                              std::vector<Layer> &layers) {
  constexpr int64_t kRuns = 20;
  auto kernels = profileNetwork(network, rounding, integerOnly, inputs, kRuns);
  if (failed(kernels))
    return failure();
  // Layers are inputs, then the ops in the order of their numbers.
  size_t ops = llvm::count_if(layers, [](const Layer &layer) { return layer.isInput; });
  for (const KernelTime &kernel : *kernels)
    if (auto number = dyn_cast_if_present<IntegerAttr>(kernel.tag))
      layers[ops + number.getInt()].*seconds += kernel.seconds;
  return success();
}

LogicalResult measureLatency(ModuleOp calibrated, ModuleOp quantized, StringRef rounding,
                             bool integerOnly, ArrayRef<HostTensor> inputs,
                             Explanation &explanation) {
  Progress progress("timing layers", 2);
  if (failed(addTimes(quantized, rounding, integerOnly, inputs, &Layer::seconds,
                      explanation.layers)))
    return failure();
  progress.advance();
  return addTimes(calibrated, rounding, /*integerOnly=*/false, inputs,
                  &Layer::floatSeconds, explanation.layers);
}

} // namespace dyadic
