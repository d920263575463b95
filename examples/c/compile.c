/* Compiles an ONNX model in this process, runs it and writes it as a library:
 *
 *   compile MODEL.onnx SAMPLES.npz [OUTPUT.so]
 *
 * Runs the model on an image with a bar in the middle, if it is examples/digits. */
#include "dyadic-c/Dyadic.h"

#include <stdio.h>
#include <stdlib.h>

static void print(DyadicSeverity severity, DyadicStringRef location,
                  DyadicStringRef message, void *user_data) {
  (void)user_data;
  fprintf(stderr, "%s: %.*s%s%.*s\n", severity == DyadicSeverityError ? "error" : "note",
          (int)location.length, location.data, location.length ? ": " : "",
          (int)message.length, message.data);
}

static int run(DyadicProgram program, DyadicReporter reporter) {
  DyadicInterface interface_ = dyadicProgramGetInterface(program);
  DyadicTensorInfo in = dyadicInterfaceGetInput(interface_, 0);
  DyadicTensorInfo out = dyadicInterfaceGetOutput(interface_, 0);
  DyadicInputBuffer input;
  DyadicOutputBuffer output, own_arena = {NULL, 0};
  float *image, *scores;
  size_t i;
  int status = DyadicResultUsageError;
  printf("%.*s: %lu bytes in, %lu bytes out, arena %lu, weights %lu\n",
         (int)in.name.length, in.name.data, (unsigned long)in.bytes,
         (unsigned long)out.bytes,
         (unsigned long)dyadicInterfaceGetArenaBytes(interface_),
         (unsigned long)dyadicInterfaceGetWeightBytes(interface_));
  if (in.bytes != 64 * sizeof(float) || out.bytes != 10 * sizeof(float))
    return DyadicResultDone;
  image = calloc(1, in.bytes);
  scores = calloc(1, out.bytes);
  if (image && scores) {
    image[10] = image[18] = image[26] = 1;
    input.data = image;
    input.bytes = in.bytes;
    output.data = scores;
    output.bytes = out.bytes;
    status = dyadicProgramRun(program, 1, &input, 1, &output, own_arena, reporter);
    for (i = 0; status == DyadicResultDone && i < 10; ++i)
      printf("%d: %g\n", (int)i, scores[i]);
  }
  free(image);
  free(scores);
  return status;
}

int main(int argc, char **argv) {
  DyadicReporter reporter = {print, NULL};
  DyadicOptions options;
  DyadicModel model;
  DyadicProgram program;
  int status;
  if (argc < 3) {
    fprintf(stderr, "usage: %s MODEL.onnx SAMPLES.npz [OUTPUT.so]\n", argv[0]);
    return DyadicResultUsageError;
  }
  options = dyadicOptionsCreate();
  dyadicOptionsSetCalibrationPath(options, dyadicStringRefCreateFromCString(argv[2]));
  status = dyadicCompileFile(dyadicStringRefCreateFromCString(argv[1]), options, reporter, &model);
  dyadicOptionsDestroy(options);
  if (status != DyadicResultDone)
    return status;
  printf("%lu ops in integers, %lu in float\n",
         (unsigned long)dyadicModelGetNumIntegerOps(model),
         (unsigned long)dyadicModelGetNumFloatOps(model));
  status = dyadicModelLoad(model, reporter, &program);
  if (status == DyadicResultDone) {
    status = run(program, reporter);
    dyadicProgramDestroy(program);
  }
  if (status == DyadicResultDone && argc > 3)
    status = dyadicModelWrite(model, dyadicStringRefCreateFromCString(argv[3]), reporter);
  dyadicModelDestroy(model);
  return status;
}
