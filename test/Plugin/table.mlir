// tosa.table on a quantized tensor to the LLVM dialect with the stock mlir-opt.
// RUN: %mlir-opt %s --pass-pipeline="builtin.module(func.func(tosa-to-qnn),dyadic-lower-pipeline,dyadic-fuse-pipeline,dyadic-generate-pipeline{cpu=scalar},emit-lower-to-llvm)" | FileCheck %s

// CHECK: llvm.func @model_run(%{{.*}}: !llvm.ptr {{.*}}, %{{.*}}: !llvm.ptr
// CHECK-NOT: memref.
func.func @main(%x: tensor<64x!quant.uniform<i8:f32, 0.1>>) -> tensor<64x!quant.uniform<i8:f32, 0.2:5>> {
  %t = "tosa.const"() {values = dense<7> : tensor<256xi8>} : () -> tensor<256xi8>
  %0 = tosa.table %x, %t : (tensor<64x!quant.uniform<i8:f32, 0.1>>, tensor<256xi8>) -> tensor<64x!quant.uniform<i8:f32, 0.2:5>>
  return %0 : tensor<64x!quant.uniform<i8:f32, 0.2:5>>
}
