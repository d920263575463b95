//===- GemmTest.cpp - a GEMM as kernels are written -----------------------===//
//
// Y[64x16] = X[64x128] (u8) times W[16x128] transposed (s8), by blocks of two
// warps: cp.async into two swizzled stages of workgroup memory, ldmatrix, mma.
// That ldmatrix hands out what mma wants in this way is how both are used
// everywhere; a wrong fragment in either shows here.
//
//===----------------------------------------------------------------------===//
#include "EmulateTest.h"

using namespace dyadic;

namespace {
class GemmTest : public EmulateTest {
protected:
  static constexpr int kRows = 64, kColumns = 16, kDepth = 128;

  /// A stage has 32 rows of X and 16 of W, each with 64 bytes in four parts of
  /// 16; part p of row r lies at place p xor (r / 2) % 4, so that the eight
  /// rows of a matrix are in different banks. `wait` comes before a stage is
  /// read, `barrier` behind that.
  static std::string kernel(const std::string &wait, const std::string &barrier,
                            const std::string &last) {
    return R"(
#wg = #gpu.address_space<workgroup>
module attributes {gpu.container_module} {
  gpu.module @kernels [#nvvm.target<chip = "sm_80">] {
    gpu.func @gemm(%x: memref<8192xi8>, %w: memref<2048xi8>, %y: memref<64x16xi32>)
        workgroup(%s: memref<6144xi8, #wg> {llvm.align = 16 : i64}) kernel
        attributes {known_block_size = array<i32: 64, 1, 1>} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c7 = arith.constant 7 : index
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      %c32 = arith.constant 32 : index
      %c64 = arith.constant 64 : index
      %c128 = arith.constant 128 : index
      %c2048 = arith.constant 2048 : index
      %c3072 = arith.constant 3072 : index
      %tid = gpu.thread_id x
      %bid = gpu.block_id x
      %lane = arith.remui %tid, %c32 : index
      %warp = arith.divui %tid, %c32 : index
      %row0 = arith.muli %bid, %c32 : index
      %fill = arith.constant 0 : i32

      // Thread t copies part t % 4 of row t / 4: rows 0 to 15, 16 to 31, and W.
      %part = arith.remui %tid, %c4 : index
      %line = arith.divui %tid, %c4 : index
      %half = arith.divui %line, %c2 : index
      %key = arith.remui %half, %c4 : index
      %swizzled = arith.xori %part, %key : index
      %swizzledByte = arith.muli %swizzled, %c16 : index
      %lineByte = arith.muli %line, %c64 : index
      %place = arith.addi %lineByte, %swizzledByte : index
      %partByte = arith.muli %part, %c16 : index
      %lineOfW = arith.muli %line, %c128 : index
      %fromW0 = arith.addi %lineOfW, %partByte : index
      %globalRow = arith.addi %row0, %line : index
      %lineOfX = arith.muli %globalRow, %c128 : index
      %fromX0 = arith.addi %lineOfX, %partByte : index
      scf.for %stage = %c0 to %c2 step %c1 {
        %k = arith.muli %stage, %c64 : index
        %base = arith.muli %stage, %c3072 : index
        %fromX = arith.addi %fromX0, %k : index
        %fromX2 = arith.addi %fromX, %c2048 : index
        %fromW = arith.addi %fromW0, %k : index
        %to = arith.addi %base, %place : index
        %c1024 = arith.constant 1024 : index
        %to2 = arith.addi %to, %c1024 : index
        %to3 = arith.addi %to, %c2048 : index
        %0 = nvgpu.device_async_copy %x[%fromX], %s[%to], 16 {bypassL1} : memref<8192xi8> to memref<6144xi8, #wg>
        %1 = nvgpu.device_async_copy %x[%fromX2], %s[%to2], 16 {bypassL1} : memref<8192xi8> to memref<6144xi8, #wg>
        %2 = nvgpu.device_async_copy %w[%fromW], %s[%to3], 16 {bypassL1} : memref<2048xi8> to memref<6144xi8, #wg>
        %3 = nvgpu.device_async_create_group %0, %1, %2
      }

      // Lane l gives the address of row l % 16 of its warp's tile, part l / 16;
      // of W that of row l % 8, part (l / 8) % 2, with 8 rows more from lane 16 on.
      %rowInTile = arith.remui %lane, %c16 : index
      %partOfA = arith.divui %lane, %c16 : index
      %tile = arith.muli %warp, %c16 : index
      %rowOfA = arith.addi %tile, %rowInTile : index
      %a1 = arith.divui %rowOfA, %c2 : index
      %keyOfA = arith.remui %a1, %c4 : index
      %lineOfA = arith.muli %rowOfA, %c64 : index
      %b1 = arith.remui %lane, %c8 : index
      %b2 = arith.muli %partOfA, %c8 : index
      %rowOfB = arith.addi %b1, %b2 : index
      %b3 = arith.divui %lane, %c8 : index
      %partOfB = arith.remui %b3, %c2 : index
      %b4 = arith.divui %rowOfB, %c2 : index
      %keyOfB = arith.remui %b4, %c4 : index
      %b5 = arith.muli %rowOfB, %c64 : index
      %lineOfB = arith.addi %b5, %c2048 : index

      %zero = arith.constant dense<0> : vector<8xi32>
      %sum = scf.for %stage = %c0 to %c2 step %c1 iter_args(%acc = %zero) -> (vector<8xi32>) {
        %base = arith.muli %stage, %c3072 : index
        %isFirst = arith.cmpi eq, %stage, %c0 : index
        %token = nvgpu.device_async_create_group
        scf.if %isFirst {
          )" +
           wait + R"(
        } else {
          )" +
           last + R"(
        }
        )" +
           barrier + R"(
        %result = scf.for %step = %c0 to %c2 step %c1 iter_args(%d = %acc) -> (vector<8xi32>) {
          %first = arith.muli %step, %c2 : index
          %pa = arith.addi %first, %partOfA : index
          %sa = arith.xori %pa, %keyOfA : index
          %ba = arith.muli %sa, %c16 : index
          %la = arith.addi %lineOfA, %ba : index
          %atA = arith.addi %base, %la : index
          %pb = arith.addi %first, %partOfB : index
          %sb = arith.xori %pb, %keyOfB : index
          %bb = arith.muli %sb, %c16 : index
          %lb = arith.addi %lineOfB, %bb : index
          %atB = arith.addi %base, %lb : index
          %fa = nvgpu.ldmatrix %s[%atA] {numTiles = 4 : i32, transpose = false} : memref<6144xi8, #wg> -> vector<4x4xi8>
          %fb = nvgpu.ldmatrix %s[%atB] {numTiles = 4 : i32, transpose = false} : memref<6144xi8, #wg> -> vector<4x4xi8>
          %ra = vector.bitcast %fa : vector<4x4xi8> to vector<4x1xi32>
          %rb = vector.bitcast %fb : vector<4x4xi8> to vector<4x1xi32>
          %A0 = vector.extract %ra[0, 0] : i32 from vector<4x1xi32>
          %A1 = vector.extract %ra[1, 0] : i32 from vector<4x1xi32>
          %A2 = vector.extract %ra[2, 0] : i32 from vector<4x1xi32>
          %A3 = vector.extract %ra[3, 0] : i32 from vector<4x1xi32>
          %B0 = vector.extract %rb[0, 0] : i32 from vector<4x1xi32>
          %B1 = vector.extract %rb[1, 0] : i32 from vector<4x1xi32>
          %B2 = vector.extract %rb[2, 0] : i32 from vector<4x1xi32>
          %B3 = vector.extract %rb[3, 0] : i32 from vector<4x1xi32>
          %C:8 = vector.to_elements %d : vector<8xi32>
          %D0 = nvvm.mma.sync A[%A0, %A1, %A2, %A3] B[%B0, %B1] C[%C#0, %C#1, %C#2, %C#3]
            {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
             multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>,
             intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>,
             shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
          %D1 = nvvm.mma.sync A[%A0, %A1, %A2, %A3] B[%B2, %B3] C[%C#4, %C#5, %C#6, %C#7]
            {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
             multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>,
             intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>,
             shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
          %e0 = llvm.extractvalue %D0[0] : !llvm.struct<(i32, i32, i32, i32)>
          %e1 = llvm.extractvalue %D0[1] : !llvm.struct<(i32, i32, i32, i32)>
          %e2 = llvm.extractvalue %D0[2] : !llvm.struct<(i32, i32, i32, i32)>
          %e3 = llvm.extractvalue %D0[3] : !llvm.struct<(i32, i32, i32, i32)>
          %e4 = llvm.extractvalue %D1[0] : !llvm.struct<(i32, i32, i32, i32)>
          %e5 = llvm.extractvalue %D1[1] : !llvm.struct<(i32, i32, i32, i32)>
          %e6 = llvm.extractvalue %D1[2] : !llvm.struct<(i32, i32, i32, i32)>
          %e7 = llvm.extractvalue %D1[3] : !llvm.struct<(i32, i32, i32, i32)>
          %next = vector.from_elements %e0, %e1, %e2, %e3, %e4, %e5, %e6, %e7 : vector<8xi32>
          scf.yield %next : vector<8xi32>
        }
        scf.yield %result : vector<8xi32>
      }

      // Lane l has columns 2(l % 4) and one more of rows l / 4 and l / 4 + 8.
      %g = arith.divui %lane, %c4 : index
      %t = arith.remui %lane, %c4 : index
      %column = arith.muli %t, %c2 : index
      %column8 = arith.addi %column, %c8 : index
      %r1 = arith.addi %row0, %tile : index
      %upper = arith.addi %r1, %g : index
      %lower = arith.addi %upper, %c8 : index
      %p0 = vector.extract_strided_slice %sum {offsets = [0], sizes = [2], strides = [1]} : vector<8xi32> to vector<2xi32>
      %p1 = vector.extract_strided_slice %sum {offsets = [2], sizes = [2], strides = [1]} : vector<8xi32> to vector<2xi32>
      %p2 = vector.extract_strided_slice %sum {offsets = [4], sizes = [2], strides = [1]} : vector<8xi32> to vector<2xi32>
      %p3 = vector.extract_strided_slice %sum {offsets = [6], sizes = [2], strides = [1]} : vector<8xi32> to vector<2xi32>
      vector.store %p0, %y[%upper, %column] {alignment = 8 : i64} : memref<64x16xi32>, vector<2xi32>
      vector.store %p1, %y[%lower, %column] {alignment = 8 : i64} : memref<64x16xi32>, vector<2xi32>
      vector.store %p2, %y[%upper, %column8] {alignment = 8 : i64} : memref<64x16xi32>, vector<2xi32>
      vector.store %p3, %y[%lower, %column8] {alignment = 8 : i64} : memref<64x16xi32>, vector<2xi32>
      gpu.return
    }
  }
  memref.global "private" constant @m_weights : memref<2048xi8> = dense<0> {alignment = 64}
  func.func @m_run(%x: memref<8192xi8>, %w: memref<2048xi8>, %y: memref<64x16xi32>) {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c64 = arith.constant 64 : index
    gpu.launch_func @kernels::@gemm blocks in (%c2, %c1, %c1) threads in (%c64, %c1, %c1)
      args(%x : memref<8192xi8>, %w : memref<2048xi8>, %y : memref<64x16xi32>)
    return
  }
}
)";
  }
};

// The loop commits an empty group in each turn: in the first, one more of the
// two copied ones may be missing.
const std::string kWaitAllButTwo =
                      "nvgpu.device_async_wait %token {numGroups = 2 : i32}",
                  kWaitAll =
                      "nvgpu.device_async_wait %token {numGroups = 0 : i32}",
                  kBarrier = "gpu.barrier";

TEST_F(GemmTest, EqualsLoops) {
  auto x = random<uint8_t>(kRows * kDepth, 0, 255);
  auto w = random<int8_t>(kColumns * kDepth, -127, 127);
  std::vector<int32_t> y(kRows * kColumns, -1);
  ASSERT_TRUE(run(kernel(kWaitAllButTwo, kBarrier, kWaitAll),
                  {x.data(), w.data()}, {y.data()}))
      << errors;
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kColumns; ++j) {
      int32_t sum = 0;
      for (int k = 0; k < kDepth; ++k)
        sum += x[i * kDepth + k] * w[j * kDepth + k];
      ASSERT_EQ(y[i * kColumns + j], sum) << i << ", " << j;
    }
}

TEST_F(GemmTest, MissingWait) {
  auto x = random<uint8_t>(kRows * kDepth, 0, 255);
  auto w = random<int8_t>(kColumns * kDepth, -127, 127);
  std::vector<int32_t> y(kRows * kColumns, -1);
  // The last stage is not waited for.
  EXPECT_FALSE(
      run(kernel(kWaitAllButTwo, kBarrier,
                 "nvgpu.device_async_wait %token {numGroups = 3 : i32}"),
          {x.data(), w.data()}, {y.data()}));
  EXPECT_NE(errors.find("has not been waited for"), std::string::npos)
      << errors;
}

TEST_F(GemmTest, MissingBarrier) {
  auto x = random<uint8_t>(kRows * kDepth, 0, 255);
  auto w = random<int8_t>(kColumns * kDepth, -127, 127);
  std::vector<int32_t> y(kRows * kColumns, -1);
  EXPECT_FALSE(run(kernel(kWaitAllButTwo, "", kWaitAll), {x.data(), w.data()},
                   {y.data()}));
  EXPECT_NE(errors.find("race: read by the whole warp of"), std::string::npos)
      << errors;
}
} // namespace
