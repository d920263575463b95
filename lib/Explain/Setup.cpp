//===- Setup.cpp ----------------------------------------------------------===//
#include "Setup.h"

#include "dyadic/Target/Target.h"

using namespace mlir;

namespace dyadic {

LogicalResult targetThisMachine(CompileOptions &options, Location loc) {
  auto target = resolveTarget("native", loc);
  if (failed(target))
    return failure();
  options.target = *target;
  options.variants.clear();
  return success();
}

FailureOr<std::unique_ptr<SampleStream>> openSamples(const std::string &path,
                                                     const ImageOptions &images,
                                                     const CalibrationOptions &calibration,
                                                     func::FuncOp main) {
  std::string from = path.empty() ? calibration.samples : path;
  auto samples = from.empty() ? SampleStream::open(calibration.arrays, inputSpecs(main))
                              : SampleStream::open(from, inputSpecs(main), images);
  if (!samples)
    return emitError(UnknownLoc::get(main.getContext()))
           << llvm::toString(samples.takeError());
  return std::move(*samples);
}

} // namespace dyadic
