//===- ProgramInfo.h - what a caller must know of a program -----*- C++ -*-===//
//
// The interface of a compiled model, read while its IR still has tensors and
// names. Headers, executables and the in-process runner are driven by it.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_EMIT_PROGRAMINFO_H
#define DYADIC_EMIT_PROGRAMINFO_H

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace dyadic {

/// One tensor at the border of a program or kept in its arena.
struct TensorInfo {
  std::string name;
  llvm::SmallVector<int64_t> shape;
  ElementKind kind = ElementKind::F32;
  /// Of quantized tensors: real value = (stored − zeroPoint) · scale. Of an f32
  /// border: the steps in which the model holds it inside.
  std::optional<float> scale;
  int32_t zeroPoint = 0;
  /// Kept tensors: where in the arena; −1 at the border.
  int64_t arenaOffset = -1;
  /// The dimension that varies with the program's length, and its extent for each;
  /// `shape` has the longest. −1 where there is none.
  int64_t openDim = -1;
  std::vector<int64_t> extents;

  /// The shape for the length of this index.
  llvm::SmallVector<int64_t> shapeAt(int64_t lengthIndex) const;
  int64_t numElements() const;
  int64_t numBytes() const;
};

struct ProgramInfo {
  /// A C identifier: the prefix of every symbol.
  std::string name;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  /// Each kernel result in the arena, in execution order. Their bytes are all
  /// there after a run only if the arena was planned to keep all tensors.
  std::vector<TensorInfo> kept;
  int64_t arenaBytes = 0;
  int64_t weightBytes = 0;
  /// The lengths it takes where one is left open: an argument of its own.
  std::optional<LengthRange> lengths;

  /// The length at which these inputs are run, 0 for fixed shapes; an error that says
  /// what is wrong with their shapes.
  llvm::Expected<int64_t> lengthOf(llvm::ArrayRef<HostTensor> tensors) const;
  /// The outputs' tensors for a length.
  llvm::SmallVector<HostTensor> makeOutputs(int64_t length) const;
};

/// `text` as a C identifier: other characters become underscores, and a digit
/// in front gets one before it.
std::string toIdentifier(llvm::StringRef text);

/// Reads the interface from a level-4 module: function `main`, kernels with
/// arena offsets, `dyadic.arena_bytes`. `weightBytes` stays 0 until
/// `readWeightBytes` has seen level 5.
mlir::FailureOr<ProgramInfo> readProgramInfo(mlir::ModuleOp module,
                                             llvm::StringRef modelName);

/// The arena of a level-5 module, to which kernels have added their scratch.
int64_t readArenaBytes(mlir::ModuleOp module);

/// Bytes of the constant globals of a level-5 module.
int64_t readWeightBytes(mlir::ModuleOp module);

} // namespace dyadic

#endif
