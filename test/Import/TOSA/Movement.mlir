// RUN: dyadic-opt %s --tosa-to-qnn --qnn-fold-constants | FileCheck %s

// CHECK-LABEL: @move
// CHECK: %[[R:.*]] = qnn.reshape %arg0 : (tensor<2x6xf32>) -> tensor<2x2x3xf32>
// CHECK: %[[T:.*]] = qnn.transpose %[[R]] {permutation = array<i64: 2, 0, 1>} : (tensor<2x2x3xf32>) -> tensor<3x2x2xf32>
// CHECK: %[[C:.*]] = qnn.concat %[[T]], %[[T]] {axis = 1 : i64}
// CHECK: %[[S:.*]] = qnn.slice %[[C]] {offsets = array<i64: 1, 0, 0>, sizes = array<i64: 2, 3, 2>, strides = array<i64: 1, 1, 1>}
// CHECK: %[[P:.*]] = qnn.pad %[[S]] {high = array<i64: 0, 2, 0>, low = array<i64: 0, 1, 0>, value = 1.500000e+00 : f32} : (tensor<2x3x2xf32>) -> tensor<2x6x2xf32>
// CHECK: %[[U:.*]] = qnn.concat %[[P]], %[[P]], %[[P]] {axis = 2 : i64}
// CHECK: return %[[U]]
func.func @move(%x: tensor<2x6xf32>) -> tensor<2x6x6xf32> {
  %shape = tosa.const_shape {values = dense<[2, 2, 3]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %start = tosa.const_shape {values = dense<[1, 0, 0]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %size = tosa.const_shape {values = dense<[2, 3, 2]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %padding = tosa.const_shape {values = dense<[0, 0, 1, 2, 0, 0]> : tensor<6xindex>} : () -> !tosa.shape<6>
  %multiples = tosa.const_shape {values = dense<[1, 1, 3]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %value = "tosa.const"() {values = dense<1.5> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.reshape %x, %shape : (tensor<2x6xf32>, !tosa.shape<3>) -> tensor<2x2x3xf32>
  %1 = tosa.transpose %0 {perms = array<i32: 2, 0, 1>} : (tensor<2x2x3xf32>) -> tensor<3x2x2xf32>
  %2 = tosa.concat %1, %1 {axis = 1 : i32} : (tensor<3x2x2xf32>, tensor<3x2x2xf32>) -> tensor<3x4x2xf32>
  %3 = tosa.slice %2, %start, %size : (tensor<3x4x2xf32>, !tosa.shape<3>, !tosa.shape<3>) -> tensor<2x3x2xf32>
  %4 = tosa.pad %3, %padding, %value : (tensor<2x3x2xf32>, !tosa.shape<6>, tensor<1xf32>) -> tensor<2x6x2xf32>
  %5 = tosa.tile %4, %multiples : (tensor<2x6x2xf32>, !tosa.shape<3>) -> tensor<2x6x6xf32>
  %6 = tosa.identity %5 : (tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %6 : tensor<2x6x6xf32>
}

// Output i reads (i·1 + 0)/2 rounded, of two the greater; columns start at −1/2.
// CHECK-LABEL: @resize
// CHECK: qnn.resize %arg0 {cols = array<i64: 0, 0, 1, 1>, rows = array<i64: 0, 1, 1>}
func.func @resize(%x: tensor<1x2x2x1xf32>) -> tensor<1x3x4x1xf32> {
  %scale = tosa.const_shape {values = dense<[2, 1, 4, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %offset = tosa.const_shape {values = dense<[0, -1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %border = tosa.const_shape {values = dense<[0, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.resize %x, %scale, %offset, %border {mode = NEAREST_NEIGHBOR}
    : (tensor<1x2x2x1xf32>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x4x1xf32>
  return %0 : tensor<1x3x4x1xf32>
}

// Storage values move as floats do.
// CHECK-LABEL: @quantized
// CHECK: qnn.concat %arg0, %arg0 {axis = 0 : i64}
func.func @quantized(%x: tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!quant.uniform<u8:f32, 0.5>> {
  %0 = tosa.concat %x, %x {axis = 0 : i32} : (tensor<2x!quant.uniform<u8:f32, 0.5>>, tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  return %0 : tensor<4x!quant.uniform<u8:f32, 0.5>>
}
