// RUN: dyadic-opt %s --emit-print-ptx=arch=sm_80 -o /dev/null | FileCheck %s --implicit-check-not=.extern

// The oldest PTX that has everything: more drivers load it.
// CHECK: .version 7.0
// CHECK-NEXT: .target sm_80
module attributes {gpu.container_module} {
  memref.global "private" constant @m_weights : memref<128xi8> = dense<1>
  gpu.module @m_kernels {
    // Bytes move 16 at a time, since every launch passes aligned addresses; what
    // is only read goes through the read-only cache. Multiplications and
    // additions stay apart, a square root and a division are exact.
    // CHECK-LABEL: .entry k0_scale(
    // CHECK: .maxntid 64, 1, 1
    // CHECK: ld.global.nc.v4.b32
    // CHECK: mul.rn.f32
    // CHECK: add.rn.f32
    // CHECK: fma.rn.f32
    // CHECK: cvt.rni.f32.f32
    // CHECK: sqrt.rn.f32
    // CHECK: rcp.rn.f32
    // CHECK: st.global.v4.b32
    gpu.func @k0_scale(%in: memref<1024xi8>, %out: memref<1024xi8>, %c: memref<64xi8>) kernel
        attributes {known_block_size = array<i32: 64, 1, 1>} {
      %c16 = arith.constant 16 : index
      %c0 = arith.constant 0 : index
      %tid = gpu.thread_id x
      %o = arith.muli %tid, %c16 : index
      %v = vector.load %in[%o] : memref<1024xi8>, vector<16xi8>
      %cv = vector.load %c[%c0] : memref<64xi8>, vector<4xi8>
      %cf = vector.bitcast %cv : vector<4xi8> to vector<1xf32>
      %cs = vector.extract %cf[0] : f32 from vector<1xf32>
      %bc = vector.broadcast %cs : f32 to vector<16xf32>
      %e = arith.extui %v : vector<16xi8> to vector<16xi32>
      %f = arith.sitofp %e : vector<16xi32> to vector<16xf32>
      %m = arith.mulf %f, %bc : vector<16xf32>
      %a = arith.addf %m, %bc : vector<16xf32>
      %x = math.exp %a : vector<16xf32>
      %r = math.roundeven %x : vector<16xf32>
      %s = math.rsqrt %r : vector<16xf32>
      %g = arith.fptosi %s : vector<16xf32> to vector<16xi32>
      %t = arith.trunci %g : vector<16xi32> to vector<16xi8>
      vector.store %t, %out[%o] : memref<1024xi8>, vector<16xi8>
      gpu.return
    }

    // CHECK-LABEL: .entry k1_mma(
    // CHECK: cp.async.cg.shared.global
    // CHECK: cp.async.commit_group
    // CHECK: cp.async.wait_group
    // CHECK: bar.sync
    // CHECK: ldmatrix.sync.aligned.m8n8.x4.shared.b16
    // CHECK: mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32
    // CHECK: dp4a.u32.s32
    // CHECK: shfl.sync.bfly.b32
    gpu.func @k1_mma(%in: memref<1024xi8>, %out: memref<1024xi8>, %c: memref<64xi8>)
        workgroup(%bytes: memref<4096xi8, #gpu.address_space<workgroup>>) kernel
        attributes {known_block_size = array<i32: 32, 1, 1>} {
      %tid = gpu.thread_id x
      %c16 = arith.constant 16 : index
      %p = arith.muli %tid, %c16 : index
      %token = nvgpu.device_async_copy %in[%p], %bytes[%p], 16 {bypassL1} : memref<1024xi8> to memref<4096xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %token
      nvgpu.device_async_wait %group {numGroups = 0 : i32}
      gpu.barrier
      %fragment = nvgpu.ldmatrix %bytes[%p] {numTiles = 4 : i32, transpose = false} : memref<4096xi8, #gpu.address_space<workgroup>> -> vector<4x4xi8>
      %v0 = vector.extract %fragment[0] : vector<4xi8> from vector<4x4xi8>
      %v1 = vector.extract %fragment[1] : vector<4xi8> from vector<4x4xi8>
      %b0 = vector.bitcast %v0 : vector<4xi8> to vector<1xi32>
      %b1 = vector.bitcast %v1 : vector<4xi8> to vector<1xi32>
      %a0 = vector.extract %b0[0] : i32 from vector<1xi32>
      %a1 = vector.extract %b1[0] : i32 from vector<1xi32>
      %zero = arith.constant 0 : i32
      %d = nvvm.mma.sync A[%a0, %a1, %a0, %a1] B[%a0, %a1] C[%zero, %zero, %zero, %zero] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>, intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
      %d0 = llvm.extractvalue %d[0] : !llvm.struct<(i32, i32, i32, i32)>
      %dp = nvvm.dot.accumulate.4way %v0 <unsigned>, %v1 <signed>, %d0 : vector<4xi8>, vector<4xi8>
      %c1 = arith.constant 1 : i32
      %c32 = arith.constant 32 : i32
      %other, %valid = gpu.shuffle xor %dp, %c1, %c32 : i32
      %sum = arith.addi %dp, %other : i32
      %sv = vector.from_elements %sum : vector<1xi32>
      %sb = vector.bitcast %sv : vector<1xi32> to vector<4xi8>
      vector.store %sb, %out[%p] : memref<1024xi8>, vector<4xi8>
      gpu.return
    }
  }

  func.func @m_run(%x: memref<1024xi8>, %y: memref<1024xi8>, %arena: memref<4096xi8>) {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %c1024 = arith.constant 1024 : index
    %g = memref.get_global @m_weights : memref<128xi8>
    %w = memref.view %g[%c64][] : memref<128xi8> to memref<64xi8>
    %a = memref.view %arena[%c1024][] : memref<4096xi8> to memref<1024xi8>
    gpu.launch_func @m_kernels::@k0_scale blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<1024xi8>, %a : memref<1024xi8>, %w : memref<64xi8>)
    gpu.launch_func @m_kernels::@k1_mma blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%a : memref<1024xi8>, %y : memref<1024xi8>, %w : memref<64xi8>)
    return
  }
}
