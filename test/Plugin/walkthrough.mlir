// A TOSA network to the LLVM dialect, to an executable, with stock tools and the
// plug-in: docs/Toolchains.md. The ranges are where calibration would put them.

// RUN: %mlir-opt %s -o %t.qnn.mlir --pass-pipeline="builtin.module(func.func(tosa-to-qnn),dyadic-simplify-pipeline)"
// RUN: FileCheck %s --check-prefix=QNN --input-file=%t.qnn.mlir
// RUN: %mlir-opt %t.qnn.mlir -o %t.quantized.mlir --pass-pipeline="builtin.module(dyadic-quantize-pipeline)"
// RUN: FileCheck %s --check-prefix=QUANTIZED --input-file=%t.quantized.mlir
// RUN: %mlir-opt %t.quantized.mlir -o %t.integer.mlir --pass-pipeline="builtin.module(dyadic-lower-pipeline)"
// RUN: FileCheck %s --check-prefix=INTEGER --input-file=%t.integer.mlir
// RUN: %mlir-opt %t.integer.mlir -o %t.kernels.mlir --pass-pipeline="builtin.module(dyadic-fuse-pipeline)"
// RUN: FileCheck %s --check-prefix=KERNELS --input-file=%t.kernels.mlir
// RUN: %mlir-opt %t.kernels.mlir -o %t.loops.mlir --pass-pipeline="builtin.module(dyadic-generate-pipeline{model-name=net cpu=scalar})"
// RUN: FileCheck %s --check-prefix=LOOPS --input-file=%t.loops.mlir
// RUN: %mlir-opt %t.loops.mlir -o %t.llvm.mlir --pass-pipeline="builtin.module(emit-lower-to-llvm)"
// RUN: FileCheck %s --check-prefix=LLVM --input-file=%t.llvm.mlir

// And it computes what the interpreter computes from level 2 (the same file is
// what test/Unit/Import/WalkthroughTest.cpp expects of that).
// RUN: mlir-translate --mlir-to-llvmir %t.llvm.mlir -o %t.ll
// RUN: llc -filetype=obj -relocation-model=pic %t.ll -o %t.o
// RUN: %cc %source/test/Plugin/Inputs/walkthrough.c %t.o -lm -o %t.exe
// RUN: %t.exe | diff %source/test/Plugin/Inputs/walkthrough.expected -

// The same bytes from this machine's best kernels.
// RUN: %mlir-opt %t.kernels.mlir --pass-pipeline="builtin.module(dyadic-generate-pipeline{model-name=net cpu=native},emit-lower-to-llvm)" -o %t.native.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.native.mlir -o %t.native.ll
// RUN: llc -mcpu=native -filetype=obj -relocation-model=pic %t.native.ll -o %t.native.o
// RUN: %cc %source/test/Plugin/Inputs/walkthrough.c %t.native.o -lm -o %t.native
// RUN: %t.native | diff %source/test/Plugin/Inputs/walkthrough.expected -

// The same in one step, with ranges learnt from samples.
// RUN: %mlir-opt %t.qnn.mlir --pass-pipeline="builtin.module(qnn-calibrate{samples=%source/test/Plugin/Inputs/walkthrough.npz},dyadic-compile-pipeline{model-name=net cpu=scalar},emit-lower-to-llvm)" | FileCheck %s --check-prefix=LLVM

// QNN-LABEL: @main
// QNN: qnn.conv2d
// QNN: qnn.clamp
// QNN: qnn.conv2d {{.*}}groups = 4
// QNN: qnn.add
// QNN: qnn.avg_pool2d
// QNN: qnn.matmul
// QUANTIZED: qnn.conv2d {{.*}}!quant.uniform
// INTEGER: dyadic.conv2d
// INTEGER: dyadic.requantize
// INTEGER-NOT: qnn.conv2d
// KERNELS: dyadic.arena_bytes
// KERNELS: dyadic.kernel
// LOOPS: memref.global "private" constant @net_weights
// LOOPS: func.func @net_run
// LLVM: llvm.func @net_run
// LLVM-NOT: memref.

