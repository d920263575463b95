// RUN: dyadic-opt --emit-approximate-math %s | FileCheck %s
// The values are tested by test/Unit/Emit/ApproximateMathTest.cpp.

// CHECK-LABEL: @vector
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : vector<16xf32>
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: @scalar
// CHECK-NOT: math.tanh
func.func @scalar(%x: f32) -> f32 {
  %y = math.tanh %x : f32
  return %y : f32
}

// Doubles are left to libm.
// CHECK-LABEL: @double
// CHECK: math.erf
func.func @double(%x: f64) -> f64 {
  %y = math.erf %x : f64
  return %y : f64
}
