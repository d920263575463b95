// RUN: dyadic-opt %s --qnn-quantize | FileCheck %s
// RUN: dyadic-opt %s --qnn-quantize=activations=i8 | FileCheck %s --check-prefix=SIGNED
// RUN: dyadic-opt %s --qnn-quantize=keep-float=conv | FileCheck %s --check-prefix=KEPT
// RUN: dyadic-opt %s --qnn-quantize=keep-ranges | FileCheck %s --check-prefix=WIDE

// Weights per output channel, activations per tensor, the bias f32. The sums
// leave as floats, so 16 bits hold them.
// CHECK-LABEL: func @conv
// CHECK: %[[X:.*]] = quant.qcast %arg0 {{.*}} to tensor<1x4x4x1x!quant.uniform<u8:f32, 1.000000e+00:100>>
// CHECK: qnn.constant dense<127> : tensor<2x1x1x1xi8> : tensor<2x1x1x1x!quant.uniform<i8<-127:127>:f32:0, {1.000000e+00,5.000000e-01}>>
// CHECK: qnn.conv2d %[[X]], %{{.*}}, %{{.*}} : ({{.*}}, tensor<2xf32>) -> tensor<1x4x4x2x!quant.uniform<i16:f32, {{.*}}>>
// CHECK-NOT: qnn.range
// CHECK: quant.dcast
// SIGNED-LABEL: func @conv
// SIGNED: tensor<1x4x4x1x!quant.uniform<i8:f32, 1.000000e+00:-28>>
// KEPT-LABEL: func @conv
// KEPT-NOT: quant.
// KEPT: qnn.conv2d {{.*}}qnn.float_reason = "it was asked to"
func.func @conv(%x: tensor<1x4x4x1xf32> {qnn.range = #qnn.range<-100.0, 155.0>}) -> tensor<1x4x4x2xf32> {
  %w = qnn.constant dense<[[[[127.0]]], [[[63.5]]]]> : tensor<2x1x1x1xf32> : tensor<2x1x1x1xf32>
  %b = qnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.conv2d %x, %w, %b {qnn.range = [#qnn.range<-9.0, 9.0>]} : (tensor<1x4x4x1xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x4x4x2xf32> loc("conv")
  return %0 : tensor<1x4x4x2xf32>
}

// A channel of zeros gets a scale at which its bias fits 2^23 steps.
// CHECK-LABEL: func @zero_channel
// CHECK: qnn.constant dense<{{\[\[}}127, 0]]> : tensor<1x2xi8> : tensor<1x2x!quant.uniform<i8<-127:127>:f32:1, {1.000000e+00,1.1920928955078125E-5}>>
func.func @zero_channel(%x: tensor<1x1xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1x2xf32> {
  %w = qnn.constant dense<[[127.0, 0.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %b = qnn.constant dense<[0.0, 100.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.matmul %x, %w, %b {qnn.range = [#qnn.range<0.0, 255.0>]} : (tensor<1x1xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// Ops that move values keep the type; the concatenation's inputs that nothing
// else reads are made in its type, through the ops that move them.
// CHECK-LABEL: func @concat
// CHECK-DAG: %[[A:.*]] = quant.qcast %arg0 {{.*}}u8:f32, 1.000000e+00>>
// CHECK-DAG: %[[B:.*]] = quant.qcast %arg1 {{.*}}u8:f32, 4.000000e+00>>
// CHECK: %[[P:.*]] = qnn.max_pool2d %[[B]] {{.*}} -> tensor<1x2x2x1x!quant.uniform<u8:f32, 4.000000e+00>>
// CHECK: qnn.concat %[[A]], %[[P]] {{.*}} -> tensor<1x2x2x2x!quant.uniform<u8:f32, 4.000000e+00>>
func.func @concat(%x: tensor<1x2x2x1xf32> {qnn.range = #qnn.range<0.0, 255.0>},
                  %y: tensor<1x4x4x1xf32> {qnn.range = #qnn.range<0.0, 510.0>}) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32>) {
  %0 = qnn.max_pool2d %y {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x4x4x1xf32>) -> tensor<1x2x2x1xf32>
  %1 = qnn.concat %x, %0 {axis = 3, qnn.range = [#qnn.range<0.0, 1020.0>]} : (tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>) -> tensor<1x2x2x2xf32>
  %2 = qnn.relu %x {qnn.range = [#qnn.range<0.0, 255.0>]} : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  return %1, %2 : tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32>
}

// A product that has no integer form is float, and what stands behind it is too.
// CHECK-LABEL: func @island
// CHECK: qnn.matmul {{.*}}qnn.float_reason = "it has a bias, and its right operand is computed at run time"
// CHECK: qnn.mul {{.*}}qnn.float_reason = "its neighbours are float"{{.*}} -> tensor<4x4xf32>
// CHECK-NOT: quant.
// CHECK: qnn.softmax {{.*}}qnn.float_reason = "it has no integer form"
// CHECK-NOT: quant.
func.func @island(%x: tensor<4x4xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<4x4xf32> {
  %b = qnn.constant dense<0.5> : tensor<4xf32> : tensor<4xf32>
  %0 = qnn.matmul %x, %x, %b {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %1 = qnn.mul %0, %0 {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = qnn.softmax %1 {axis = 1} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}

// A function of one element is float behind a float op, and what reads it isn't.
// CHECK-LABEL: func @function_of_float
// CHECK: qnn.softmax
// CHECK: %[[F:.*]] = qnn.hard_swish {{.*}}qnn.float_reason = "what it reads is float"
// CHECK: %[[Q:.*]] = quant.qcast %[[F]]
// CHECK: qnn.matmul %[[Q]], {{.*}} -> tensor<2x2x!quant.uniform<i16:f32,
func.func @function_of_float(%x: tensor<2x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<2x2xf32> {
  %w = qnn.constant dense<1.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.softmax %x {axis = 1, qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = qnn.hard_swish %0 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = qnn.matmul %1, %w {qnn.range = [#qnn.range<0.0, 2.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// The reader of the sums is a function of one element, then a reshape: both are
// float. Behind the pooling the same function is a table.
// CHECK-LABEL: func @border
// CHECK: qnn.matmul {{.*}} -> tensor<2x2x!quant.uniform<i16:f32,
// CHECK: qnn.sigmoid {{.*}}"what reads it is float"
// CHECK: qnn.reshape {{.*}}"what reads it is float"
// CHECK: qnn.reduce_mean {{.*}} -> tensor<2x1x!quant.uniform<u8:f32,
// CHECK: qnn.sigmoid {{.*}} -> tensor<2x1x!quant.uniform<u8:f32,
func.func @border(%x: tensor<2x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> (tensor<4xf32>, tensor<2x1xf32>) {
  %w = qnn.constant dense<1.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = qnn.sigmoid %0 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = qnn.reshape %1 : (tensor<2x2xf32>) -> tensor<4xf32>
  %3 = qnn.reduce_mean %x {axes = array<i64: 1>, qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x1xf32>
  %4 = qnn.sigmoid %3 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<2x1xf32>) -> tensor<2x1xf32>
  return %2, %4 : tensor<4xf32>, tensor<2x1xf32>
}

// CHECK-LABEL: func @no_range
// CHECK: qnn.relu {{.*}}"its result has no finite calibrated range"
// CHECK: qnn.sigmoid {{.*}}"an operand has no finite calibrated range"
func.func @no_range(%x: tensor<4xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<4xf32> {
  %0 = qnn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = qnn.sigmoid %0 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func @not_finite
// CHECK: qnn.mul {{.*}}"a constant operand isn't finite"
func.func @not_finite(%x: tensor<1xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1xf32> {
  %c = qnn.constant dense<0x7FC00000> : tensor<1xf32> : tensor<1xf32>
  %0 = qnn.mul %x, %c {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// No 24-bit multiplier goes from a scale of 1 to one of 2^-30.
// CHECK-LABEL: func @tiny_result
// CHECK: qnn.add {{.*}}"its result's range is tiny beside its operands'"
func.func @tiny_result(%x: tensor<1xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1xf32> {
  %0 = qnn.add %x, %x {qnn.range = [#qnn.range<0.0, 1.0e-8>]} : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// hard_swish is 0 below −3: the convolution's type begins there, not at −100. It reads
// no sums, so that it is a table.
// CHECK-LABEL: func @active_range
// CHECK: qnn.conv2d {{.*}} -> tensor<1x1x1x1x!quant.uniform<u8:f32, 0.035{{[0-9]*}}:85>>
// CHECK: qnn.hard_swish {{.*}} : (tensor<1x1x1x1x!quant.uniform<u8:f32, 0.035
func.func @active_range(%x: tensor<1x1x1x1xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1x1x1x1xf32> {
  %w = qnn.constant dense<1.0> : tensor<1x1x1x1xf32> : tensor<1x1x1x1xf32>
  %0 = qnn.conv2d %x, %w {qnn.range = [#qnn.range<-100.0, 6.0>]} : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %moved = qnn.reshape %0 {qnn.range = [#qnn.range<-100.0, 6.0>]} : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %1 = qnn.hard_swish %moved {qnn.range = [#qnn.range<-0.375, 6.0>]} : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %2 = qnn.conv2d %1, %w {qnn.range = [#qnn.range<-1.0, 6.0>]} : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  return %2 : tensor<1x1x1x1xf32>
}

// A table of which integer ops read rows is quantized where it lies; the indices are no
// reals.
// CHECK-LABEL: func @embedding
// CHECK: %[[T:.*]] = qnn.constant dense<{{.*}}> : tensor<2x2xui8> : tensor<2x2x!quant.uniform<u8:f32, 1.000000e+00>>
// CHECK: %[[E:.*]] = qnn.gather %[[T]], %arg0 {axis = 0 : i64} : {{.*}} -> tensor<1x3x2x!quant.uniform<u8:f32, 1.000000e+00>>
// CHECK: qnn.matmul %[[E]]
func.func @embedding(%i: tensor<1x3xi64>) -> tensor<1x3x2xf32> {
  %t = qnn.constant dense<[[0.0, 255.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %w = qnn.constant dense<1.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.gather %t, %i {axis = 0 : i64, qnn.range = [#qnn.range<0.0, 255.0>]} : (tensor<2x2xf32>, tensor<1x3xi64>) -> tensor<1x3x2xf32>
  %1 = qnn.matmul %0, %w {qnn.range = [#qnn.range<0.0, 510.0>]} : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
  return %1 : tensor<1x3x2xf32>
}

// Where floats read them, each row has a scale of its own: 255 / 127 and 4 / 127.
// CHECK-LABEL: func @embedding_for_floats
// CHECK: %[[B:.*]] = qnn.constant dense<{{\[\[}}0, 127], [95, 127]]> : tensor<2x2xi8>
// CHECK: qnn.gather %[[B]], %arg0 {axis = 0 : i64} : {{.*}} -> tensor<1x3x2x!quant.uniform<i8<-127:127>:f32, 1.000000e+00>>
// CHECK: %[[S:.*]] = qnn.gather {{.*}} -> tensor<1x3x1xf32>
// CHECK: %[[M:.*]] = qnn.mul %{{.*}}, %[[S]] {qnn.float_reason = "its table has bytes and a scale for each row"}
// CHECK: qnn.softmax %[[M]]
func.func @embedding_for_floats(%i: tensor<1x3xi64>) -> tensor<1x3x2xf32> {
  %t = qnn.constant dense<[[0.0, 255.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.gather %t, %i {axis = 0 : i64, qnn.range = [#qnn.range<0.0, 255.0>]} : (tensor<2x2xf32>, tensor<1x3xi64>) -> tensor<1x3x2xf32>
  %1 = qnn.softmax %0 {axis = 2 : i64, qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %1 : tensor<1x3x2xf32>
}

// Of two operands that are computed at run time, the right one gets its zero
// point in the middle. Scores beside a mask of −3.4e38 have no integer form, and
// what the softmax reads is never one.
// CHECK-LABEL: func @attention
// CHECK-DAG: %[[Q:.*]] = quant.qcast %arg0 {{.*}}u8:f32, 1.000000e+00:100>>
// CHECK-DAG: %[[K:.*]] = quant.qcast %arg1 {{.*}}u8:f32, 2.000000e+00:128>>
// CHECK-DAG: %[[V:.*]] = quant.qcast %arg3 {{.*}}:128>>
// CHECK: %[[S:.*]] = qnn.matmul %[[Q]], %[[K]] : {{.*}} -> tensor<1x3x3x!quant.uniform<i16:f32, {{.*}}>>
// CHECK: %[[R:.*]] = quant.dcast %[[S]]
// CHECK: qnn.add %[[R]], %{{.*}} {qnn.float_reason = "one of its operands would vanish beside the other in 8 bits"}
// CHECK: %[[P:.*]] = qnn.softmax
// CHECK: %[[PQ:.*]] = quant.qcast %[[P]] {{.*}}!quant.uniform<u8:f32, {{[^:]*}}>>
// CHECK: qnn.matmul %[[PQ]], %[[V]]
func.func @attention(%q: tensor<1x3x2xf32> {qnn.range = #qnn.range<-100.0, 155.0>}, %k: tensor<1x2x3xf32> {qnn.range = #qnn.range<-254.0, 1.0>}, %mask: tensor<1x1x3xf32> {qnn.range = #qnn.range<-3.4e38, 0.0>}, %v: tensor<1x3x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1x3x2xf32> {
  %0 = qnn.matmul %q, %k {qnn.range = [#qnn.range<-50.0, 50.0>]} : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  %1 = qnn.add %0, %mask {qnn.range = [#qnn.range<-3.4e38, 50.0>]} : (tensor<1x3x3xf32>, tensor<1x1x3xf32>) -> tensor<1x3x3xf32>
  %2 = qnn.softmax %1 {axis = 2 : i64, qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
  %3 = qnn.matmul %2, %v {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %3 : tensor<1x3x2xf32>
}

// The residual around a layer norm stays float: the sums reach it unrounded.
// CHECK-LABEL: func @residual
// CHECK: qnn.matmul {{.*}} -> tensor<3x2x!quant.uniform<i16:f32, {{.*}}>>
// CHECK: qnn.add %{{.*}}, %arg0 {qnn.float_reason = "what reads it is float"}
func.func @residual(%x: tensor<3x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<3x2xf32> {
  %w = qnn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %s = qnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-4.0, 4.0>]} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = qnn.add %0, %x {qnn.range = [#qnn.range<-5.0, 5.0>]} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = qnn.layer_norm %1, %s, %s {epsilon = 1.0e-5 : f32, qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// A hard swish of a convolution's sums reads those, not their bytes.
// CHECK-LABEL: @hard_swish_of_sums
//       CHECK:   %[[SUMS:.*]] = qnn.matmul {{.*}}!quant.uniform<i16<
//       CHECK:   %[[REALS:.*]] = quant.dcast %[[SUMS]]
//       CHECK:   %[[SWISH:.*]] = qnn.hard_swish %[[REALS]] {qnn.float_reason = "its argument would be rounded, too"}
//       CHECK:   %[[BYTES:.*]] = quant.qcast %[[SWISH]]
//       CHECK:   qnn.matmul %[[BYTES]]
func.func @hard_swish_of_sums(%x: tensor<1x1xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1x1xf32> {
  %w = qnn.constant dense<8.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-8.0, 8.0>]} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = qnn.hard_swish %0 {qnn.range = [#qnn.range<-0.375, 8.0>]} : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %2 = qnn.matmul %1, %w {qnn.range = [#qnn.range<-3.0, 64.0>]} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// A factor for each channel of a function of sums is one more before they are
// rounded, once.
// CHECK-LABEL: @scaled_function
//       CHECK:   %[[SUMS:.*]] = qnn.matmul {{.*}} -> tensor<1x2x!quant.uniform<i16<-362:11584>:f32, 0.0082872929
//       CHECK:   %[[REALS:.*]] = quant.dcast %[[SUMS]]
//       CHECK:   %[[SWISH:.*]] = qnn.hard_swish %[[REALS]] {qnn.float_reason = "its argument would be rounded, too"}
//       CHECK:   %[[SCALED:.*]] = qnn.mul %[[SWISH]], %{{.*}} {qnn.float_reason = "it scales each channel of unrounded sums"}
//       CHECK:   %[[BYTES:.*]] = quant.qcast %[[SCALED]]
//       CHECK:   qnn.matmul %[[BYTES]]
func.func @scaled_function(%x: tensor<1x1xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<1x2xf32> {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %w2 = qnn.constant dense<0.125> : tensor<2x2xf32> : tensor<2x2xf32>
  %inverses = qnn.constant dense<[8.0, 0.125]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<-64.0, 64.0>]} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = qnn.hard_swish %0 {qnn.range = [#qnn.range<0.0, 64.0>]} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.mul %1, %inverses {qnn.range = [#qnn.range<0.0, 8.0>]} : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %3 = qnn.matmul %2, %w2 {qnn.range = [#qnn.range<0.0, 8.0>]} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %3 : tensor<1x2xf32>
}

// A sigmoid sees nothing beyond ±7 in steps of its result, and beyond ±11 as a float:
// numbers that are only moved on their way to it don't reach further.
// CHECK-LABEL: @moved_to_sigmoid
//       CHECK:   qnn.matmul {{.*}} -> tensor<2x2x!quant.uniform<u8:f32, 0.054438{{[0-9]*}}:128>>
//       CHECK:   qnn.sigmoid {{.*}} -> tensor<2x2x!quant.uniform
//       CHECK:   qnn.matmul {{.*}} -> tensor<2x2x!quant.uniform<u8:f32, 0.087{{[0-9]*}}:127>>
//       CHECK:   qnn.sigmoid {{.*}} -> tensor<2x2xf32>
func.func @moved_to_sigmoid(%x: tensor<2x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = qnn.constant dense<64.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %little = qnn.constant dense<0.01> : tensor<f32> : tensor<f32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-128.0, 128.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = qnn.transpose %0 {permutation = array<i64: 1, 0>, qnn.range = [#qnn.range<-128.0, 128.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = qnn.sigmoid %1 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-128.0, 128.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %4 = qnn.transpose %3 {permutation = array<i64: 1, 0>, qnn.range = [#qnn.range<-128.0, 128.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = qnn.add %4, %little {qnn.range = [#qnn.range<-128.0, 128.0>]} : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %6 = qnn.sigmoid %5 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2, %6 : tensor<2x2xf32>, tensor<2x2xf32>
}

// A magnitude keeps its quiet parts: its squares' sum isn't one of 8 bits, nor what
// they are squares of a product of such.
// CHECK-LABEL: func @magnitude
// CHECK: qnn.matmul {{.*}}qnn.float_reason = "a function of its sums is too steep near 0"
// CHECK: qnn.mul {{.*}}qnn.float_reason = "its neighbours are float"
// CHECK: qnn.sqrt {{.*}}qnn.float_reason = "it is too steep near 0 for an argument of 8 bits"
// CHECK-NOT: qnn.float_reason
// CHECK: qnn.matmul {{.*}}!quant.uniform<u8:f32
// Where nothing may be float, 16 bits do.
// WIDE-LABEL: func @magnitude
// WIDE: qnn.matmul {{.*}} : (tensor<3x2x!quant.uniform<i16:f32, {{.*}}>>, {{.*}}) -> tensor<3x4x!quant.uniform<i16:f32, {{.*}}>>
// WIDE: qnn.sqrt {{.*}} -> tensor<3x2xf32>
// WIDE: qnn.matmul {{.*}} : (tensor<3x2x!quant.uniform<i16<0:32767>:f32, {{.*}}>>
func.func @magnitude(%x: tensor<3x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<3x8xf32> {
  %w = qnn.constant dense<1.0> : tensor<2x4xf32> : tensor<2x4xf32>
  %v = qnn.constant dense<1.0> : tensor<2x8xf32> : tensor<2x8xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<3x2xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %1 = qnn.slice %0 {offsets = array<i64: 0, 0>, sizes = array<i64: 3, 2>, strides = array<i64: 1, 1>, qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<3x4xf32>) -> tensor<3x2xf32>
  %2 = qnn.slice %0 {offsets = array<i64: 0, 2>, sizes = array<i64: 3, 2>, strides = array<i64: 1, 1>, qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<3x4xf32>) -> tensor<3x2xf32>
  %3 = qnn.mul %1, %1 {qnn.range = [#qnn.range<0.0, 4.0>]} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %4 = qnn.mul %2, %2 {qnn.range = [#qnn.range<0.0, 4.0>]} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %5 = qnn.add %3, %4 {qnn.range = [#qnn.range<0.0, 8.0>]} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %6 = qnn.sqrt %5 {qnn.range = [#qnn.range<0.0, 3.0>]} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %7 = qnn.matmul %6, %v {qnn.range = [#qnn.range<0.0, 6.0>]} : (tensor<3x2xf32>, tensor<2x8xf32>) -> tensor<3x8xf32>
  return %7 : tensor<3x8xf32>
}

// Far from 0 a root is as good as any function.
// CHECK-LABEL: func @flat_root
// CHECK: qnn.sqrt {{.*}}!quant.uniform
func.func @flat_root(%x: tensor<3x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<3x8xf32> {
  %w = qnn.constant dense<1.0> : tensor<2x8xf32> : tensor<2x8xf32>
  %0 = qnn.add %x, %x {qnn.range = [#qnn.range<1.0, 2.0>]} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = qnn.sqrt %0 {qnn.range = [#qnn.range<1.0, 1.5>]} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = qnn.matmul %1, %w {qnn.range = [#qnn.range<0.0, 6.0>]} : (tensor<3x2xf32>, tensor<2x8xf32>) -> tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// A sum that leaves as a probability isn't rounded before that, reshaped or not. One
// product an element isn't worth its quantization where all around it is float.
// CHECK-LABEL: func @probability
// CHECK: qnn.matmul {{.*}} -> tensor<3x8x!quant.uniform<i16:f32
// CHECK: qnn.sigmoid {{.*}}qnn.float_reason = "what reads it is float"
// CHECK: qnn.matmul {{.*}}qnn.float_reason = "it is small, and its neighbours are float"
func.func @probability(%x: tensor<3x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> (tensor<24xf32>, tensor<3x1xf32>) {
  %w = qnn.constant dense<1.0> : tensor<2x8xf32> : tensor<2x8xf32>
  %v = qnn.constant dense<1.0> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<3x2xf32>, tensor<2x8xf32>) -> tensor<3x8xf32>
  %1 = qnn.reshape %0 {qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<3x8xf32>) -> tensor<24xf32>
  %2 = qnn.sigmoid %1 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<24xf32>) -> tensor<24xf32>
  %3 = qnn.softmax %x {axis = 1, qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %4 = qnn.relu %3 {qnn.range = [#qnn.range<0.0, 1.0>]} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %5 = qnn.matmul %4, %v {qnn.range = [#qnn.range<0.0, 2.0>]} : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  return %2, %5 : tensor<24xf32>, tensor<3x1xf32>
}

// The hidden state and the cell behind it have no type in common.
// CHECK-LABEL: func @state
// CHECK: qnn.lstm {{.*}} -> tensor<3x1x2xf32>
// CHECK: qnn.slice {{.*}}qnn.float_reason = "its operand is a hidden state beside a cell"
// CHECK: quant.qcast
// CHECK: qnn.matmul
func.func @state(%x: tensor<2x1x8xf32> {qnn.range = #qnn.range<-1.0, 1.0>}, %h: tensor<1x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<2x1x8xf32> {
  %r = qnn.constant dense<1.0> : tensor<2x8xf32> : tensor<2x8xf32>
  %0 = qnn.lstm %x, %r, %h, %h {with_cell = true, qnn.range = [#qnn.range<-40.0, 40.0>]} : (tensor<2x1x8xf32>, tensor<2x8xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  %1 = qnn.slice %0 {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 2, 1, 2>, strides = array<i64: 1, 1, 1>, qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<3x1x2xf32>) -> tensor<2x1x2xf32>
  %2 = qnn.matmul %1, %r {qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<2x1x2xf32>, tensor<2x8xf32>) -> tensor<2x1x8xf32>
  return %2 : tensor<2x1x8xf32>
}

// Between its gates, which stay float, a GRU's products are of 8 bits.
// CHECK-LABEL: func @gated
// CHECK: %[[W:.*]] = qnn.constant {{.*}} : tensor<2x6x!quant.uniform<i8<-127:127>:f32:1, {{.*}}>>
// CHECK: qnn.gru %{{.*}}, %[[W]], %{{.*}} {qnn.float_reason = "its gates do: its products are of 8 bits"}
func.func @gated(%x: tensor<2x1x6xf32> {qnn.range = #qnn.range<-1.0, 1.0>}, %h: tensor<1x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<2x1x2xf32> {
  %r = qnn.constant dense<1.0> : tensor<2x6xf32> : tensor<2x6xf32>
  %0 = qnn.gru %x, %r, %h {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<2x1x6xf32>, tensor<2x6xf32>, tensor<1x2xf32>) -> tensor<2x1x2xf32>
  return %0 : tensor<2x1x2xf32>
}
