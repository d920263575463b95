//===- NarrowTypes.cpp ----------------------------------------------------===//
#include "NarrowTypes.h"

#include "TensorReader.h"

using llvm::APFloat;
using onnx::TensorProto;

namespace dyadic::onnx_import {

std::optional<QuantizedFormat> quantizedFormat(int32_t dataType) {
  auto integer = [](ElementKind kind, unsigned bits,
                    bool isSigned) -> QuantizedFormat {
    int64_t count = int64_t{1} << bits;
    return {kind, bits, isSigned ? -count / 2 : 0,
            (isSigned ? count / 2 : count) - 1};
  };
  auto floating = [](unsigned bits,
                     const llvm::fltSemantics &semantics) -> QuantizedFormat {
    return {ElementKind::U8, bits, 0, (int64_t{1} << bits) - 1, &semantics};
  };
  switch (dataType) {
  case TensorProto::UINT8:
    return integer(ElementKind::U8, 8, false);
  case TensorProto::INT8:
    return integer(ElementKind::I8, 8, true);
  case TensorProto::UINT4:
    return integer(ElementKind::U8, 4, false);
  case TensorProto::INT4:
    return integer(ElementKind::I8, 4, true);
  case TensorProto::UINT2:
    return integer(ElementKind::U8, 2, false);
  case TensorProto::INT2:
    return integer(ElementKind::I8, 2, true);
  case TensorProto::UINT16:
    return integer(*kindOfDataType(dataType), 16, false);
  case TensorProto::INT16:
    return integer(ElementKind::I16, 16, true);
  case TensorProto::INT32:
    return integer(ElementKind::I32, 32, true);
  case TensorProto::FLOAT8E4M3FN:
    return floating(8, APFloat::Float8E4M3FN());
  case TensorProto::FLOAT8E4M3FNUZ:
    return floating(8, APFloat::Float8E4M3FNUZ());
  case TensorProto::FLOAT8E5M2:
    return floating(8, APFloat::Float8E5M2());
  case TensorProto::FLOAT8E5M2FNUZ:
    return floating(8, APFloat::Float8E5M2FNUZ());
  case TensorProto::FLOAT8E8M0:
    return floating(8, APFloat::Float8E8M0FNU());
  case TensorProto::FLOAT4E2M1:
    return floating(4, APFloat::Float4E2M1FN());
  default:
    return std::nullopt;
  }
}

bool isNarrow(int32_t dataType) {
  auto format = quantizedFormat(dataType);
  return format && (format->isFloat() || format->bits < 8);
}

int64_t narrowBytes(int32_t dataType, int64_t count) {
  return (count * quantizedFormat(dataType)->bits + 7) / 8;
}

float decodeFloat(const QuantizedFormat &format, uint8_t bits) {
  APFloat value(*format.semantics, llvm::APInt(format.bits, bits));
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToFloat();
}

HostTensor decodeNarrow(int32_t dataType, llvm::ArrayRef<uint8_t> bytes,
                        llvm::ArrayRef<int64_t> shape) {
  QuantizedFormat format = *quantizedFormat(dataType);
  HostTensor out(format.isFloat() ? ElementKind::F32 : format.kind, shape);
  unsigned perByte = 8 / format.bits, mask = (1u << format.bits) - 1;
  for (int64_t i = 0, e = out.numElements(); i < e; ++i) {
    unsigned bits = bytes[i / perByte] >> (i % perByte * format.bits) & mask;
    if (format.isFloat())
      out.as<float>()[i] = decodeFloat(format, static_cast<uint8_t>(bits));
    else
      out.bytes[i] = static_cast<char>(
          bits > format.max ? static_cast<int>(bits) - static_cast<int>(mask) - 1
                            : static_cast<int>(bits));
  }
  return out;
}

} // namespace dyadic::onnx_import
