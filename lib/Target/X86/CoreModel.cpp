//===- CoreModel.cpp ------------------------------------------------------===//
#include "CoreModel.h"

#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace dyadic;
using namespace dyadic::x86;

static constexpr int64_t K = 1024, M = 1024 * K;

// Sizes are the makers'; bandwidths are a core's, by our own measurements where
// there was such a machine (znver4, sapphirerapids), rounded from published ones
// elsewhere. Of a server's shared cache a core has what it may count on.
//                            l1     l2     l3      L2  L3 mem  p512 p256 l512 l256
static const CoreModel haswell{32 * K, 256 * K, 8 * M, 32, 10, 5, 0, 2, 0, 2};
static const CoreModel skylake{32 * K, 1 * M, 16 * M, 48, 7, 4, 2, 2, 2, 2};
static const CoreModel icelake{48 * K, 1280 * K, 24 * M, 48, 7, 4, 2, 2, 2, 2};
static const CoreModel sapphire{48 * K, 2 * M, 32 * M, 48, 7, 4, 2, 2, 2, 2};
static const CoreModel alderlake{48 * K, 1280 * K, 24 * M, 48, 12, 8, 0, 2, 0, 3};
static const CoreModel zen2{32 * K, 512 * K, 16 * M, 32, 16, 6, 0, 2, 0, 2};
static const CoreModel zen4{32 * K, 1 * M, 32 * M, 32, 16, 6, 1, 2, 1, 2};
static const CoreModel zen5{48 * K, 1 * M, 32 * M, 64, 16, 8, 2, 2, 2, 2};

double CoreModel::bandwidth(double bytes) const {
  // A cache never holds just what we would like.
  if (bytes <= 0.75 * l1)
    return std::numeric_limits<double>::infinity();
  if (bytes <= 0.75 * l2)
    return fromL2;
  return bytes <= 0.75 * l3 ? fromL3 : fromMemory;
}

const CoreModel &x86::coreModel(const TargetInfo &info) {
  const CoreModel *known =
      llvm::StringSwitch<const CoreModel *>(info.model)
          .Cases({"haswell", "broadwell", "skylake"}, &haswell)
          .Cases({"skylake-avx512", "cascadelake", "cooperlake"}, &skylake)
          .Cases({"icelake-client", "icelake-server", "tigerlake", "rocketlake"}, &icelake)
          .Cases({"sapphirerapids", "emeraldrapids", "graniterapids"}, &sapphire)
          .Cases({"alderlake", "raptorlake", "meteorlake", "arrowlake"}, &alderlake)
          .Cases({"znver1", "znver2", "znver3"}, &zen2)
          .Case("znver4", &zen4)
          .Case("znver5", &zen5)
          .Default(nullptr);
  if (known)
    return *known;
  if (info.has("avx512f"))
    return info.has("amx-tile") ? sapphire : icelake;
  return info.has("avxvnni") ? alderlake : haswell;
}
