//===- KernelEmulator.cpp - the host's side -------------------------------===//
#include "dyadic/Emulate/KernelEmulator.h"

#include "Compiler.h"
#include "Launcher.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"

#include <thread>

using namespace mlir;
using namespace dyadic::emulate;

namespace dyadic {

namespace {
/// A memref of the host: a part of a buffer.
struct HostMemRef {
  GlobalMemory *memory = nullptr;
  int64_t offset = 0;
};

/// A step of the entry: a launch or call with its operands looked up.
struct Step {
  Launcher *launcher = nullptr;
  int64_t grid[3] = {1, 1, 1};
  std::vector<Argument> arguments;
};
} // namespace

struct KernelEmulator::Impl {
  Impl(ModuleOp module, func::FuncOp entry, const EmulatorOptions &options)
      : module(module), entry(entry), options(options) {}

  LogicalResult compile();
  /// Whether `function` runs on behalf of the entry, which checks it beforehand.
  bool isKernel(FunctionOpInterface function) {
    return isa<gpu::GPUFuncOp>(*function) ||
           (isa<func::FuncOp>(*function) && !function.isExternal() &&
            function != entry && function.isPrivate());
  }
  LogicalResult compileHostOp(Operation &op);
  LogicalResult compileLaunch(gpu::LaunchFuncOp launch);
  LogicalResult compileCall(func::CallOp call);
  LogicalResult bindOperands(Operation *op, ValueRange operands, Step &step);
  FailureOr<Launcher *> compileKernel(gpu::LaunchFuncOp launch,
                                      const int64_t blockSize[3]);
  LogicalResult bindGlobal(memref::GetGlobalOp op);
  LogicalResult bindView(Operation *op, int64_t offset);
  FailureOr<int64_t> constant(Operation *op, Value value);

