//===- LaunchTable.cpp - the launches of a program ------------------------===//
#include "dyadic/Emit/GPU.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace dyadic {

// What a device takes, and what Runtime/gpu.c has room for.
static constexpr int64_t kMaxThreads = 1024, kMaxBlockZ = 64;
static constexpr int64_t kMaxGridX = (int64_t(1) << 31) - 1, kMaxGridYZ = 65535;
static constexpr size_t kMaxArguments = 128;

static int64_t bytesOf(MemRefType type) {
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return -1;
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

namespace {
class LaunchReader {
public:
  LaunchReader(func::FuncOp run, const ProgramInfo &info)
      : run(run), info(info) {}

  FailureOr<LaunchTable> read() {
    for (Operation &op : run.getBody().front()) {
      if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op)) {
        if (failed(add(launch)))
          return failure();
        continue;
      }
      if (!isMemoryEffectFree(&op) && !isa<func::ReturnOp>(op))
        return op.emitError("expected nothing but launches of kernels, but got '")
               << op.getName() << "': the host runs no code of a model";
    }
    return std::move(table);
  }

private:
  /// Follows views to the memory that a value lies in.
  FailureOr<GPUArgument> locate(Value value, Operation *launch) {
    GPUArgument argument;
    auto type = dyn_cast<MemRefType>(value.getType());
    argument.bytes = type ? bytesOf(type) : -1;
    if (argument.bytes < 0)
      return launch->emitError("expected a memref of static shape as argument of "
                               "a kernel, but got ")
             << value.getType();
    while (Operation *op = value.getDefiningOp()) {
      if (auto view = dyn_cast<memref::ViewOp>(op)) {
        auto shift = getConstantIntValue(view.getByteShift());
        if (!shift || *shift < 0)
          return view.emitError("expected a constant offset");
        argument.offset += *shift;
        value = view.getSource();
      } else if (auto cast = dyn_cast<memref::CastOp>(op)) {
        value = cast.getSource();
      } else if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
        argument.space = GPUSpace::Weights;
        return inside(argument, bytesOf(global.getType()), launch);
      } else {
        return op->emitError("expected a view of an argument or the weights, but "
                             "got '")
               << op->getName() << "'";
      }
    }
    int64_t number = cast<BlockArgument>(value).getArgNumber();
    int64_t inputs = info.inputs.size(), outputs = info.outputs.size();
    argument.space = number < inputs             ? GPUSpace::Input
                     : number < inputs + outputs ? GPUSpace::Output
                                                 : GPUSpace::Arena;
    argument.index = argument.space == GPUSpace::Input    ? number
                     : argument.space == GPUSpace::Output ? number - inputs
                                                          : 0;
    return inside(argument, bytesOf(cast<MemRefType>(value.getType())), launch);
  }

  FailureOr<GPUArgument> inside(const GPUArgument &argument, int64_t size,
                                Operation *launch) {
    if (size < 0 || argument.offset + argument.bytes > size)
      return launch->emitError("an argument reaches ")
             << argument.offset + argument.bytes << " bytes into a memory of "
             << size;
    return argument;
  }

  LogicalResult readSize(gpu::KernelDim3 dims, unsigned *to, int64_t maxX,
                         int64_t maxY, int64_t maxZ, StringRef what,
                         Operation *launch) {
    int64_t limits[] = {maxX, maxY, maxZ};
    Value values[] = {dims.x, dims.y, dims.z};
    for (auto [i, value] : llvm::enumerate(values)) {
      auto size = getConstantIntValue(value);
      if (!size || *size < 0 || *size > limits[i])
        return launch->emitError("expected a constant ")
               << what << " of at most " << limits[i] << " in dimension " << i;
      to[i] = *size;
    }
    return success();
  }

  LogicalResult add(gpu::LaunchFuncOp op) {
    if (op.getAsyncToken() || !op.getAsyncDependencies().empty() ||
        op.hasClusterSize() || op.getDynamicSharedMemorySize())
      return op.emitError("expected a plain launch: no tokens, clusters or dynamic "
                          "shared memory");
    if (op.getNumKernelOperands() > kMaxArguments)
      return op.emitError("expected at most ")
             << kMaxArguments << " arguments, but got "
             << op.getNumKernelOperands();
    GPULaunch launch;
    if (failed(readSize(op.getGridSizeOperandValues(), launch.grid, kMaxGridX,
                        kMaxGridYZ, kMaxGridYZ, "number of blocks", op)) ||
        failed(readSize(op.getBlockSizeOperandValues(), launch.block, kMaxThreads,
                        kMaxThreads, kMaxBlockZ, "number of threads", op)))
      return failure();
    int64_t threads =
        int64_t(launch.block[0]) * launch.block[1] * launch.block[2];
    if (threads > kMaxThreads)
      return op.emitError("expected at most ")
             << kMaxThreads << " threads a block, but got " << threads;
    for (Value operand : op.getKernelOperands()) {
      auto argument = locate(operand, op);
      if (failed(argument))
        return failure();
      launch.arguments.push_back(*argument);
    }
    if (threads == 0 || !launch.grid[0] || !launch.grid[1] || !launch.grid[2])
      return success(); // nothing to do
    std::string kernel = op.getKernelName().str();
    auto known = llvm::find(table.kernels, kernel);
    launch.kernel = known - table.kernels.begin();
    if (known == table.kernels.end())
      table.kernels.push_back(kernel);
    table.launches.push_back(std::move(launch));
    return success();
  }

  func::FuncOp run;
  const ProgramInfo &info;
  LaunchTable table;
};
} // namespace

FailureOr<LaunchTable> readLaunches(ModuleOp module, const ProgramInfo &info) {
  auto run = module.lookupSymbol<func::FuncOp>(info.name + "_run");
  if (!run || !run.getBody().hasOneBlock())
    return module.emitError("expected a function '")
           << info.name << "_run' of one block";
  if (run.getNumArguments() != info.inputs.size() + info.outputs.size() + 1)
    return run.emitError("expected ")
           << info.inputs.size() << " inputs, " << info.outputs.size()
           << " outputs and the arena, but got " << run.getNumArguments()
           << " arguments";
  return LaunchReader(run, info).read();
}

} // namespace dyadic
