//===- CAPI.h - what is behind the handles ----------------------*- C++ -*-===//
#ifndef DYADIC_LIB_CAPI_CAPI_H
#define DYADIC_LIB_CAPI_CAPI_H

#include "dyadic-c/Dyadic.h"

#include "dyadic/Pipeline/Compile.h"

#include "mlir/IR/MLIRContext.h"

namespace dyadic::capi {

inline llvm::StringRef unwrap(DyadicStringRef text) { return {text.data, text.length}; }
inline DyadicStringRef wrap(llvm::StringRef text) { return {text.data(), text.size()}; }
inline DyadicInterface wrap(const ProgramInfo &info) { return {&info}; }

/// Tells an error that has no place in a model.
DyadicResult fail(DyadicReporter reporter, DyadicResult result, const llvm::Twine &message);
/// The arguments of a C function that must not be null are checked with this.
DyadicResult nullArgument(DyadicReporter reporter, llvm::StringRef what);

/// What an options handle collects; faults wait for the compile to report them.
struct Options {
  std::string name, observer, calibration, folder, overrides;
  TargetRequest target;
  bool cpuFallback = false;
  unsigned optLevel = 3;
  int64_t threads = 1;
  llvm::StringMap<llvm::SmallVector<int64_t>> shapes;
  llvm::StringMap<ONNXImportOptions::OpenDimension> open;
  llvm::StringMap<HostTensor> values;
  std::vector<SampleArray> arrays;
  std::vector<std::string> keepFloat, weights, activations;
  Scheme scheme = Scheme::Static;
  WeightRounding weightRounding = WeightRounding::Best;
  bool integerOnly = false;
  ImageOptions images;
  std::vector<std::string> faults;
};

/// A context and what was compiled in it. Programs share it, for it owns their
/// weights.
struct Session {
  mlir::MLIRContext context;
  std::unique_ptr<Compilation> compilation;

  explicit Session(const mlir::DialectRegistry &registry)
      : context(registry) {
    context.printOpOnDiagnostic(false);
  }
};

struct Model {
  std::shared_ptr<Session> session;
  EmitOptions emit;
};

/// Sends a context's diagnostics to a reporter.
class DiagnosticForwarder {
public:
  DiagnosticForwarder(mlir::MLIRContext &context, DyadicReporter reporter);

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace dyadic::capi

#endif
