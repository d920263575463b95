//===- Goal.h - the accuracy that a compile is asked for --------*- C++ -*-===//
#ifndef DYADIC_TOOLS_GOAL_H
#define DYADIC_TOOLS_GOAL_H

#include "CommandLine.h"

#include "dyadic/Explain/Escalate.h"

#include <optional>

namespace dyadic {

struct GoalOptions {
  std::optional<double> sqnr;
  std::string accuracyDrop, metric = "top1", labels, samples, saveOptions;

  void add(CLI::App &app);
  /// The goal that they set, if they do.
  llvm::Expected<std::optional<AccuracyGoal>> resolve(const CommonOptions &options) const;
  /// What was tried, which it prints. `fault` says whose a failure is.
  mlir::FailureOr<Escalation> search(mlir::MLIRContext *context, const AccuracyGoal &goal,
                                     const CompileOptions &compile, ExitCode &fault) const;
  /// Adds to `compile` what the goal needs; an error if nothing reaches it.
  ExitCode reach(mlir::MLIRContext *context, const AccuracyGoal &goal,
                 CompileOptions &compile) const;
};

} // namespace dyadic

#endif
