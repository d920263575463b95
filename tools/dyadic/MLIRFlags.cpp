//===- MLIRFlags.cpp ------------------------------------------------------===//
#include "MLIRFlags.h"

#include "dyadic/InitAll.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

bool dyadic::takeMLIRFlags(llvm::ArrayRef<const char *> arguments,
                           std::vector<const char *> &others, std::string &error) {
  std::vector<const char *> flags{arguments.front()};
  auto isFlag = [](llvm::StringRef text) {
    return text.starts_with("--mlir-") || text.starts_with("-mlir-");
  };
  others.clear();
  for (const char *argument : arguments)
    (isFlag(argument) ? flags : others).push_back(argument);
  if (flags.size() == 1)
    return true; // nothing to set up
  // What they print, of a whole module at that, wants one thread.
  char disableThreading[] = "--mlir-disable-threading";
  if (!llvm::is_contained(llvm::ArrayRef(flags), llvm::StringRef(disableThreading)))
    flags.push_back(disableThreading);
  registerAllPasses(); // for flags that name one
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  llvm::raw_string_ostream os(error);
  return llvm::cl::ParseCommandLineOptions(flags.size(), flags.data(),
                                           "MLIR's flags\n", &os);
}
