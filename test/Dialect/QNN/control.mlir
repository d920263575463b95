// RUN: dyadic-opt %s | dyadic-opt | FileCheck %s

// CHECK-LABEL: func.func @branch
func.func @branch(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: qnn.if %arg0(%arg1) : tensor<i1>, (tensor<4xf32>) -> tensor<4xf32> {
  %r = qnn.if %c(%x) : tensor<i1>, (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %0 = qnn.abs %a : (tensor<4xf32>) -> tensor<4xf32>
    qnn.next %0 : tensor<4xf32>
  // CHECK: } else {
  } else {
  ^bb0(%a: tensor<4xf32>):
    // CHECK: qnn.next %{{.*}} : tensor<4xf32>
    qnn.next %a : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// CHECK-LABEL: func.func @repeat
func.func @repeat(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  %n = qnn.constant dense<5> : tensor<i64> : tensor<i64>
  // CHECK: qnn.loop %{{.*}} while %arg0 carries(%arg1) captures(%arg2) : tensor<i64>, tensor<i1>, (tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  %r:2 = qnn.loop %n while %c carries(%x) captures(%y)
      : tensor<i64>, tensor<i1>, (tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>, %b: tensor<4xf32>):
    %0 = qnn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %go = qnn.constant dense<true> : tensor<i1> : tensor<i1>
    qnn.next %go, %0, %0 : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  }
  return %r#0, %r#1 : tensor<4xf32>, tensor<5x4xf32>
}
