//===- Program.cpp --------------------------------------------------------===//
#include "dyadic/Pipeline/Program.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Reference/Interpreter.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/WithColor.h"

#include <cstdlib>

using namespace mlir;

namespace dyadic {

Program::~Program() = default;

SmallVector<InputSpec> Program::inputSpecs() const {
  SmallVector<InputSpec> specs;
  for (const TensorInfo &input : program.inputs)
    specs.push_back({input.name, input.shape, input.kind, input.openDim,
                     program.lengths.value_or(LengthRange())});
  return specs;
}

namespace {
/// Anything with JITProgram's `run` on pointers.
template <typename Code> class NativeProgram : public Program {
public:
  explicit NativeProgram(std::unique_ptr<Code> code) : code(std::move(code)) {
    program = this->code->info();
    arena.reset(static_cast<char *>(std::aligned_alloc(
        64, llvm::alignTo(std::max<int64_t>(program.arenaBytes, 1), 64))));
  }
  bool hasMemory() const { return arena != nullptr; }

  FailureOr<SmallVector<HostTensor>> run(ArrayRef<HostTensor> inputs,
                                         std::vector<HostTensor> *kept) override {
    auto length = program.lengthOf(inputs);
    if (!length) {
      llvm::WithColor::error() << llvm::toString(length.takeError()) << "\n";
      return failure();
    }
    SmallVector<HostTensor> outputs = program.makeOutputs(*length);
    auto from = llvm::map_to_vector(inputs, [](const HostTensor &tensor) -> const void * {
      return tensor.bytes.data();
    });
    auto to = llvm::map_to_vector(outputs, [](HostTensor &tensor) -> void * {
      return tensor.bytes.data();
    });
    from.push_back(&*length); // read by programs that leave one open
    code->run(from, to, arena.get());
    if (kept) {
      kept->clear();
      for (const TensorInfo &tensor : program.kept) {
        HostTensor copy(tensor.kind, tensor.shape);
        std::copy_n(arena.get() + tensor.arenaOffset, copy.bytes.size(), copy.bytes.data());
        kept->push_back(std::move(copy));
      }
    }
    return outputs;
  }

private:
  std::unique_ptr<Code> code;
  std::unique_ptr<char, void (*)(void *)> arena{nullptr, std::free};
};

class InterpretedProgram : public Program {
public:
  InterpretedProgram(func::FuncOp main, ProgramInfo info) : main(main) {
    program = std::move(info);
    // The same order in which readProgramInfo lists what is kept.
    for (auto kernel : main.getOps<KernelOp>())
      for (auto [result, offset] :
           llvm::zip(kernel.getResults(), *kernel.getArenaOffsets()))
        if (offset >= 0 && !kernel.getLayouts())
          keptNumber[result] = keptNumber.size();
  }

  FailureOr<SmallVector<HostTensor>> run(ArrayRef<HostTensor> inputs,
                                         std::vector<HostTensor> *kept) override {
    if (!kept)
      return interpret(main, inputs);
    kept->assign(program.kept.size(), HostTensor());
    return interpret(main, inputs, [&](Value value, const HostTensor &tensor) {
      auto found = keptNumber.find(value);
      if (found != keptNumber.end())
        (*kept)[found->second] = tensor;
    });
  }

private:
  func::FuncOp main;
  llvm::DenseMap<Value, size_t> keptNumber;
};
} // namespace

template <typename Code>
static std::unique_ptr<Program> makeNative(std::unique_ptr<Code> code) {
  auto program = std::make_unique<NativeProgram<Code>>(std::move(code));
  return program->hasMemory() ? std::move(program) : nullptr;
}

FailureOr<std::unique_ptr<Program>> makeJITProgram(Compilation &compilation) {
  auto code = compilation.load();
  if (failed(code))
    return failure();
  int64_t bytes = (*code)->info().arenaBytes;
  auto program = makeNative(std::move(*code));
  if (!program)
    return compilation.module().emitError("no memory for an arena of ") << bytes << " bytes";
  return std::move(program);
}

FailureOr<std::unique_ptr<Program>> makeInterpretedProgram(Compilation &compilation) {
  if (failed(compilation.advance(Level::Kernels)))
    return failure();
  if (compilation.info().lengths)
    return compilation.main().emitError("expected fixed shapes for the interpreter, but "
                                        "a length is left open");
  return std::unique_ptr<Program>(
      new InterpretedProgram(compilation.main(), compilation.info()));
}

llvm::Expected<std::unique_ptr<Program>> makeSharedProgram(StringRef path) {
  auto model = SharedModel::open(path);
  if (!model)
    return model.takeError();
  auto program = makeNative(std::move(*model));
  if (!program)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "no memory for the arena of %s", path.str().c_str());
  return std::move(program);
}

} // namespace dyadic
