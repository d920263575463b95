/*===- gpu_model.h - a model's code for a GPU as data ------------------ C -*-===
 *
 * What gpu.c needs to run a model: code, weights and the launches in order.
 * lib/Emit/GPU/GPUTable.cpp builds the same layout: change both.
 *===----------------------------------------------------------------------===*/
#ifndef DYADIC_GPU_MODEL_H
#define DYADIC_GPU_MODEL_H

#include "dyadic_model.h"

/* Code for the devices of one architecture. */
struct dyadic_gpu_image {
  const void *bytes; /* PTX text with a 0 behind it, or an ELF file */
  int64_t size;
  int32_t arch;    /* 10 * major + minor: sm_80 is 80 */
  int32_t binary;  /* a cubin: for this major version, this minor or newer */
  int32_t only;    /* sm_90a: for exactly this architecture */
  int32_t reserved;
};

enum dyadic_gpu_space {
  DYADIC_GPU_INPUT,
  DYADIC_GPU_OUTPUT,
  DYADIC_GPU_ARENA,
  DYADIC_GPU_WEIGHTS
};

/* Every argument of a kernel is an address. */
struct dyadic_gpu_argument {
  int64_t offset;
  int32_t space; /* enum dyadic_gpu_space */
  int32_t index; /* of the input or output */
};

struct dyadic_gpu_launch {
  const struct dyadic_gpu_argument *arguments;
  int32_t num_arguments;
  int32_t kernel; /* number in `kernels` */
  uint32_t grid[3];
  uint32_t block[3];
};

struct dyadic_gpu_model {
  const struct dyadic_model_info *info;
  const struct dyadic_gpu_image *images;
  const char *const *kernels;
  void **functions; /* room for a handle of each kernel */
  const struct dyadic_gpu_launch *launches;
  const void *weights;
  /* The same model for the host's processor, or null. */
  void (*fallback)(const void *const *inputs, void *const *outputs, void *arena);
  int32_t num_images;
  int32_t num_kernels;
  int32_t num_launches;
  int32_t keep_all; /* runs bring the arena back */
};

#endif
