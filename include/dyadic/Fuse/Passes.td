//===- Passes.td - passes of Fuse -----------------------------------------===//
#ifndef DYADIC_FUSE_PASSES
#define DYADIC_FUSE_PASSES

include "mlir/Pass/PassBase.td"

def MaterializePadding : Pass<"dyadic-materialize-padding", "::mlir::func::FuncOp"> {
  let summary = "make the padding of float convolutions and pools an op";
  let description = [{
    Level 3. The integer ops have no padding of their own; after this pass the
    float ones have none either, so that no kernel needs a border case. An
    average that doesn't count the border keeps its pads.

    ```mlir
    %1 = qnn.conv2d %0, %w {pads = array<i64: 1, 1, 1, 1>} : …
    // becomes
    %p = qnn.pad %0 {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32} : …
    %1 = qnn.conv2d %p, %w : …
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
}

def FuseKernels : Pass<"dyadic-fuse-kernels", "::mlir::func::FuncOp"> {
  let summary = "put ops that become one function into a kernel";
  let description = [{
    Level 3 → 4. Afterwards the function holds kernels, reshapes and constants
    that it returns; every other constant is inside the kernels that read it.

    A kernel starts at an op that isn't pointwise, or at a pointwise op, and
    takes in the pointwise op that alone reads its result, as long as the shape
    stays; what else that op reads becomes an input. Chains without an anchor
    that meet in one op become one kernel, with an anchor's if it meets there.

    Floats that several ops read, one of them a quantize (behind products with
    constants and the like, perhaps), leave their kernel twice: as floats, and as
    the bytes. Such a kernel takes in nothing more. Bytes of floats that are only
    moved are a kernel of their own.

    With `fuse=false` every op is a kernel, except that an accumulator and what
    requantizes it are never parted: no tensor of sums reaches memory.
  }];
  let dependentDialects = ["::dyadic::DyadicDialect"];
  let options = [
    Option<"fuse", "fuse", "bool", "true", "join pointwise ops to producers">
  ];
  let statistics = [Statistic<"numKernels", "kernels", "kernels made">];
}

def PlaceViews : Pass<"dyadic-place-views", "::mlir::func::FuncOp"> {
  let summary = "let concats, slices and pads find their operands in place";
  let description = [{
    Level 4. Marks operands that don't move by `in_place`: the operand of a concat
    or pad is then written into the result by the kernel that makes it, at the
    result's strides, and a slice is read inside of its operand.
    `--dyadic-plan-memory` gives both one buffer. What is left of a kernel is the
    border of a pad, or the operands of a concat that are not in place, or
    nothing.

    An operand stays a copy when it is an argument or a constant or returned, is
    part of another tensor already, has a reshape that its strides don't allow,
    or when a kernel that writes or reads it has no code for strides. Values are
    what they were: the pass may be left out.

    With `overwrite`, pointwise ops, those behind a contraction too, write over an
    operand that nothing needs any more: a residual sum over one of its terms.

    ```mlir
    %2 = dyadic.kernel(%0, %1) {in_place = array<i64: 0, 1>} : … { … dyadic.concat … }
    ```
  }];
  let dependentDialects = ["::dyadic::DyadicDialect"];
  let options = [
    Option<"overwrite", "overwrite", "bool", "true",
           "write over operands that nothing needs any more">
  ];
  let statistics = [Statistic<"numViews", "views", "operands that don't move">];
}

def PlanMemory : Pass<"dyadic-plan-memory", "::mlir::ModuleOp"> {
  let summary = "place kernel results in one arena";
  let description = [{
    Level 4. Gives every kernel `arena_offsets`, one for each result: multiples
    of 64, or −1 for a result that the function returns, which is written to
    the caller's buffer. Two results share bytes only if no kernel runs while
    both are needed; a reshape is the same bytes as its operand. The module gets
    `dyadic.arena_bytes`, 64 more than the last byte used, since kernels may
    read a little past a tensor. Results that are `in_place` parts of others lie
    inside of them, and `layouts` has their strides; such a tensor is there as
    long as one of its parts is needed. With `keep-all`, a part is also copied
    to a tensor of the same name.

    A returned tensor that can't be written to the caller's buffer by the kernel
    that makes it (it is an argument, a constant, returned twice, or also read
    by a kernel) is copied there by a kernel of its own.
  }];
  let dependentDialects = ["::dyadic::DyadicDialect",
                           "::dyadic::qnn::QNNDialect"];
  let options = [
    Option<"keepAll", "keep-all", "bool", "false",
           "no two results share bytes, so that all can be read afterwards">
  ];
}

#endif
