//===- ConvertKernelsToNVVM.cpp -------------------------------------------===//
//
// Upstream's gpu-to-nvvm calls CUDA's libdevice for every math function, also
// for those that one instruction computes, and knows neither vectors nor nvgpu.
// This conversion takes all of a kernel's dialects at once, so that one width
// of index holds for all of them, and calls nothing.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Emit/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_CONVERTKERNELSTONVVM
#include "dyadic/Emit/Passes.h.inc"

/// Offsets up to here, and what kernels compute on the way to them, fit 32 bits.
static constexpr int64_t kMaxNarrowBytes = int64_t(1) << 30;

/// Functions that the processor computes exactly. The others are polynomials by
/// now (emit-approximate-math) or have no code here: LLVM would abort on them.
static bool hasInstruction(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::CountLeadingZerosOp, math::CountTrailingZerosOp,
             math::CtPopOp, math::FloorOp, math::FmaOp, math::RoundEvenOp,
             math::RsqrtOp, math::SqrtOp, math::TruncOp, math::IsFiniteOp,
             math::IsInfOp, math::IsNaNOp>(op);
}

static LogicalResult checkMath(gpu::GPUModuleOp module) {
  LogicalResult result = success();
  module.walk([&](Operation *op) {
    if (isa_and_present<math::MathDialect>(op->getDialect()) &&
        !hasInstruction(op))
      result = op->emitError("expected a function that a GPU instruction or a "
                             "polynomial computes, but got '")
               << op->getName() << "'; keep this kernel on the CPU";
  });
  return result;
}

/// Whether every memory that the kernels address is small enough for indices of
/// 32 bits.
static bool fitsNarrowIndex(gpu::GPUModuleOp module) {
  auto result = module.walk([](Operation *op) {
    auto isLarge = [](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      if (!memref)
        return false;
      if (!memref.hasStaticShape())
        return true;
      unsigned bits = memref.getElementType().isIntOrFloat()
                          ? memref.getElementTypeBitWidth()
                          : 64;
      return memref.getNumElements() > kMaxNarrowBytes / ((bits + 7) / 8);
    };
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (llvm::any_of(block.getArgumentTypes(), isLarge))
          return WalkResult::interrupt();
    return llvm::any_of(op->getResultTypes(), isLarge)
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return !result.wasInterrupted();
}

/// Vectors of several dimensions become those of one, as upstream's
/// convert-vector-to-llvm prepares them.
static LogicalResult flattenVectors(gpu::GPUModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  vector::populateVectorBitCastLoweringPatterns(patterns);
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorContractLoweringPatterns(
      patterns, vector::VectorContractLowering::Dot);
  vector::populateVectorFromElementsUnrollPatterns(patterns);
  vector::populateVectorGatherLoweringPatterns(patterns);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  vector::populateVectorInterleaveLoweringPatterns(patterns);
  vector::populateVectorMaskMaterializationPatterns(
      patterns, /*force32BitVectorIndices=*/true);
  vector::populateVectorMaskOpLoweringPatterns(patterns);
  vector::populateVectorRankReducingFMAPattern(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  vector::populateVectorStepLoweringPatterns(patterns);
  vector::populateVectorToElementsUnrollPatterns(patterns);
  vector::populateVectorTransferLoweringPatterns(patterns,
                                                 /*maxTransferRank=*/1);
  vector::populateVectorTransposeLoweringPatterns(
      patterns, vector::VectorTransposeLowering::EltWise);
  return applyPatternsGreedily(module, std::move(patterns));
}

namespace {
struct ConvertKernelsToNVVM
    : impl::ConvertKernelsToNVVMBase<ConvertKernelsToNVVM> {
  using ConvertKernelsToNVVMBase::ConvertKernelsToNVVMBase;

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    if (failed(checkMath(module)))
      return signalPassFailure();
    RewritePatternSet allReduce(&getContext());
    populateGpuRewritePatterns(allReduce);
    if (failed(applyPatternsGreedily(module, std::move(allReduce))) ||
        failed(flattenVectors(module)))
      return signalPassFailure();

    LowerToLLVMOptions options(&getContext());
    options.useBarePtrCallConv = true;
    options.overrideIndexBitwidth(fitsNarrowIndex(module) ? 32 : 64);
    LLVMTypeConverter converter(&getContext(), options);
    configureGpuToNVVMTypeConverter(converter);
    converter.addConversion([](nvgpu::DeviceAsyncTokenType type) -> Type {
      return IntegerType::get(type.getContext(), 32); // never looked at
    });
    RewritePatternSet patterns(&getContext());
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    // Before libdevice's, which the next set includes.
    populateMathToLLVMConversionPatterns(converter, patterns,
                                         /*approximateLog1p=*/false,
                                         /*benefit=*/2);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    populateNVGPUToNVVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    target.addLegalDialect<NVVM::NVVMDialect>();
    target.addLegalOp<gpu::GPUModuleOp>();
    target.addIllegalDialect<arith::ArithDialect, cf::ControlFlowDialect,
                             gpu::GPUDialect, math::MathDialect,
                             memref::MemRefDialect, nvgpu::NVGPUDialect,
                             vector::VectorDialect>();
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
