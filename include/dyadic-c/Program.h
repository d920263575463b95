/*===- Program.h - compiled models in this process ------------------- C -*-===*/
#ifndef DYADIC_C_PROGRAM_H
#define DYADIC_C_PROGRAM_H

#include "dyadic-c/Compile.h"
#include "dyadic-c/Tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A model that can be run: compiled into this process, or a shared library. */
typedef struct DyadicProgram {
  void *ptr;
} DyadicProgram;

static inline bool dyadicProgramIsNull(DyadicProgram program) {
  return !program.ptr;
}

/** Puts the code of `model` into this process. The machine must be what the model
 *  was compiled for. The program outlives the model if need be. */
DYADIC_CAPI_EXPORTED DyadicResult dyadicModelLoad(DyadicModel model,
                                                  DyadicReporter reporter,
                                                  DyadicProgram *program);
/** Loads a shared library that dyadic wrote, after checking that this machine has
 *  what its code needs. Loading runs nothing of it, but like any library it must
 *  come from somebody you trust. */
DYADIC_CAPI_EXPORTED DyadicResult dyadicProgramOpen(DyadicStringRef path,
                                                    DyadicReporter reporter,
                                                    DyadicProgram *program);
DYADIC_CAPI_EXPORTED void dyadicProgramDestroy(DyadicProgram program);

DYADIC_CAPI_EXPORTED DyadicInterface
dyadicProgramGetInterface(DyadicProgram program);

typedef struct DyadicInputBuffer {
  const void *data;
  size_t bytes;
} DyadicInputBuffer;

typedef struct DyadicOutputBuffer {
  void *data;
  size_t bytes;
} DyadicOutputBuffer;

/** Runs once. Buffers are in the order of the interface, each exactly as large as
 *  it says (where a dimension is open: as its extent at the length that the first
 *  open input's size means, dense), aligned to their element type, and outputs overlap nothing. `arena`
 *  is working memory of at least the interface's bytes, aligned to 64; with
 *  data == NULL the program takes memory that it keeps for the next run. What
 *  doesn't hold is a DyadicResultUsageError before anything runs.
 *
 *  Any number of threads may run one program at once, each with buffers and an
 *  arena of its own. The code expects the default rounding mode. */
DYADIC_CAPI_EXPORTED DyadicResult
dyadicProgramRun(DyadicProgram program, size_t numInputs,
                 const DyadicInputBuffer *inputs, size_t numOutputs,
                 const DyadicOutputBuffer *outputs, DyadicOutputBuffer arena,
                 DyadicReporter reporter);

#ifdef __cplusplus
}
#endif

#endif /* DYADIC_C_PROGRAM_H */
