//===- InitAll.cpp - registers everything of Dyadic -----------------------===//
#include "dyadic/InitAll.h"

#include "dyadic/Codegen/Passes.h"
#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Emit/Passes.h"
#include "dyadic/Export/TOSA/Passes.h"
#include "dyadic/Fuse/Passes.h"
#include "dyadic/Import/TOSA/Passes.h"
#include "dyadic/LowerToDyadic/Passes.h"
#include "dyadic/Pipeline/ComputeModel.h"
#include "dyadic/Pipeline/Passes.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Simplify/Passes.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

void dyadic::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<coded::CodedDialect, qnn::QNNDialect, DyadicDialect, mlir::func::FuncDialect,
                  mlir::quant::QuantDialect, mlir::amx::AMXDialect,
                  mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                  mlir::bufferization::BufferizationDialect,
                  mlir::cf::ControlFlowDialect, mlir::linalg::LinalgDialect,
                  mlir::math::MathDialect, mlir::tensor::TensorDialect,
                  mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::vector::VectorDialect, mlir::LLVM::LLVMDialect,
                  mlir::gpu::GPUDialect, mlir::nvgpu::NVGPUDialect,
                  mlir::NVVM::NVVMDialect, mlir::tosa::TosaDialect>();
  registerReferenceModels(registry);
  registerComputeModel(registry);
  // How the bodies of qnn.compute get into memory.
  mlir::arith::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::linalg::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::linalg::registerSubsetOpInterfaceExternalModels(registry);
  mlir::scf::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::tensor::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::tensor::registerSubsetOpInterfaceExternalModels(registry);
}

void dyadic::registerAllPasses() {
  registerImportTOSAPasses();
  registerSimplifyPasses();
  registerQuantizePasses();
  registerLowerToDyadicPasses();
  registerExportTOSAPasses();
  registerFusePasses();
  registerCodegenPasses();
  registerEmitPasses();
  registerEmitPipelines();
  registerPipelinePasses();
  registerPipelines();
}
