//===- Link.cpp -----------------------------------------------------------===//
#include "Link.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <deque>

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace dyadic {

/// Runtime/*.c as a static archive, embedded by lib/Emit/EmbedFile.cmake.
extern const unsigned char kRuntimeArchive[];
extern const size_t kRuntimeArchiveSize;

namespace {
/// Files that go away with the object.
class Scratch {
public:
  explicit Scratch(Location loc) : loc(loc) {}
  ~Scratch() {
    for (StringRef file : files) {
      fs::remove(file);
      llvm::sys::DontRemoveFileOnSignal(file);
    }
  }

  /// A new file with these bytes; its path.
  FailureOr<StringRef> add(StringRef extension, StringRef bytes) {
    SmallString<128> name;
    int descriptor;
    if (auto error =
            fs::createTemporaryFile("dyadic", extension, descriptor, name))
      return fail(name.empty() ? "a temporary file" : name.str(), error);
    files.push_back(name.str().str());
    llvm::sys::RemoveFileOnSignal(name);
    llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
    os << bytes;
    os.close();
    if (os.has_error()) {
      auto error = os.error();
      os.clear_error();
      return fail(name, error);
    }
    return StringRef(files.back());
  }

private:
  LogicalResult fail(StringRef file, std::error_code error) {
    return emitError(loc) << "cannot write '" << file
                          << "': " << error.message();
  }

  Location loc;
  std::deque<std::string> files;
};
} // namespace

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
