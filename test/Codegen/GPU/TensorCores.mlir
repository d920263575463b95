// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels="arch=sm_80 model-name=net" | FileCheck %s
// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels=arch=sm_75 | FileCheck %s --check-prefix=SM75

// One gpu.module with a function, launched with its sizes; weights, arena and
// arguments as on a CPU.
// CHECK: module attributes {{.*}}gpu.container_module
// CHECK: memref.global "private" constant @net_weights : memref<{{[0-9]+}}xi8>
// CHECK: gpu.module @net_kernels
// CHECK: gpu.func @k0_conv2d(%[[X:.*]]: memref<16384xi8>, %[[Y:.*]]: memref<25088xi8>, %{{.*}}: memref<{{[0-9]+}}xi8>)
// CHECK-SAME: workgroup(%[[S:.*]] : memref<{{[0-9]+}}xi8, #gpu.address_space<workgroup>>
// CHECK-SAME: known_block_size = array<i32: 64, 1, 1>
// Copies of 16 bytes ahead of the first slice, a barrier, then the loop.
// CHECK: nvgpu.device_async_copy %[[X]]{{.*}} %[[S]]{{.*}}, 16 {bypassL1}
// CHECK: nvgpu.device_async_wait %{{.*}} {numGroups = 2 : i32}
// CHECK-NEXT: gpu.barrier
// CHECK: scf.for
// CHECK: nvgpu.device_async_copy
// CHECK: nvgpu.device_async_create_group
// CHECK: nvgpu.ldmatrix %[[S]]{{.*}} {numTiles = 4 : i32, transpose = false}
// CHECK: nvvm.mma.sync
// CHECK-SAME: multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>
// CHECK-SAME: shape = #nvvm.shape<m = 16, n = 8, k = 32>
// CHECK: nvgpu.device_async_wait
// CHECK-NEXT: gpu.barrier
// CHECK: scf.yield
// Eight neighbouring channels a thread, requantized in registers.
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK: vector.store {{.*}} %[[Y]]{{.*}} {alignment = 8 : i64} : memref<25088xi8>, vector<8xi8>
// CHECK: func.func @net_run(%{{.*}}: memref<16384xi8>, %{{.*}}: memref<25088xi8>, %{{.*}}: memref<{{[0-9]+}}xi8>)
// CHECK: gpu.launch_func @net_kernels::@k0_conv2d blocks in

// Before sm_80: through registers, and four products of 8 × 8 × 16.
// SM75-NOT: nvgpu.device_async_copy
// SM75: gpu.func @k0_conv2d
// SM75: vector.load {{.*}} vector<16xi8>
// SM75: vector.store {{.*}} #gpu.address_space<workgroup>>, vector<16xi8>
// SM75: nvgpu.ldmatrix
// SM75-COUNT-4: shape = #nvvm.shape<m = 8, n = 8, k = 16>
func.func @main(%x: tensor<1x16x16x64xui8>) -> tensor<1x14x14x128xui8> {
  %w = dyadic.constant dense<1> : tensor<128x3x3x64xi8> : tensor<128x3x3x64xi8>
  %b = dyadic.constant dense<1> : tensor<128xi32> : tensor<128xi32>
  %acc = dyadic.conv2d %x, %w, %b : (tensor<1x16x16x64xui8>, tensor<128x3x3x64xi8>, tensor<128xi32>) -> tensor<1x14x14x128xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 36>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x14x14x128xi32>) -> tensor<1x14x14x128xui8>
  return %y : tensor<1x14x14x128xui8>
}

// -----

// Three channels: the bytes of a pixel lie at any address and go through
// registers on every GPU.
// CHECK-LABEL: gpu.func @k0_conv2d(%{{.*}}: memref<12675xi8>
// CHECK-NOT: nvgpu.device_async_copy
// CHECK: memref.load %{{.*}} : memref<12675xi8>
// CHECK: nvvm.mma.sync
func.func @main(%x: tensor<1x65x65x3xui8>) -> tensor<1x32x32x32xui8> {
  %w = dyadic.constant dense<1> : tensor<32x3x3x3xi8> : tensor<32x3x3x3xi8>
  %b = dyadic.constant dense<1> : tensor<32xi32> : tensor<32xi32>
  %acc = dyadic.conv2d %x, %w, %b {strides = array<i64: 2, 2>} : (tensor<1x65x65x3xui8>, tensor<32x3x3x3xi8>, tensor<32xi32>) -> tensor<1x32x32x32xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x32x32x32xi32>) -> tensor<1x32x32x32xui8>
  return %y : tensor<1x32x32x32xui8>
}
