//===- DyadicPlugin.cpp - Dyadic for the stock mlir-opt -------------------===//
//
//   mlir-opt-22 --load-dialect-plugin=…/DyadicPlugin.so
//     --load-pass-plugin=…/DyadicPlugin.so
//     --pass-pipeline='builtin.module(func.func(qnn-quantize))' in.mlir
//
//===----------------------------------------------------------------------===//
#include "HostCheck.h"
#include "dyadic/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

#include <cstdio>

static const char *const kName = "DyadicPlugin";

/// The interface version to report: one that no host accepts where this one
/// can't use the plug-in.
static uint32_t checkHost() {
  std::string problem =
      dyadic::explainHostMismatch(LLVM_VERSION_MAJOR, LLVM_VERSION_MINOR);
  if (problem.empty())
    return MLIR_PLUGIN_API_VERSION;
  std::fprintf(stderr, "error: %s: %s\n", kName, problem.c_str());
  return 0;
}

/// A tool that links Dyadic has the dialects and passes under other type ids.
static void sayNotNeeded(const char *what) {
  std::fprintf(stderr,
               "warning: %s: this program has Dyadic's %s already; the "
               "plug-in's were left out\n",
               kName, what);
}

static void registerDialects(mlir::DialectRegistry *registry) {
  if (registry->getDialectAllocator("qnn"))
    return sayNotNeeded("dialects");
  dyadic::registerAllDialects(*registry);
}

static void registerPasses() {
  if (mlir::PassInfo::lookup("qnn-quantize"))
    return sayNotNeeded("passes");
  dyadic::registerAllPasses();
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {checkHost(), kName, LLVM_VERSION_STRING, registerDialects};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {checkHost(), kName, LLVM_VERSION_STRING, registerPasses};
}
