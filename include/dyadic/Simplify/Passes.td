//===- Passes.td - passes of Simplify -------------------------------------===//
#ifndef DYADIC_SIMPLIFY_PASSES
#define DYADIC_SIMPLIFY_PASSES

include "mlir/Pass/PassBase.td"

class SimplifyPass<string name> : Pass<name, "::mlir::func::FuncOp"> {
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
}

def FoldConstants : SimplifyPass<"qnn-fold-constants"> {
  let summary = "evaluate ops whose operands are all constants";
  let description = [{
    The reference interpreter computes the value, so a folded op means what it
    meant. An op whose result would be larger than `max-bytes` stays.

    ```mlir
    %a = qnn.constant dense<[1.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
    %0 = qnn.sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
    // becomes
    %0 = qnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "int64_t(1) << 28",
           "size of the largest result">
  ];
}

def NormalizeArithmetic : SimplifyPass<"qnn-normalize-arithmetic"> {
  let summary = "one spelling for arithmetic with constants";
  let description = [{
    Division by a constant becomes multiplication by its reciprocal, subtraction
    of one an addition; multiplications and additions in a row are merged, those
    by 1 and of 0 are dropped; maximum and minimum with a scalar become `relu`
    and `clamp`. Results differ from the original by float rounding only.

    ```mlir
    %0 = qnn.div %x, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    // becomes
    %0 = qnn.mul %x, %sixth : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    ```
  }];
}

def RecognizeComposites : SimplifyPass<"qnn-recognize-composites"> {
  let summary = "find the functions that a model spells in primitives";
  let description = [{
    hard_sigmoid, hard_swish, swish, gelu (with the error function) and
    layer_norm, also without a mean (RMS norm), in whatever order the model multiplies. Expects the spelling of
    `qnn-normalize-arithmetic`.

    ```mlir
    %0 = qnn.add %x, %three …
    %1 = qnn.clamp %0 {min = 0.0 : f32, max = 6.0 : f32} …
    %2 = qnn.mul %x, %1 …
    %3 = qnn.mul %2, %sixth …
    // becomes
    %3 = qnn.hard_swish %x …
    ```
  }];
}

def FoldScaleAndBias : SimplifyPass<"qnn-fold-scale-and-bias"> {
  let summary = "take factors and addends per channel into weights";
  let description = [{
    A multiplication by or an addition of a constant per channel behind a
    `conv2d`, `matmul` or `layer_norm` with constant weights goes into its
    weights and bias: batch norms and bias adds disappear. So does a
    multiplication in front, and an addition in front where no zero padding
    comes between. Reshapes and transposes between the two that keep channels
    apart, as a depth-to-space does, don't matter; a relu behind them moves with
    it.

    ```mlir
    %0 = qnn.conv2d %x, %w : …
    %1 = qnn.mul %0, %scale : (tensor<1x8x8x16xf32>, tensor<16xf32>) -> …
    // becomes, with %w2[o] = %w[o]·%scale[o]
    %1 = qnn.conv2d %x, %w2 : …
    ```
  }];
}

def PropagateLayout : SimplifyPass<"qnn-propagate-layout"> {
  let summary = "move transposes together until they cancel";
  let description = [{
    The importer wraps every image op in a pair of transposes. This pass moves
    them towards the results, through elementwise ops, concatenations,
    reductions, pads, slices and reshapes, to where they meet their inverses.
    Constants on the way are transposed. A transpose that only moves extents of
    one is a reshape; one in front of a matmul on flattened pixels becomes
    another order of the constant's rows. The outcome is dropped if it moves
    more elements than the original did.

    ```mlir
    %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} …
    %1 = qnn.relu %0 …
    %2 = qnn.transpose %1 {permutation = array<i64: 0, 2, 3, 1>} …
    // becomes
    %2 = qnn.relu %x …
    ```
  }];
}

#endif
