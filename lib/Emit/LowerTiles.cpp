//===- LowerTiles.cpp - AMX to LLVM's intrinsics --------------------------===//
//
// While loops are still `scf.for`, which carry tiles.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Emit/Passes.h"

#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_LOWERTILESPASS
#include "dyadic/Emit/Passes.h.inc"

namespace {
struct LowerTilesPass : impl::LowerTilesPassBase<LowerTilesPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    auto isTile = [](Type type) { return isa<amx::TileType>(type); };
    if (!function
             .walk([&](Operation *op) {
               return llvm::any_of(op->getOperandTypes(), isTile) ||
                              llvm::any_of(op->getResultTypes(), isTile)
                          ? WalkResult::interrupt()
                          : WalkResult::advance();
             })
             .wasInterrupted())
      return;
    MLIRContext *context = &getContext();
    LLVMTypeConverter toLLVM(context);
    RewritePatternSet patterns(context);
    LLVMConversionTarget target(*context);
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    populateAMXLegalizeForLLVMExportPatterns(toLLVM, patterns);
    configureAMXLegalizeForExportTarget(target);
    // Loops keep everything else as it is.
    TypeConverter onlyTiles;
    onlyTiles.addConversion([](Type type) { return type; });
    onlyTiles.addConversion([](amx::TileType type) -> Type {
      return LLVM::LLVMX86AMXType::get(type.getContext());
    });
    scf::populateSCFStructuralTypeConversionsAndLegality(onlyTiles, patterns,
                                                         target);
    if (failed(applyPartialConversion(function, target, std::move(patterns))))
      return signalPassFailure();
    // What is read once only passes the first cache by.
    function.walk([](LLVM::CallIntrinsicOp call) {
      if (call->removeAttr("dyadic.streamed"))
        call.setIntrin("llvm.x86.tileloaddt164.internal");
    });
  }
};
} // namespace
} // namespace dyadic
