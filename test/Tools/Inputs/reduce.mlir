!t = tensor<1x4x4x2x!quant.uniform<u8:f32, 0.1:128>>
func.func @f(%x: !t, %y: !t) -> !t {
  %0 = qnn.max_pool2d %x {kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>} : (!t) -> !t
  %1 = qnn.exp %0 : (!t) -> !t
  %2 = qnn.div %1, %y : (!t, !t) -> !t
  %3 = qnn.relu %2 : (!t) -> !t
  %4 = qnn.add %3, %0 : (!t, !t) -> !t
  return %4 : !t
}
