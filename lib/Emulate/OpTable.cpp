//===- OpTable.cpp --------------------------------------------------------===//
#include "OpTable.h"

#include "llvm/ADT/StringMap.h"

namespace dyadic::emulate {

static const OpEntry entries[] = {
    // Constants and what has no value yet.
    {"arith.constant", Flow::Uniform, compileConstant},
    {"llvm.mlir.constant", Flow::Uniform, compileConstant},
    {"llvm.mlir.undef", Flow::Uniform, compileUndefined},
    {"llvm.mlir.poison", Flow::Uniform, compileUndefined},
    {"llvm.mlir.zero", Flow::Uniform, compileUndefined},
    {"ub.poison", Flow::Uniform, compileUndefined},
    // Integers.
    {"arith.addi", Flow::Pure, compileElementwise, &addCode},
    {"arith.subi", Flow::Pure, compileElementwise, &subCode},
    {"arith.muli", Flow::Pure, compileElementwise, &mulCode},
    {"arith.divsi", Flow::Pure, compileElementwise, &divSCode},
    {"arith.divui", Flow::Pure, compileElementwise, &divUCode},
    {"arith.remsi", Flow::Pure, compileElementwise, &remSCode},
    {"arith.remui", Flow::Pure, compileElementwise, &remUCode},
    {"arith.ceildivsi", Flow::Pure, compileElementwise, &ceilDivSCode},
    {"arith.ceildivui", Flow::Pure, compileElementwise, &ceilDivUCode},
    {"arith.floordivsi", Flow::Pure, compileElementwise, &floorDivSCode},
    {"arith.andi", Flow::Pure, compileElementwise, &andCode},
    {"arith.ori", Flow::Pure, compileElementwise, &orCode},
    {"arith.xori", Flow::Pure, compileElementwise, &xorCode},
    {"arith.shli", Flow::Pure, compileElementwise, &shlCode},
    {"arith.shrsi", Flow::Pure, compileElementwise, &shrSCode},
    {"arith.shrui", Flow::Pure, compileElementwise, &shrUCode},
    {"arith.maxsi", Flow::Pure, compileElementwise, &maxSCode},
    {"arith.maxui", Flow::Pure, compileElementwise, &maxUCode},
    {"arith.minsi", Flow::Pure, compileElementwise, &minSCode},
    {"arith.minui", Flow::Pure, compileElementwise, &minUCode},
    {"math.absi", Flow::Pure, compileElementwise, &absCode},
    {"math.ctlz", Flow::Pure, compileElementwise, &ctlzCode},
    {"math.cttz", Flow::Pure, compileElementwise, &cttzCode},
    {"math.ctpop", Flow::Pure, compileElementwise, &ctpopCode},
    // Floats.
    {"arith.addf", Flow::Pure, compileElementwise, &addCode},
    {"arith.subf", Flow::Pure, compileElementwise, &subCode},
    {"arith.mulf", Flow::Pure, compileElementwise, &mulCode},
    {"arith.divf", Flow::Pure, compileElementwise, &divFCode},
    {"arith.remf", Flow::Pure, compileElementwise, &remFCode},
    {"arith.negf", Flow::Pure, compileElementwise, &negCode},
    {"arith.maximumf", Flow::Pure, compileElementwise, &maximumCode},
    {"arith.minimumf", Flow::Pure, compileElementwise, &minimumCode},
    {"arith.maxnumf", Flow::Pure, compileElementwise, &maxNumCode},
    {"arith.minnumf", Flow::Pure, compileElementwise, &minNumCode},
    {"math.fma", Flow::Pure, compileElementwise, &fmaCode},
    {"vector.fma", Flow::Pure, compileElementwise, &fmaCode},
    {"math.absf", Flow::Pure, compileElementwise, &absCode},
    {"math.sqrt", Flow::Pure, compileElementwise, &sqrtCode},
    {"math.rsqrt", Flow::Pure, compileElementwise, &rsqrtCode},
    {"math.exp", Flow::Pure, compileElementwise, &expCode},
    {"math.exp2", Flow::Pure, compileElementwise, &exp2Code},
    {"math.expm1", Flow::Pure, compileElementwise, &expM1Code},
    {"math.log", Flow::Pure, compileElementwise, &logCode},
    {"math.log2", Flow::Pure, compileElementwise, &log2Code},
    {"math.log1p", Flow::Pure, compileElementwise, &log1pCode},
    {"math.tanh", Flow::Pure, compileElementwise, &tanhCode},
    {"math.erf", Flow::Pure, compileElementwise, &erfCode},
    {"math.sin", Flow::Pure, compileElementwise, &sinCode},
    {"math.cos", Flow::Pure, compileElementwise, &cosCode},
    {"math.powf", Flow::Pure, compileElementwise, &powCode},
    {"math.copysign", Flow::Pure, compileElementwise, &copySignCode},
    {"math.floor", Flow::Pure, compileElementwise, &floorCode},
    {"math.ceil", Flow::Pure, compileElementwise, &ceilCode},
    {"math.trunc", Flow::Pure, compileElementwise, &truncCode},
    {"math.round", Flow::Pure, compileElementwise, &roundCode},
    {"math.roundeven", Flow::Pure, compileElementwise, &roundEvenCode},
    // Comparisons and conversions.
    {"arith.cmpi", Flow::Pure, compileCompare},
    {"arith.cmpf", Flow::Pure, compileCompare},
    {"arith.select", Flow::Pure, compileSelect},
    {"arith.extsi", Flow::Pure, compileConversion},
    {"arith.extui", Flow::Pure, compileConversion},
    {"arith.trunci", Flow::Pure, compileConversion},
    {"arith.index_cast", Flow::Pure, compileConversion},
    {"arith.index_castui", Flow::Pure, compileConversion},
    {"arith.sitofp", Flow::Pure, compileConversion},
    {"arith.uitofp", Flow::Pure, compileConversion},
    {"arith.fptosi", Flow::Pure, compileConversion},
    {"arith.fptoui", Flow::Pure, compileConversion},
    {"arith.extf", Flow::Pure, compileConversion},
    {"arith.truncf", Flow::Pure, compileConversion},
    {"arith.bitcast", Flow::Pure, compileBitcast},
    {"vector.bitcast", Flow::Pure, compileBitcast},
    {"llvm.bitcast", Flow::Pure, compileBitcast},
    // Vectors and structs.
    {"vector.broadcast", Flow::Pure, compileBroadcast},
    {"vector.extract", Flow::Pure, compileExtract},
    {"vector.insert", Flow::Pure, compileInsert},
    {"vector.from_elements", Flow::Pure, compileFromElements},
    {"vector.to_elements", Flow::Pure, compileToElements},
    {"vector.extract_strided_slice", Flow::Pure, compileExtractSlice},
    {"vector.insert_strided_slice", Flow::Pure, compileInsertSlice},
    {"vector.shuffle", Flow::Pure, compileShuffleVector},
    {"vector.interleave", Flow::Pure, compileInterleave},
    {"vector.shape_cast", Flow::Pure, compileShapeCast},
    {"vector.transpose", Flow::Pure, compileTranspose},
    {"vector.reduction", Flow::Pure, compileReduction},
    {"llvm.extractvalue", Flow::Pure, compileExtractValue},
    {"llvm.insertvalue", Flow::Pure, compileInsertValue},
    // Control.
    {"scf.for", Flow::Control, compileFor},
    {"scf.if", Flow::Control, compileIf},
    {"scf.yield", Flow::Control, compileTerminator},
    {"gpu.return", Flow::Control, compileTerminator},
    // Memory.
    {"memref.load", Flow::Varying, compileLoad},
    {"vector.load", Flow::Varying, compileLoad},
    {"memref.store", Flow::Varying, compileStore},
    {"vector.store", Flow::Varying, compileStore},
    {"memref.view", Flow::Varying, compileView},
    {"memref.subview", Flow::Varying, compileSubView},
    {"memref.reinterpret_cast", Flow::Varying, compileSubView},
    {"memref.cast", Flow::Varying, compileMemRefCast},
    {"memref.collapse_shape", Flow::Varying, compileMemRefCast},
    {"memref.expand_shape", Flow::Varying, compileMemRefCast},
    {"memref.assume_alignment", Flow::Varying, compileMemRefCast},
    {"memref.alloca", Flow::Varying, compileAlloca},
    // Threads, warps and blocks.
    {"gpu.thread_id", Flow::Varying, compileThreadId},
    {"gpu.lane_id", Flow::Varying, compileThreadId},
    {"gpu.block_id", Flow::Uniform, compileBlockId},
    {"gpu.block_dim", Flow::Uniform, compileBlockId},
    {"gpu.grid_dim", Flow::Uniform, compileBlockId},
    {"gpu.barrier", Flow::Varying, compileBarrier},
    {"gpu.shuffle", Flow::Varying, compileShuffle},
    {"nvgpu.ldmatrix", Flow::Varying, compileLdMatrix},
    {"nvvm.mma.sync", Flow::Varying, compileMma},
    {"nvvm.dot.accumulate.4way", Flow::Pure, compileDot4},
    // Asynchronous copies.
    {"nvgpu.device_async_copy", Flow::Varying, compileAsyncCopy},
    {"nvgpu.device_async_create_group", Flow::Varying, compileAsyncGroup},
    {"nvgpu.device_async_wait", Flow::Varying, compileAsyncWait},
};

const OpEntry *findOp(llvm::StringRef name) {
  static const auto *table = [] {
    auto *map = new llvm::StringMap<const OpEntry *>();
    for (const OpEntry &entry : entries)
      map->try_emplace(entry.name, &entry);
    return map;
  }();
  return table->lookup(name);
}

} // namespace dyadic::emulate