  ModuleOp module;
  func::FuncOp entry;
  EmulatorOptions options;
  std::vector<std::unique_ptr<GlobalMemory>> arguments;
  struct Constant {
    std::unique_ptr<GlobalMemory> memory;
    HostTensor tensor;
  };
  llvm::StringMap<Constant> constants;
  llvm::DenseMap<Value, HostMemRef> memrefs;
  std::map<std::pair<Operation *, std::array<int64_t, 3>>,
           std::unique_ptr<Launcher>>
      launchers;
  std::vector<Step> steps;
};

static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

FailureOr<int64_t> KernelEmulator::Impl::constant(Operation *op, Value value) {
  APInt number;
  if (!matchPattern(value, m_ConstantInt(&number)))
    return op->emitError(
        "the emulator expects constant sizes and offsets on the host");
  return number.getSExtValue();
}

/// NN of the chip sm_NN that the kernels' module is for.
static unsigned architectureOf(gpu::GPUFuncOp kernel, unsigned otherwise) {
  auto module = kernel->getParentOfType<gpu::GPUModuleOp>();
  if (ArrayAttr targets = module.getTargetsAttr())
    for (Attribute target : targets)
      if (auto nvvm = dyn_cast<NVVM::NVVMTargetAttr>(target)) {
        unsigned number = 0;
        StringRef chip = nvvm.getChip();
        if (chip.consume_front("sm_") && !chip.consumeInteger(10, number))
          return number;
      }
  return otherwise;
}

FailureOr<Launcher *>
KernelEmulator::Impl::compileKernel(gpu::LaunchFuncOp launch,
                                 const int64_t blockSize[3]) {
  auto kernel = dyn_cast_or_null<gpu::GPUFuncOp>(
      SymbolTable::lookupNearestSymbolFrom(launch, launch.getKernelAttr()));
  if (!kernel)
    return launch.emitError("expected a gpu.func '")
           << launch.getKernelAttr() << "'";
  if (auto known = kernel.getKnownBlockSize())
    for (unsigned d = 0; d < 3; ++d)
      if ((*known)[d] != blockSize[d])
        return launch.emitError("expected ")
               << (*known)[d] << " threads in dimension " << d
               << " as the kernel's known_block_size says, but got "
               << blockSize[d];
  auto &launcher =
      launchers[{kernel, {blockSize[0], blockSize[1], blockSize[2]}}];
  if (launcher)
    return launcher.get();
  auto program = std::make_unique<KernelProgram>();
  std::copy_n(blockSize, 3, program->blockSize);
  program->lanes = blockSize[0] * blockSize[1] * blockSize[2];
  program->architecture = architectureOf(kernel, options.architecture);
  if (failed(Compiler(*program).compile(kernel)))
    return failure();
  launcher = std::make_unique<Launcher>(std::move(program));
  return launcher.get();
}

LogicalResult KernelEmulator::Impl::compileLaunch(gpu::LaunchFuncOp launch) {
  Step step;
  int64_t blockSize[3];
  auto grid = launch.getGridSizeOperandValues(),
       block = launch.getBlockSizeOperandValues();
  Value grids[] = {grid.x, grid.y, grid.z},
        sizes[] = {block.x, block.y, block.z};
  for (unsigned d = 0; d < 3; ++d) {
    auto blocks = constant(launch, grids[d]),
         threads = constant(launch, sizes[d]);
    if (failed(blocks) || failed(threads))
      return failure();
    int64_t most = d == 0 ? INT32_MAX : 65535;
    if (*blocks < 1 || *blocks > most)
      return launch.emitError("expected 1 to ")
             << most << " blocks in dimension " << d << ", but got " << *blocks;
    step.grid[d] = *blocks;
    blockSize[d] = *threads;
  }
  int64_t threads = blockSize[0] * blockSize[1] * blockSize[2];
  if (llvm::any_of(blockSize, [](int64_t size) { return size < 1; }) ||
      threads > kMaxLanes || blockSize[2] > 64)
    return launch.emitError("expected 1 to ")
           << kMaxLanes << " threads in a block, but got " << threads;
  if (launch.getDynamicSharedMemorySize() || launch.hasClusterSize())
    return launch.emitError(
        "the emulator knows neither dynamic workgroup memory nor "
        "clusters");
  auto launcher = compileKernel(launch, blockSize);
  if (failed(launcher))
    return failure();
  step.launcher = *launcher;
  if (failed(bindOperands(launch, launch.getKernelOperands(), step)))
    return failure();
  steps.push_back(std::move(step));
  return success();
}

LogicalResult KernelEmulator::Impl::compileCall(func::CallOp call) {
  auto kernel = dyn_cast_or_null<func::FuncOp>(
      SymbolTable::lookupNearestSymbolFrom(call, call.getCalleeAttr()));
  if (!kernel || kernel.isExternal())
    return call.emitError("expected a func.func '")
           << call.getCallee() << "' with a body";
  if (!isKernel(kernel))
    return call.emitError("expected a private function that is not the entry, "
                          "but got '")
           << call.getCallee() << "'";
  auto &launcher = launchers[{kernel, {1, 1, 1}}];
  if (!launcher) {
    auto program = std::make_unique<KernelProgram>();
    program->isCPU = true;
    if (failed(Compiler(*program).compile(kernel)))
      return failure();
    launcher = std::make_unique<Launcher>(std::move(program));
  }
  Step step;
  step.launcher = launcher.get();
  if (failed(bindOperands(call, call.getOperands(), step)))
    return failure();
  steps.push_back(std::move(step));
  return success();
}

LogicalResult KernelEmulator::Impl::bindOperands(Operation *op,
                                                 ValueRange operands,
                                                 Step &step) {
  for (auto [i, operand] : llvm::enumerate(operands)) {
    Argument argument;
    if (isa<MemRefType>(operand.getType())) {
      auto known = memrefs.find(operand);
      if (known == memrefs.end())
        return op->emitError("the emulator does not know where operand ")
               << i << " comes from";
      argument.memory = known->second.memory;
      argument.offset = known->second.offset;
    } else {
      Attribute value;
      if (!matchPattern(operand, m_Constant(&value)))
        return op->emitError(
            "the emulator expects constant scalars on the host");
      if (auto integer = dyn_cast<IntegerAttr>(value))
        argument.scalar = integer.getValue().getSExtValue();
      else if (auto real = dyn_cast<FloatAttr>(value))
        argument.scalar = real.getValue().bitcastToAPInt().getZExtValue();
    }
    step.arguments.push_back(argument);
  }
  return success();
}

LogicalResult KernelEmulator::Impl::bindGlobal(memref::GetGlobalOp op) {
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
      op, op.getNameAttr());
  if (!global || !global.getInitialValue() ||
      isa<UnitAttr>(*global.getInitialValue()))
    return op.emitError("expected a memref.global with an initial value");
  Constant &constant = constants[global.getName()];
  if (!constant.memory) {
    auto tensor = readConstant(*global.getInitialValue());
    if (failed(tensor))
      return global.emitError("expected a constant with its bytes at hand");
    constant.tensor = std::move(*tensor);
    constant.memory = std::make_unique<GlobalMemory>();
    constant.memory->data = constant.tensor.bytes.data();
    constant.memory->size = constant.tensor.bytes.size();
    constant.memory->isConstant = global.getConstant();
    constant.memory->name = "memref.global '" + global.getName().str() + "'";
  }
  memrefs[op.getResult()] = {constant.memory.get(), 0};
  return success();
}

