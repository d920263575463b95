//===- TargetInfo.cpp - from a user's words to a target -------------------===//
#include "dyadic/Target/TargetInfo.h"

#include "dyadic/Target/Target.h"

#include "llvm/ADT/STLExtras.h"
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

/// Examples for messages: what people ask for.
static constexpr StringLiteral kCommonTriples[] = {
    "x86_64-linux-gnu",   "aarch64-linux-gnu",    "armv7a-linux-gnueabihf",
    "riscv64-linux-gnu",  "thumbv7em-none-eabihf", "aarch64-linux-android24",
    "arm64-apple-macos",  "i686-linux-gnu",       "powerpc64le-linux-gnu",
    "s390x-linux-gnu",    "nvptx64-nvidia-cuda",  "x86_64-apple-macos",
    "riscv32-unknown-elf", "armv7-none-eabi"};

/// Whether a part of a triple is `name` and at most a version.
static bool isVersioned(StringRef part, StringRef name) {
  return !part.consume_front(name) ||
         part.find_first_not_of("0123456789.") == StringRef::npos;
}

/// What is wrong with a triple: the part that has no meaning, or "".
static StringRef unknownPart(const llvm::Triple &triple) {
  using llvm::Triple;
  auto isNothing = [](StringRef part) {
    return part.empty() || part == "unknown" || part == "none" || part == "elf" ||
           part == "eabi";
  };
  if (triple.getArch() == Triple::UnknownArch)
    return triple.getArchName();
  if (triple.getOS() == Triple::UnknownOS && !isNothing(triple.getOSName()))
    return triple.getOSName();
  if (triple.getEnvironment() == Triple::UnknownEnvironment &&
      !isNothing(triple.getEnvironmentName()) && triple.getObjectFormat() == Triple::ELF &&
      triple.getEnvironmentName() != "elf")
    return triple.getEnvironmentName();
  if (triple.isOSLinux() && !isVersioned(triple.getOSName(), "linux"))
    return triple.getOSName();
  if (triple.isOSLinux() && !triple.isAndroid() &&
      !isVersioned(triple.getEnvironmentName(),
                   Triple::getEnvironmentTypeName(triple.getEnvironment())))
    return triple.getEnvironmentName();
  // A misspelt system is taken for a vendor, who may have any name beside a
  // system.
  if (triple.getOS() == Triple::UnknownOS &&
      triple.getVendor() == Triple::UnknownVendor &&
      !isNothing(triple.getVendorName()))
    return triple.getVendorName();
  return "";
}

/// The target that a name or a triple means, and the triple.
static FailureOr<std::pair<const Target *, llvm::Triple>>
findTarget(StringRef requested, Location loc) {
  auto targets = registeredTargets();
  for (const Target *target : targets)
    if (requested == target->name())
      return std::make_pair(target, llvm::Triple(target->defaultTriple()));
  if (requested == "nvptx64")
    requested = "nvptx64-nvidia-cuda";
  llvm::Triple triple = requested.empty()
                            ? hostTriple()
                            : llvm::Triple(llvm::Triple::normalize(requested));
  StringRef unknown = unknownPart(triple);
  if (unknown.empty() && subtarget(triple, "", ""))
    for (const Target *target : targets)
      if (target->handles(triple))
        return std::make_pair(target, triple);
  std::vector<StringRef> names(std::begin(kCommonTriples),
                               std::end(kCommonTriples));
  for (const Target *target : targets)
    names.push_back(target->name());
  auto error = emitError(loc) << "unknown target '" << requested << "'";
  if (!unknown.empty() && unknown != requested)
    error << " ('" << unknown << "')";
  return error << ": expected a triple or a name such as "
               << nearNames(requested, names);
}

/// Appends the features of `list` to the target's; wrong ones are errors.
static LogicalResult addFeatures(TargetInfo &target, StringRef list,
                                 const llvm::MCSubtargetInfo &known,
                                 Location loc) {
  LogicalResult result = success();
  std::vector<StringRef> names = keys(known.getAllProcessorFeatures());
  for (StringRef feature : llvm::split(list, ',')) {
    if (feature.empty())
      continue;
    StringRef bare = feature;
    bool isSigned = bare.consume_front("+") || bare.consume_front("-");
    if (!isSigned || !llvm::is_contained(names, bare)) {
      result = emitError(loc) << "unknown CPU feature '" << feature << "' for '"
                              << target.triple
                              << "': expected + or - and a name such as "
                              << nearNames(bare, names);
      continue;
    }
    target.features += (target.features.empty() ? "" : ",") + feature.str();
  }
  return result;
}

/// Where a CPU name that this triple doesn't have would be right: " (a CPU of
/// …)", or "".
static std::string ownerOf(StringRef cpu) {
  for (const Target *target : registeredTargets()) {
    llvm::Triple triple(target->defaultTriple());
    auto info = subtarget(triple, "", "");
    bool isLevel = llvm::any_of(target->levels(),
                                [&](auto &l) { return l.name == cpu; });
    if (info && (isLevel || info->isCPUStringValid(cpu)))
      return (" (one of --target " + triple.str() + ")");
  }
  return "";
}

/// What a system of this kind may rely on without a CPU's name.
static StringRef baselineFeatures(const llvm::Triple &triple) {
  return triple.isRISCV64() && triple.isOSLinux() ? "+m,+a,+f,+d,+c" : "";
}

