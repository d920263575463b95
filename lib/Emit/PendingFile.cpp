//===- PendingFile.cpp ----------------------------------------------------===//
#include "PendingFile.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace dyadic {

LogicalResult PendingFile::fail(std::error_code error) {
  discard();
  return emitError(loc) << "cannot write '" << path << "': " << error.message();
}

LogicalResult PendingFile::create() {
  if (fs::is_directory(path))
    return fail(std::make_error_code(std::errc::is_a_directory));
  if (fs::exists(path) && !fs::is_regular_file(path)) {
    inPlace = true;
    temporary = path;
    return success();
  }
  llvm::SmallString<128> name;
  int descriptor;
  if (auto error = fs::createUniqueFile(path + ".%%%%%%%%.tmp", descriptor, name))
    return fail(error);
  llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true).flush();
  temporary = name.str().str();
  llvm::sys::RemoveFileOnSignal(temporary);
  return success();
}

LogicalResult PendingFile::write(StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(temporary, error);
  if (error)
    return fail(error);
  os << bytes;
  os.close();
  if (!os.has_error())
    return success();
  error = os.error();
  os.clear_error();
  return fail(error);
}

LogicalResult PendingFile::commit() {
  if (!inPlace) {
    if (auto error = fs::rename(temporary, path))
      return fail(error);
    llvm::sys::DontRemoveFileOnSignal(temporary);
  }
  temporary.clear();
  return success();
}

void PendingFile::discard() {
  if (temporary.empty())
    return;
  if (!inPlace) {
    fs::remove(temporary);
    llvm::sys::DontRemoveFileOnSignal(temporary);
  }
  temporary.clear();
}

} // namespace dyadic
