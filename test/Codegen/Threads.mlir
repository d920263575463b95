// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="cpu=avx512vnni model-name=net threads=4 thread-cost=0" -split-input-file \
// RUN:   | FileCheck %s
// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="cpu=avx512vnni model-name=net threads=4" -split-input-file \
// RUN:   | FileCheck %s --check-prefix=SMALL

// 10 rows for 4 threads: the parts begin at thread * 10 / 4.
// CHECK-LABEL: func.func @net_run(
// CHECK: scf.parallel (%[[T:.*]]) =
// CHECK: func.call @k0_max_pool2d(%{{.*}}, %[[T]])
// CHECK-LABEL: func.func private @k0_max_pool2d(
// CHECK-SAME: memref<0xi8>, %[[THREAD:.*]]: index)
// CHECK: %[[INDEX:.*]] = arith.remui %[[THREAD]], %{{.*}}
// CHECK: %[[TIMES:.*]] = arith.muli %[[INDEX]], %{{.*}}
// CHECK: %[[BEGIN:.*]] = arith.divui %[[TIMES]], %{{.*}}
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to

// So little work is one thread's, in a function without its number.
// SMALL-LABEL: func.func @net_run(
// SMALL-NOT: scf.parallel
// SMALL-LABEL: func.func private @k0_max_pool2d(
// SMALL-NOT: index)
// SMALL-NOT: arith.remui
// SMALL: return
func.func @main(%x: tensor<1x20x2x64xui8>) -> tensor<1x10x1x64xui8> {
  %0 = dyadic.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x20x2x64xui8>) -> tensor<1x10x1x64xui8>
  return %0 : tensor<1x10x1x64xui8>
}

// -----

// Two rows are too few for four threads: each gets columns of one, by the
// remainder and the quotient of its number.
// CHECK-LABEL: func.func private @k0_max_pool2d(
// CHECK: arith.remui
// CHECK: arith.divui
// CHECK: arith.remui
// CHECK: scf.for
// CHECK: scf.for
func.func @main(%x: tensor<1x4x8x64xui8>) -> tensor<1x2x4x64xui8> {
  %0 = dyadic.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x4x8x64xui8>) -> tensor<1x2x4x64xui8>
  return %0 : tensor<1x2x4x64xui8>
}

// -----

// A sum of everything is one thread's.
// CHECK-LABEL: func.func @net_run(
// CHECK-NOT: scf.parallel
// CHECK: call @k0_reduce_mean(
func.func @main(%x: tensor<64x64xf32>) -> tensor<1x1xf32> {
  %0 = qnn.reduce_mean %x {axes = array<i64: 0, 1>} : (tensor<64x64xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}
