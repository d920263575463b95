//===- PendingFile.h - a file that appears when it is complete --*- C++ -*-===//
#ifndef DYADIC_EMIT_PENDINGFILE_H
#define DYADIC_EMIT_PENDINGFILE_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include <string>

namespace dyadic {

/// A temporary file beside `path`, removed again unless it is committed. A
/// target that exists and is no regular file (a device, a pipe) is written to
/// in place.
class PendingFile {
public:
  PendingFile(llvm::StringRef path, mlir::Location loc) : path(path), loc(loc) {}
  PendingFile(const PendingFile &) = delete;
  ~PendingFile() { discard(); }

  /// Makes the temporary file.
  mlir::LogicalResult create();
  /// Its path, for programs that write it.
  llvm::StringRef temporaryPath() const { return temporary; }
  mlir::LogicalResult write(llvm::StringRef bytes);
  /// Gives the file its name.
  mlir::LogicalResult commit();
  void discard();

private:
  mlir::LogicalResult fail(std::error_code error);

  std::string path;
  mlir::Location loc;
  std::string temporary;
  bool inPlace = false;
};

} // namespace dyadic

#endif
