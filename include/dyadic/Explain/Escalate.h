//===- Escalate.h - the cheapest way to an accuracy -------------*- C++ -*-===//
//
// Quantizes a model in one way after the other, from what costs nothing at run
// time to layers in float, and measures each: accuracy, time and size.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EXPLAIN_ESCALATE_H
#define DYADIC_EXPLAIN_ESCALATE_H

#include "dyadic/Pipeline/Compile.h"

#include <string>
#include <vector>

namespace dyadic {

/// What a quantized network has to reach.
struct AccuracyGoal {
  enum class Metric {
    SQNR,   ///< of the f32 outputs, in front of a closing softmax, in decibels
    Top1,   ///< how often the first output's largest element is the label
    F1,     ///< of the first output's elements above ½, the labels being 0 and 1
    Cosine, ///< of the first output with the float network's, mean over samples
    Command ///< what a command prints
  };
  Metric metric = Metric::SQNR;
  /// At least so many decibels; of another metric, at most so much less than the
  /// float network's, as a fraction.
  double limit = 0;
  /// Samples to measure on; empty: those of the calibration.
  std::string samples;
  ImageOptions images;
  /// The array of `samples`, a .npz file, that has the labels.
  std::string labels;
  /// A command of the shell that is given the path of a .npz with all samples'
  /// outputs; the last line that it prints is a number, more being better.
  std::string command;
};

/// One way to quantize, measured.
struct Candidate {
  /// What it adds to the options given, as typed in a shell.
  std::string flags;
  double accuracy = 0;
  /// Of one run on this machine, median.
  double seconds = 0;
  int64_t weightBytes = 0;
  bool reaches = false;
  /// No other is at least as good in all three and better in one.
  bool onFront = false;
};

struct Escalation {
  AccuracyGoal goal;
  /// The float network's accuracy (infinite for SQNR) and time.
  double floatAccuracy = 0, floatSeconds = 0;
  /// In the order in which they were tried.
  std::vector<Candidate> candidates;
  /// The fastest candidate that reaches the goal, or −1.
  int64_t chosen = -1;
  /// The options of the chosen one, or else of the most accurate.
  CompileOptions options;
};

/// Finds what reaches `goal` when it is added to `compile`, which must calibrate
/// on samples: another observer, AdaRound, then 16 bits for what costs the most
/// accuracy, and if that isn't enough, float, for as few ops as do. Errors have been reported on failure, and `fault` says
/// whose they are; a goal that nothing reaches isn't a failure.
mlir::FailureOr<Escalation> escalate(mlir::MLIRContext *context,
                                     const CompileOptions &compile,
                                     const AccuracyGoal &goal, ExitCode &fault);

} // namespace dyadic

#endif
