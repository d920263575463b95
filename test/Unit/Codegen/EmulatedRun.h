//===- EmulatedRun.h - kernels op by op -------------------------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_CODEGEN_EMULATEDRUN_H
#define DYADIC_TEST_UNIT_CODEGEN_EMULATEDRUN_H

#include "CrossRun.h"

#include "mlir/IR/BuiltinOps.h"

namespace dyadic {

/// Executes the kernels of `module`, a program named "test" for `target`, on
/// `inputs`. False, with the fault in `message`, where a machine could do
/// something else.
bool emulatedRun(mlir::ModuleOp module, const TargetInfo &target,
                 std::vector<GuardedBuffer> &inputs,
                 std::vector<GuardedBuffer> &outputs, int64_t arenaBytes,
                 std::string &message);

} // namespace dyadic

#endif
