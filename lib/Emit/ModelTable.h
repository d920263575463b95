//===- ModelTable.h - the table by which programs find a model --*- C++ -*-===//
#ifndef DYADIC_EMIT_MODELTABLE_H
#define DYADIC_EMIT_MODELTABLE_H

#include "dyadic/Emit/ProgramInfo.h"

namespace llvm {
class Module;
}

namespace dyadic {

/// Adds `<name>_invoke`, `<name>_supported` and `<name>_info` as dyadic_model.h
/// declares them, and `dyadic_main_model` if asked for, the same table under a
/// fixed name. `features` is what the machine must have, `variants` the names of
/// those to choose from.
void addModelTable(llvm::Module &module, const ProgramInfo &info,
                   llvm::StringRef features,
                   llvm::ArrayRef<std::string> variants, bool withMainModel);

} // namespace dyadic

#endif
