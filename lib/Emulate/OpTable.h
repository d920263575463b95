//===- OpTable.h - which ops are executed, and by what ----------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_OPTABLE_H
#define DYADIC_LIB_EMULATE_OPTABLE_H

#include "Compiler.h"

namespace dyadic::emulate {

/// Code for an operation on elements, for each kind that it takes.
struct ElementwiseCode {
  Execute byKind[kNumKinds] = {};
};

/// How the result of an op depends on the thread.
enum class Flow {
  Pure,    // uniform where the operands are
  Varying, // differs from thread to thread
  Uniform, // the same in all threads
  Control  // see Uniformity.cpp
};

struct OpEntry {
  const char *name;
  Flow flow;
  mlir::LogicalResult (*compile)(Compiler &, mlir::Operation *,
                                 const OpEntry &);
  /// Of ops on elements.
  const ElementwiseCode *elementwise = nullptr;
};

/// The entry for an op, null for one that can't be emulated.
const OpEntry *findOp(llvm::StringRef name);
/// Whether `op` calls no intrinsic, or one that can be emulated.
bool knowsIntrinsic(mlir::Operation *op);

//===--- Handlers
//-----------------------------------------------------------===//

#define DYADIC_HANDLER(NAME)                                                   \
  mlir::LogicalResult NAME(Compiler &, mlir::Operation *, const OpEntry &);
// Constants.cpp
DYADIC_HANDLER(compileConstant)
DYADIC_HANDLER(compileUndefined)
// Arithmetic.cpp
DYADIC_HANDLER(compileElementwise)
DYADIC_HANDLER(compileSelect)
// Comparisons.cpp
DYADIC_HANDLER(compileCompare)
// Conversions.cpp
DYADIC_HANDLER(compileConversion)
DYADIC_HANDLER(compileBitcast)
// VectorOps.cpp
DYADIC_HANDLER(compileBroadcast)
DYADIC_HANDLER(compileExtract)
DYADIC_HANDLER(compileInsert)
DYADIC_HANDLER(compileFromElements)
DYADIC_HANDLER(compileToElements)
DYADIC_HANDLER(compileShapeCast)
DYADIC_HANDLER(compileExtractValue)
DYADIC_HANDLER(compileInsertValue)
// VectorSlices.cpp
DYADIC_HANDLER(compileExtractSlice)
DYADIC_HANDLER(compileInsertSlice)
DYADIC_HANDLER(compileShuffleVector)
DYADIC_HANDLER(compileInterleave)
DYADIC_HANDLER(compileTranspose)
// Reduction.cpp
DYADIC_HANDLER(compileReduction)
// ControlFlow.cpp
DYADIC_HANDLER(compileFor)
DYADIC_HANDLER(compileIf)
DYADIC_HANDLER(compileTerminator)
// MemoryOps.cpp
DYADIC_HANDLER(compileLoad)
DYADIC_HANDLER(compileStore)
// Views.cpp
DYADIC_HANDLER(compileView)
DYADIC_HANDLER(compileSubView)
DYADIC_HANDLER(compileMemRefCast)
DYADIC_HANDLER(compileAlloca)
// ThreadOps.cpp
DYADIC_HANDLER(compileThreadId)
DYADIC_HANDLER(compileBlockId)
DYADIC_HANDLER(compileBarrier)
// WarpOps.cpp
DYADIC_HANDLER(compileShuffle)
DYADIC_HANDLER(compileLdMatrix)
DYADIC_HANDLER(compileDot4)
// Mma.cpp
DYADIC_HANDLER(compileMma)
// Intrinsics.cpp
DYADIC_HANDLER(compileIntrinsic)
// TileOps.cpp
DYADIC_HANDLER(compileTileLoad)
DYADIC_HANDLER(compileTileStore)
DYADIC_HANDLER(compileTileMul)
// AsyncCopies.cpp
DYADIC_HANDLER(compileAsyncCopy)
DYADIC_HANDLER(compileAsyncGroup)
DYADIC_HANDLER(compileAsyncWait)
#undef DYADIC_HANDLER

//===--- Operations on elements
//---------------------------------------------===//

// Arithmetic.cpp: integers wrap; floats are IEEE 754.
extern const ElementwiseCode addCode, subCode, mulCode, divSCode, divUCode,
    remSCode, remUCode, ceilDivSCode, ceilDivUCode, floorDivSCode, andCode,
    orCode, xorCode, shlCode, shrSCode, shrUCode, maxSCode, maxUCode, minSCode,
    minUCode, divFCode, remFCode, maximumCode, minimumCode, maxNumCode,
    minNumCode;
// MathOps.cpp
extern const ElementwiseCode negCode, fmaCode, absCode, sqrtCode, rsqrtCode,
    expCode, exp2Code, expM1Code, logCode, log2Code, log1pCode, tanhCode,
    erfCode, floorCode, ceilCode, truncCode, roundCode, roundEvenCode,
    copySignCode, powCode, sinCode, cosCode, ctlzCode, cttzCode, ctpopCode;

} // namespace dyadic::emulate

#endif
