// RUN: dyadic-opt %s --qnn-quantize | FileCheck %s

// What is in a branch stays float, and what reads its result.
// CHECK: qnn.if
// CHECK-SAME: qnn.float_reason = "it has no integer form"
// CHECK: qnn.relu {{.*}}qnn.float_reason = "it is in a branch or loop"
func.func @main(%c: tensor<i1>, %x: tensor<1x4xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1x4xf32> {
  %r = qnn.if %c(%x) : tensor<i1>, (tensor<1x4xf32>) -> tensor<1x4xf32> {
  ^bb0(%a: tensor<1x4xf32>):
    %0 = qnn.relu %a : (tensor<1x4xf32>) -> tensor<1x4xf32>
    qnn.next %0 : tensor<1x4xf32>
  } else {
  ^bb0(%a: tensor<1x4xf32>):
    qnn.next %a : tensor<1x4xf32>
  }
  return %r : tensor<1x4xf32>
}
