// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-kernels=cpu=scalar | FileCheck %s
// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory | FileCheck %s --check-prefix=PLAN
// RUN: not dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-gpu-kernels=arch=sm_80 2>&1 | FileCheck %s --check-prefix=GPU

// The carried values change places: one of them is copied before.
// PLAN: qnn.loop
// PLAN-SAME: arena_offsets = array<i64: {{[0-9]+}}, {{[0-9]+}}, {{[0-9]+}}, {{[0-9]+}}>
// PLAN: qnn.if %{{.*}} {arena_offsets = array<i64: {{[0-9]+}}>}
// PLAN: qnn.slice
// PLAN: qnn.slice
// PLAN: qnn.next

// CHECK-LABEL: func.func @model_run
// CHECK: scf.while
// CHECK: arith.cmpi slt
// CHECK: scf.condition
// CHECK: memref.store
// CHECK: memref.load
// CHECK: scf.if
// CHECK: call
// CHECK: memref.copy
// CHECK: else
// CHECK: call
// CHECK: memref.copy
// The part of the iteration behind those before it.
// CHECK: arith.muli
// CHECK: memref.view
// CHECK: memref.copy
// CHECK: scf.yield

// GPU: error: a condition that is computed at run time is not supported on this target
func.func @main(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  %n = qnn.constant dense<5> : tensor<i64> : tensor<i64>
  %true = qnn.constant dense<true> : tensor<i1> : tensor<i1>
  %r:3 = qnn.loop %n while %true carries(%x, %y) captures(%c)
      : tensor<i64>, tensor<i1>, (tensor<4xf32>, tensor<4xf32>), (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>, tensor<5x4xf32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>, %b: tensor<4xf32>, %d: tensor<i1>):
    %0 = qnn.if %d(%a) : tensor<i1>, (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%e: tensor<4xf32>):
      %1 = qnn.abs %e : (tensor<4xf32>) -> tensor<4xf32>
      qnn.next %1 : tensor<4xf32>
    } else {
    ^bb0(%e: tensor<4xf32>):
      %1 = qnn.neg %e : (tensor<4xf32>) -> tensor<4xf32>
      qnn.next %1 : tensor<4xf32>
    }
    %go = qnn.constant dense<true> : tensor<i1> : tensor<i1>
    qnn.next %go, %b, %a, %0 : tensor<i1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  return %r#0, %r#2 : tensor<4xf32>, tensor<5x4xf32>
}
