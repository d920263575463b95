//===- Tensor.cpp - queries of a program's interface ----------------------===//
#include "CAPI.h"

using namespace dyadic;
using namespace dyadic::capi;

static_assert(int(DyadicElementTypeBool) == int(ElementKind::Bool) &&
                  int(DyadicElementTypeU8) == int(ElementKind::U8) &&
                  int(DyadicElementTypeI8) == int(ElementKind::I8) &&
                  int(DyadicElementTypeI16) == int(ElementKind::I16) &&
                  int(DyadicElementTypeI32) == int(ElementKind::I32) &&
                  int(DyadicElementTypeI64) == int(ElementKind::I64) &&
                  int(DyadicElementTypeF32) == int(ElementKind::F32) &&
                  int(DyadicElementTypeF64) == int(ElementKind::F64) &&
                  int(DyadicElementTypeU16) == int(ElementKind::U16) &&
                  int(DyadicElementTypeU32) == int(ElementKind::U32) &&
                  int(DyadicElementTypeU64) == int(ElementKind::U64) &&
                  int(DyadicElementTypeF16) == int(ElementKind::F16) &&
                  int(DyadicElementTypeBF16) == int(ElementKind::BF16),
              "the C API's element types are ElementKind");

static bool isKnown(DyadicElementType type) {
  return int(type) >= 0 && type <= DyadicElementTypeBF16;
}

size_t dyadicElementTypeGetSize(DyadicElementType type) {
  return isKnown(type) ? byteWidth(static_cast<ElementKind>(type)) : 0;
}

DyadicStringRef dyadicElementTypeGetName(DyadicElementType type) {
  return wrap(isKnown(type) ? name(static_cast<ElementKind>(type)) : "");
}

static const ProgramInfo &unwrap(DyadicInterface interface) {
  return *static_cast<const ProgramInfo *>(interface.ptr);
}

static DyadicTensorInfo describe(llvm::ArrayRef<TensorInfo> tensors, size_t index) {
  if (index >= tensors.size())
    return {};
  const TensorInfo &tensor = tensors[index];
  return {wrap(tensor.name),         static_cast<DyadicElementType>(tensor.kind),
          tensor.shape.size(),       tensor.shape.data(),
          size_t(tensor.numBytes()), tensor.scale.value_or(0),
          tensor.zeroPoint};
}

DyadicStringRef dyadicInterfaceGetName(DyadicInterface interface) {
  return wrap(unwrap(interface).name);
}
size_t dyadicInterfaceGetNumInputs(DyadicInterface interface) {
  return unwrap(interface).inputs.size();
}
size_t dyadicInterfaceGetNumOutputs(DyadicInterface interface) {
  return unwrap(interface).outputs.size();
}
DyadicTensorInfo dyadicInterfaceGetInput(DyadicInterface interface, size_t index) {
  return describe(unwrap(interface).inputs, index);
}
DyadicTensorInfo dyadicInterfaceGetOutput(DyadicInterface interface, size_t index) {
  return describe(unwrap(interface).outputs, index);
}
size_t dyadicInterfaceGetArenaBytes(DyadicInterface interface) {
  return unwrap(interface).arenaBytes;
}
size_t dyadicInterfaceGetWeightBytes(DyadicInterface interface) {
  return unwrap(interface).weightBytes;
}

DyadicStringRef dyadicGetVersion(void) { return wrap(DYADIC_VERSION); }
int dyadicGetAPIVersion(void) { return DYADIC_C_API_VERSION; }
