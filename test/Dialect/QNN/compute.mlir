// RUN: dyadic-opt %s | dyadic-opt | FileCheck %s

// CHECK-LABEL: func.func @types
// CHECK: qnn.compute(%{{.*}}, %{{.*}}) {name = "Mask"} : (tensor<2x3xui16>, tensor<3xi1>) -> (tensor<2x3xui16>, tensor<f64>) {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<2x3xi16>, %{{.*}}: tensor<3xi8>):
// CHECK: qnn.yield %{{.*}}, %{{.*}} : tensor<2x3xi16>, tensor<f64>
func.func @types(%x: tensor<2x3xui16>, %m: tensor<3xi1>) -> (tensor<2x3xui16>, tensor<f64>) {
  %r:2 = qnn.compute(%x, %m) {name = "Mask"} : (tensor<2x3xui16>, tensor<3xi1>) -> (tensor<2x3xui16>, tensor<f64>) {
  ^bb0(%a: tensor<2x3xi16>, %b: tensor<3xi8>):
    %c = arith.constant dense<1.0> : tensor<f64>
    qnn.yield %a, %c : tensor<2x3xi16>, tensor<f64>
  }
  return %r#0, %r#1 : tensor<2x3xui16>, tensor<f64>
}
