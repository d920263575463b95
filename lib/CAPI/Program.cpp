//===- Program.cpp - programs that run in this process --------------------===//
#include "CAPI.h"

#include "dyadic/Pipeline/SharedModel.h"
#include "dyadic/Target/Target.h"

#include <cstdlib>
#include <mutex>

using namespace dyadic;
using namespace dyadic::capi;
using mlir::failed;

static constexpr size_t kArenaAlignment = 64;

namespace {
using Arena = std::unique_ptr<void, void (*)(void *)>;

/// Arenas that no run uses at the moment.
class ArenaPool {
public:
  /// Null if there is no memory.
  Arena take(size_t bytes) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty()) {
        Arena arena = std::move(idle.back());
        idle.pop_back();
        return arena;
      }
    }
    size_t rounded = llvm::alignTo(std::max<size_t>(bytes, 1), kArenaAlignment);
    return Arena(std::aligned_alloc(kArenaAlignment, rounded), std::free);
  }
  void give(Arena arena) {
    std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(arena));
  }

private:
  std::mutex mutex;
  std::vector<Arena> idle;
};

struct Program {
  /// Of a JIT program, which goes away before it.
  std::shared_ptr<Session> session;
  std::unique_ptr<JITProgram> jit;
  std::unique_ptr<SharedModel> shared;
  ArenaPool arenas;

  const ProgramInfo &info() const { return jit ? jit->info() : shared->info(); }
  DyadicResult run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs,
                   void *arena, DyadicReporter reporter) const {
    if (jit)
      jit->run(inputs, outputs, arena);
    else if (llvm::Error error = shared->tryRun(inputs, outputs, arena))
      return fail(reporter, DyadicResultInputError, llvm::toString(std::move(error)));
    return DyadicResultDone;
  }
};

/// Memory that a run touches, to tell what overlaps.
struct Extent {
  std::string what;
  const char *begin;
  size_t bytes;
  bool overlaps(const Extent &other) const {
    return std::less<>()(begin, other.begin + other.bytes) &&
           std::less<>()(other.begin, begin + bytes);
  }
};
} // namespace

static Program *unwrap(DyadicProgram program) { return static_cast<Program *>(program.ptr); }

DyadicResult dyadicModelLoad(DyadicModel model, DyadicReporter reporter, DyadicProgram *program) {
  if (!program)
    return nullArgument(reporter, "a place for the program");
  *program = {nullptr};
  if (!model.ptr)
    return nullArgument(reporter, "a model");
  Model &compiled = *static_cast<Model *>(model.ptr);
  std::string missing;
  const TargetInfo &target = compiled.emit.target;
  if (target.target->isGPU())
    return fail(reporter, DyadicResultUsageError,
                "a model for " + target.triple + " can't be loaded from memory: write it to a "
                "shared library (.so) and open that");
  if (!hostSupports(target, missing))
    return fail(reporter, DyadicResultUsageError,
                "the model was compiled for " + target.triple + " (" + target.level +
                    ") and can't run in this process: this machine has no " + missing);
  DiagnosticForwarder forwarder(compiled.session->context, reporter);
  mlir::OwningOpRef<mlir::ModuleOp> copy = compiled.session->compilation->module().clone();
  auto jit = JITProgram::create(*copy, compiled.session->compilation->info(), compiled.emit);
  if (failed(jit))
    return DyadicResultInternalError;
  auto loaded = std::make_unique<Program>();
  loaded->session = compiled.session;
  loaded->jit = std::move(*jit);
  *program = {loaded.release()};
  return DyadicResultDone;
}

DyadicResult dyadicProgramOpen(DyadicStringRef path, DyadicReporter reporter,
                               DyadicProgram *program) {
  if (!program)
    return nullArgument(reporter, "a place for the program");
  *program = {nullptr};
  auto model = SharedModel::open(unwrap(path));
  if (!model)
    return fail(reporter, DyadicResultInputError, llvm::toString(model.takeError()));
  auto loaded = std::make_unique<Program>();
  loaded->shared = std::move(*model);
  *program = {loaded.release()};
  return DyadicResultDone;
}

void dyadicProgramDestroy(DyadicProgram program) { delete unwrap(program); }

DyadicInterface dyadicProgramGetInterface(DyadicProgram program) {
  return wrap(unwrap(program)->info());
}

/// The bytes of a tensor at a length.
static size_t bytesAt(const TensorInfo &tensor, int64_t lengthIndex) {
  if (tensor.openDim < 0)
    return tensor.numBytes();
  return tensor.numBytes() / tensor.shape[tensor.openDim] * tensor.extents[lengthIndex];
}

