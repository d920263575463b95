// Each step as a pipeline, with its options; all in a row is the last.
// RUN: dyadic-opt %s --dyadic-simplify-pipeline --dyadic-quantize-pipeline --dyadic-lower-pipeline --dyadic-fuse-pipeline --dyadic-generate-pipeline="cpu=scalar model-name=net" -o %t.steps
// RUN: dyadic-opt %s --dyadic-compile-pipeline="cpu=scalar model-name=net" -o %t.row
// RUN: diff %t.steps %t.row
// RUN: FileCheck %s --input-file=%t.row
// CHECK: func.func @net_run
// CHECK-NOT: math.

// RUN: dyadic-opt %s --dyadic-quantize-pipeline=keep-float=act,out | FileCheck %s --check-prefix=FLOAT
// FLOAT-NOT: !quant.uniform
// FLOAT: qnn.relu {{.*}}qnn.float_reason

// RUN: dyadic-opt %s --dyadic-simplify-pipeline --dyadic-quantize-pipeline --dyadic-lower-pipeline --dyadic-fuse-pipeline="fuse=false keep-all" | FileCheck %s --check-prefix=APART
// APART-COUNT-3: dyadic.kernel

// RUN: dyadic-opt %s --dyadic-compile-pipeline="triple=nvptx64-nvidia-cuda cpu=sm_80" | FileCheck %s --check-prefix=GPU
// GPU: gpu.module @model_kernels

// RUN: not dyadic-opt %s --dyadic-generate-pipeline=cpu=avx612 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: unknown CPU 'avx612'

func.func @main(%x: tensor<8xf32> {qnn.range = #qnn.range<-1.0 : f64, 1.0 : f64>}) -> tensor<8xf32> {
  %0 = qnn.relu %x {qnn.range = [#qnn.range<0.0 : f64, 1.0 : f64>]} : (tensor<8xf32>) -> tensor<8xf32> loc("act")
  %1 = qnn.sigmoid %0 {qnn.range = [#qnn.range<0.5 : f64, 1.0 : f64>]} : (tensor<8xf32>) -> tensor<8xf32> loc("out")
  return %1 : tensor<8xf32>
}
