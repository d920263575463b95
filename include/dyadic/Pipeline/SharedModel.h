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

private:
  SharedModel() = default;
  void *handle = nullptr;
  ProgramInfo program;
  void (*invoke)(const void *const *, void *const *, void *) = nullptr;
};

} // namespace dyadic

#endif
