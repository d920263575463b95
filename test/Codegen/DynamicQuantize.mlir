// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-kernels=cpu=scalar --canonicalize --cse | FileCheck %s
// RUN: not dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-gpu-kernels 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: code generation has no kernel for 'dyadic.dynamic_quantize' on this target

// One kernel makes bytes, scales and zero points, the other sums and reals.
// CHECK-LABEL: func.func @model_run(
// CHECK: call @[[QUANTIZE:.*dynamic_quantize]](
// CHECK: call @[[PRODUCT:.*matmul]](

// Two passes over each row. Nothing is contracted to a fused multiply-add.
// CHECK: func.func private @[[QUANTIZE]](%{{.*}}: memref<24xf32>, %{{.*}}: memref<24xi8>, %{{.*}}: memref<3xf32>, %{{.*}}: memref<3xi32>,
// CHECK: scf.for
// CHECK: %[[ENDS:.*]]:2 = scf.for
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf ogt
// CHECK: arith.divf
// CHECK: arith.divf
// CHECK: scf.for
// CHECK: arith.mulf
// CHECK-NOT: math.fma
// CHECK: arith.trunci {{.*}} to vector<{{.*}}xi8>

// CHECK: func.func private @[[PRODUCT]](
// CHECK: arith.muli
// CHECK: arith.subi
// CHECK: arith.sitofp
// CHECK: arith.mulf
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK-NOT: math.fma
func.func @main(%x: tensor<3x8xf32>) -> tensor<3x2xf32> {
  %q, %s, %z = dyadic.dynamic_quantize %x {outer = 1 : i64} : (tensor<3x8xf32>) -> (tensor<3x8xui8>, tensor<3x1xf32>, tensor<3x1xi32>)
  %w = dyadic.constant dense<1> : tensor<8x2xi8> : tensor<8x2xi8>
  %b = dyadic.constant dense<0> : tensor<2xi32> : tensor<2xi32>
  %a = dyadic.matmul %q, %w, %b : (tensor<3x8xui8>, tensor<8x2xi8>, tensor<2xi32>) -> tensor<3x2xi32>
  %0 = dyadic.scale_sums %a, %s, %z {bias = array<f32: 1.0, 2.0>, weight_scales = array<f32: 0.5, 0.25>, weight_sums = array<i32: 8, 8>} : (tensor<3x2xi32>, tensor<3x1xf32>, tensor<3x1xi32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
