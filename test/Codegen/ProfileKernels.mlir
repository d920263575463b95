// RUN: dyadic-opt %s --dyadic-profile-kernels | FileCheck %s

// CHECK: func.func private @dyadic_profile(i64)
func.func private @k0(%x: memref<4xi8>) { return }
func.func private @k1(%x: memref<4xi8>) { return }

// CHECK-LABEL: @model_run
// CHECK: call @k0
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0
// CHECK-NEXT: call @dyadic_profile(%[[ZERO]])
// CHECK-NEXT: call @k1
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1
// CHECK-NEXT: call @dyadic_profile(%[[ONE]])
func.func @model_run(%x: memref<4xi8>) {
  call @k0(%x) : (memref<4xi8>) -> ()
  call @k1(%x) : (memref<4xi8>) -> ()
  return
}
