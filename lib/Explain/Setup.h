//===- Setup.h - what measurements begin with -------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_SETUP_H
#define DYADIC_LIB_EXPLAIN_SETUP_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

/// Makes `options` those of a program for this machine: errors are the same on every
/// one.
mlir::LogicalResult targetThisMachine(CompileOptions &options, mlir::Location loc);

/// Opens the samples of `path`, or if that is empty those of `calibration`, for the
/// inputs of `main`. Reports what fails.
mlir::FailureOr<std::unique_ptr<SampleStream>>
openSamples(const std::string &path, const ImageOptions &images,
            const CalibrationOptions &calibration, mlir::func::FuncOp main);

} // namespace dyadic

#endif
