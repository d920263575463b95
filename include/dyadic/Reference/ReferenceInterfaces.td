//===- ReferenceInterfaces.td - what an op computes -----------------------===//
#ifndef DYADIC_REFERENCE_INTERFACES
#define DYADIC_REFERENCE_INTERFACES

include "mlir/IR/OpBase.td"

def ReferenceOpInterface : OpInterface<"ReferenceOpInterface"> {
  let cppNamespace = "::dyadic";
  let description = [{
    What an op means, as code on tensors in memory: docs/Spec.md in executable
    form. The dialects don't know it; `registerReferenceModels` attaches it.
  }];
  let methods = [
    InterfaceMethod<[{
        Appends the value of each result. The operands are of the shapes and
        element kinds that the op's types say; the op is verified.
      }],
      "::llvm::LogicalResult", "interpret",
      (ins "::llvm::ArrayRef<const ::dyadic::HostTensor *>":$operands,
           "::llvm::SmallVectorImpl<::dyadic::HostTensor> &":$results)>
  ];
}

#endif
