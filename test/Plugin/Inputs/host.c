// A program that loads the plug-in as mlir-opt does. With LLVM_MAJOR it says that
// it has that version of LLVM.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

struct Info {
  uint32_t api;
  const char *name, *version;
  void (*callback)(void *);
};

#ifdef LLVM_MAJOR
void LLVMGetVersion(unsigned *major, unsigned *minor, unsigned *patch) {
  *major = LLVM_MAJOR;
  *minor = 1;
  *patch = 0;
}
#endif

int main(int argc, char **argv) {
  void *plugin = dlopen(argv[1], RTLD_LAZY | RTLD_GLOBAL);
  if (!plugin) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  struct Info (*entry)(void) = (struct Info(*)(void))dlsym(plugin, argv[2]);
  printf("interface version %u\n", entry().api);
  return 0;
}
