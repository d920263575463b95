//===- Scratch.h - temporary files for other programs -----------*- C++ -*-===//
#ifndef DYADIC_EMIT_SCRATCH_H
#define DYADIC_EMIT_SCRATCH_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <deque>
#include <string>

namespace dyadic {

/// Files that go away with the object.
class Scratch {
public:
  explicit Scratch(mlir::Location loc) : loc(loc) {}
  ~Scratch() {
    for (llvm::StringRef file : files) {
      llvm::sys::fs::remove(file);
      llvm::sys::DontRemoveFileOnSignal(file);
    }
  }

  /// A new file with these bytes; its path.
  mlir::FailureOr<llvm::StringRef> add(llvm::StringRef extension, llvm::StringRef bytes) {
    llvm::SmallString<128> name;
    int descriptor;
    if (auto error =
            llvm::sys::fs::createTemporaryFile("dyadic", extension, descriptor, name))
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
    return llvm::StringRef(files.back());
  }

private:
  mlir::LogicalResult fail(llvm::StringRef file, std::error_code error) {
    return mlir::emitError(loc) << "cannot write '" << file
                          << "': " << error.message();
  }

  mlir::Location loc;
  std::deque<std::string> files;
};

} // namespace dyadic

#endif
