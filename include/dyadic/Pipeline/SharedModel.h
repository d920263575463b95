//===- SharedModel.h - a compiled .so, loaded -------------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_SHAREDMODEL_H
#define DYADIC_PIPELINE_SHAREDMODEL_H

#include "dyadic/Emit/ProgramInfo.h"

#include "llvm/Support/Error.h"

#include <memory>

namespace dyadic {

/// A model that `dyadic compile -o x.so` made, in this process.
class SharedModel {
public:
  static llvm::Expected<std::unique_ptr<SharedModel>> open(llvm::StringRef path);
  ~SharedModel();

  const ProgramInfo &info() const { return program; }
  /// As JITProgram::run.
  void run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs,
           void *arena) const {
    invoke(inputs.data(), outputs.data(), arena);
  }
  /// The same, but a fault of a GPU is an error and not the end of the process.
  llvm::Error tryRun(llvm::ArrayRef<const void *> inputs,
                     llvm::ArrayRef<void *> outputs, void *arena) const;

private:
  SharedModel() = default;
  void *handle = nullptr;
  ProgramInfo program;
  void (*invoke)(const void *const *, void *const *, void *) = nullptr;
  /// Of programs for a GPU: takes what is to be called when a run fails.
  void (*onFailure)(void (*handler)(const char *error)) = nullptr;
};

} // namespace dyadic

#endif