func.func @main(%x: tensor<1x8x8x2xf32> {qnn.name = "x", qnn.range = #qnn.range<-1.0 : f64, 1.0 : f64>}) -> (tensor<1x3xf32> {qnn.name = "y"}) {
  %w0 = "tosa.const"() {values = dense<[[[[-0.26, -0.4], [-0.1, -0.35], [-0.43, -0.1]], [[0.42, 0.3], [0.27, -0.28], [0.04, -0.22]], [[-0.33, -0.39], [-0.29, 0.43], [0.33, 0.31]]], [[[0.3, -0.31], [-0.19, 0.13], [0.23, 0.35]], [[0.38, -0.41], [0.11, 0.17], [0.01, -0.32]], [[-0.03, -0.41], [0.43, 0.37], [0.05, -0.2]]], [[[0.41, 0.07], [0.38, 0.35], [0.01, -0.09]], [[0.1, -0.07], [-0.34, -0.19], [0.31, -0.46]], [[-0.45, 0.13], [-0.22, 0.03], [-0.03, -0.16]]], [[[0.5, -0.3], [-0.09, -0.3], [0.13, -0.22]], [[-0.14, 0.25], [-0.18, 0.06], [0.4, -0.4]], [[-0.44, -0.27], [0.27, 0.12], [-0.26, -0.17]]]]> : tensor<4x3x3x2xf32>} : () -> tensor<4x3x3x2xf32>
  %b0 = "tosa.const"() {values = dense<[-0.32, -0.04, -0.46, 0.2]> : tensor<4xf32>} : () -> tensor<4xf32>
  %w1 = "tosa.const"() {values = dense<[[[[0.4], [0.45], [0.23], [0.46]], [[-0.48], [-0.21], [0.47], [0.28]], [[-0.09], [0.44], [0.12], [0.32]]], [[[-0.21], [-0.31], [-0.06], [-0.36]], [[-0.12], [0.46], [-0.17], [-0.49]], [[-0.46], [-0.33], [0.28], [-0.14]]], [[[-0.21], [-0.4], [0.48], [-0.08]], [[-0.29], [-0.44], [-0.44], [-0.33]], [[0.18], [-0.35], [-0.46], [-0.01]]]]> : tensor<3x3x4x1xf32>} : () -> tensor<3x3x4x1xf32>
  %b1 = "tosa.const"() {values = dense<[-0.25, 0.5, -0.38, 0.03]> : tensor<4xf32>} : () -> tensor<4xf32>
  %w2 = "tosa.const"() {values = dense<[[[0.55, -0.18, 0.98], [-0.04, -0.52, -0.18], [-0.93, -0.16, -0.5], [0.78, 0.66, -0.0]]]> : tensor<1x4x3xf32>} : () -> tensor<1x4x3xf32>
  %b2 = "tosa.const"() {values = dense<[[[-0.47, -0.25, -0.26]]]> : tensor<1x1x3xf32>} : () -> tensor<1x1x3xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w0, %b0, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 1, 0, 1>, stride = array<i64: 2, 2>, qnn.range = [#qnn.range<-3.0 : f64, 3.0 : f64>]}
    : (tensor<1x8x8x2xf32>, tensor<4x3x3x2xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 6.0 : f32, qnn.range = [#qnn.range<0.0 : f64, 3.0 : f64>]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %2 = tosa.depthwise_conv2d %1, %w1, %b1, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>, qnn.range = [#qnn.range<-4.0 : f64, 4.0 : f64>]}
    : (tensor<1x4x4x4xf32>, tensor<3x3x4x1xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  %3 = tosa.add %1, %2 {qnn.range = [#qnn.range<-4.0 : f64, 5.0 : f64>]} : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %4 = tosa.avg_pool2d %3, %zp, %zp {acc_type = f32, kernel = array<i64: 4, 4>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 4, 4>, qnn.range = [#qnn.range<-2.0 : f64, 2.0 : f64>]}
    : (tensor<1x4x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x4xf32>
  %s0 = tosa.const_shape {values = dense<[1, 1, 4]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %5 = tosa.reshape %4, %s0 {qnn.range = [#qnn.range<-2.0 : f64, 2.0 : f64>]} : (tensor<1x1x1x4xf32>, !tosa.shape<3>) -> tensor<1x1x4xf32>
  %6 = tosa.matmul %5, %w2, %zp, %zp {qnn.range = [#qnn.range<-3.0 : f64, 3.0 : f64>]} : (tensor<1x1x4xf32>, tensor<1x4x3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x3xf32>
  %7 = tosa.add %6, %b2 {qnn.range = [#qnn.range<-3.0 : f64, 3.0 : f64>]} : (tensor<1x1x3xf32>, tensor<1x1x3xf32>) -> tensor<1x1x3xf32>
  %s1 = tosa.const_shape {values = dense<[1, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %8 = tosa.reshape %7, %s1 {qnn.range = [#qnn.range<-3.0 : f64, 3.0 : f64>]} : (tensor<1x1x3xf32>, !tosa.shape<2>) -> tensor<1x3xf32>
  return %8 : tensor<1x3xf32>
}
