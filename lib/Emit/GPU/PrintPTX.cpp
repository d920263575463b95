//===- PrintPTX.cpp -------------------------------------------------------===//
#include "dyadic/Emit/GPU.h"
#include "dyadic/Emit/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_PRINTPTX
#include "dyadic/Emit/Passes.h.inc"

namespace {
struct PrintPTX : impl::PrintPTXBase<PrintPTX> {
  using PrintPTXBase::PrintPTXBase;

  /// Any argument but the arena may be written to: the IR doesn't say which are
  /// results.
  FailureOr<LaunchTable> readTable() {
    for (auto run : getOperation().getOps<func::FuncOp>()) {
      StringRef name = run.getName();
      if (!name.consume_back("_run") || run.getNumArguments() == 0)
        continue;
      ProgramInfo info;
      info.name = name.str();
      info.outputs.resize(run.getNumArguments() - 1);
      return readLaunches(getOperation(), info);
    }
    return LaunchTable();
  }

  void runOnOperation() override {
    auto table = readTable();
    if (failed(table))
      return signalPassFailure();
    EmitOptions options;
    auto target =
        resolveTarget(TargetRequest{"nvptx64", arch}, getOperation().getLoc());
    if (failed(target))
      return signalPassFailure();
    options.target = *target;
    auto ptx = emitPTX(getOperation(), *table, options);
    if (failed(ptx))
      return signalPassFailure();
    llvm::outs() << *ptx;
  }
};
} // namespace
} // namespace dyadic
