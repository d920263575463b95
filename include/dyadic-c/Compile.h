/*===- Compile.h - from an ONNX model to code ------------------------ C -*-===*\
|*
|* A fault inside LLVM ends the process, as it does for every user of LLVM; who
|* can't afford that compiles in a child process, as the dyadic tool or the Python
|* package do, and loads what it wrote.
|*
\*===----------------------------------------------------------------------===*/
#ifndef DYADIC_C_COMPILE_H
#define DYADIC_C_COMPILE_H

#include "dyadic-c/Tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Options
\*===----------------------------------------------------------------------===*/

/** What to compile for and how. What doesn't parse or fit is reported by the
 *  compile. One may serve several compiles, one at a time. */
typedef struct DyadicOptions {
  void *ptr;
} DyadicOptions;

/** Code for this machine, all of it in float32 until samples are given. */
DYADIC_CAPI_EXPORTED DyadicOptions dyadicOptionsCreate(void);
DYADIC_CAPI_EXPORTED void dyadicOptionsDestroy(DyadicOptions options);

/** The prefix of symbols, made a C identifier. Unset: the model's file name. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetName(DyadicOptions options,
                                               DyadicStringRef name);
/** An LLVM triple, as "aarch64-linux-gnu" or "nvptx64"; empty or "native": this
 *  machine. The CPU is "native", a level as "avx2" or "dotprod", a name that LLVM
 *  knows, or "sm_80", each optionally with features: "avx2,+avxvnni". Several are
 *  variants that the program chooses from when it is loaded: "avx2,avx512vnni".
 *  Empty: this machine's, or the weakest of another triple. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetTarget(DyadicOptions options,
                                                 DyadicStringRef triple,
                                                 DyadicStringRef cpu);
/** Of a program for a GPU: whether its objects also hold the code for this machine's
 *  processor and run that where there is no GPU. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetCPUFallback(DyadicOptions options,
                                                      bool fallback);
/** 0 to 3, as the option -O of compilers; 3 unless set. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetOptimizationLevel(DyadicOptions options,
                                                            unsigned level);
/** How many threads share a run, on x86-64 and AArch64 Linux; 1 unless set. With more,
 *  objects need an OpenMP runtime (libgomp or libomp), and so does loading them. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetThreads(DyadicOptions options, int64_t threads);
/** The shape of an input whose dimensions the model leaves open. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetShape(DyadicOptions options,
                                                DyadicStringRef input,
                                                size_t rank,
                                                const int64_t *shape);
/** Leaves a dimension of an input open: it may be `shortest`, `shortest` + `step`, … up to
 *  what dyadicOptionsSetShape says. All that are open are one length. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetOpenDimension(DyadicOptions options,
                                                        DyadicStringRef input, size_t dim,
                                                        int64_t shortest, int64_t step);
/** Fixes an input to a value: it is no input of the program any more. What decides
 *  shapes, axes and the like must be known to the compiler. Row-major; the elements
 *  are copied, and `bytes` is checked against type and shape. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetValue(DyadicOptions options,
                                                DyadicStringRef input,
                                                DyadicElementType type, size_t rank,
                                                const int64_t *shape,
                                                const void *data, size_t bytes);
/** Where a model in memory has its external data; the current folder unless set.
 *  Models in files have theirs beside them. */
DYADIC_CAPI_EXPORTED void
dyadicOptionsSetExternalDataFolder(DyadicOptions options, DyadicStringRef folder);

/** Quantizes by the samples in a file or folder: .npz with an array per input,
 *  .npy, .raw float32, or a folder of such or of images. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetCalibrationPath(DyadicOptions options,
                                                          DyadicStringRef path);
/** Quantizes by samples in memory, as an .npz would hold them: for each input
 *  an array under its name, with any number of samples stacked along the first
 *  dimension. Further arrays of the same name continue the first. For a model with
 *  one input the name may be empty. Row-major. The elements are not copied: they must stay until the compile is over. `bytes` is
 *  checked against type and shape. */
DYADIC_CAPI_EXPORTED void
dyadicOptionsAddCalibrationArray(DyadicOptions options, DyadicStringRef input,
                                 DyadicElementType type, size_t rank,
                                 const int64_t *shape, const void *data,
                                 size_t bytes);
/** How ranges follow from values: "minmax", "moving-average[=momentum]",
 *  "percentile[=percent]", "entropy" or "mse"; or "auto": for each tensor what is best on
 *  the samples. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetObserver(DyadicOptions options,
                                                   DyadicStringRef observer);
/** Where activations get their scales from: "static" (the default), from samples;
 *  "dynamic" or "dynamic-tensor", at run time, one a row or one a tensor; or
 *  "weight-only", where they stay in float32. All but the first need no samples. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetScheme(DyadicOptions options,
                                                 DyadicStringRef scheme);
/** Ops whose names match, a name or a pattern with *, ? and [a-z], stay in float32. May
 *  be called again for more. */
DYADIC_CAPI_EXPORTED void dyadicOptionsAddKeepFloat(DyadicOptions options,
                                                    DyadicStringRef op);
/** What weights become: "int8" (the default), "int4", "int4:group=64" or "codebook4", or a
 *  pattern of names and one of these, as "fc*=int4"; with the scheme "weight-only" more, as
 *  "nf4:group=64". May be called again: the last match decides. */
