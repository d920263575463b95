//===- Strategy.cpp - tiles of the portable target ------------------------===//
#include "Scalar.h"

using namespace dyadic;
using namespace dyadic::scalar;

std::unique_ptr<KernelTarget> scalar::createTarget(const TargetInfo &info) {
  return std::make_unique<ScalarTarget>(info);
}

RegisterTile ScalarTarget::chooseTile(const ContractionShape &shape) const {
  // Eight sums, four activations and a weight fit sixteen registers.
  return {std::min<int64_t>(shape.pixels, 4), std::min<int64_t>(shape.channels, 2),
          /*panelsOutermost=*/false};
}
