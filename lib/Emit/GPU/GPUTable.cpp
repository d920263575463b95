//===- GPUTable.cpp -------------------------------------------------------===//
#include "GPUTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace dyadic {

static unsigned archNumber(StringRef arch) {
  unsigned number = 0;
  arch.consume_front("sm_");
  arch.consumeInteger(10, number);
  return number;
}

std::string gpuArch(const TargetInfo &target) {
  // A level asked for by name is a feature on top of the weakest CPU.
  return archNumber(target.cpu) >= archNumber(target.level) ? target.cpu
                                                            : target.level;
}

namespace {
/// Builds constants in the layout of gpu_model.h.
struct TableBuilder {
  Module &module;
  LLVMContext &context = module.getContext();
  IntegerType *i32 = Type::getInt32Ty(context);
  PointerType *pointer = PointerType::get(context, 0);

  Constant *number(int64_t value) { return ConstantInt::getSigned(i32, value); }
  Constant *size(int64_t value) {
    return ConstantInt::getSigned(Type::getInt64Ty(context), value);
  }

  Constant *global(Constant *value, const Twine &name, uint64_t alignment = 0) {
    auto *variable =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                           GlobalValue::PrivateLinkage, value, name);
    variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    if (alignment)
      variable->setAlignment(Align(alignment));
    return variable;
  }

  /// A zero follows the bytes: PTX is a C string.
  Constant *bytes(StringRef value, const Twine &name) {
    return global(ConstantDataArray::getString(context, value), name, 64);
  }

  template <typename Range, typename Make>
  Constant *array(const Range &values, Make make, const Twine &name) {
    SmallVector<Constant *> elements;
    for (const auto &value : values)
      elements.push_back(make(value));
    if (elements.empty())
      return ConstantPointerNull::get(pointer);
    auto *type = ArrayType::get(elements.front()->getType(), elements.size());
    return global(ConstantArray::get(type, elements), name);
  }

  Constant *image(const GPUImage &image) {
    return ConstantStruct::getAnon(
        {bytes(image.bytes, "dyadic.gpu.code"), size(image.bytes.size()),
         number(archNumber(image.arch)), number(image.isBinary),
         number(!isDigit(image.arch.back())), number(0)});
  }

  Constant *sizes(const unsigned (&value)[3]) {
    return ConstantDataArray::get(context, ArrayRef<uint32_t>(value, 3));
  }

  Constant *launch(const GPULaunch &launch) {
    Constant *arguments = array(
        launch.arguments,
        [&](const GPUArgument &argument) {
          return ConstantStruct::getAnon(
              {size(argument.offset), number(static_cast<int>(argument.space)),
               number(argument.index)});
        },
        "dyadic.gpu.arguments");
    return ConstantStruct::getAnon({arguments, number(launch.arguments.size()),
                                    number(launch.kernel), sizes(launch.grid),
                                    sizes(launch.block)});
  }
};
} // namespace

void addGPUTable(Module &module, const ProgramInfo &info,
                 const LaunchTable &table, ArrayRef<GPUImage> images,
                 StringRef weights, StringRef fallback, bool keepAll) {
  TableBuilder b{module};
  auto *handles = ArrayType::get(b.pointer, std::max<size_t>(table.kernels.size(), 1));
  auto *functions = new GlobalVariable(
      module, handles, /*isConstant=*/false, GlobalValue::InternalLinkage,
      ConstantAggregateZero::get(handles), "dyadic.gpu.functions");
  Constant *fallbackCode =
      fallback.empty()
          ? static_cast<Constant *>(ConstantPointerNull::get(b.pointer))
          : cast<Constant>(module
                               .getOrInsertFunction(
                                   fallback, FunctionType::get(
                                                 Type::getVoidTy(b.context),
                                                 {b.pointer, b.pointer, b.pointer},
                                                 false))
                               .getCallee());
  Constant *value = ConstantStruct::getAnon(
      {module.getNamedGlobal(info.name + "_info"),
       b.array(images, [&](const GPUImage &image) { return b.image(image); },
               "dyadic.gpu.images"),
       b.array(table.kernels,
               [&](StringRef name) { return b.bytes(name, "dyadic.gpu.name"); },
               "dyadic.gpu.kernels"),
       functions,
       b.array(table.launches,
               [&](const GPULaunch &launch) { return b.launch(launch); },
               "dyadic.gpu.launches"),
       b.bytes(weights, "dyadic.gpu.weights"), fallbackCode,
       b.number(images.size()), b.number(table.kernels.size()),
       b.number(table.launches.size()), b.number(keepAll)});
  new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, value, "dyadic_gpu_model");
}

} // namespace dyadic
