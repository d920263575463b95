//===- Tune.h - tiles by measurement ----------------------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_TUNE_H
#define DYADIC_PIPELINE_TUNE_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

struct TuneOptions {
  /// A text file of earlier choices, by shape and processor; made if need be.
  std::string cache;
  /// How many candidates of each shape are measured, the cost model's best first.
  int64_t candidates = 6;
  int64_t runs = 20;
};

/// Where choices are kept if nobody says: in the user's cache folder.
std::string defaultTuneCache();

/// Makes `compilation` take the fastest of the cost model's best candidates for
/// every contraction, as measured inside the whole network on this machine, which
/// must be the target, or as the cache says. Only speed depends on it. Errors are
/// reported.
mlir::LogicalResult tune(Compilation &compilation, const TuneOptions &options);

} // namespace dyadic

#endif
