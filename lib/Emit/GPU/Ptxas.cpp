//===- Ptxas.cpp - PTX to cubins by NVIDIA's assembler --------------------===//
#include "dyadic/Emit/GPU.h"

#include "../Scratch.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace dyadic {

std::string findPtxas(StringRef given) {
  if (!given.empty())
    return given.str();
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  SmallVector<std::string> homes;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (auto home = llvm::sys::Process::GetEnv(variable))
      homes.push_back(*home);
  homes.push_back("/usr/local/cuda");
  for (StringRef home : homes) {
    SmallString<128> path(home);
    llvm::sys::path::append(path, "bin", "ptxas");
    if (fs::can_execute(path))
      return path.str().str();
  }
  return "";
}

FailureOr<std::string> assemblePTX(StringRef ptx, StringRef arch,
                                   StringRef ptxas, Location loc,
                                   std::string *usage) {
  std::string program = findPtxas(ptxas);
  if (program.empty())
    return emitError(loc)
           << "expected ptxas on PATH, in $CUDA_HOME/bin or in "
              "/usr/local/cuda/bin; it is part of NVIDIA's CUDA toolkit (Debian: "
              "apt-get install nvidia-cuda-toolkit). PTX (.ptx, .o, .so) needs none";
  if (!fs::can_execute(program))
    return emitError(loc) << "cannot run '" << program
                          << "': expected the path of ptxas";
  Scratch scratch(loc);
  auto input = scratch.add("ptx", ptx);
  auto output = scratch.add("cubin", "");
  auto log = scratch.add("log", "");
  if (failed(input) || failed(output) || failed(log))
    return failure();
  std::string archFlag = ("-arch=" + arch).str();
  SmallVector<StringRef> command{program, archFlag, "-O3",   "-v",
                                 *input,  "-o",     *output};
  std::optional<StringRef> redirects[] = {StringRef(""), *log, *log};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(program, command, std::nullopt,
                                         redirects, 0, 0, &message);
  auto text = llvm::MemoryBuffer::getFile(*log);
  if (status != 0) {
    if (text)
      message += (*text)->getBuffer().rtrim();
    return emitError(loc) << "ptxas refuses the kernels for " << arch << ": "
                          << message;
  }
  if (usage && text)
    *usage = (*text)->getBuffer().str();
  auto bytes = llvm::MemoryBuffer::getFile(*output, /*IsText=*/false,
                                           /*RequiresNullTerminator=*/false);
  if (!bytes)
    return emitError(loc) << "ptxas wrote nothing: "
                          << bytes.getError().message();
  return (*bytes)->getBuffer().str();
}

} // namespace dyadic
