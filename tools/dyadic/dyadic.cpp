//===- dyadic.cpp - the compiler's command line ---------------------------===//
#include "CommandLine.h"
#include "MLIRFlags.h"

#include "dyadic/Support/Progress.h"

#include "llvm/Support/Allocator.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <new>
#include <unistd.h>

using namespace dyadic;

const char *const dyadic::kHowToReport =
    "This is a fault of dyadic, not of the model. Please report it to whoever "
    "gave you dyadic,\nwith the messages above, the command line, and the model "
    "if it may be shared.\n";

/// Only calls that are allowed in a signal handler.
static void sayRaw(const char *text) {
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, text, strlen(text));
}

/// Crashes end with exit code 3 and a hint, behind LLVM's stack trace.
static void installCrashHandlers() {
  llvm::setBugReportMsg("error: dyadic crashed, here:\n");
  llvm::sys::AddSignalHandler(
      [](void *) {
        sayRaw(kHowToReport);
        _exit(InternalError);
      },
      nullptr);
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    sayRaw("error: ");
    sayRaw(reason);
    sayRaw("\n");
    sayRaw(kHowToReport);
    llvm::sys::RunInterruptHandlers(); // removes unfinished files
    _exit(InternalError);
  });
  auto outOfMemory = [] {
    sayRaw("error: not enough memory\n");
    llvm::sys::RunInterruptHandlers();
    _exit(InputError);
  };
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) {
    sayRaw("error: not enough memory\n");
    llvm::sys::RunInterruptHandlers();
    _exit(InputError);
  });
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  installCrashHandlers();
  Progress::show();

  CLI::App app("Compiles float ONNX networks to small integer-only native code.\n"
               "Exit codes: 0 done, 1 the input is at fault, 2 the command line "
               "is, 3 dyadic is.");
  app.name("dyadic");
  app.footer("MLIR's own flags work with every command: --mlir-print-ir-after-all, "
             "--mlir-timing,\n--mlir-pass-pipeline-crash-reproducer=FILE and the "
             "others that begin with --mlir-. @FILE stands for the options in FILE.");
  app.set_version_flag("--version", "dyadic " DYADIC_VERSION);
  app.require_subcommand(1);
  Command commands[] = {addCompile(app), addRun(app),     addCalibrate(app), addEvaluate(app),
                        addExplain(app), addInspect(app), addProfile(app)};
  llvm::BumpPtrAllocator allocator;
  llvm::SmallVector<const char *> given(argv, argv + argc);
  llvm::cl::ExpansionContext files(allocator, llvm::cl::TokenizeGNUCommandLine);
  if (auto error = files.expandResponseFiles(given)) {
    printError(llvm::toString(std::move(error)));
    return UsageError;
  }
  std::vector<const char *> arguments;
  std::string unknown;
  if (!takeMLIRFlags(given, arguments, unknown)) {
    if (!unknown.empty()) // else MLIR has said it
      printError(llvm::StringRef(unknown).rtrim());
    return UsageError;
  }
  try {
    app.parse(arguments.size(), arguments.data());
  } catch (const CLI::Success &done) { // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError &error) {
    printError(error.what());
    llvm::errs() << "Run dyadic --help, or dyadic COMMAND --help, for the options.\n";
    return UsageError;
  }
  for (Command &command : commands)
    if (command.app->parsed()) {
      ExitCode code = command.run();
      llvm::outs().flush();
      if (llvm::outs().has_error()) {
        printError("cannot write to standard output: " + llvm::outs().error().message());
        llvm::outs().clear_error();
        return code == Done ? InputError : code;
      }
      return code;
    }
  return UsageError;
}
