// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// Half of the threads go to a barrier.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c16 = arith.constant 16 : index
      %half = arith.cmpi ult, %t, %c16 : index
      scf.if %half {
        // expected-error @+1 {{thread (16, 0, 0): this thread does not get to the barrier where others wait}}
        gpu.barrier
      }
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

// A whole warp, but not the other one.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c32 = arith.constant 32 : index
      %half = arith.cmpi ult, %t, %c32 : index
      scf.if %half {
        // expected-error @+1 {{thread (32, 0, 0): this thread does not get to the barrier}}
        gpu.barrier
      }
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 64 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// As often as the thread has a number.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.for %i = %c0 to %t step %c1 {
        // expected-error @+1 {{thread (0, 0, 0): this thread does not get to the barrier}}
        gpu.barrier
      }
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

// A shuffle of half a warp.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c16 = arith.constant 16 : index
      %one = arith.constant 1 : i32
      %width = arith.constant 32 : i32
      %half = arith.cmpi ult, %t, %c16 : index
      scf.if %half {
        // expected-error @+1 {{thread (16, 0, 0): the whole warp must run this op, but this thread is inactive}}
        %v, %valid = gpu.shuffle xor %one, %one, %width : i32
      }
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

// A last warp that is not full.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %one = arith.constant 1 : i32
      %width = arith.constant 32 : i32
      // expected-error @+1 {{thread (39, 0, 0): the whole warp must run this op, but the block's last warp has only 8 threads}}
      %v, %valid = gpu.shuffle xor %one, %one, %width : i32
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 40 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Half a warp as the shuffle's width: the other half takes no part in it.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %one = arith.constant 1 : i32
      %width = arith.constant 16 : i32
      // expected-error @+1 {{expected a shuffle of 32 lanes, but got 16}}
      %v, %valid = gpu.shuffle xor %one, %one, %width : i32
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

// mma.sync and ldmatrix of half a warp.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c16 = arith.constant 16 : index
      %a = arith.constant 0 : i32
      %half = arith.cmpi ult, %t, %c16 : index
      scf.if %half {
        // expected-error @+1 {{the whole warp must run this op}}
        %d = nvvm.mma.sync A[%a] B[%a] C[%a, %a] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>, intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, shape = #nvvm.shape<m = 8, n = 8, k = 16>} : (i32, i32, i32) -> !llvm.struct<(i32, i32)>
      }
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

module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c16 = arith.constant 16 : index
      %half = arith.cmpi ult, %t, %c16 : index
      scf.if %half {
        // expected-error @+1 {{the whole warp must run this op}}
        %m = nvgpu.ldmatrix %s[%c0] {numTiles = 1 : i32, transpose = false} : memref<128xi8, #gpu.address_space<workgroup>> -> vector<1x4xi8>
      }
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

// Warps may differ in what they do together, and a condition that holds for all
// threads may have a barrier in it. Loops end thread by thread.
// CHECK: 1 0 3 2 5 4 {{.*}} 31 30 0 0 1 3 6 10 15
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c32 = arith.constant 32 : index
      %one = arith.constant 1 : i32
      %width = arith.constant 32 : i32
      %zero = arith.constant 0 : i32
      %first = arith.cmpi ult, %t, %c32 : index
      %r = scf.if %first -> (i32) {
        %id = arith.index_cast %t : index to i32
        %v, %valid = gpu.shuffle xor %id, %one, %width : i32
        scf.yield %v : i32
      } else {
        %end = arith.subi %t, %c32 : index
        %sum = scf.for %i = %c0 to %end step %c1 iter_args(%acc = %zero) -> (i32) {
          %n = arith.index_cast %i : index to i32
          %next = arith.addi %acc, %n : i32
          scf.yield %next : i32
        }
        scf.yield %sum : i32
      }
      %all = arith.cmpi uge, %t, %c0 : index
      scf.if %all {
        gpu.barrier
      }
      %byte = arith.trunci %r : i32 to i8
      memref.store %byte, %y[%t] : memref<256xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 64 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// On sm_75 all lanes give ldmatrix a row that is there, also those whose row is
// not loaded.
module attributes {gpu.container_module} {
  gpu.module @m_kernels [#nvvm.target<chip = "sm_75">] {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %c16 = arith.constant 16 : index
      %i = arith.muli %t, %c4 : index
      %v = arith.constant dense<1> : vector<4xi8>
      vector.store %v, %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.barrier
      %row = arith.muli %t, %c16 : index
      // expected-error @+1 {{thread (8, 0, 0): ldmatrix of 16 elements at index 128 is out of the bounds}}
      %m = nvgpu.ldmatrix %s[%row] {numTiles = 1 : i32, transpose = false} : memref<128xi8, #gpu.address_space<workgroup>> -> vector<1x4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%c1, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// On sm_80 only those whose row is loaded. Transposed, a lane has a column.
// CHECK: 0 1 16 17 32 33 48 49 64 65 80 81 96 97 12 13 2 3 18 19
module attributes {gpu.container_module} {
  gpu.module @m_kernels [#nvvm.target<chip = "sm_80">] {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      %v = vector.load %x[%i] : memref<256xi8>, vector<4xi8>
      vector.store %v, %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      gpu.barrier
      %c0 = arith.constant 0 : index
      %c8 = arith.constant 8 : index
      %half = memref.view %s[%c0][] : memref<128xi8, #gpu.address_space<workgroup>> to memref<64xi16, #gpu.address_space<workgroup>>
      %element = arith.muli %t, %c8 : index
      %m = nvgpu.ldmatrix %half[%element] {numTiles = 1 : i32, transpose = true} : memref<64xi16, #gpu.address_space<workgroup>> -> vector<1x2xi16>
      %pair = vector.extract %m[0] : vector<2xi16> from vector<1x2xi16>
      %f = vector.bitcast %pair : vector<2xi16> to vector<4xi8>
      vector.store %f, %y[%i] : memref<256xi8>, vector<4xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%c1, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}
