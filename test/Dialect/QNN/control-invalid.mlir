// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @condition(%c: tensor<2xi1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected a condition of one number, but got 'tensor<2xi1>'}}
  %r = qnn.if %c(%x) : tensor<2xi1>, (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    qnn.next %a : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>):
    qnn.next %a : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @branches(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<2xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected a region that ends in qnn.next of types (tensor<4xf32>)}}
  %r = qnn.if %c(%x, %y) : tensor<i1>, (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<2xf32>):
    qnn.next %a : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>, %b: tensor<2xf32>):
    qnn.next %b : tensor<2xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @arguments(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected a region with arguments of types (tensor<i64>, tensor<4xf32>), but got (tensor<4xf32>)}}
  %r = qnn.loop %n while %c carries(%x) captures() : tensor<i64>, tensor<i1>, (tensor<4xf32>), () -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %go = qnn.constant dense<true> : tensor<i1> : tensor<i1>
    qnn.next %go, %a : tensor<i1>, tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @parts(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected as many parts of 'tensor<5x4xf32>' as there are iterations, a constant}}
  %r:2 = qnn.loop %n while %c carries(%x) captures() : tensor<i64>, tensor<i1>, (tensor<4xf32>), () -> (tensor<4xf32>, tensor<5x4xf32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %go = qnn.constant dense<true> : tensor<i1> : tensor<i1>
    qnn.next %go, %a, %a : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  }
  return %r#0 : tensor<4xf32>
}
