//===- OutputFile.cpp -----------------------------------------------------===//
#include "dyadic/Support/OutputFile.h"

#include <sys/stat.h>

using namespace llvm;
namespace fs = llvm::sys::fs;

namespace dyadic {

static Error cannotWrite(StringRef path, std::error_code error) {
  return createStringError(error, "cannot write %s: %s", path.str().c_str(),
                           error.message().c_str());
}

Expected<std::unique_ptr<OutputFile>> OutputFile::create(StringRef path) {
  std::unique_ptr<OutputFile> file(new OutputFile);
  file->finalPath = path.str();
  fs::file_status status;
  if (!fs::status(path, status)) {
    if (fs::is_directory(status))
      return cannotWrite(path, std::make_error_code(std::errc::is_a_directory));
    // Renaming over /dev/stdout or a pipe would replace it.
    if (!fs::is_regular_file(status)) {
      std::error_code error;
      file->stream = std::make_unique<raw_fd_ostream>(path, error);
      if (error)
        return cannotWrite(path, error);
      return std::move(file);
    }
    if (std::error_code error = fs::access(path, fs::AccessMode::Write))
      return cannotWrite(path, error);
  }
  auto temporary = fs::TempFile::create(path + ".%%%%%%.part");
  if (!temporary)
    return cannotWrite(path, errorToErrorCode(temporary.takeError()));
  file->temporary = std::move(*temporary);
  file->stream = std::make_unique<raw_fd_ostream>(file->temporary->FD,
                                                  /*shouldClose=*/false);
  return std::move(file);
}

OutputFile::~OutputFile() {
  consumeError(flush()); // an unchecked error would end the process
  stream.reset();
  if (temporary)
    consumeError(temporary->discard());
}

StringRef OutputFile::temporaryPath() const {
  return temporary ? StringRef(temporary->TmpName) : StringRef(finalPath);
}

Error OutputFile::flush() {
  if (!stream)
    return Error::success();
  stream->flush();
  if (!stream->has_error())
    return Error::success();
  std::error_code error = stream->error();
  stream->clear_error();
  return cannotWrite(finalPath, error);
}

Error OutputFile::commit() {
  if (Error error = flush())
    return error;
  if (!temporary)
    return Error::success();
  // Temporary files are private; ours are as the user's umask wants them. A
  // program that wrote to the path knows what its file must be.
  if (stream->tell() > 0) {
    mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(temporary->FD, 0666 & ~mask);
  }
  Error error = temporary->keep(finalPath);
  temporary.reset();
  if (error)
    return cannotWrite(finalPath, errorToErrorCode(std::move(error)));
  return Error::success();
}

Error writeFile(StringRef path, StringRef bytes) {
  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  (*file)->os() << bytes;
  return (*file)->commit();
}

} // namespace dyadic
