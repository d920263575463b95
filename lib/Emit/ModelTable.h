//===- ModelTable.h - the table by which programs find a model --*- C++ -*-===//
#ifndef DYADIC_EMIT_MODELTABLE_H
#define DYADIC_EMIT_MODELTABLE_H

#include "dyadic/Emit/ProgramInfo.h"

namespace llvm {
class Module;
}

namespace dyadic {

/// Where a length is open: makes `<name>_run` a function that returns 1 for a
/// length that the program doesn't take, without running, and else 0.
llvm::Function *addLengthCheck(llvm::Module &module, const ProgramInfo &info);

/// Adds `<name>_invoke`, `<name>_supported` and `<name>_info` as dyadic_model.h
/// declares them, and `dyadic_main_model` if asked for, the same table under a
/// fixed name. `features` is what the machine must have, `variants` the names of
/// those to choose from.
void addModelTable(llvm::Module &module, const ProgramInfo &info,
                   llvm::StringRef features,
                   llvm::ArrayRef<std::string> variants, bool withMainModel);

} // namespace dyadic

#endif