/// A view `offset` bytes behind the op's first operand.
LogicalResult KernelEmulator::Impl::bindView(Operation *op, int64_t offset) {
  auto source = memrefs.find(op->getOperand(0));
  if (source == memrefs.end())
    return op->emitError(
        "the emulator does not know where this memref comes from");
  HostMemRef result = source->second;
  result.offset += offset;
  int64_t bytes = bytesOf(cast<MemRefType>(op->getResult(0).getType()));
  if (result.offset < 0 || result.offset + bytes > result.memory->size)
    return op->emitError("view of ")
           << bytes << " bytes at byte " << result.offset
           << " is out of bounds: " << result.memory->name << " has "
           << result.memory->size << " bytes";
  memrefs[op->getResult(0)] = result;
  return success();
}

LogicalResult KernelEmulator::Impl::compileHostOp(Operation &op) {
  if (isa<arith::ConstantOp, func::ReturnOp>(op))
    return success();
  if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
    return compileLaunch(launch);
  if (auto call = dyn_cast<func::CallOp>(op))
    return compileCall(call);
  if (auto global = dyn_cast<memref::GetGlobalOp>(op))
    return bindGlobal(global);
  if (isa<memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp>(op))
    return bindView(&op, 0);
  if (auto view = dyn_cast<memref::ViewOp>(op)) {
    auto shift = constant(&op, view.getByteShift());
    return failed(shift) ? failure() : bindView(&op, *shift);
  }
  if (isa<memref::SubViewOp, memref::ReinterpretCastOp>(op)) {
    auto type = cast<MemRefType>(op.getResult(0).getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (!type.getLayout().isIdentity() && isa<memref::SubViewOp>(op))
      return op.emitError("the emulator expects dense views on the host");
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        offset == ShapedType::kDynamic)
      return op.emitError(
          "the emulator expects constant sizes and offsets on the host");
    return bindView(&op, offset * (type.getElementTypeBitWidth() / 8));
  }
  return op.emitError("the emulator does not know the op '")
         << op.getName() << "' on the host";
}

LogicalResult KernelEmulator::Impl::compile() {
  if (!entry.getBody().hasOneBlock())
    return entry.emitError("expected a body of one block");
  for (auto [i, argument] : llvm::enumerate(entry.getArguments())) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type || !type.hasStaticShape())
      return entry.emitError(
                 "expected memrefs of static shape as arguments, but got ")
             << argument.getType();
    auto memory = std::make_unique<GlobalMemory>();
    memory->size = bytesOf(type);
    memory->name =
        "argument " + std::to_string(i) + " of '" + entry.getName().str() + "'";
    memrefs[argument] = {memory.get(), 0};
    arguments.push_back(std::move(memory));
  }
  // All kernels' unknown ops at once, before any is compiled.
  LogicalResult known = success();
  module.walk([&](FunctionOpInterface kernel) {
    if (isKernel(kernel) && failed(checkOps(kernel)))
      known = failure();
  });
  if (failed(known))
    return failure();
  LogicalResult result = success();
  for (Operation &op : entry.getBody().front())
    if (failed(compileHostOp(op)))
      result = failure();
  return result;
}

KernelEmulator::KernelEmulator() = default;
KernelEmulator::~KernelEmulator() = default;

FailureOr<std::unique_ptr<KernelEmulator>>
KernelEmulator::create(ModuleOp module, StringRef entry,
                    const EmulatorOptions &options) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function || function.isExternal())
    return module.emitError("expected a function '") << entry << "'";
  std::unique_ptr<KernelEmulator> emulator(new KernelEmulator());
  emulator->impl = std::make_unique<Impl>(module, function, options);
  if (failed(emulator->impl->compile()))
    return failure();
  return emulator;
}

SmallVector<int64_t> KernelEmulator::argumentBytes() const {
  return llvm::map_to_vector(impl->arguments,
                             [](const auto &memory) { return memory->size; });
}

LogicalResult KernelEmulator::run(ArrayRef<const void *> inputs,
                               ArrayRef<void *> outputs, void *arena) {
  SmallVector<void *> buffers;
  for (const void *input : inputs)
    buffers.push_back(const_cast<void *>(input)); // marked as constant below
  llvm::append_range(buffers, outputs);
  if (buffers.size() + 1 == impl->arguments.size())
    buffers.push_back(arena);
  if (buffers.size() != impl->arguments.size())
    return impl->entry.emitError("expected ")
           << impl->arguments.size() << " buffers, but got " << buffers.size();
  for (auto [i, memory, buffer] : llvm::enumerate(impl->arguments, buffers)) {
    memory->data = static_cast<char *>(buffer);
    memory->isConstant = i < inputs.size();
  }
  unsigned workers = impl->options.workers
                         ? impl->options.workers
                         : std::thread::hardware_concurrency();
  for (const Step &step : impl->steps)
    if (failed(step.launcher->run(step.grid, step.arguments, workers)))
      return failure();
  return success();
}

} // namespace dyadic
