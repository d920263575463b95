//===- OutputFile.h - files that appear only when complete ------*- C++ -*-===//
//
// Everything the tools write goes through here: the bytes are written under a
// temporary name in the same folder, and renamed when all of them are there.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_SUPPORT_OUTPUTFILE_H
#define DYADIC_SUPPORT_OUTPUTFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <optional>
#include <string>

namespace dyadic {

/// A file being written. Without `commit` nothing is left behind.
class OutputFile {
public:
  /// Opens a temporary file beside `path`; a device or pipe is opened itself.
  static llvm::Expected<std::unique_ptr<OutputFile>> create(llvm::StringRef path);
  ~OutputFile();

  llvm::raw_pwrite_stream &os() { return *stream; }
  llvm::StringRef path() const { return finalPath; }
  /// Where the bytes are until then, for another program to write.
  llvm::StringRef temporaryPath() const;

  /// Fails if any write did (a full disk).
  llvm::Error flush();
  /// Flushes and gives the file its name.
  llvm::Error commit();

private:
  OutputFile() = default;
  std::string finalPath;
  std::optional<llvm::sys::fs::TempFile> temporary; // none for a device
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

/// Writes a whole file.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

} // namespace dyadic

#endif
