// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="model-name=net" -split-input-file | FileCheck %s

// The result is written in place: no temporary, no copy.
// CHECK-LABEL: func.func @net_run(
// CHECK: call @k0_floor(
// CHECK-LABEL: func.func private @k0_floor(
// CHECK-SAME: %[[X:.*]]: memref<6xf32>, %[[Y:.*]]: memref<6xf32>, %{{.*}}: memref<0xi8>)
// CHECK-DAG: %[[FROM:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [2, 3], strides: [3, 1]
// CHECK-DAG: %[[TO:.*]] = memref.reinterpret_cast %[[Y]] to offset: [0], sizes: [2, 3], strides: [3, 1]
// CHECK: scf.for
// CHECK: scf.for
// CHECK: memref.load %[[FROM]]
// CHECK: math.floor
// CHECK: memref.store %{{.*}}, %[[TO]]
// CHECK-NOT: memref.copy
// CHECK: return
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = qnn.compute(%x) {name = "Floor"} : (tensor<2x3xf32>) -> tensor<2x3xf32> {
  ^bb0(%a: tensor<2x3xf32>):
    %e = tensor.empty() : tensor<2x3xf32>
    %f = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %y = math.floor %in : f32
      linalg.yield %y : f32
    } -> tensor<2x3xf32>
    qnn.yield %f : tensor<2x3xf32>
  }
  return %r : tensor<2x3xf32>
}

// -----

// A temporary is scratch, a constant operand lies among the weights, and what
// reads a result of a computation is a kernel of its own.
// CHECK-LABEL: func.func @net_run(
// CHECK: call @k0_compute({{.*}}) : (memref<4xf32>, memref<4xf32>, memref<4xi64>, memref<16xi8>, memref<128xi8>)
// CHECK: call @k1(
// CHECK-LABEL: func.func private @k0_compute(
// CHECK-NOT: memref.alloc
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi64>) {
  %c = qnn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : tensor<4xf32>
  %r:2 = qnn.compute(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi64>) {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    %sum = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %square = linalg.mul ins(%sum, %sum : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %both = linalg.add ins(%sum, %square : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %z = arith.constant 7 : i64
    %i = tensor.empty() : tensor<4xi64>
    %sevens = linalg.fill ins(%z : i64) outs(%i : tensor<4xi64>) -> tensor<4xi64>
    qnn.yield %both, %sevens : tensor<4xf32>, tensor<4xi64>
  }
  %y = qnn.relu %r#0 : (tensor<4xf32>) -> tensor<4xf32>
  return %y, %r#1 : tensor<4xf32>, tensor<4xi64>
}

// -----

// What a row has one of, in a temporary, is read once for its elements. An operand may
// share bytes with the result, and stays where it is.
// CHECK-LABEL: func.func private @k0_center(
// CHECK: arith.addf
// CHECK: memref.store
// CHECK: scf.for
// CHECK: %[[OF_ROW:.*]] = memref.load
// CHECK-NOT: memref.load
// CHECK: scf.for
// CHECK: memref.load
// CHECK: memref.load
// CHECK: %[[CENTERED:.*]] = arith.subf %{{.*}}, %[[OF_ROW]]
// CHECK: arith.mulf %[[CENTERED]]
// CHECK: memref.store
func.func @main(%x: tensor<2x3xf32>, %b: tensor<2x1xf32>) -> tensor<2x3xf32> {
  %r = qnn.compute(%x, %b) {name = "Center"} : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32> {
  ^bb0(%a: tensor<2x3xf32>, %c: tensor<2x1xf32>):
    %e = tensor.empty() : tensor<2x1xf32>
    %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<2x1xf32>) outs(%e : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %y = arith.addf %in, %in : f32
      linalg.yield %y : f32
    } -> tensor<2x1xf32>
    %g = tensor.empty() : tensor<2x3xf32>
    %f = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, 0)>, affine_map<(i, j) -> (i, 0)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%a, %t, %c : tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>) outs(%g : tensor<2x3xf32>) {
    ^bb0(%in: f32, %mean: f32, %factor: f32, %out: f32):
      %y = arith.subf %in, %mean : f32
      %z = arith.mulf %y, %factor : f32
      linalg.yield %z : f32
    } -> tensor<2x3xf32>
    qnn.yield %f : tensor<2x3xf32>
  }
  return %r : tensor<2x3xf32>
}
