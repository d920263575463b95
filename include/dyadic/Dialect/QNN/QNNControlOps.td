//===- QNNControlOps.td - ops whose regions are run or not ----------------===//
#ifndef DYADIC_QNN_CONTROL_OPS
#define DYADIC_QNN_CONTROL_OPS

include "dyadic/Dialect/QNN/QNNBase.td"

// An op whose regions are run or not, as a value decides. They see nothing of
// what is outside but their arguments.
class QNN_ControlOp<string mnemonic, list<Trait> traits = []>
    : QNN_Op<mnemonic, !listconcat([IsolatedFromAbove, SingleBlock], traits)> {
  let hasVerifier = 1;
}

def QNN_IfOp : QNN_ControlOp<"if"> {
  let summary = "one of two computations";
  let description = [{
    The results are what the first region yields if the condition, one element,
    isn't zero, and what the second yields otherwise. Both have `captured` as
    arguments. Nothing inside is quantized.

    ```mlir
    %r = qnn.if %c(%x) : tensor<i1>, (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %0 = qnn.abs %a : (tensor<4xf32>) -> tensor<4xf32>
      qnn.yield %0 : tensor<4xf32>
    } else {
    ^bb0(%a: tensor<4xf32>):
      qnn.yield %a : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins QNN_AnyTensor:$condition,
                       Variadic<QNN_AnyTensor>:$captured,
                       OptionalAttr<DenseI64ArrayAttr>:$arena_offsets);
  let results = (outs Variadic<QNN_AnyTensor>:$outputs);
  let regions = (region SizedRegion<1>:$thenBody, SizedRegion<1>:$elseBody);
  let assemblyFormat = [{
    $condition `(` $captured `)` attr-dict `:` type($condition) `,`
    functional-type($captured, $outputs) $thenBody `else` $elseBody
  }];
}

def QNN_LoopOp : QNN_ControlOp<"loop", [AttrSizedOperandSegments]> {
  let summary = "a computation that is repeated";
  let description = [{
    The body is run `trips` times, or until `condition` and what an iteration
    yields for it is zero: both are one element. Its arguments are the number
    of the iteration, from 0, the carried values and the captured ones. It yields
    the condition for the next iteration, the next carried values, and parts
    that are collected: the results are the last carried values, and for each
    part a tensor that has those of all iterations along a new first dimension.
    Where there are such, `trips` is a constant and the condition constantly true.
    Nothing inside is quantized. Memory planning adds `arena_offsets`, the byte
    offset of each result in the arena and of the number of the iteration.

    ```mlir
    %sum, %all = qnn.loop %n while %c carries(%x) captures(%y)
        : tensor<i64>, tensor<i1>, (tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
    ^bb0(%i: tensor<i64>, %a: tensor<4xf32>, %b: tensor<4xf32>):
      %0 = qnn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %go = qnn.constant dense<true> : tensor<i1> : tensor<i1>
      qnn.yield %go, %0, %0 : tensor<i1>, tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins QNN_IntegerTensor:$trips, QNN_AnyTensor:$condition,
                       Variadic<QNN_AnyTensor>:$carried,
                       Variadic<QNN_AnyTensor>:$captured,
                       OptionalAttr<DenseI64ArrayAttr>:$arena_offsets);
  let results = (outs Variadic<QNN_AnyTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $trips `while` $condition `carries` `(` $carried `)` `captures` `(` $captured
    `)` attr-dict `:` type($trips) `,` type($condition) `,` `(` type($carried) `)`
    `,` functional-type($captured, $outputs) $body
  }];
  let extraClassDeclaration = [{
    /// The number of iterations if that is constant.
    std::optional<int64_t> getConstantTrips();
    /// What an iteration yields: the condition of the next, the carried values,
    /// the parts.
    ::mlir::Value getNextCondition();
    ::mlir::ValueRange getNextCarried();
    ::mlir::ValueRange getParts();
  }];
}

def QNN_ControlYieldOp : QNN_Op<"next", [
    Terminator, ParentOneOf<["::dyadic::qnn::IfOp", "::dyadic::qnn::LoopOp"]>]> {
  let summary = "what a region of a control op makes";
  let arguments = (ins Variadic<QNN_AnyTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
