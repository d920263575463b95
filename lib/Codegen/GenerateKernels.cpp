//===- GenerateKernels.cpp - level 4 to level 5 ---------------------------===//
#include "dyadic/Codegen/GenerateKernels.h"

#include "Emitters.h"
#include "Pointwise.h"
#include "dyadic/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringMap.h"

namespace dyadic {
#define GEN_PASS_DEF_GENERATEKERNELS
#include "dyadic/Codegen/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class ModuleGenerator {
public:
  ModuleGenerator(ModuleOp module, func::FuncOp main,
                  const CodegenOptions &options)
      : module(module), main(main), options(options),
        target(KernelTarget::create(options.target)),
        b(OpBuilder::atBlockEnd(module.getBody())), loc(main.getLoc()) {}

  LogicalResult generate() {
    if (failed(checkSupported()) || failed(startRun()))
      return failure();
    for (Operation &op : main.getBody().front().without_terminator())
      if (failed(generateOp(op)))
        return failure();
    func::ReturnOp::create(runBuilder, loc);
    defineWeights();
    main.erase();
    return success();
  }

private:
  /// Names everything that can't be generated at once, not one a run.
  LogicalResult checkSupported() {
    LogicalResult result = success();
    main.walk([&](KernelOp kernel) {
      Operation *anchor = kernel.getAnchor();
      if (anchor && !findEmitter(anchor->getName().getStringRef()))
        result = anchor->emitError("code generation has no kernel for '")
                 << anchor->getName() << "'";
      if (!kernel.getArenaOffsets())
        result = kernel.emitError("expected arena_offsets: run "
                                  "--dyadic-plan-memory first");
    });
    for (Operation &op : main.getBody().front().without_terminator())
      if (!isa<KernelOp, dyadic::ReshapeOp, qnn::ReshapeOp>(op) &&
          !op.hasTrait<OpTrait::ConstantLike>())
        result = op.emitError("expected a dyadic.kernel: run "
                              "--dyadic-fuse-kernels first");
    return result;
  }

  /// Opens `@<model>_run` and binds the function's arguments and results.
  LogicalResult startRun() {
    auto arena = module->getAttrOfType<IntegerAttr>(kArenaBytesAttr);
    if (!arena)
      return main.emitError("expected the module attribute "
                            "dyadic.arena_bytes: run --dyadic-plan-memory first");
    SmallVector<Type> types;
    for (Type type : llvm::concat<const Type>(main.getArgumentTypes(),
                                              main.getResultTypes()))
      types.push_back(flatMemRef(cast<RankedTensorType>(type)));
    types.push_back(MemRefType::get(arena.getInt(), b.getI8Type()));
    run = func::FuncOp::create(b, loc, options.modelName + "_run",
                               b.getFunctionType(types, {}));
    Block *entry = run.addEntryBlock();
    runBuilder = OpBuilder::atBlockEnd(entry);
    for (auto [argument, memory] :
         llvm::zip(main.getArguments(), entry->getArguments()))
      memrefs[argument] = memory;
    auto results = main.getBody().front().getTerminator()->getOperands();
    for (auto [i, value] : llvm::enumerate(results))
      resultMemory[stripReshapes(value)] =
          entry->getArgument(main.getNumArguments() + i);
    this->arena = entry->getArguments().back();
    return success();
  }

