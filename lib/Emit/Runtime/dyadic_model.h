/*===- dyadic_model.h - a compiled model described as data ----------- C -*-===
 *
 * Every object that dyadic writes holds one of these tables, for programs that
 * learn at run time what a model is: `extern const struct dyadic_model_info
 * <model>_info;`. Programs that know their model need only its own header.
 *
 * lib/Emit/ModelTable.cpp builds the same layout: change both.
 *===----------------------------------------------------------------------===*/
#ifndef DYADIC_MODEL_H
#define DYADIC_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DYADIC_MODEL_VERSION 2

enum dyadic_kind {
  DYADIC_BOOL,
  DYADIC_U8,
  DYADIC_I8,
  DYADIC_I16,
  DYADIC_I32,
  DYADIC_I64,
  DYADIC_F32,
  DYADIC_F64,
  DYADIC_U16,
  DYADIC_U32,
  DYADIC_U64,
  DYADIC_F16,
  DYADIC_BF16
};

struct dyadic_tensor_info {
  const char *name;
  const int64_t *shape; /* `rank` extents, row-major */
  int64_t bytes;
  int64_t arena_offset; /* kept tensors; -1 for inputs and outputs */
  int32_t rank;
  int32_t kind; /* enum dyadic_kind */
  float scale;  /* real value = (stored - zero_point) * scale; 0: not quantized */
  int32_t zero_point;
};

struct dyadic_model_info {
  const char *name;
  const struct dyadic_tensor_info *inputs;
  const struct dyadic_tensor_info *outputs;
  const struct dyadic_tensor_info *kept; /* results that lie in the arena */
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_kept;
  int32_t version; /* DYADIC_MODEL_VERSION */
  int64_t arena_bytes;
  int64_t weight_bytes;
  const char *features; /* what the machine must have: "+avx2,+fma" */
  /* <model>_run with its arguments in arrays. */
  void (*invoke)(const void *const *inputs, void *const *outputs, void *arena);
  const char *variants; /* kernels to choose from, weakest first: "avx2,avx512vnni" */
  /* The first of `features` that this machine lacks, else null. To be called before
   * anything else; itself null where nothing can be found out. */
  const char *(*missing)(void);
};

#ifdef __cplusplus
}
#endif
#endif