static LogicalResult chooseCPU(TargetInfo &target, StringRef name,
                               const llvm::Triple &triple,
                               const llvm::MCSubtargetInfo &known,
                               Location loc) {
  bool isHost = triple.getArch() == hostTriple().getArch();
  if (name.empty())
    name = isHost && triple.getOS() == hostTriple().getOS() ? "native" : "generic";
  auto levels = target.target->levels();
  auto level = llvm::find_if(levels, [&](auto &l) { return l.name == name; });
  if (name == "native" && isHost) {
    // Features, not the CPU's name: virtual machines hide the model.
    target.features = hostFeatures();
    target.model = llvm::sys::getHostCPUName().str();
  } else if (name == "generic") {
    target.features = baselineFeatures(triple).str();
  } else if (known.isCPUStringValid(name)) {
    target.cpu = target.model = name.str();
  } else if (level != levels.end()) {
    target.features = baselineFeatures(triple).str();
    for (StringRef feature : level->features)
      target.features += (target.features.empty() ? "+" : ",+") + feature.str();
  } else {
    std::string own = isHost ? "native, generic" : "generic";
    if (levels.size() <= 8) // else near ones are among the names
      for (auto &known : levels)
        own += (", " + known.name).str();
    // A target whose levels are its CPUs may have no kernels for others.
    std::vector<StringRef> names = keys(known.getAllProcessorDescriptions());
    if (levels.size() > 8) {
      names.clear();
      for (auto &known : levels)
        names.push_back(known.name);
    }
    return emitError(loc) << "unknown CPU '" << name << "' for '"
                          << target.triple << "'" << ownerOf(name)
                          << ": expected " << own << " or a name such as "
                          << nearNames(name, names);
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
  for (const KernelLevel &level : kind->levels()) {
    if (llvm::all_of(level.features, [&](StringRef f) { return target.has(f); }))
      target.level = level.name.str();
    // Processors of the triple may have more than the level that was asked for.
    if (level.name == name && target.level == name && features.empty())
      break;
  }
  if (target.level.empty())
    return emitError(loc) << "'" << target.cpu << "' is too old for the '"
                          << kind->name() << "' kernels: expected "
                          << kind->levels().front().name << " or newer";
  return target;
}

/// "avx2,avx512vnni,+gfni" as "avx2" and "avx512vnni,+gfni": what begins with a
/// sign belongs to the name before.
static std::vector<std::string> splitVariants(StringRef cpu) {
  std::vector<std::string> names;
  for (StringRef part : llvm::split(cpu, ',')) {
    bool isFeature = part.starts_with("+") || part.starts_with("-");
    if (names.empty())
      names.push_back(isFeature ? "," + part.str() : part.str());
    else if (isFeature)
      names.back() += "," + part.str();
    else if (!part.empty())
      names.push_back(part.str());
  }
  return names;
}

FailureOr<std::vector<TargetInfo>>
dyadic::resolveVariants(const TargetRequest &request, Location loc) {
  // An unknown triple is reported once.
  if (failed(findTarget(request.triple, loc)))
    return failure();
  std::vector<TargetInfo> variants;
  bool isWrong = false;
  llvm::StringSet<> seen;
  for (const std::string &cpu : splitVariants(request.cpu)) {
    auto target = resolveTarget(TargetRequest{request.triple, cpu}, loc);
    isWrong |= failed(target);
    if (failed(target))
      continue;
    if (!seen.insert(target->cpu + target->features).second) {
      emitError(loc) << "the variant '" << cpu << "' is given twice";
      isWrong = true;
    }
    variants.push_back(std::move(*target));
  }
  if (isWrong)
    return failure();
  if (variants.size() > 1 && variants.front().target->isGPU())
    return emitError(loc) << "expected one GPU, but got '" << request.cpu
                          << "'; PTX runs on newer ones too";
  auto strength = [](const TargetInfo &target) {
    auto levels = target.target->levels();
    return std::make_pair(
        llvm::find_if(levels,
                      [&](auto &l) { return l.name == target.level; }) -
            levels.begin(),
        target.enabled.size());
  };
  llvm::sort(variants, [&](const TargetInfo &a, const TargetInfo &b) {
    return strength(a) < strength(b);
  });
  return variants;
}

/// The names of CPUFeatures.def that a triple's processors may have.
static ArrayRef<StringLiteral> checkedFeatures(const llvm::Triple &triple) {
#define X86_FEATURE(name, leaf, reg, bit, state) name,
  static constexpr StringLiteral x86[] = {
#include "dyadic/Target/CPUFeatures.def"
  };
#define AARCH64_FEATURE(name, word, bit) name,
  static constexpr StringLiteral arm[] = {
#include "dyadic/Target/CPUFeatures.def"
  };
  if (triple.isX86())
    return x86;
  if (triple.isAArch64())
    return arm;
  return {};
}

std::string TargetInfo::required() const {
  std::string text;
  for (StringRef feature : checkedFeatures(llvm::Triple(triple)))
    if (has(feature))
      text += (text.empty() ? "+" : ",+") + feature.str();
  return text;
}

bool dyadic::hostSupports(const TargetInfo &target, std::string &missing) {
  llvm::Triple triple(target.triple), host = hostTriple();
  if (triple.getArch() != host.getArch() || triple.getOS() != host.getOS()) {
    missing = target.triple;
    return false;
  }
  auto features = llvm::sys::getHostCPUFeatures();
  for (StringRef feature : checkedFeatures(triple))
    if (target.has(feature) && !features.lookup(feature)) {
      missing = feature.str();
      return false;
    }
  return true;
}
