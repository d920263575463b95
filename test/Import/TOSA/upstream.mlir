// REQUIRES: plugin
// What TOSA means is what upstream's own lowering computes: the same function
// both ways to machine code, its results beside each other.

// RUN: %mlir-opt %s --pass-pipeline="builtin.module(func.func(tosa-to-qnn),dyadic-simplify-pipeline,dyadic-fuse-pipeline,dyadic-generate-pipeline{model-name=ours cpu=scalar},emit-lower-to-llvm)" -o %t.ours.mlir
// RUN: %mlir-opt %s --pass-pipeline="builtin.module(func.func(tosa-to-linalg-named,tosa-to-linalg,tosa-to-arith,tosa-to-tensor),one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},buffer-results-to-out-params{hoist-static-allocs=true modify-public-functions=true},func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-math-to-llvm,convert-math-to-libm,finalize-memref-to-llvm,convert-func-to-llvm{use-bare-ptr-memref-call-conv=true},convert-cf-to-llvm,convert-arith-to-llvm,reconcile-unrealized-casts)" -o %t.upstream.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.ours.mlir -o %t.ours.ll
// RUN: mlir-translate --mlir-to-llvmir %t.upstream.mlir | sed "s/@main(/@main_upstream(/" > %t.upstream.ll
// RUN: llc -filetype=obj -relocation-model=pic %t.ours.ll -o %t.ours.o
// RUN: llc -filetype=obj -relocation-model=pic %t.upstream.ll -o %t.upstream.o
// RUN: %cc %S/Inputs/upstream.c %t.ours.o %t.upstream.o -lm -L%llvm-lib -Wl,-rpath,%llvm-lib -lmlir_c_runner_utils -o %t.exe
// RUN: %t.exe | FileCheck %s
// CHECK: 476 values, largest difference 0.0000

func.func @main(%x: tensor<1x6x7x2xf32>, %m: tensor<1x4x5xf32>) -> (tensor<1x3x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x8x8x2xf32>, tensor<1x4x3xf32>, tensor<1x4x3xf32>, tensor<1x12x11x2xf32>) {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>

  // Uneven padding, strides and dilations; two outputs a channel.
  %c = tosa.concat %x, %x {axis = 3 : i32} : (tensor<1x6x7x2xf32>, tensor<1x6x7x2xf32>) -> tensor<1x6x7x4xf32>
  %f = "tosa.const"() {values = dense<[[[[0.5, -1.0, 0.25, 2.0], [1.5, 0.0, -0.5, 1.0]]], [[[0.1, 0.2, 0.3, 0.4], [-0.1, 0.6, 0.7, -0.8]]]]> : tensor<2x1x2x4xf32>} : () -> tensor<2x1x2x4xf32>
  %fb = "tosa.const"() {values = dense<[0.5, -0.5]> : tensor<2xf32>} : () -> tensor<2xf32>
  %0 = tosa.conv2d %c, %f, %fb, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 2>, pad = array<i64: 1, 0, 2, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x6x7x4xf32>, tensor<2x1x2x4xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x7x7x2xf32>
  %d = "tosa.const"() {values = dense<[[[[0.5, -0.25], [0.75, 0.125]], [[1.0, 0.0], [-0.5, 0.25]], [[-1.0, 2.0], [0.5, -0.75]]]]> : tensor<1x3x2x2xf32>} : () -> tensor<1x3x2x2xf32>
  %db = "tosa.const"() {values = dense<[0.1, 0.2, 0.3, 0.4]> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = tosa.depthwise_conv2d %0, %d, %db, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 3, 2>}
    : (tensor<1x7x7x2xf32>, tensor<1x3x2x2xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x3x4xf32>
  %2 = tosa.avg_pool2d %1, %zp, %zp {acc_type = f32, kernel = array<i64: 2, 2>, pad = array<i64: 0, 1, 1, 0>, stride = array<i64: 2, 1>}
    : (tensor<1x3x3x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x3x4xf32>
  %3 = tosa.tanh %2 : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>

  %pads = tosa.const_shape {values = dense<[0, 0, 0, 2, 1, 0, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
  %half = "tosa.const"() {values = dense<0.5> : tensor<1xf32>} : () -> tensor<1xf32>
  %4 = tosa.pad %x, %pads, %half : (tensor<1x6x7x2xf32>, !tosa.shape<8>, tensor<1xf32>) -> tensor<1x8x8x2xf32>
  %5 = tosa.max_pool2d %4 {kernel = array<i64: 3, 3>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x8x8x2xf32>) -> tensor<1x8x8x2xf32>

  %w2 = "tosa.const"() {values = dense<[[[0.5, -1.0, 0.25], [1.5, 0.0, -0.5], [0.1, 0.2, 0.3], [-0.1, 0.6, 0.7], [1.0, -2.0, 0.5]]]> : tensor<1x5x3xf32>} : () -> tensor<1x5x3xf32>
  %6 = tosa.matmul %m, %w2, %zp, %zp : (tensor<1x4x5xf32>, tensor<1x5x3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x3xf32>
  %7 = tosa.reduce_max %6 {axis = 2 : i32} : (tensor<1x4x3xf32>) -> tensor<1x4x1xf32>
  %8 = tosa.sub %6, %7 : (tensor<1x4x3xf32>, tensor<1x4x1xf32>) -> tensor<1x4x3xf32>
  %9 = tosa.exp %8 : (tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  %10 = tosa.reduce_sum %9 {axis = 2 : i32} : (tensor<1x4x3xf32>) -> tensor<1x4x1xf32>
  %11 = tosa.reciprocal %10 : (tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %12 = tosa.mul %9, %11, %shift : (tensor<1x4x3xf32>, tensor<1x4x1xf32>, tensor<1xi8>) -> tensor<1x4x3xf32>
  %13 = tosa.reduce_min %6 {axis = 1 : i32} : (tensor<1x4x3xf32>) -> tensor<1x1x3xf32>
  %14 = tosa.maximum %6, %13 : (tensor<1x4x3xf32>, tensor<1x1x3xf32>) -> tensor<1x4x3xf32>
  %15 = tosa.clamp %14 {min_val = -1.0 : f32, max_val = 0.75 : f32} : (tensor<1x4x3xf32>) -> tensor<1x4x3xf32>

  // Between pixels, and halfway.
  %scale = tosa.const_shape {values = dense<[4, 2, 6, 4]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %offset = tosa.const_shape {values = dense<[-1, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %border = tosa.const_shape {values = dense<[1, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %16 = tosa.resize %x, %scale, %offset, %border {mode = NEAREST_NEIGHBOR}
    : (tensor<1x6x7x2xf32>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x12x11x2xf32>
  return %1, %3, %5, %12, %15, %16 : tensor<1x3x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x8x8x2xf32>, tensor<1x4x3xf32>, tensor<1x4x3xf32>, tensor<1x12x11x2xf32>
}
