//===- Diagnostics.cpp - from MLIR's diagnostics to a callback ------------===//
#include "CAPI.h"

#include "dyadic/Support/DescribeLocation.h"

#include "llvm/ADT/Twine.h"

using namespace mlir;

namespace dyadic::capi {

static DyadicSeverity severityOf(const Diagnostic &diagnostic) {
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Note:
    return DyadicSeverityNote;
  case DiagnosticSeverity::Warning:
    return DyadicSeverityWarning;
  case DiagnosticSeverity::Remark:
    return DyadicSeverityRemark;
  case DiagnosticSeverity::Error:
    break;
  }
  return DyadicSeverityError;
}

static void forward(const Diagnostic &diagnostic, DyadicReporter reporter) {
  if (!reporter.report)
    return;
  std::string where = describeLocation(diagnostic.getLocation());
  std::string message = diagnostic.str();
  reporter.report(severityOf(diagnostic), wrap(where), wrap(message), reporter.userData);
  for (const Diagnostic &note : diagnostic.getNotes())
    forward(note, reporter);
}

DiagnosticForwarder::DiagnosticForwarder(MLIRContext &context, DyadicReporter reporter)
    : handler(&context, [reporter](Diagnostic &diagnostic) { forward(diagnostic, reporter); }) {}

DyadicResult fail(DyadicReporter reporter, DyadicResult result, const llvm::Twine &message) {
  if (reporter.report) {
    std::string text = message.str();
    reporter.report(DyadicSeverityError, {"", 0}, wrap(text), reporter.userData);
  }
  return result;
}

DyadicResult nullArgument(DyadicReporter reporter, llvm::StringRef what) {
  return fail(reporter, DyadicResultUsageError, "expected " + what + ", but got null");
}

} // namespace dyadic::capi
