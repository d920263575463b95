//===- TargetInfo.cpp - from a user's words to a target -------------------===//
#include "dyadic/Target/TargetInfo.h"

#include "dyadic/Target/Target.h"

#include "llvm/ADT/SmallVectorExtras.h"
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

/// LLVM's tables of CPU and feature names; null without a back end for it.
static std::unique_ptr<llvm::MCSubtargetInfo>
subtarget(const llvm::Triple &triple, StringRef cpu, StringRef features) {
  static const bool initialized = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargetMCs();
    return true;
  }();
  (void)initialized;
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, cpu, features));
}

/// The names nearest to a wrong one, for its message.
static std::string nearNames(StringRef wrong, ArrayRef<StringRef> names) {
  std::vector<std::pair<unsigned, StringRef>> near;
  for (StringRef name : names)
    near.emplace_back(wrong.edit_distance(name), name);
  llvm::sort(near);
  near.resize(std::min<size_t>(near.size(), 4));
  return llvm::join(llvm::map_range(near, [](auto &n) { return n.second; }),
                    ", ");
}

template <typename Table> static std::vector<StringRef> keys(Table table) {
  std::vector<StringRef> names;
  for (const auto &entry : table)
    names.push_back(entry.Key);
  return names;
}

static llvm::Triple hostTriple() {
  return llvm::Triple(llvm::sys::getProcessTriple());
}

/// "+a,+b" of the features that this machine reports.
static std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    if (feature.second)
      features.AddFeature(feature.first());
  return features.getString();
}

/// The target that a name or a triple means, and the triple.
static FailureOr<std::pair<const Target *, llvm::Triple>>
findTarget(StringRef requested, Location loc) {
  auto targets = registeredTargets();
  for (const Target *target : targets)
    if (requested == target->name())
      return std::make_pair(target, llvm::Triple(target->defaultTriple()));
  llvm::Triple triple = requested.empty()
                            ? hostTriple()
                            : llvm::Triple(llvm::Triple::normalize(requested));
  if (triple.getArch() != llvm::Triple::UnknownArch &&
      subtarget(triple, "", ""))
    for (const Target *target : targets)
      if (target->handles(triple))
        return std::make_pair(target, triple);
  auto names = llvm::map_to_vector(targets,
                                   [](const Target *t) { return t->name(); });
  return emitError(loc) << "unknown target '" << requested
                        << "': expected a triple such as aarch64-linux-gnu or "
                        << llvm::join(names, ", ");
}

/// Appends the features of `list` to the target's; wrong ones are errors.
static LogicalResult addFeatures(TargetInfo &target, StringRef list,
                                 const llvm::MCSubtargetInfo &known,
                                 Location loc) {
  LogicalResult result = success();
  for (StringRef feature : llvm::split(list, ',')) {
    if (feature.empty())
      continue;
    StringRef bare = feature;
    bool isSigned = bare.consume_front("+") || bare.consume_front("-");
    std::vector<StringRef> names = keys(known.getAllProcessorFeatures());
    if (!isSigned || !llvm::is_contained(names, bare))
      result = emitError(loc) << "unknown CPU feature '" << feature
                              << "': expected + or - and a name such as "
                              << nearNames(bare, names);
    target.features += (target.features.empty() ? "" : ",") + feature.str();
  }
  return result;
}

static LogicalResult chooseCPU(TargetInfo &target, StringRef name,
                               const llvm::Triple &triple,
                               const llvm::MCSubtargetInfo &known,
                               Location loc) {
  bool isHost = triple.getArch() == hostTriple().getArch();
  if (name.empty())
    name = isHost ? StringRef("native") : StringRef(target.cpu);
  auto levels = target.target->levels();
  auto level = llvm::find_if(levels, [&](auto &l) { return l.name == name; });
  if (name == "native" && isHost) {
    // Features, not the CPU's name: virtual machines hide the model.
    target.features = hostFeatures();
  } else if (known.isCPUStringValid(name)) {
    target.cpu = name.str();
  } else if (level != levels.end()) {
    target.features =
        llvm::join(llvm::map_range(level->features,
                                   [](StringRef f) { return ("+" + f).str(); }),
                   ",");
  } else {
    auto own = llvm::map_to_vector(
        levels, [](auto &l) -> StringRef { return l.name; });
    return emitError(loc) << "unknown CPU '" << name << "' for '"
                          << target.triple << "': expected "
                          << (isHost ? "native, " : "") << llvm::join(own, ", ")
                          << " or a name such as "
                          << nearNames(name,
                                       keys(known.getAllProcessorDescriptions()));
  }
  return success();
}

FailureOr<TargetInfo> dyadic::resolveTarget(const TargetRequest &request,
                                            Location loc) {
  auto found = findTarget(request.triple, loc);
  if (failed(found))
    return failure();
  auto &[kind, triple] = *found;
  TargetInfo target;
  target.triple = triple.str();
  target.target = kind;
  target.cpu = kind->baselineCPU(triple).str();
  auto plain = subtarget(triple, target.cpu, "");
  auto [name, features] = StringRef(request.cpu).split(',');
  LogicalResult named = chooseCPU(target, name, triple, *plain, loc);
  if (failed(addFeatures(target, features, *plain, loc)) || failed(named))
    return failure();

  auto info = subtarget(triple, target.cpu, target.features);
  for (const auto &feature : info->getAllProcessorFeatures())
    if (info->hasFeature(feature.Value))
      target.enabled.insert(feature.Key);
  for (const KernelLevel &level : kind->levels())
    if (llvm::all_of(level.features, [&](StringRef f) { return target.has(f); }))
      target.level = level.name.str();
  if (target.level.empty())
    return emitError(loc) << "'" << target.cpu << "' is too old for the '"
                          << kind->name() << "' kernels: expected "
                          << kind->levels().front().name << " or newer";
  return target;
}

bool dyadic::hostSupports(const TargetInfo &target, std::string &missing) {
  llvm::Triple triple(target.triple);
  if (triple.getArch() != hostTriple().getArch()) {
    missing = triple.getArchName().str();
    return false;
  }
  auto host = llvm::sys::getHostCPUFeatures();
  for (const KernelLevel &level : target.target->levels()) {
    for (StringRef feature : level.features)
      if (!host.lookup(feature)) {
        missing = feature.str();
        return false;
      }
    if (target.level == level.name)
      break;
  }
  return true;
}
