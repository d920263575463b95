//===- ExpandQuantized.h - quantized operators in terms of Q/DQ -*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_EXPANDQUANTIZED_H
#define DYADIC_LIB_IMPORT_ONNX_EXPANDQUANTIZED_H

#include "onnx-ml.pb.h"

#include <cstdint>

namespace dyadic::onnx_import {

/// Replaces the operators that compute on quantized tensors (QLinearConv,
/// com.microsoft.QLinearAdd, …) by DequantizeLinear of their operands, the
/// operator on floats, and QuantizeLinear of its result: models in the two forms
/// mean the same, and what becomes of them is decided at one place. Nodes with
/// attributes that the float operator doesn't have stay what they are. Done in
/// the graph, in those that its nodes hold, and in the model's functions.
void expandQuantizedOps(onnx::ModelProto &model, int64_t opset);

} // namespace dyadic::onnx_import

#endif