  static Value stripReshapes(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      if (!isa<dyadic::ReshapeOp, qnn::ReshapeOp>(op))
        break;
      value = op->getOperand(0);
    }
    return value;
  }

  Value constantIndex(int64_t value) {
    return arith::ConstantIndexOp::create(runBuilder, loc, value);
  }

  /// The flat memory of a tensor at the call of a kernel.
  Value memory(Value tensor) {
    tensor = stripReshapes(tensor);
    Value known = memrefs.lookup(tensor);
    if (!known)
      known = resultMemory.lookup(tensor);
    return known;
  }

  LogicalResult generateOp(Operation &op) {
    auto kernel = dyn_cast<KernelOp>(op);
    if (!kernel)
      return success();
    for (auto [result, offset] :
         llvm::zip(kernel.getOutputs(), *kernel.getArenaOffsets())) {
      if (offset < 0) {
        if (!resultMemory.count(result))
          return kernel.emitError("expected an arena offset for a result that "
                                  "the function doesn't return");
        continue;
      }
      auto type = flatMemRef(cast<RankedTensorType>(result.getType()));
      memrefs[result] = memref::ViewOp::create(
          runBuilder, kernel.getLoc(), type, arena, constantIndex(offset),
          ValueRange());
    }

    std::string name = "k" + std::to_string(kernelCount++);
    if (Operation *anchor = kernel.getAnchor())
      name += "_" + anchor->getName().stripDialect().str();
    KernelBuilder builder(b, kernel, name, *target, blob);
    Operation *anchor = kernel.getAnchor();
    LogicalResult emitted =
        anchor ? findEmitter(anchor->getName().getStringRef())(builder, anchor)
               : emitPointwiseKernel(builder);
    if (failed(emitted))
      return failure();
    builder.finish();
    return call(kernel, builder);
  }

  /// Calls the kernel's function, or an earlier one that is the same.
  LogicalResult call(KernelOp kernel, KernelBuilder &builder) {
    func::FuncOp function = builder.getFunction();
    function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    std::string name = function.getName().str(), text;
    function.setName("kernel");
    llvm::raw_string_ostream os(text);
    function.print(os, OpPrintingFlags().assumeVerified().useLocalScope());
    function.setName(name);
    auto [known, isNew] = functions.try_emplace(text, function);
    if (!isNew) {
      function.erase();
      function = known->second;
    }
    SmallVector<Value> operands;
    for (Value value : llvm::concat<Value>(llvm::to_vector(kernel.getInputs()),
                                           llvm::to_vector(kernel.getOutputs()))) {
      Value known = memory(value);
      if (!known)
        return kernel.emitError("expected operands made by kernels or passed "
                                "to the function");
      operands.push_back(known);
    }
    operands.push_back(
        constantsView(builder.constantsOffset(), builder.constantsSize()));
    func::CallOp::create(runBuilder, kernel.getLoc(), function, operands);
    return success();
  }

  /// The kernel's part of the weights. The global's type has its final size
  /// only when all kernels are done.
  Value constantsView(int64_t offset, int64_t size) {
    auto global = memref::GetGlobalOp::create(
        runBuilder, loc, MemRefType::get(0, b.getI8Type()), weightsName());
    globals.push_back(global);
    return memref::ViewOp::create(runBuilder, loc,
                                  MemRefType::get(size, b.getI8Type()), global,
                                  constantIndex(offset), ValueRange());
  }

  std::string weightsName() const { return options.modelName + "_weights"; }

  void defineWeights() {
    if (blob.size() == 0)
      blob.append(std::vector<char>(1)); // an empty global has no address
    HostTensor bytes;
    bytes.kind = ElementKind::I8;
    bytes.shape = {blob.size()};
    bytes.bytes = blob.takeBytes();
    auto type = MemRefType::get(bytes.shape, b.getI8Type());
    auto tensor = RankedTensorType::get(bytes.shape, b.getI8Type());
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    memref::GlobalOp::create(top, loc, weightsName(),
                             top.getStringAttr("private"), type,
                             makeConstant(std::move(bytes), tensor),
                             /*constant=*/true,
                             top.getI64IntegerAttr(WeightBlob::kAlignment));
    for (memref::GetGlobalOp global : globals)
      global.getResult().setType(type);
  }

  ModuleOp module;
  func::FuncOp main;
  const CodegenOptions &options;
  std::unique_ptr<KernelTarget> target;
  OpBuilder b;
  Location loc;

  func::FuncOp run;
  OpBuilder runBuilder{b};
  Value arena;
  llvm::DenseMap<Value, Value> memrefs, resultMemory;
  llvm::StringMap<func::FuncOp> functions;
  std::vector<memref::GetGlobalOp> globals;
  WeightBlob blob;
  int kernelCount = 0;
};

struct GenerateKernels
    : dyadic::impl::GenerateKernelsBase<GenerateKernels> {
  using GenerateKernelsBase::GenerateKernelsBase;
  explicit GenerateKernels(CodegenOptions options)
      : given(std::move(options)) {}
  GenerateKernels() = default;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    CodegenOptions options;
    if (given) {
      options = *given;
    } else {
      auto target = resolveTarget(cpu, module.getLoc());
      if (failed(target))
        return signalPassFailure();
      options.target = *target;
      options.modelName = modelName;
    }
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      module.emitError("expected a function @main of one block");
      return signalPassFailure();
    }
    if (failed(ModuleGenerator(module, main, options).generate()))
      signalPassFailure();
  }

  std::optional<CodegenOptions> given;
};
} // namespace

std::unique_ptr<Pass>
dyadic::createGenerateKernelsPass(CodegenOptions options) {
  return std::make_unique<GenerateKernels>(std::move(options));
}
