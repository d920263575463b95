// RUN: dyadic-opt %s --qnn-quantize | FileCheck %s

// Its float operands are dequantized, integers stay.
// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = qnn.conv2d
// CHECK: %[[X:.*]] = quant.dcast %[[Q]]
// CHECK: qnn.compute(%[[X]], %{{.*}}) {name = "TopK", qnn.float_reason = "its body is float"}
func.func @main(%x: tensor<1x4x4x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}, %k: tensor<1xi64>) -> (tensor<1x4x4x2xf32>, tensor<1xi64>) {
  %w = qnn.constant dense<0.5> : tensor<2x1x1x2xf32> : tensor<2x1x1x2xf32>
  %y = qnn.conv2d %x, %w {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>) -> tensor<1x4x4x2xf32>
  %r:2 = qnn.compute(%y, %k) {name = "TopK", qnn.range = [#qnn.range<-1.0, 1.0>, unit]} : (tensor<1x4x4x2xf32>, tensor<1xi64>) -> (tensor<1x4x4x2xf32>, tensor<1xi64>) {
  ^bb0(%a: tensor<1x4x4x2xf32>, %b: tensor<1xi64>):
    qnn.yield %a, %b : tensor<1x4x4x2xf32>, tensor<1xi64>
  }
  return %r#0, %r#1 : tensor<1x4x4x2xf32>, tensor<1xi64>
}
