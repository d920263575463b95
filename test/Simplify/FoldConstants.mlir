// RUN: dyadic-opt %s --qnn-fold-constants | FileCheck %s
// RUN: dyadic-opt %s --qnn-fold-constants=max-bytes=4 | FileCheck %s --check-prefix=SMALL

// CHECK-LABEL: func.func @chain
//  CHECK-NEXT:   %[[C:.*]] = qnn.constant dense<[3.000000e+00, 6.000000e+00]>
//  CHECK-NEXT:   qnn.add %arg0, %[[C]]
// SMALL-LABEL: func.func @chain
//       SMALL:   qnn.sqrt
func.func @chain(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.constant dense<[1.0, 16.0]> : tensor<2xf32> : tensor<2xf32>
  %b = qnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %0 = qnn.sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
  %1 = qnn.add %0, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = qnn.add %x, %1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %2 : tensor<2xf32>
}
