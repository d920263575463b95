// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-kernels=cpu=scalar | FileCheck %s

// Memory is that of the longest. The padded tensor's border is written behind the actual end, the sum's operand is
// set to its zero point from there on, and the caller's arrays are dense.

// CHECK-LABEL: func.func @model_run(
// CHECK-SAME:    memref<24xi8>, {{.*}}: memref<4xi8>, {{.*}}, %[[LENGTH:.*]]: index)
// CHECK:         %[[ABOVE:.*]] = arith.subi %[[LENGTH]], %{{.*}}
// CHECK:         %[[INDEX:.*]] = arith.divui %[[ABOVE]], %{{.*}}
// CHECK:         call @{{.*}}copy_in
// CHECK:         call @{{.*}}pad
// CHECK:         call @{{.*}}fill
// CHECK:         call @{{.*}}max_pool2d
// CHECK:         call @{{.*}}fill
// CHECK:         call @{{.*}}reduce_sum({{.*}}, %[[INDEX]])
// CHECK-LABEL: func.func private @{{.*}}fill
// CHECK-SAME:    (%[[MEMORY:.*]]: memref<32xi8>, %[[FROM:.*]]: index, %[[TO:.*]]: index)
// CHECK:         %[[BORDER:.*]] = arith.constant 7 : i8
// CHECK:         scf.for %{{.*}} = %[[FROM]] to %[[TO]]
// CHECK:         memref.store %[[BORDER]], %[[MEMORY]]
func.func @main(%x: tensor<1x1x6x4xui8> {qnn.dynamic_dim = 2 : i64}) -> tensor<1x1x1x4xui8>
    attributes {qnn.lengths = array<i64: 2, 6, 2>} {
  %0 = dyadic.pad %x {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 0, 1, 0>, value = 7 : i32} : (tensor<1x1x6x4xui8>) -> tensor<1x1x8x4xui8>
  %1 = dyadic.max_pool2d %0 {kernel = array<i64: 1, 3>, strides = array<i64: 1, 1>} : (tensor<1x1x8x4xui8>) -> tensor<1x1x6x4xui8>
  %2 = dyadic.reduce_sum %1 {axes = array<i64: 1, 2>, input_zp = 7 : i32} : (tensor<1x1x6x4xui8>) -> tensor<1x1x1x4xi32>
  %3 = dyadic.requantize %2 {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 11184811>, output_zp = 7 : i32, shift = array<i32: 26>,
      dyadic.multipliers = array<i32: 8388608, 8388608, 11184811>, dyadic.shifts = array<i32: 24, 25, 26>} : (tensor<1x1x1x4xi32>) -> tensor<1x1x1x4xui8>
  return %3 : tensor<1x1x1x4xui8>
}
