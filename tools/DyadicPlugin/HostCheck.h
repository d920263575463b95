//===- HostCheck.h - whether a program can load the plug-in -----*- C++ -*-===//
#ifndef DYADIC_TOOLS_DYADICPLUGIN_HOSTCHECK_H
#define DYADIC_TOOLS_DYADICPLUGIN_HOSTCHECK_H

#include <string>

namespace dyadic {

/// Why this process can't use a plug-in built for MLIR `major`.`minor`; empty
/// when it can. Calls nothing of MLIR: there may be two of them by now.
std::string explainHostMismatch(unsigned major, unsigned minor);

} // namespace dyadic

#endif