/// The index of the length that the size of the first open input means; 0 where it
/// means none: then it has a fault.
static int64_t findLength(const ProgramInfo &info, size_t count,
                          const DyadicInputBuffer *inputs) {
  for (size_t i = 0; inputs && i < std::min(count, info.inputs.size()); ++i) {
    const TensorInfo &tensor = info.inputs[i];
    if (tensor.openDim < 0)
      continue;
    for (int64_t index = 0; index < info.lengths->count(); ++index)
      if (bytesAt(tensor, index) == inputs[i].bytes)
        return index;
    break;
  }
  return 0;
}

/// What is wrong with one buffer, or "".
static std::string findFault(const TensorInfo &tensor, const void *data, size_t bytes,
                             int64_t lengthIndex) {
  size_t expected = bytesAt(tensor, lengthIndex);
  if (bytes != expected)
    return "expected " + std::to_string(expected) + " bytes, but got " + std::to_string(bytes);
  if (!data && expected)
    return "expected " + std::to_string(expected) + " bytes, but got null";
  size_t width = byteWidth(tensor.kind);
  if (reinterpret_cast<uintptr_t>(data) % width)
    return "expected memory aligned to " + std::to_string(width) + " bytes";
  return "";
}

/// Checks one side's buffers and adds them to `extents`.
template <typename Buffer, typename Pointer>
static std::string collect(llvm::StringRef side, llvm::ArrayRef<TensorInfo> tensors,
                           int64_t lengthIndex, size_t count,
                           const Buffer *buffers, llvm::SmallVectorImpl<Pointer> &pointers,
                           llvm::SmallVectorImpl<Extent> &extents) {
  if (count != tensors.size())
    return "expected " + std::to_string(tensors.size()) + " " + side.str() + "s, but got " +
           std::to_string(count);
  if (count && !buffers)
    return "expected " + side.str() + " buffers, but got null";
  for (size_t i = 0; i < count; ++i) {
    std::string what = side.str() + " \"" + tensors[i].name + "\"";
    std::string fault = findFault(tensors[i], buffers[i].data, buffers[i].bytes, lengthIndex);
    if (!fault.empty())
      return what + ": " + fault;
    pointers.push_back(buffers[i].data);
    extents.push_back({what, static_cast<const char *>(buffers[i].data), buffers[i].bytes});
  }
  return "";
}

DyadicResult dyadicProgramRun(DyadicProgram program, size_t numInputs,
                              const DyadicInputBuffer *inputs, size_t numOutputs,
                              const DyadicOutputBuffer *outputs, DyadicOutputBuffer arena,
                              DyadicReporter reporter) {
  if (!program.ptr)
    return nullArgument(reporter, "a program");
  Program &code = *unwrap(program);
  const ProgramInfo &info = code.info();
  llvm::SmallVector<const void *> from;
  llvm::SmallVector<void *> to;
  llvm::SmallVector<Extent> extents;
  int64_t index = info.lengths ? findLength(info, numInputs, inputs) : 0;
  int64_t length = info.lengths ? info.lengths->at(index) : 0;
  std::string fault = collect("input", info.inputs, index, numInputs, inputs, from, extents);
  if (fault.empty())
    fault = collect("output", info.outputs, index, numOutputs, outputs, to, extents);
  if (fault.empty() && arena.data) {
    if (arena.bytes < size_t(info.arenaBytes))
      fault = "arena: expected at least " + std::to_string(info.arenaBytes) + " bytes, but got " +
              std::to_string(arena.bytes);
    else if (reinterpret_cast<uintptr_t>(arena.data) % kArenaAlignment)
      fault = "arena: expected memory aligned to 64 bytes";
    extents.push_back({"arena", static_cast<char *>(arena.data), arena.bytes});
  }
  // What is written overlaps nothing.
  for (size_t i = numInputs; fault.empty() && i < extents.size(); ++i)
    for (size_t j = 0; j < i && fault.empty(); ++j)
      if (extents[i].overlaps(extents[j]))
        fault = extents[i].what + ": expected memory of its own, but it overlaps " +
                extents[j].what;
  if (!fault.empty())
    return fail(reporter, DyadicResultUsageError, fault);

  from.push_back(&length); // read by programs that leave one open
  if (arena.data)
    return code.run(from, to, arena.data, reporter);
  Arena own = code.arenas.take(info.arenaBytes);
  if (!own)
    return fail(reporter, DyadicResultInputError,
                "no memory for an arena of " + std::to_string(info.arenaBytes) + " bytes");
  DyadicResult result = code.run(from, to, own.get(), reporter);
  code.arenas.give(std::move(own));
  return result;
}
