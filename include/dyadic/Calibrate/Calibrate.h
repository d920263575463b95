//===- Calibrate.h - ranges of a float network's tensors --------*- C++ -*-===//
//
// Runs the level-1 network on every sample and records the range of each of
// its tensors:
//
//   %1 = qnn.relu %0 : …   →   %1 = qnn.relu %0 {qnn.range = [#qnn.range<0.0, 3.5>]} : …
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_CALIBRATE_CALIBRATE_H
#define DYADIC_CALIBRATE_CALIBRATE_H

#include "dyadic/Calibrate/Observer.h"
#include "dyadic/Calibrate/SampleStream.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyadic {

/// What a runner calls with each value it computed and the value's elements.
using ObserveFn =
    llvm::function_ref<void(mlir::Value, llvm::ArrayRef<float>)>;
/// Runs the network on one batch: the inputs in the order of the function's
/// arguments. How it runs is not calibration's business.
using Runner = llvm::function_ref<mlir::LogicalResult(
    llvm::ArrayRef<HostTensor> inputs, ObserveFn observe)>;

/// The names (argument attribute `qnn.name`) and shapes of `func`'s arguments.
llvm::SmallVector<InputSpec> inputSpecs(mlir::func::FuncOp func);

/// The observer of each tensor that statistics are of, in their order: `all`, or
/// that of the last of `named` whose pattern matches the tensor's op or input.
llvm::SmallVector<ObserverOptions> observersOf(mlir::func::FuncOp func,
                                               const ObserverOptions &all,
                                               llvm::ArrayRef<NamedObserver> named = {});

/// Statistics of no sample: what those of `func`'s network merge into.
NetworkStatistics noStatistics(mlir::func::FuncOp func,
                               llvm::ArrayRef<ObserverOptions> observers);

/// Runs all of `samples` through `run` and counts the values of every f32
/// argument and result of `func`. A sample that can't be read is an error.
mlir::FailureOr<NetworkStatistics>
collectStatistics(mlir::func::FuncOp func, SampleStream &samples, Runner run,
                  llvm::ArrayRef<ObserverOptions> observers);

/// The range of each tensor by its observer; none where a value was ever NaN or
/// infinite, or none was seen.
llvm::SmallVector<std::optional<Range>>
chooseRanges(const NetworkStatistics &statistics, llvm::ArrayRef<ObserverOptions> observers);

/// Writes these as `qnn.range` on what `statistics` are of; they must be of this network.
/// A value that has none gets a warning at its op.
mlir::LogicalResult writeRanges(mlir::func::FuncOp func,
                                const NetworkStatistics &statistics,
                                llvm::ArrayRef<std::optional<Range>> ranges);

/// The ranges that are written on `func`'s tensors, in the order of its statistics; none
/// where a tensor has none.
llvm::SmallVector<std::optional<Range>> writtenRanges(mlir::func::FuncOp func);

/// Replaces them, and nothing else that calibration has written.
void replaceRanges(mlir::func::FuncOp func, llvm::ArrayRef<std::optional<Range>> ranges);

/// All of it, with one observer.
mlir::LogicalResult calibrate(mlir::func::FuncOp func, SampleStream &samples,
                              Runner run, const ObserverOptions &options);

} // namespace dyadic

#endif
