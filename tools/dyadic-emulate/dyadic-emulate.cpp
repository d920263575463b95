//===- dyadic-emulate.cpp - runs level-5 IR op by op ----------------------===//
#include "dyadic/Emulate/KernelEmulator.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/ToolUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace mlir;

static llvm::cl::opt<std::string> inputFile(llvm::cl::Positional,
                                            llvm::cl::init("-"),
                                            llvm::cl::desc("<level-5 IR>"));
static llvm::cl::opt<bool>
    split("split-input-file",
          llvm::cl::desc("run the parts between lines of ----- apart"));
static llvm::cl::opt<bool>
    verify("verify-diagnostics",
           llvm::cl::desc("compare errors with expected-error comments"));
static llvm::cl::opt<unsigned> numOutputs(
    "outputs", llvm::cl::init(1),
    llvm::cl::desc(
        "how many arguments of the entry, behind its inputs, are printed"));
static llvm::cl::opt<bool>
    hasArena("arena", llvm::cl::desc("the last argument is the arena"));
static llvm::cl::opt<unsigned>
    workers("workers", llvm::cl::init(0),
            llvm::cl::desc("host threads; 0: one for each core"));

/// Element i of every input is i mod 100, so that results are easy to state.
static void fill(std::vector<char> &bytes, Type element) {
  int64_t width = (element.getIntOrFloatBitWidth() + 7) / 8;
  for (size_t i = 0; i < bytes.size() / width; ++i) {
    int64_t integer = i % 100;
    float real = integer;
    const void *from =
        element.isF32() ? static_cast<const void *>(&real) : &integer;
    std::memcpy(&bytes[i * width], from, width);
  }
}

static void print(ArrayRef<char> bytes, Type element, raw_ostream &os) {
  int64_t width = (element.getIntOrFloatBitWidth() + 7) / 8;
  for (size_t i = 0; i < bytes.size() / width; ++i) {
    int64_t integer = 0;
    float real;
    std::memcpy(&real, &bytes[i * width], std::min<int64_t>(width, 4));
    std::memcpy(&integer, &bytes[i * width], width);
    integer =
        int64_t(uint64_t(integer) << (64 - 8 * width)) >> (64 - 8 * width);
    os << (i ? " " : "");
    if (element.isF32())
      os << real;
    else
      os << integer;
  }
  os << "\n";
}

static LogicalResult runEntry(ModuleOp module, func::FuncOp entry,
                              raw_ostream &os) {
  dyadic::EmulatorOptions options;
  options.workers = workers;
  auto emulator = dyadic::KernelEmulator::create(module, entry.getName(), options);
  if (failed(emulator))
    return failure();
  size_t count = entry.getNumArguments(), ends = numOutputs + hasArena;
  if (count < ends)
    return entry.emitError("expected at least ")
           << ends << " arguments, but got " << count;
  size_t numInputs = count - ends;
  std::vector<std::vector<char>> buffers;
  for (auto [i, bytes] : llvm::enumerate((*emulator)->argumentBytes())) {
    // Emulation must not depend on what the host has behind a buffer.
    buffers.emplace_back(bytes);
    if (i < numInputs)
      fill(buffers.back(),
           cast<MemRefType>(entry.getArgumentTypes()[i]).getElementType());
  }
  std::vector<const void *> inputs;
  std::vector<void *> outputs;
  for (size_t i = 0; i < count - hasArena; ++i)
    if (i < numInputs)
      inputs.push_back(buffers[i].data());
    else
      outputs.push_back(buffers[i].data());
  if (failed((*emulator)->run(inputs, outputs,
                              hasArena ? buffers.back().data() : nullptr)))
    return failure();
  for (size_t i = numInputs; i < numInputs + numOutputs; ++i)
    print(buffers[i],
          cast<MemRefType>(entry.getArgumentTypes()[i]).getElementType(), os);
  return success();
}

static LogicalResult runBuffer(std::unique_ptr<llvm::MemoryBuffer> buffer,
                               raw_ostream &os) {
  DialectRegistry registry;
  registry.insert<amx::AMXDialect, arith::ArithDialect, func::FuncDialect, gpu::GPUDialect,
                  LLVM::LLVMDialect, NVVM::NVVMDialect, math::MathDialect,
                  memref::MemRefDialect, nvgpu::NVGPUDialect, scf::SCFDialect,
                  ub::UBDialect, vector::VectorDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  auto run = [&]() -> LogicalResult {
    auto module = parseSourceFile<ModuleOp>(*sources, &context);
    if (!module)
      return failure();
    for (auto entry : module->getOps<func::FuncOp>())
      if (entry.getName().ends_with("_run"))
        return runEntry(*module, entry, os);
    return module->emitError("expected a function '<model>_run'");
  };
  if (verify) {
    SourceMgrDiagnosticVerifierHandler handler(*sources, &context);
    (void)run();
    return handler.verify();
  }
  SourceMgrDiagnosticHandler handler(*sources, &context);
  return run();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "Runs @<model>_run of level-5 IR op by op and prints its outputs\n");
  std::string error;
  auto file = openInputFile(inputFile, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return 1;
  }
  return failed(splitAndProcessBuffer(
      std::move(file),
      [](std::unique_ptr<llvm::MemoryBuffer> chunk, raw_ostream &os) {
        return runBuffer(std::move(chunk), os);
      },
      llvm::outs(), split ? kDefaultSplitMarker : ""));
}
