// RUN: dyadic-opt --emit-form-teams --split-input-file --verify-diagnostics %s | FileCheck %s

func.func private @shared(%x: memref<8xi8>, %thread: index)
func.func private @alone(%x: memref<8xi8>)

// CHECK-LABEL: func.func private @m_run.thread(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %[[T:.*]]: i64, %[[N:.*]]: i64, %[[G:.*]]: !llvm.ptr)
// CHECK: %[[NUMBER:.*]] = arith.index_cast %[[T]]
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[N]]
// Nobody waits at the start; the first thread does what isn't shared.
// CHECK-NOT: dyadic_team_wait
// CHECK: scf.if
// CHECK-NEXT: func.call @alone
// CHECK: llvm.call @dyadic_team_wait(%[[G]], %[[T]], %[[N]])
// A team may be smaller than what the kernels are divided for.
// CHECK: scf.for %[[I:.*]] = %[[NUMBER]] to %{{.*}} step %[[COUNT]]
// CHECK-NEXT: func.call @shared(%{{.*}}, %[[I]])
// CHECK: llvm.call @dyadic_team_wait
// CHECK: scf.for
// Two calls on one thread need no wait in between; what they use comes before.
// CHECK: llvm.call @dyadic_team_wait
// CHECK-NEXT: memref.view
// CHECK-NEXT: scf.if
// CHECK-NEXT: func.call @alone
// CHECK-NEXT: func.call @alone
// CHECK-NOT: dyadic_team_wait
// CHECK: return
// The team gets what the function got, by address, and a line for each thread.
// CHECK-LABEL: func.func @m_run(
// CHECK-DAG: llvm.alloca %{{.*}} x !llvm.ptr
// CHECK-DAG: %[[GATES:.*]] = llvm.alloca %{{.*}} x i8 {alignment = 64 : i64}
// CHECK-DAG: constant @m_run.thread
// CHECK-DAG: %[[THREADS:.*]] = arith.constant 3 : i64
// CHECK: llvm.call @dyadic_run_team(%{{.*}}, %{{.*}}, %[[THREADS]], %[[GATES]])
// CHECK-NEXT: return
func.func @m_run(%x: memref<8xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  call @alone(%x) : (memref<8xi8>) -> ()
  scf.parallel (%t) = (%c0) to (%c3) step (%c1) {
    func.call @shared(%x, %t) : (memref<8xi8>, index) -> ()
  }
  scf.parallel (%t) = (%c0) to (%c2) step (%c1) {
    func.call @shared(%x, %t) : (memref<8xi8>, index) -> ()
  }
  call @alone(%x) : (memref<8xi8>) -> ()
  %v = memref.view %x[%c0][] : memref<8xi8> to memref<8xi8>
  call @alone(%v) : (memref<8xi8>) -> ()
  return
}

// -----

// A length is a number, not an address; what it means is read by each thread that needs it.
// CHECK-LABEL: func.func private @m_run.thread(
// CHECK: %[[X:.*]] = llvm.load {{.*}} -> !llvm.ptr
// CHECK: %[[LOADED:.*]] = llvm.load {{.*}} -> i64
// CHECK: %[[LENGTH:.*]] = arith.index_cast %[[LOADED]] : i64 to index
// CHECK: memref.load {{.*}}[%[[LENGTH]]]
// CHECK-NEXT: scf.if
// CHECK-NEXT: func.call @alone(%{{.*}}, %[[LENGTH]])
// CHECK: scf.for
// CHECK: func.call @shared(
// CHECK-LABEL: func.func @m_run(
// CHECK: %[[NUMBER:.*]] = arith.index_cast %arg1 : index to i64
// CHECK: llvm.store %[[NUMBER]]
memref.global "private" constant @extents : memref<4xindex> = dense<[1, 2, 3, 4]>
func.func private @shared(%x: memref<8xi8>, %extent: index, %thread: index)
func.func private @alone(%x: memref<8xi8>, %length: index)
func.func @m_run(%x: memref<8xi8>, %length: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %all = memref.get_global @extents : memref<4xindex>
  %extent = memref.load %all[%length] : memref<4xindex>
  call @alone(%x, %length) : (memref<8xi8>, index) -> ()
  scf.parallel (%t) = (%c0) to (%c3) step (%c1) {
    func.call @shared(%x, %extent, %t) : (memref<8xi8>, index, index) -> ()
  }
  return
}

// -----

// One thread: nothing is there for more.
// CHECK-LABEL: func.func @m_run(
// CHECK-NEXT: call @alone
// CHECK-NEXT: return
// CHECK-NOT: dyadic_
func.func private @alone(%x: memref<8xi8>)
func.func @m_run(%x: memref<8xi8>) {
  call @alone(%x) : (memref<8xi8>) -> ()
  return
}

// -----

func.func private @shared(%x: memref<8xi8>, %thread: index)
func.func @m_run(%x: memref<8xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{expected a parallel loop of calls from 0 to a constant in steps of 1}}
  scf.parallel (%t) = (%c0) to (%n) step (%c1) {
    func.call @shared(%x, %t) : (memref<8xi8>, index) -> ()
  }
  return
}
