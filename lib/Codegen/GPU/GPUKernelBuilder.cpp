//===- GPUKernelBuilder.cpp -----------------------------------------------===//
#include "GPUKernelBuilder.h"

#include "Alignment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static FunctionOpInterface makeKernel(OpBuilder &b, Location loc,
                                      StringRef name, FunctionType type) {
  auto function = gpu::GPUFuncOp::create(b, loc, name, type);
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  return function;
}

GPUKernelBuilder::GPUKernelBuilder(OpBuilder builder, KernelOp kernel,
                                   StringRef name, const WarpTarget &warps,
                                   WeightBlob &blob)
    : KernelBuilder(builder, kernel, name, warps, blob, makeKernel),
      warps(warps) {}

gpu::GPUFuncOp GPUKernelBuilder::getGPUFunction() {
  return cast<gpu::GPUFuncOp>(*getFunction());
}

void GPUKernelBuilder::terminate() { gpu::ReturnOp::create(b, loc); }

void GPUKernelBuilder::launch(int64_t threads, int64_t blocksX, int64_t blocksY,
                              int64_t blocksZ) {
  auto sizes = [](int64_t x, int64_t y, int64_t z) {
    return SmallVector<int32_t>{static_cast<int32_t>(x),
                                static_cast<int32_t>(y),
                                static_cast<int32_t>(z)};
  };
  gpu::GPUFuncOp function = getGPUFunction();
  function.setKnownBlockSize(sizes(threads, 1, 1));
  function.setKnownGridSize(sizes(blocksX, blocksY, blocksZ));
}

void GPUKernelBuilder::forThreads(int64_t count,
                                  function_ref<void(Value)> body,
                                  int64_t threads) {
  // A block of whole warps, no larger than the work.
  threads = std::min<int64_t>(threads, llvm::alignTo(count, 32));
  int64_t blocks = std::max<int64_t>(llvm::divideCeil(count, threads), 1);
  launch(threads, blocks);
  Value item = add(mul(block(), threads), thread());
  if (blocks * threads == count)
    return body(item);
  when(less(item, count), [&] { body(item); });
}

Value GPUKernelBuilder::thread() {
  return gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
}

Value GPUKernelBuilder::block(gpu::Dimension dimension) {
  return gpu::BlockIdOp::create(b, loc, dimension);
}

void GPUKernelBuilder::barrier() { gpu::BarrierOp::create(b, loc); }

Value GPUKernelBuilder::workgroupMemory(int64_t bytes) {
  return workgroupMemory(bytes, b.getI8Type());
}

Value GPUKernelBuilder::workgroupMemory(int64_t count, Type element) {
  auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                          gpu::AddressSpace::Workgroup);
  auto type = MemRefType::get({count}, element, MemRefLayoutAttrInterface(),
                              space);
  gpu::GPUFuncOp function = getGPUFunction();
  BlockArgument memory = function.addWorkgroupAttribution(type, loc);
  // Vectors of 16 bytes go in and out.
  function.setWorkgroupAttributionAttr(
      function.getNumWorkgroupAttributions() - 1, "llvm.align",
      b.getI64IntegerAttr(16));
  return memory;
}

void GPUKernelBuilder::when(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

void GPUKernelBuilder::whenElse(Value condition, function_ref<void()> body,
                                function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

Value GPUKernelBuilder::less(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ult, lhs,
                                       index(rhs));
}

Value GPUKernelBuilder::equal(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, lhs,
                                       index(rhs));
}

Value GPUKernelBuilder::div(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::DivUIOp>(loc, lhs, index(rhs));
}

Value GPUKernelBuilder::rem(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::RemUIOp>(loc, lhs, index(rhs));
}

/// The bytes that `index` elements of `memref` are surely a multiple of: all
/// buffers begin at a multiple of 16, and no access is wider.
static llvm::MaybeAlign alignment(Value memref, Value index) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  return llvm::Align(std::min<int64_t>(16, knownDivisor(index) * bytes));
}

Value GPUKernelBuilder::loadVector(Value memref, Value index, int64_t width) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::LoadOp::create(b, loc, vectorType(width, element), memref,
                                index, /*nontemporal=*/false,
                                alignment(memref, index));
}

void GPUKernelBuilder::storeVector(Value vector, Value memref, Value index) {
  vector::StoreOp::create(b, loc, vector, memref, index, /*nontemporal=*/false,
                          alignment(memref, index));
}
