//===- Compiler.h - IR to instructions --------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_COMPILER_H
#define DYADIC_LIB_EMULATE_COMPILER_H

#include "Program.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>

namespace dyadic::emulate {

/// Memory behind a memref value: where its element 0 lies.
struct MemRefBinding {
  enum Space { Global, Workgroup, Private } space = Global;
  /// Which argument of the kernel, which workgroup or private buffer.
  unsigned buffer = 0;
  /// In bytes from the buffer's beginning, plus what `dynamic` says.
  int64_t offset = 0;
  /// A slot of kind I64 with an element for each thread.
  std::optional<uint32_t> dynamic = {};
};

/// The components and element kind of a scalar, vector, or LLVM struct of equal
/// members; none for a type that slots can't hold.
std::optional<Slot> slotShape(mlir::Type type);

class Compiler {
public:
  explicit Compiler(KernelProgram &program) : program(program) {}

  /// Compiles `function` (a gpu.func for `program.blockSize`, or a func.func), or
  /// reports every op that it can't.
  mlir::LogicalResult compile(mlir::FunctionOpInterface function);

  KernelProgram &program;

  //===--- For the handlers of ops ----------------------------------------===//

  /// Where `value` lies; as one element if it is uniform.
  Slot slot(mlir::Value value) const { return slots.lookup(value); }
  bool isUniform(mlir::Value value) const { return uniform.contains(value); }
  /// The offset of `value` with an element for each thread.
  uint32_t perThread(mlir::Value value) const;
  /// The offset of an operand of an op whose result is (not) uniform.
  uint32_t operand(mlir::Value value, bool uniformly) const {
    return uniformly ? slot(value).offset : perThread(value);
  }

  /// A slot for a result.
  Slot define(mlir::Value result);
  /// Lets a result lie where other values already do.
  void alias(mlir::Value result, Slot slot);
  /// Whether the uniform `value` has users that need it for each thread.
  bool needsExpansion(mlir::Value value) const;
  uint32_t allocate(uint64_t bytes);

  Instruction &emit(Execute execute, mlir::Operation *op);
  /// The usual form: result 0 from the operands, component by component.
  Instruction &emitElementwise(Execute execute, mlir::Operation *op);
  /// Copies rows: pairs of offsets, each of `bytes` bytes.
  void emitRows(mlir::Operation *op,
                std::vector<std::pair<uint32_t, uint32_t>> rows,
                uint32_t bytes);
  /// Spreads a uniform value over the threads, if its users need it so.
  void emitExpansion(mlir::Operation *op, mlir::Value value);
  /// Copies values to others at once, only for active threads if `masked`.
  void emitCopies(mlir::Operation *op, mlir::ValueRange from,
                  mlir::ValueRange to, bool masked);
  /// Compiles a block into a list of its own.
  mlir::LogicalResult
  compileBlock(mlir::Block &block, Code &code,
               llvm::function_ref<void()> epilogue = nullptr);

  void setConstant(mlir::Value result, std::vector<char> elements);

  const MemRefBinding *memory(mlir::Value memref) const {
    auto found = memrefs.find(memref);
    return found == memrefs.end() ? nullptr : &found->second;
  }
  void bind(mlir::Value memref, MemRefBinding binding) {
    memrefs[memref] = binding;
  }

  template <typename T> T *make() {
    auto object = std::make_shared<T>();
    program.extras.push_back(object);
    return object.get();
  }

private:
  mlir::LogicalResult bindArguments(mlir::FunctionOpInterface function);
  mlir::LogicalResult bindAttributions(mlir::gpu::GPUFuncOp function);
  mlir::LogicalResult compileOp(mlir::Operation &op);

  llvm::DenseSet<mlir::Value> uniform;
  llvm::DenseMap<mlir::Value, Slot> slots;
  llvm::DenseMap<mlir::Value, uint32_t> expanded;
  llvm::DenseMap<mlir::Value, MemRefBinding> memrefs;
  Code *code = nullptr;
};

/// The values in `function` that are the same in all threads of a block that
/// get to compute them.
llvm::DenseSet<mlir::Value>
findUniformValues(mlir::FunctionOpInterface function, bool oneThread);

/// Reports the ops in `function` that there is no handler for.
mlir::LogicalResult checkOps(mlir::FunctionOpInterface function);

} // namespace dyadic::emulate

#endif
