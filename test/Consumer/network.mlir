func.func @main(%x: tensor<1x4x4x8xf32> {qnn.range = #qnn.range<-1.0 : f64, 1.0 : f64>}) -> tensor<1x4x4x8xf32> {
  %w = qnn.constant dense<0.25> : tensor<8x1x1x8xf32> : tensor<8x1x1x8xf32>
  %0 = qnn.conv2d %x, %w {qnn.range = [#qnn.range<-8.0 : f64, 8.0 : f64>]} : (tensor<1x4x4x8xf32>, tensor<8x1x1x8xf32>) -> tensor<1x4x4x8xf32>
  %1 = qnn.relu %0 {qnn.range = [#qnn.range<0.0 : f64, 8.0 : f64>]} : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  return %1 : tensor<1x4x4x8xf32>
}
