//===- NpySource.h - where an array's bytes come from -----------*- C++ -*-===//
#ifndef DYADIC_LIB_SUPPORT_NPYSOURCE_H
#define DYADIC_LIB_SUPPORT_NPYSOURCE_H

#include "dyadic/Support/Npy.h"

#include "llvm/Support/FileSystem.h"

namespace dyadic {

/// A file opened for reading, shared by the arrays of an archive.
class InputFile {
public:
  static llvm::Expected<std::shared_ptr<InputFile>> open(llvm::StringRef path);
  ~InputFile();
  int64_t size() const { return fileSize; }
  llvm::StringRef path() const { return filePath; }
  llvm::Error read(int64_t offset, llvm::MutableArrayRef<char> out) const;

private:
  InputFile() = default;
  std::string filePath;
  llvm::sys::fs::file_t handle = llvm::sys::fs::kInvalidFile;
  int64_t fileSize = 0;
};

/// `size` bytes of the file from `offset`.
std::unique_ptr<ByteSource> makeSlice(std::shared_ptr<InputFile> file,
                                      int64_t offset, int64_t size);

/// A deflated stream in `packedSize` bytes of the file from `offset`, checked
/// against `crc` when it has been read through.
std::unique_ptr<ByteSource> makeInflated(std::shared_ptr<InputFile> file,
                                         int64_t offset, int64_t packedSize,
                                         int64_t size, uint32_t crc,
                                         std::string label);

} // namespace dyadic

#endif
