// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// Read before the wait, if only by the thread that copies.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %copy
      gpu.barrier
      // expected-error @+1 {{thread (0, 0, 0): read of byte 0 of workgroup memory 0, where an asynchronous copy of thread (0, 0, 0) has not been waited for}}
      %v = vector.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// After the wait, but with no barrier: only the own bytes have arrived.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %copy
      nvgpu.device_async_wait %group
      %v = vector.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      %c124 = arith.constant 124 : index
      %j = arith.subi %c124, %i : index
      // expected-error @+1 {{thread (0, 0, 0): race: read of byte 124 of workgroup memory 0, which thread (31, 0, 0) wrote since the last barrier}}
      %w = vector.load %s[%j] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// A barrier before the wait is none behind it.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %copy
      gpu.barrier
      nvgpu.device_async_wait %group
      %c124 = arith.constant 124 : index
      %j = arith.subi %c124, %i : index
      // expected-error @+1 {{race: read of byte 124}}
      %w = vector.load %s[%j] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Waiting for all groups but one does not wait for the only one.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %copy
      nvgpu.device_async_wait %group {numGroups = 1 : i32}
      // expected-error @+1 {{has not been waited for}}
      %v = vector.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// A copy that is in no group is not waited for.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      nvgpu.device_async_wait %copy
      // expected-error @+1 {{has not been waited for}}
      %v = vector.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// A copy onto bytes that others may still read.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %z = arith.constant dense<0> : vector<4xi8>
      vector.store %z, %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.barrier
      %c124 = arith.constant 124 : index
      %j = arith.subi %c124, %i : index
      %w = vector.load %s[%j] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      // expected-error @+1 {{thread (0, 0, 0): race: asynchronous write of byte 0 of workgroup memory 0, which thread (31, 0, 0) read since the last barrier}}
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// They came with sm_80.
module attributes {gpu.container_module} {
  gpu.module @m_kernels [#nvvm.target<chip = "sm_75">] {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      // expected-error @+1 {{expected sm_80 or newer for asynchronous copies, but got sm_75}}
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %copy
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Two groups on their way, waited for one after the other; the second reads two
// bytes of each four, the rest is zeros.
// CHECK: 4 5 0 0 8 9 0 0
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %s2: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c31 = arith.constant 31 : index
      %last = arith.cmpi eq, %t, %c31 : index
      %i = arith.muli %t, %c4 : index
      %copy = nvgpu.device_async_copy %x[%i], %s[%i], 4 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group = nvgpu.device_async_create_group %copy
      %copy2 = nvgpu.device_async_copy %x[%i], %s2[%i], 4, %c2 : memref<256xi8> to memref<128xi8, #gpu.address_space<workgroup>>
      %group2 = nvgpu.device_async_create_group %copy2
      nvgpu.device_async_wait %group {numGroups = 1 : i32}
      gpu.barrier
      %next = arith.addi %i, %c4 : index
      %j = arith.select %last, %i, %next : index
      %v = vector.load %s[%j] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      nvgpu.device_async_wait %group2
      gpu.barrier
      %w = vector.load %s2[%j] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      %m = arith.minsi %v, %w : vector<4xi8>
      vector.store %m, %y[%i] : memref<256xi8>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}
