//===- Link.cpp -----------------------------------------------------------===//
#include "Link.h"

#include "Scratch.h"
#include "dyadic/Emit/MachineCode.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace dyadic {

/// Runtime/*.c of executables as one source, embedded by EmbedFile.cmake.
extern const unsigned char kExecutableSource[];
extern const size_t kExecutableSourceSize;

namespace {
/// Debian's names for a kind of system: the prefix of its GNU tools, and what its
/// packages are called.
struct System {
  std::string prefix, libc;
};
} // namespace

static FailureOr<System> systemOf(const llvm::Triple &triple) {
  using llvm::Triple;
  bool isHard = triple.getEnvironment() == Triple::GNUEABIHF;
  switch (triple.getArch()) {
  case Triple::aarch64:
    return System{"aarch64-linux-gnu", "arm64"};
  case Triple::arm:
  case Triple::thumb:
    return isHard ? System{"arm-linux-gnueabihf", "armhf"}
                  : System{"arm-linux-gnueabi", "armel"};
  case Triple::riscv64:
    return System{"riscv64-linux-gnu", "riscv64"};
  case Triple::x86_64:
    return System{"x86_64-linux-gnu", "amd64"};
  case Triple::x86:
    return System{"i686-linux-gnu", "i386"};
  case Triple::ppc64le:
    return System{"powerpc64le-linux-gnu", "ppc64el"};
  case Triple::systemz:
    return System{"s390x-linux-gnu", "s390x"};
  case Triple::mips64el:
    return System{"mips64el-linux-gnuabi64", "mips64el"};
  case Triple::loongarch64:
    return System{"loongarch64-linux-gnu", "loong64"};
  default:
    return failure();
  }
}

static bool isHost(const llvm::Triple &triple) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  return triple.getArch() == host.getArch() && triple.getOS() == host.getOS() &&
         triple.getEnvironment() == host.getEnvironment();
}

/// The C compiler driver for a triple, and what it must be told to link for it.
static FailureOr<SmallVector<std::string>>
findDriver(const llvm::Triple &triple, Location loc) {
  using Command = SmallVector<std::string>;
  if (isHost(triple)) {
    for (StringRef name : {"cc", "gcc", "clang-22", "clang"})
      if (auto found = llvm::sys::findProgramByName(name))
        return Command{*found};
    return emitError(loc)
           << "expected a C compiler on PATH to link with (cc, gcc or clang); on "
              "Debian: apt-get install gcc libc6-dev. Objects (.o) and archives "
              "(.a) need none";
  }
  auto system = systemOf(triple);
  if (failed(system))
    return emitError(loc) << "expected .o or .a for '" << triple.str()
                          << "', whose linker dyadic doesn't know";
  if (auto found = llvm::sys::findProgramByName(system->prefix + "-gcc"))
    return Command{*found};
  // Clang links for any system whose C library is installed.
  std::string root = "/usr/" + system->prefix;
  if (llvm::sys::fs::exists(root + "/lib/crt1.o") &&
      llvm::sys::findProgramByName("ld.lld"))
    for (StringRef name : {"clang-22", "clang"})
      if (auto found = llvm::sys::findProgramByName(name))
        return Command{*found, "--target=" + triple.str(), "-fuse-ld=lld"};
  return emitError(loc)
         << "expected " << system->prefix << "-gcc on PATH to link for '"
         << triple.str() << "'; on Debian: apt-get install gcc-"
         << StringRef(system->prefix) << " libc6-dev-" << system->libc
         << "-cross. Objects (.o) and archives (.a) need none";
}

LogicalResult checkLinker(ArtifactKind kind, StringRef name, Location loc) {
  if (kind != ArtifactKind::Executable && kind != ArtifactKind::SharedLibrary)
    return success();
  llvm::Triple triple(name);
  StringRef what = kind == ArtifactKind::Executable ? "an executable"
                                                    : "a shared library";
  auto refuse = [&](StringRef why) {
    return emitError(loc) << "expected .o or .a for '" << name << "', but got "
                          << what << ": " << why;
  };
  if (isBareMetal(triple))
    return refuse("there is no system to start it");
  if (triple.isAndroid())
    return refuse("link the object by the Android NDK");
  if (triple.isOSDarwin())
    return refuse("link the object by Xcode's tools");
  if (!triple.isOSLinux() && !isHost(triple))
    return refuse("link the object by that system's tools");
  return success(succeeded(findDriver(triple, loc)));
}

/// Runs the driver; what it says becomes part of the error.
static LogicalResult runDriver(const LinkJob &job, ArrayRef<StringRef> arguments,
                               Scratch &scratch, Location loc) {
  auto driver = findDriver(llvm::Triple(job.triple), loc);
  if (failed(driver))
    return failure();
  auto log = scratch.add("log", "");
  if (failed(log))
    return failure();
  SmallVector<StringRef> command(driver->begin(), driver->end());
  llvm::append_range(command, arguments);
  llvm::append_range(command, ArrayRef<StringRef>{
                                  "-o", job.output, "-Wl,--gc-sections",
                                  "-Wl,--as-needed", "-Wl,-z,noexecstack", "-lm"});
  SmallVector<StringRef> runtimes = {""};
  if (job.needsOpenMP)
    runtimes = {"-lgomp", "-lomp"}; // GCC's; LLVM's where there is only Clang
  std::string message;
  for (StringRef runtime : runtimes) {
    SmallVector<StringRef> all(command);
    if (!runtime.empty())
      all.push_back(runtime);
    std::optional<StringRef> redirects[] = {StringRef(""), *log, *log};
    message.clear();
    if (llvm::sys::ExecuteAndWait(driver->front(), all, std::nullopt, redirects,
                                  0, 0, &message) == 0)
      return success();
    if (auto text = llvm::MemoryBuffer::getFile(*log))
      message += (*text)->getBuffer().rtrim();
    if (!StringRef(message).contains(runtime))
      break;
  }
  auto error = emitError(loc) << "cannot link '" << job.target << "' with "
                              << driver->front() << ": " << message;
  if (job.needsOpenMP && StringRef(message).contains("omp"))
    error.attachNote() << "several threads need an OpenMP runtime, libgomp (of "
                          "gcc) or libomp; with one thread there is none";
  return error;
}

LogicalResult linkExecutable(const LinkJob &job, Location loc) {
  Scratch scratch(loc);
  auto model = scratch.add("o", job.object);
  if (failed(model))
    return failure();
  auto source = scratch.add(
      "c", StringRef(reinterpret_cast<const char *>(kExecutableSource),
                     kExecutableSourceSize));
  if (failed(source))
    return failure();
  return runDriver(job,
                   {*source, *model, "-std=gnu11", "-Os", "-g0",
                    "-ffunction-sections", "-fdata-sections", "-fPIE",
                    "-fno-asynchronous-unwind-tables",
                    job.isStatic ? "-static" : "-pie"},
                   scratch, loc);
}

LogicalResult linkSharedLibrary(const LinkJob &job, Location loc) {
  Scratch scratch(loc);
  auto model = scratch.add("o", job.object);
  if (failed(model))
    return failure();
  // "-Wl" would divide a name at its commas.
  return runDriver(job,
                   {*model, "-shared", "-Xlinker", "-soname", "-Xlinker",
                    llvm::sys::path::filename(job.target)},
                   scratch, loc);
}

} // namespace dyadic
