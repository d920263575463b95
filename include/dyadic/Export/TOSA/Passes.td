//===- Passes.td - passes of Export/TOSA ----------------------------------===//
#ifndef DYADIC_EXPORT_TOSA_PASSES
#define DYADIC_EXPORT_TOSA_PASSES

include "mlir/Pass/PassBase.td"

def DyadicToTosa : Pass<"dyadic-to-tosa", "::mlir::func::FuncOp"> {
  let summary = "integer networks as TOSA";
  let description = [{
    Level 3 → upstream's `tosa`, to the bit. TOSA computes on signed bytes: a
    `ui8` tensor becomes the `i8` tensor of its values less 128, and a
    `tosa.rescale` stands where an argument or result is `ui8`. A
    `dyadic.requantize` becomes a `tosa.rescale`: `half_up` is SINGLE_ROUND,
    `double_round` DOUBLE_ROUND. `nearest_even` has no counterpart and is
    refused (`--lower-qnn-to-dyadic=rounding=half_up` makes a network without
    it), as is what doesn't fit TOSA's bounds on multipliers, shifts and values.
    The borders are `tosa.cast`, multiplications and clamps in f32.

    Everything that can't be said is reported, not only the first.

    ```mlir
    %acc = dyadic.conv2d %x, %w, %b : (tensor<1x8x8x4xui8>, tensor<8x1x1x4xi8>, tensor<8xi32>) -> tensor<1x8x8x8xi32>
    // becomes, %zp being -128
    %acc = tosa.conv2d %x, %w, %b, %zp, %zero {acc_type = i32, …}
       : (tensor<1x8x8x4xi8>, tensor<8x1x1x4xi8>, tensor<8xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x8x8x8xi32>
    ```
  }];
  let dependentDialects = ["::mlir::tosa::TosaDialect"];
}

#endif
