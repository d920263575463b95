// RUN: dyadic-opt %s --qnn-quantize=weights=int4 | FileCheck %s --check-prefix=INT4
// RUN: dyadic-opt %s --qnn-quantize=weights=codebook4 | FileCheck %s --check-prefix=CODEBOOK
// RUN: dyadic-opt %s --qnn-quantize=weights=int4,lay?r=int8 | FileCheck %s --check-prefix=NAMED
// RUN: dyadic-opt %s --qnn-quantize=weights=int4:group=2 | FileCheck %s --check-prefix=GROUPS
// RUN: dyadic-opt %s --qnn-quantize=weights=int4:group=64 | FileCheck %s --check-prefix=WHOLE
// RUN: dyadic-opt %s --qnn-quantize=weights=int4:group=2 --lower-qnn-to-dyadic | FileCheck %s --check-prefix=FACTORS
// RUN: dyadic-opt %s --qnn-quantize=weights=int4:group=2 --lower-qnn-to-dyadic=rounding=half_up --dyadic-to-tosa | FileCheck %s --check-prefix=TOSA
// RUN: dyadic-opt %s --qnn-quantize=weights=codebook4 --lower-qnn-to-dyadic | FileCheck %s --check-prefix=LOWERED

// A smaller scale than 7/7 would lose more at the ends than it gains for 3.4.
// INT4-LABEL: func.func @numbers
//       INT4:   qnn.constant dense<{{\[\[}}-7], [3], [0], [7]]> : tensor<4x1xi4> : tensor<4x1x!quant.uniform<i4<-7:7>:f32:1, {1.000000e+00}>>
//   INT4-NOT:   qnn.weights

// Four values are their own codebook; the last entry is repeated.
// CODEBOOK-LABEL: func.func @numbers
//       CODEBOOK:   qnn.constant dense<{{\[\[}}-127], [62], [0], [127]]> : tensor<4x1xi8> : tensor<4x1x!quant.uniform<i8<-127:127>:f32:1,
//       CODEBOOK:   qnn.matmul
//  CODEBOOK-SAME:   qnn.codebook = array<i8: -127, 0, 62, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127>

// The last choice whose pattern matches a layer's name decides.
// NAMED-LABEL: func.func @numbers
//       NAMED:   tensor<4x1xi8>

// Level 3 has the numbers of the entries.
// LOWERED-LABEL: func.func @numbers
//       LOWERED:   dyadic.constant dense<{{\[\[}}0], [2], [1], [3]]> : tensor<4x1xi4>
//       LOWERED:   dyadic.matmul {{.*}} {codebook = array<i8: -127, 0, 62, 127
func.func @numbers(%x: tensor<1x4xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1x1xf32> {
  %w = qnn.constant dense<[[-7.0], [3.4], [0.01], [7.0]]> : tensor<4x1xf32> : tensor<4x1xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-100.0, 100.0>]} : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32> loc("layer")
  return %0 : tensor<1x1xf32>
}

// Depthwise filters keep 8 bits.
// INT4-LABEL: func.func @depthwise
//       INT4:   tensor<2x1x2x1xi8>
// GROUPS-LABEL: func.func @depthwise
//       GROUPS:   qnn.constant dense<{{.*}}> : tensor<2x1x2x1xi8>
func.func @depthwise(%x: tensor<1x1x2x2xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1x1x1x2xf32> {
  %w = qnn.constant dense<[[[[1.0], [0.25]]], [[[1.0], [0.25]]]]> : tensor<2x1x2x1xf32> : tensor<2x1x2x1xf32>
  %0 = qnn.conv2d %x, %w {groups = 2 : i64, qnn.range = [#qnn.range<0.0, 100.0>]} : (tensor<1x1x2x2xf32>, tensor<2x1x2x1xf32>) -> tensor<1x1x1x2xf32> loc("layer")
  return %0 : tensor<1x1x1x2xf32>
}

// Scales of groups are the channel's times factors; the last group is what is left. A
// group of more than there are is all of them.
// GROUPS-LABEL: func.func @groups
//       GROUPS:   #coded.integers<numbers = dense<{{\[\[}}-8, -8], [7, -3], [-8, 0], [7, -5], [6, -8]]> : tensor<5x2xi4>,
//  GROUPS-SAME:     factors = dense<{{\[\[}}15, -3, 1], [-11, 3, -15]]> : tensor<2x3xi8>, axis = 1, group = 2> : tensor<5x2xi8>
//  GROUPS-SAME:     !quant.uniform<i8<-127:127>:f32:1, {1.000000e+00,
// WHOLE-LABEL: func.func @groups
//       WHOLE:   tensor<2x1xi8>, axis = 1, group = 5> : tensor<5x2xi8>

// The integers are those of any i8 matrix.
// FACTORS-LABEL: func.func @groups
//       FACTORS:   dyadic.constant #coded.integers<
//       FACTORS:   dyadic.matmul {{.*}} : (tensor<1x5xui8>, tensor<5x2xi8>, tensor<2xi32>)
// TOSA-LABEL: func.func @groups
//       TOSA:   dense<{{.*}}-120
func.func @groups(%x: tensor<1x5xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1x2xf32> {
  %w = qnn.constant dense<[[-120.0, 1.5], [105.0, 0.5], [24.0, 0.0], [-21.0, -0.25], [6.0, 2.0]]> : tensor<5x2xf32> : tensor<5x2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-100.0, 100.0>]} : (tensor<1x5xf32>, tensor<5x2xf32>) -> tensor<1x2xf32> loc("layer")
  return %0 : tensor<1x2xf32>
}
