//===- QNNBase.td - the network dialect and its types ---------------------===//
#ifndef DYADIC_QNN_BASE
#define DYADIC_QNN_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Dialect/Quant/IR/QuantBase.td"
include "dyadic/Dialect/QNN/QNNInterfaces.td"

def QNN_Dialect : Dialect {
  let name = "qnn";
  let cppNamespace = "::dyadic::qnn";
  let summary = "neural networks on float or quantized tensors";
  let description = [{
    Levels 1 and 2 of the compiler. Every tensor is `f32` (level 1) or
    `!quant.uniform<…>` (level 2); an op means the same function in both, and
    on quantized tensors its result is rounded to the result's type. Images are
    channels last: NHWC, filters OHWI. Shapes are static.

    Some models read integers: indices, masks. Such tensors have a builtin
    integer type, which isn't an encoding of reals and which the quantizer leaves
    alone; only data movement, `gather`, `cast` and `compute` take them. The same
    holds for floats other than f32.
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect",
                           "::dyadic::coded::CodedDialect"];
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

def QNN_Tensor : RankedTensorOf<[F32, quant_QuantizedType]>;
// What a model counts with. i1 is a byte in memory, 0 or 1.
def QNN_IntegerTensor : RankedTensorOf<[I1, UI8, I8, I16, I32, I64]>;
// What an element is in memory.
defvar QNN_PlainElements = [F16, BF16, F32, F64, I1, UI8, UI16, UI32, UI64, I8,
                            I16, I32, I64];
def QNN_PlainTensor : RankedTensorOf<QNN_PlainElements>;
def QNN_AnyTensor
    : RankedTensorOf<!listconcat([quant_QuantizedType], QNN_PlainElements)>;

def QNN_RangeAttr : AttrDef<QNN_Dialect, "Range"> {
  let mnemonic = "range";
  let summary = "the interval of real values a tensor was observed to take";
  let description = [{
    `#qnn.range<-1.5, 2.25>`. Written by calibration as the discardable
    attribute `qnn.range` (an array, one per result) on ops and as an argument
    attribute on the function's arguments; read by `--qnn-quantize`.
  }];
  let parameters = (ins "::mlir::FloatAttr":$min_attr, "::mlir::FloatAttr":$max_attr);
  let builders = [AttrBuilder<(ins "double":$min, "double":$max), [{
    auto f64 = ::mlir::Float64Type::get($_ctxt);
    return $_get($_ctxt, ::mlir::FloatAttr::get(f64, min),
                 ::mlir::FloatAttr::get(f64, max));
  }]>];
  let assemblyFormat = "`<` $min_attr `,` $max_attr `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    double getMin() const { return getMinAttr().getValueAsDouble(); }
    double getMax() const { return getMaxAttr().getValueAsDouble(); }
  }];
}

def QNN_QuantKind : I32EnumAttr<"QuantKind", "the integer form an op takes", [
    // i32 accumulators of 8-bit products, then one requantization.
    I32EnumAttrCase<"Contraction", 0, "contraction">,
    // Integer arithmetic on rescaled operands, then one requantization.
    I32EnumAttrCase<"Rescaling", 1, "rescaling">,
    // Moves or compares storage values; the result has the operand's type.
    I32EnumAttrCase<"SameType", 2, "same_type">,
    // A function of one element: a table indexed by the storage value.
    I32EnumAttrCase<"Table", 3, "table">
  ]> {
  let cppNamespace = "::dyadic::qnn";
  let genSpecializedAttr = 0;
}

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

class QNN_Op<string mnemonic, list<Trait> traits = []>
    : Op<QNN_Dialect, mnemonic, !listconcat([Pure], traits)>;

#endif
