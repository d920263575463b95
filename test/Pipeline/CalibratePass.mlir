// RUN: dyadic-opt %s --qnn-calibrate="samples=%source/test/Plugin/Inputs/walkthrough.npz observer=minmax" -split-input-file -o %t.compiled
// RUN: dyadic-opt %s --qnn-calibrate="samples=%source/test/Plugin/Inputs/walkthrough.npz observer=minmax interpret" -split-input-file -o %t.interpreted
// RUN: FileCheck %s --input-file=%t.compiled
// RUN: diff %t.compiled %t.interpreted
// RUN: not dyadic-opt %s --qnn-calibrate="samples=no-such.npz" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not dyadic-opt %s --qnn-calibrate="samples=%source/test/Plugin/Inputs/walkthrough.npz observer=most" 2>&1 | FileCheck %s --check-prefix=OBSERVER
// MISSING: error: {{.*}}no-such.npz
// OBSERVER: error: {{.*}}most

// CHECK: func.func @main(%arg0: tensor<1x8x8x2xf32> {qnn.name = "x", qnn.range = #qnn.range<-1.000000e+00 : f64, 1.000000e+00 : f64>})
// CHECK: qnn.abs {{.*}}qnn.channel_powers = array<f32: {{.*}}>, qnn.channel_ranges = array<f32: {{.*}}>, qnn.range = [#qnn.range<0.000000e+00 : f64, 1.000000e+00 : f64>]
func.func @main(%x: tensor<1x8x8x2xf32> {qnn.name = "x"}) -> tensor<1x8x8x2xf32> {
  %0 = qnn.abs %x : (tensor<1x8x8x2xf32>) -> tensor<1x8x8x2xf32>
  return %0 : tensor<1x8x8x2xf32>
}
