//===- TargetInfo.cpp -----------------------------------------------------===//
#include "dyadic/Target/TargetInfo.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace dyadic;

namespace {
/// The features each instruction set's kernels need, and what `--cpu` calls it.
struct Level {
  ISA isa;
  llvm::StringLiteral name;
  llvm::ArrayRef<llvm::StringLiteral> features;
};
} // namespace

static constexpr llvm::StringLiteral avx2Features[] = {"avx2", "fma", "f16c",
                                                       "bmi2"};
static constexpr llvm::StringLiteral avx512Features[] = {
    "avx512f",  "avx512bw", "avx512vl", "avx512dq", "avx512vnni",
    "avx2",     "fma",      "f16c",     "bmi2"};
static const Level levels[] = {{ISA::Scalar, "scalar", {}},
                               {ISA::AVX2, "avx2", avx2Features},
                               {ISA::AVX512VNNI, "avx512vnni", avx512Features}};

llvm::StringRef dyadic::name(ISA isa) {
  return levels[static_cast<int>(isa)].name;
}

int64_t TargetInfo::lanes() const {
  return isa == ISA::AVX512VNNI ? 16 : isa == ISA::AVX2 ? 8 : 1;
}

int64_t TargetInfo::vectorRegisters() const {
  return isa == ISA::AVX512VNNI ? 32 : 16;
}

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

/// LLVM's tables of CPU and feature names; null without the x86 back end.
static std::unique_ptr<llvm::MCSubtargetInfo> subtarget(StringRef cpu,
                                                        StringRef features) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  std::string error;
  llvm::Triple triple(kTriple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, cpu, features));
}

/// The names nearest to a wrong one, for its message.
template <typename Table>
static std::string nearNames(StringRef wrong, Table table) {
  std::vector<std::pair<unsigned, StringRef>> near;
  for (const auto &entry : table)
    near.emplace_back(wrong.edit_distance(entry.Key), entry.Key);
  llvm::sort(near);
  near.resize(std::min<size_t>(near.size(), 4));
  return llvm::join(llvm::map_range(near, [](auto &n) { return n.second; }),
                    ", ");
}

static bool hasAll(const llvm::MCSubtargetInfo &info,
                   ArrayRef<llvm::StringLiteral> features) {
  return llvm::all_of(features, [&](StringRef feature) {
    return info.checkFeatures(("+" + feature).str());
  });
}

/// "+a,+b" of the features that this machine's CPUID reports.
static std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    if (feature.second)
      features.AddFeature(feature.first());
  return features.getString();
}

FailureOr<TargetInfo> dyadic::resolveTarget(StringRef spec, Location loc) {
  auto [name, rest] = spec.split(',');
  TargetInfo target;
  target.triple = kTriple.str();
  target.cpu = "x86-64";

  auto level = llvm::find_if(levels, [&](auto &l) { return l.name == name; });
  auto plain = subtarget("x86-64", "");
  if (!plain)
    return emitError(loc) << "expected an LLVM with the x86 back end";
  if (name == "native") {
    // Features, not the CPU's name: virtual machines hide the model.
    target.features = hostFeatures();
  } else if (level != std::end(levels)) {
    target.features =
        llvm::join(llvm::map_range(level->features,
                                   [](StringRef f) { return ("+" + f).str(); }),
                   ",");
  } else if (plain->isCPUStringValid(name)) {
    target.cpu = name.str();
  } else {
    return emitError(loc)
           << "unknown CPU '" << name
           << "': expected native, scalar, avx2, avx512vnni or a name such as "
           << nearNames(name, plain->getAllProcessorDescriptions());
  }

  for (StringRef feature : llvm::split(rest, ',')) {
    if (feature.empty())
      continue;
    StringRef bare = feature;
    bool signedName = bare.consume_front("+") || bare.consume_front("-");
    auto known = plain->getAllProcessorFeatures();
    if (!signedName || llvm::none_of(known, [&](auto &f) {
          return bare == f.Key;
        }))
      return emitError(loc)
             << "unknown CPU feature '" << feature
             << "': expected + or - and a name such as "
             << nearNames(bare, known);
    target.features += (target.features.empty() ? "" : ",") + feature.str();
  }

  auto info = subtarget(target.cpu, target.features);
  for (const Level &candidate : levels)
    if (hasAll(*info, candidate.features))
      target.isa = candidate.isa;
  target.hasVBMI = target.isa == ISA::AVX512VNNI &&
                   info->checkFeatures("+avx512vbmi");
  return target;
}

bool dyadic::hostSupports(const TargetInfo &target, std::string &missing) {
  auto host = llvm::sys::getHostCPUFeatures();
  for (StringRef feature : levels[static_cast<int>(target.isa)].features)
    if (!host.lookup(feature)) {
      missing = feature.str();
      return false;
    }
  return true;
}
