// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels -split-input-file -verify-diagnostics

func.func @main(%x: tensor<4xf32>) -> tensor<i64> {
  %r = qnn.compute(%x) : (tensor<4xf32>) -> tensor<i64> {
  ^bb0(%a: tensor<4xf32>):
    %zero = arith.constant 0 : index
    %f = tensor.extract %a[%zero] : tensor<4xf32>
    %i = arith.fptosi %f : f32 to i64
    %n = arith.index_cast %i : i64 to index
    // expected-error@+1 {{expected temporary tensors of static shape in the body of qnn.compute, but got 'memref<?xi64>'}}
    %e = tensor.empty(%n) : tensor<?xi64>
    %full = linalg.fill ins(%i : i64) outs(%e : tensor<?xi64>) -> tensor<?xi64>
    %y = tensor.extract %full[%zero] : tensor<?xi64>
    %s = tensor.from_elements %y : tensor<i64>
    qnn.yield %s : tensor<i64>
  }
  return %r : tensor<i64>
}
