//===- SharedModel.cpp ----------------------------------------------------===//
#include "dyadic/Pipeline/SharedModel.h"

#include "dyadic/Emit/Artifact.h"
#include "dyadic_model.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <dlfcn.h>

using namespace llvm;

namespace dyadic {

static TensorInfo describeTensor(const dyadic_tensor_info &tensor,
                                 int64_t numLengths) {
  TensorInfo info;
  info.name = tensor.name;
  info.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  info.kind = static_cast<ElementKind>(tensor.kind);
  if (tensor.scale != 0)
    info.scale = tensor.scale;
  info.zeroPoint = tensor.zero_point;
  info.arenaOffset = tensor.arena_offset;
  info.openDim = tensor.open_dim;
  if (tensor.extents)
    info.extents.assign(tensor.extents, tensor.extents + numLengths);
  return info;
}

/// The name of the model in a library that was renamed: what stands before the
/// two symbols that every model has. Empty if there is none.
static std::string findModelName(StringRef path) {
  auto file = object::ObjectFile::createObjectFile(path);
  if (!file) {
    consumeError(file.takeError());
    return "";
  }
  StringSet<> symbols;
  if (auto *elf = dyn_cast<object::ELFObjectFileBase>(file->getBinary()))
    for (const object::SymbolRef &symbol : elf->getDynamicSymbolIterators()) {
      if (auto name = symbol.getName())
        symbols.insert(*name);
      else
        consumeError(name.takeError());
    }
  for (StringRef symbol : symbols.keys())
    if (symbol.consume_back("_info") && symbols.contains((symbol + "_run").str()))
      return symbol.str();
  return "";
}

/// What kind of machine a library is for if it isn't this one's, else "".
static std::string foreignMachine(StringRef path) {
  auto file = object::ObjectFile::createObjectFile(path);
  if (!file) {
    consumeError(file.takeError()); // the loader says it better
    return "";
  }
  Triple::ArchType arch = file->getBinary()->getArch();
  return arch == Triple(sys::getProcessTriple()).getArch()
             ? ""
             : Triple::getArchTypeName(arch).str();
}

Expected<std::unique_ptr<SharedModel>> SharedModel::open(StringRef path) {
  auto fault = [&](const std::string &why) {
    return createStringError(inconvertibleErrorCode(), "cannot load %s: %s",
                             path.str().c_str(), why.c_str());
  };
  // Without a slash the loader would search its own folders.
  SmallString<128> absolute(path);
  if (std::error_code error = sys::fs::make_absolute(absolute))
    return fault(error.message());
  if (std::string machine = foreignMachine(absolute); !machine.empty())
    return fault("it is for " + machine +
                 ", not for this machine: compile the model to an executable "
                 "and start that with qemu-" + machine);
  std::unique_ptr<SharedModel> model(new SharedModel);
  model->handle = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!model->handle)
    return fault(dlerror());
  std::string symbol = modelNameOf(path) + "_info";
  void *found = dlsym(model->handle, symbol.c_str());
  if (!found)
    found = dlsym(model->handle, (findModelName(path) + "_info").c_str());
  auto *table = static_cast<const dyadic_model_info *>(found);
  if (!table)
    return fault("it has no symbol " + symbol + ": expected a library that dyadic made");
  if (table->version != DYADIC_MODEL_VERSION)
    return fault("expected version " + std::to_string(DYADIC_MODEL_VERSION) +
                 " of its table, but got " + std::to_string(table->version) +
                 ": compile the model again");
  if (const char *missing = table->missing ? table->missing() : nullptr)
    return fault("it needs a processor with " + std::string(missing));
  // Programs for a GPU: what stands in the way is known before the first run.
  std::string gpu = table->name + std::string("_gpu_");
  auto ready = reinterpret_cast<int (*)()>(
      dlsym(model->handle, (gpu + "init").c_str()));
  auto error = reinterpret_cast<const char *(*)()>(
      dlsym(model->handle, (gpu + "error").c_str()));
  if (ready && error && ready() != 0)
    return fault(error());
  model->onFailure = reinterpret_cast<decltype(model->onFailure)>(
      dlsym(model->handle, (gpu + "on_failure").c_str()));
  ProgramInfo &info = model->program;
  if (table->longest)
    info.lengths = LengthRange{table->shortest, table->longest, table->length_step};
  int64_t lengths = info.lengths ? info.lengths->count() : 0;
  info.name = table->name;
  for (int32_t i = 0; i < table->num_inputs; ++i)
    info.inputs.push_back(describeTensor(table->inputs[i], lengths));
  for (int32_t i = 0; i < table->num_outputs; ++i)
    info.outputs.push_back(describeTensor(table->outputs[i], lengths));
  for (int32_t i = 0; i < table->num_kept; ++i)
    info.kept.push_back(describeTensor(table->kept[i], lengths));
  info.arenaBytes = table->arena_bytes;
  info.weightBytes = table->weight_bytes;
  model->invoke = table->invoke;
  return std::move(model);
}

/// What the run of this thread reported.
static thread_local std::string gpuFault;

Error SharedModel::tryRun(ArrayRef<const void *> inputs, ArrayRef<void *> outputs,
                          void *arena) const {
  gpuFault.clear();
  if (onFailure)
    onFailure([](const char *error) { gpuFault = error; });
  run(inputs, outputs, arena);
  if (gpuFault.empty())
    return Error::success();
  return createStringError(inconvertibleErrorCode(), gpuFault);
}

SharedModel::~SharedModel() {
  if (handle)
    dlclose(handle);
}

} // namespace dyadic
