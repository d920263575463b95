//===- LowerTiles.cpp - AMX to LLVM's intrinsics --------------------------===//
//
// While loops are still `scf.for`, which carry tiles.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Emit/Passes.h"

#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
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
/// What is read once only passes the first cache by.
struct LowerStreamedLoad : ConvertOpToLLVMPattern<amx::TileLoadOp> {
  explicit LowerStreamedLoad(const LLVMTypeConverter &converter)
      : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}

  LogicalResult
  matchAndRewrite(amx::TileLoadOp load, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!load->hasAttr("dyadic.streamed"))
      return failure();
    auto operands = load.getIntrinsicOperands(
        llvm::to_vector(adaptor.getOperands()), *getTypeConverter(), rewriter);
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        load, LLVM::LLVMX86AMXType::get(getContext()),
        rewriter.getStringAttr("llvm.x86.tileloaddt164.internal"), operands);
    return success();
  }
};

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
    patterns.add<LowerStreamedLoad>(toLLVM);
    // Loops keep everything else as it is.
    TypeConverter onlyTiles;
    onlyTiles.addConversion([](Type type) { return type; });
    onlyTiles.addConversion([](amx::TileType type) -> Type {
      return LLVM::LLVMX86AMXType::get(type.getContext());
    });
    scf::populateSCFStructuralTypeConversionsAndLegality(onlyTiles, patterns,
                                                         target);
    if (failed(applyPartialConversion(function, target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
