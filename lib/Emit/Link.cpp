//===- Link.cpp -----------------------------------------------------------===//
#include "Link.h"

#include "Scratch.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace mlir;

namespace dyadic {

/// Runtime/*.c as a static archive, embedded by lib/Emit/EmbedFile.cmake.
extern const unsigned char kRuntimeArchive[];
extern const size_t kRuntimeArchiveSize;

static FailureOr<std::string> findDriver(Location loc) {
  for (StringRef name : {"cc", "gcc", "clang-22", "clang"})
    if (auto found = llvm::sys::findProgramByName(name))
      return *found;
  return emitError(loc)
         << "expected a C compiler on PATH to link with (cc, gcc or clang); on "
            "Debian: apt-get install gcc libc6-dev. Objects (.o) and archives "
            "(.a) need none";
}

/// Runs the driver; what it says becomes part of the error.
static LogicalResult runDriver(ArrayRef<StringRef> arguments, StringRef target,
                               Scratch &scratch, Location loc) {
  auto driver = findDriver(loc);
  if (failed(driver))
    return failure();
  auto log = scratch.add("log", "");
  if (failed(log))
    return failure();
  SmallVector<StringRef> command{*driver};
  llvm::append_range(command, arguments);
  std::optional<StringRef> redirects[] = {StringRef(""), *log, *log};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(*driver, command, std::nullopt,
                                         redirects, 0, 0, &message);
  if (status == 0)
    return success();
  if (auto text = llvm::MemoryBuffer::getFile(*log))
    message += (*text)->getBuffer().rtrim();
  return emitError(loc) << "cannot link '" << target << "' with " << *driver
                        << ": " << message;
}

LogicalResult linkExecutable(StringRef object, StringRef target,
                             StringRef output, Location loc) {
  Scratch scratch(loc);
  auto model = scratch.add("o", object);
  if (failed(model))
    return failure();
  auto runtime = scratch.add(
      "a", StringRef(reinterpret_cast<const char *>(kRuntimeArchive),
                     kRuntimeArchiveSize));
  if (failed(runtime))
    return failure();
  return runDriver({*model, *runtime, "-o", output, "-pie", "-Wl,--gc-sections",
                    "-Wl,--as-needed", "-Wl,-z,noexecstack", "-lm"},
                   target, scratch, loc);
}

LogicalResult linkSharedLibrary(StringRef object, StringRef target,
                                StringRef output, Location loc) {
  Scratch scratch(loc);
  auto model = scratch.add("o", object);
  if (failed(model))
    return failure();
  std::string name = ("-Wl,-soname," + llvm::sys::path::filename(target)).str();
  return runDriver({*model, "-shared", "-o", output, name, "-Wl,--gc-sections",
                    "-Wl,--as-needed", "-Wl,-z,noexecstack", "-lm"},
                   target, scratch, loc);
}

} // namespace dyadic
