//===- ExitCode.h - what the tools' exit codes mean -------------*- C++ -*-===//
#ifndef DYADIC_SUPPORT_EXITCODE_H
#define DYADIC_SUPPORT_EXITCODE_H

namespace dyadic {

enum ExitCode : int {
  Done = 0,
  /// A model, a sample, a file or the disk is at fault.
  InputError = 1,
  /// The command line is at fault.
  UsageError = 2,
  /// We are.
  InternalError = 3,
};

} // namespace dyadic

#endif
