/*===- Tensor.h - what goes into and comes out of a program ---------- C -*-===*/
#ifndef DYADIC_C_TENSOR_H
#define DYADIC_C_TENSOR_H

#include "dyadic-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum DyadicElementType {
  DyadicElementTypeBool,
  DyadicElementTypeU8,
  DyadicElementTypeI8,
  DyadicElementTypeI16,
  DyadicElementTypeI32,
  DyadicElementTypeI64,
  DyadicElementTypeF32,
  DyadicElementTypeF64,
  DyadicElementTypeU16,
  DyadicElementTypeU32,
  DyadicElementTypeU64,
  DyadicElementTypeF16,
  DyadicElementTypeBF16
} DyadicElementType;

/** Bytes of one element; 0 for a value that is none of the above. */
DYADIC_CAPI_EXPORTED size_t dyadicElementTypeGetSize(DyadicElementType type);
/** As NumPy calls it: "uint8", "float32"; lives forever. */
DYADIC_CAPI_EXPORTED DyadicStringRef
dyadicElementTypeGetName(DyadicElementType type);

/** An input or output: dense and row-major. */
typedef struct DyadicTensorInfo {
  DyadicStringRef name;
  DyadicElementType type;
  size_t rank;
  const int64_t *shape;
  size_t bytes;
  /** real value = (stored - zeroPoint) * scale. Of a float tensor: the steps in
   *  which the program holds it inside. 0: it isn't quantized at all. */
  float scale;
  int32_t zeroPoint;
} DyadicTensorInfo;

/** The interface of a model or program, owned by that. */
typedef struct DyadicInterface {
  const void *ptr;
} DyadicInterface;

/** The name of the model, a C identifier: the prefix of the symbols of what is
 *  written. */
DYADIC_CAPI_EXPORTED DyadicStringRef
dyadicInterfaceGetName(DyadicInterface interface_);
DYADIC_CAPI_EXPORTED size_t dyadicInterfaceGetNumInputs(DyadicInterface interface_);
DYADIC_CAPI_EXPORTED size_t dyadicInterfaceGetNumOutputs(DyadicInterface interface_);
/** All zero if `index` is too large. */
DYADIC_CAPI_EXPORTED DyadicTensorInfo
dyadicInterfaceGetInput(DyadicInterface interface_, size_t index);
DYADIC_CAPI_EXPORTED DyadicTensorInfo
dyadicInterfaceGetOutput(DyadicInterface interface_, size_t index);
/** Working memory of one run. */
DYADIC_CAPI_EXPORTED size_t dyadicInterfaceGetArenaBytes(DyadicInterface interface_);
/** Constants inside the program. */
DYADIC_CAPI_EXPORTED size_t dyadicInterfaceGetWeightBytes(DyadicInterface interface_);

#ifdef __cplusplus
}
#endif

#endif /* DYADIC_C_TENSOR_H */
