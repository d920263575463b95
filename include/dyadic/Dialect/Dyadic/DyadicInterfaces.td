//===- DyadicInterfaces.td - what passes may know of an integer op --------===//
#ifndef DYADIC_DYADIC_INTERFACES
#define DYADIC_DYADIC_INTERFACES

include "mlir/IR/OpBase.td"

def Dyadic_AccumulatorOpInterface : OpInterface<"AccumulatorOpInterface"> {
  let cppNamespace = "::dyadic";
  let description = [{
    An op whose i32 result is a sum that must not overflow and whose bound
    decides how it may be requantized (docs/Quantization.md).
  }];
  let methods = [
    InterfaceMethod<[{
        The interval each accumulator stays in whatever the input: one per
        channel (the result's last dimension), or a single one for all. Fails
        when an operand that must be constant isn't. The bounds hold for every
        partial sum too, in any order of summation.
      }],
      "::mlir::FailureOr<::llvm::SmallVector<::dyadic::AccumulatorRange>>",
      "getAccumulatorRanges">
  ];
}

#endif
