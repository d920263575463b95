//===- QNNInterfaces.td - what an op says about its own arithmetic --------===//
#ifndef DYADIC_QNN_INTERFACES
#define DYADIC_QNN_INTERFACES

include "mlir/IR/OpBase.td"

def QNN_ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::dyadic::qnn";
  let description = [{
    A float function applied element by element, after NumPy broadcasting of
    the operands. The two methods are the same function twice: the interpreter,
    constant folding and 256-entry tables call `evaluate`; float code is built
    by `build`.
  }];
  let methods = [
    InterfaceMethod<[{
        The function on elements of the operands, as many of each as results.
      }],
      "void", "evaluate",
      (ins "::llvm::ArrayRef<::llvm::ArrayRef<float>>":$operands,
           "::llvm::MutableArrayRef<float>":$results)>,
    InterfaceMethod<[{
        Emits the function with `arith` and `math` ops on f32 scalars or on
        vectors of f32, whichever the operands are.
      }],
      "::mlir::Value", "build",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::ValueRange":$operands)>
  ];
  let extraClassDeclaration = [{
    /// The function on one element of each operand.
    float evaluateAt(::llvm::ArrayRef<float> point);
  }];
}

def QNN_QuantizableOpInterface : OpInterface<"QuantizableOpInterface"> {
  let cppNamespace = "::dyadic::qnn";
  let description = [{
    How an op behaves when its tensors become integers. An op without this
    interface stays in float.
  }];
  let methods = [
    InterfaceMethod<"Which integer form the op takes.",
      "::dyadic::qnn::QuantKind", "getQuantKind">,
    InterfaceMethod<[{
        Why this op, with its present attributes and operands, can't be an
        integer op; empty when it can. The text completes the sentence
        "stays float because …".
      }],
      "std::string", "getFloatReason", (ins), "", "return {};">
  ];
}

#endif
