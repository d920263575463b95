//===- HostCheck.cpp ------------------------------------------------------===//
//
// A plug-in shares C++ objects with its host, so both must use the very same
// libMLIR.so. When they don't, the loader has put a second one behind the
// plug-in, and every call from one to the other ends somewhere wrong. So look
// at what is loaded, in the order in which it was loaded, before any such call.
//
//===----------------------------------------------------------------------===//
#include "HostCheck.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>

namespace dyadic {

namespace {
struct LoadedLibraries {
  /// The libMLIR.so.* that was loaded first, and whether the plug-in came
  /// before it.
  std::string mlir;
  bool pluginSeen = false, pluginFirst = false;
};
} // namespace

static bool isPlugin(const dl_phdr_info &info) {
  auto address = reinterpret_cast<ElfW(Addr)>(&explainHostMismatch);
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = info.dlpi_phdr[i];
    ElfW(Addr) begin = info.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begin &&
        address < begin + segment.p_memsz)
      return true;
  }
  return false;
}

static int visit(dl_phdr_info *info, size_t, void *data) {
  auto &found = *static_cast<LoadedLibraries *>(data);
  if (isPlugin(*info))
    found.pluginSeen = true;
  const char *slash = std::strrchr(info->dlpi_name, '/');
  const char *name = slash ? slash + 1 : info->dlpi_name;
  if (found.mlir.empty() && std::strncmp(name, "libMLIR.so", 10) == 0) {
    found.mlir = name;
    found.pluginFirst = found.pluginSeen;
  }
  return 0;
}

std::string explainHostMismatch(unsigned major, unsigned minor) {
  std::string built =
      "MLIR " + std::to_string(major) + "." + std::to_string(minor);
  std::string remedy = "; use mlir-opt-" + std::to_string(major) +
                       " (Debian: mlir-" + std::to_string(major) +
                       "-tools), or build Dyadic against the MLIR of this "
                       "program";
  // The host's, if it has one: the loader asks in the order of loading.
  using GetVersion = void (*)(unsigned *, unsigned *, unsigned *);
  if (auto getVersion =
          reinterpret_cast<GetVersion>(dlsym(RTLD_DEFAULT, "LLVMGetVersion"))) {
    unsigned hostMajor = 0, hostMinor = 0, hostPatch = 0;
    getVersion(&hostMajor, &hostMinor, &hostPatch);
    if (hostMajor != major || hostMinor != minor)
      return "expected a program that uses " + built +
             ", but this one uses LLVM " + std::to_string(hostMajor) + "." +
             std::to_string(hostMinor) + remedy;
  }
  LoadedLibraries found;
  dl_iterate_phdr(visit, &found);
  if (found.mlir.empty() || found.pluginFirst)
    return "expected a program that uses the shared libMLIR.so of " + built +
           ", but this one has its own copy of MLIR, or none" + remedy;
  return "";
}

} // namespace dyadic