DYADIC_CAPI_EXPORTED void dyadicOptionsAddWeights(DyadicOptions options,
                                                  DyadicStringRef choice);
/** The width of activations: "int8" (the default) or "int16", or a pattern of ops' and
 *  inputs' names and one of these. May be called again: the last match decides. With the
 *  scheme "static". */
DYADIC_CAPI_EXPORTED void dyadicOptionsAddActivations(DyadicOptions options,
                                                      DyadicStringRef choice);
/** Which way weights are rounded: "nearest"; "awq", with the scheme "weight-only", after
 *  what loud channels read was multiplied; "gptq" or "adaround", so that a layer's
 *  errors make up for each other on the samples; or "best" (the default). */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetWeightRounding(DyadicOptions options,
                                                         DyadicStringRef rounding);
/** Whether an op that would stay float, but for the network's borders, is an error.
 *  Without calling it, no. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetIntegerOnly(DyadicOptions options,
                                                      bool integerOnly);
/** Reads options of single layers from a file, as the tool's --overrides. They decide
 *  before those for all. */
DYADIC_CAPI_EXPORTED void dyadicOptionsSetOverrides(DyadicOptions options,
                                                    DyadicStringRef path);

typedef enum DyadicImageLayout {
  DyadicImageLayoutAuto,
  DyadicImageLayoutNCHW,
  DyadicImageLayoutNHWC
} DyadicImageLayout;

/** What happens to images of another size than the model's. */
typedef enum DyadicImageResize {
  DyadicImageResizeRefuse,
  DyadicImageResizeStretch,
  /** The shorter side is scaled, the longer one cut. */
  DyadicImageResizeCrop
} DyadicImageResize;

/** How pixels of image files become elements: (pixel * scale - mean) / std.
 *  `mean` and `std` have one value or one per channel; none: 0 and 1. `scale` is
 *  1/255 unless set. `bgr`: blue is the first channel, not red. */
DYADIC_CAPI_EXPORTED void
dyadicOptionsSetImages(DyadicOptions options, DyadicImageLayout layout,
                       DyadicImageResize resize, float scale, size_t numMean,
                       const float *mean, size_t numStd, const float *std,
                       bool bgr);

/*===----------------------------------------------------------------------===*\
|* Compiling
\*===----------------------------------------------------------------------===*/

/** A compiled model: code that can be written, or loaded into this process. */
typedef struct DyadicModel {
  void *ptr;
} DyadicModel;

static inline bool dyadicModelIsNull(DyadicModel model) { return !model.ptr; }

/** Compiles the ONNX file at `path`. */
DYADIC_CAPI_EXPORTED DyadicResult dyadicCompileFile(DyadicStringRef path,
                                                    DyadicOptions options,
                                                    DyadicReporter reporter,
                                                    DyadicModel *model);
/** The same from the bytes of an ONNX file, which are needed until the call
 *  returns. `label` names the model in messages. */
DYADIC_CAPI_EXPORTED DyadicResult dyadicCompileMemory(const void *bytes,
                                                      size_t length,
                                                      DyadicStringRef label,
                                                      DyadicOptions options,
                                                      DyadicReporter reporter,
                                                      DyadicModel *model);
/** Programs loaded from the model stay valid. */
DYADIC_CAPI_EXPORTED void dyadicModelDestroy(DyadicModel model);

/** Writes the model to `path`: .o, .a or .so with a C header beside it, .s, or
 *  .ptx or .cubin for GPUs; anything else is an executable. The file appears only
 *  when it is complete. May be called again with other paths. */
DYADIC_CAPI_EXPORTED DyadicResult dyadicModelWrite(DyadicModel model,
                                                   DyadicStringRef path,
                                                   DyadicReporter reporter);

DYADIC_CAPI_EXPORTED DyadicInterface dyadicModelGetInterface(DyadicModel model);

/** What it was compiled for, resolved: "x86_64-pc-linux-gnu", LLVM's name of the
 *  CPU, and the kernels that were chosen, as "avx512vnni". */
DYADIC_CAPI_EXPORTED DyadicStringRef dyadicModelGetTriple(DyadicModel model);
DYADIC_CAPI_EXPORTED DyadicStringRef dyadicModelGetCPU(DyadicModel model);
DYADIC_CAPI_EXPORTED DyadicStringRef dyadicModelGetLevel(DyadicModel model);

/** Ops that compute in integers. */
DYADIC_CAPI_EXPORTED size_t dyadicModelGetNumIntegerOps(DyadicModel model);
/** Calibration samples that were read. */
DYADIC_CAPI_EXPORTED size_t dyadicModelGetNumSamples(DyadicModel model);

/** An op that computes in float32 although the model was quantized. */
typedef struct DyadicFloatOp {
  DyadicStringRef name;
  /** As "qnn.softmax". */
  DyadicStringRef kind;
  /** Empty: its neighbours do. */
  DyadicStringRef reason;
} DyadicFloatOp;

DYADIC_CAPI_EXPORTED size_t dyadicModelGetNumFloatOps(DyadicModel model);
/** All empty if `index` is too large. */
DYADIC_CAPI_EXPORTED DyadicFloatOp dyadicModelGetFloatOp(DyadicModel model,
                                                         size_t index);

#ifdef __cplusplus
}
#endif

#endif /* DYADIC_C_COMPILE_H */
