// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @signs(%x: tensor<4xui8>) -> tensor<4xui8> {
  // expected-error@+1 {{expected body arguments of type 'tensor<4xi8>' for 'tensor<4xui8>', but got 'tensor<4xui8>'}}
  %r = qnn.compute(%x) : (tensor<4xui8>) -> tensor<4xui8> {
  ^bb0(%a: tensor<4xui8>):
    qnn.yield %a : tensor<4xui8>
  }
  return %r : tensor<4xui8>
}

// -----

func.func @count(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected 1 yielded values, but got 2}}
  %r = qnn.compute(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    qnn.yield %a, %a : tensor<4xf32>, tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@+1 {{expected static shapes, but got 'tensor<?xf32>'}}
  %r = qnn.compute(%x) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%a: tensor<?xf32>):
    qnn.yield %a : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
