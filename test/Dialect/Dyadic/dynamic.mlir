// RUN: dyadic-opt %s | dyadic-opt | FileCheck %s
// RUN: dyadic-opt %s --mlir-print-op-generic | dyadic-opt | FileCheck %s

// CHECK: dyadic.dynamic_quantize %{{.*}} {outer = 1 : i64} : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<2x1xf32>, tensor<2x1xi32>)
// CHECK: dyadic.scale_sums %{{.*}}, %{{.*}}, %{{.*}} {weight_scales = array<f32: 1.000000e+00, 2.000000e+00>, weight_sums = array<i32: 3, -4>} : (tensor<2x2xi32>, tensor<2x1xf32>, tensor<2x1xi32>) -> tensor<2x2xf32>
// CHECK: qnn.dynamic_round %{{.*}} {outer = 0 : i64}
func.func @ops(%x: tensor<2x3xf32>, %a: tensor<2x2xi32>) -> (tensor<2x3xui8>, tensor<2x2xf32>, tensor<2x3xf32>) {
  %q, %s, %z = dyadic.dynamic_quantize %x {outer = 1 : i64} : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<2x1xf32>, tensor<2x1xi32>)
  %0 = dyadic.scale_sums %a, %s, %z {weight_scales = array<f32: 1.0, 2.0>, weight_sums = array<i32: 3, -4>} : (tensor<2x2xi32>, tensor<2x1xf32>, tensor<2x1xi32>) -> tensor<2x2xf32>
  %1 = qnn.dynamic_round %x {outer = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %q, %0, %1 : tensor<2x3xui8>, tensor<2x2xf32>, tensor<2x3xf32>
}
