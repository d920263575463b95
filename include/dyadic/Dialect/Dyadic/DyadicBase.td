//===- DyadicBase.td - the integer dialect and its types ------------------===//
#ifndef DYADIC_DYADIC_BASE
#define DYADIC_DYADIC_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dyadic/Dialect/Dyadic/DyadicInterfaces.td"

def Dyadic_Dialect : Dialect {
  let name = "dyadic";
  let cppNamespace = "::dyadic";
  let summary = "integer tensors and the kernels made of them";
  let description = [{
    Levels 3 and 4 of the compiler. Activations are `ui8` (or `i8`, `i16`),
    weights `i8` or `i4`, accumulators and biases `i32`; signless means signed. The only
    floats are at the borders, `quantize` and `dequantize`. Images are channels
    last without implicit padding: `pad` comes first where it is needed.
  }];
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types, attributes, op classes
//===----------------------------------------------------------------------===//

def Dyadic_Storage : AnyTypeOf<[UI8, I8, I16]>;
def Dyadic_StorageTensor : RankedTensorOf<[UI8, I8, I16]>;
def Dyadic_I4 : I<4>;
def Dyadic_WeightTensor : RankedTensorOf<[Dyadic_I4, I8, I16]>;
def Dyadic_AccumulatorTensor : RankedTensorOf<[I32]>;
def Dyadic_IntegerTensor : RankedTensorOf<[UI8, I8, I16, I32]>;
def Dyadic_ConstantTensor : RankedTensorOf<[UI8, Dyadic_I4, I8, I16, I32]>;
def Dyadic_FloatTensor : RankedTensorOf<[F32]>;

def Dyadic_Rounding : I32EnumAttr<"Rounding", "how a requantization rounds", [
    I32EnumAttrCase<"NearestEven", 0, "nearest_even">,
    I32EnumAttrCase<"HalfUp", 1, "half_up">,
    I32EnumAttrCase<"DoubleRound", 2, "double_round">
  ]> {
  let cppNamespace = "::dyadic";
  let genSpecializedAttr = 0;
}
def Dyadic_RoundingAttr : EnumAttr<Dyadic_Dialect, Dyadic_Rounding, "rounding"> {
  let assemblyFormat = "`<` $value `>`";
}

class Dyadic_Op<string mnemonic, list<Trait> traits = []>
    : Op<Dyadic_Dialect, mnemonic, !listconcat([Pure], traits)>;

// The result shape follows from the operands; the storage type is free.
class Dyadic_InferredOp<string mnemonic, list<Trait> traits = []>
    : Dyadic_Op<mnemonic,
                !listconcat([InferTypeOpAdaptorWithIsCompatible], traits)>;

// Element i of the result depends on element i of each (broadcast) operand
// alone, so the op can run in registers behind the op that makes its operand.
def Dyadic_Pointwise : NativeOpTrait<"PointwiseTrait"> {
  let cppNamespace = "::dyadic";
}

class Dyadic_AccumulatorOp<string mnemonic, list<Trait> traits = []>
    : Dyadic_InferredOp<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<Dyadic_AccumulatorOpInterface>], traits)> {
  let results = (outs Dyadic_AccumulatorTensor:$output);
}

#endif
