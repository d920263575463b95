//===- ThreadRuntime.cpp --------------------------------------------------===//
#include "ThreadRuntime.h"

#include "CPURuntime.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/Triple.h"

#include <dlfcn.h>

using namespace mlir;

namespace dyadic {

/// Runtime/threads.c as LLVM bitcode, embedded by EmbedFile.cmake.
extern const unsigned char kThreadRuntimeX86[];
extern const size_t kThreadRuntimeX86Size;
extern const unsigned char kThreadRuntimeARM[];
extern const size_t kThreadRuntimeARMSize;

void linkThreadRuntime(llvm::Module &module) {
  llvm::Function *called = module.getFunction("dyadic_run_team");
  if (!called || !called->isDeclaration())
    return;
  linkBitcode(module, llvm::ArrayRef(kThreadRuntimeX86, kThreadRuntimeX86Size),
              llvm::ArrayRef(kThreadRuntimeARM, kThreadRuntimeARMSize));
}

FailureOr<std::vector<std::pair<StringRef, void *>>> loadOpenMP(Location loc) {
  auto find = [](void *library) {
    std::vector<std::pair<StringRef, void *>> found;
    for (const char *name :
         {"GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads"}) {
      void *address = dlsym(library, name);
      if (!address)
        return decltype(found)();
      found.push_back({name, address});
    }
    return found;
  };
  // One runtime a process: what is there already, of another library perhaps.
  auto found = find(RTLD_DEFAULT);
  for (const char *library : {"libgomp.so.1", "libomp.so.5", "libomp.so"})
    if (found.empty())
      if (void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL))
        found = find(handle);
  if (!found.empty())
    return found;
  return emitError(loc) << "expected an OpenMP runtime to run several threads "
                           "with, libgomp.so.1 or libomp.so; on Debian: apt-get "
                           "install libgomp1";
}

} // namespace dyadic
