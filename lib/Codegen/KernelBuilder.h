//===- KernelBuilder.h - writes one kernel function -------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_KERNELBUILDER_H
#define DYADIC_LIB_CODEGEN_KERNELBUILDER_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Support/AlignedBytes.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Target/KernelTarget.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/MathExtras.h"

namespace dyadic::codegen {

/// The constants of a model in the order that its kernels run, each aligned to
/// a cache line.
class WeightBlob {
public:
  static constexpr int64_t kAlignment = 64;

  /// Appends a copy and returns its offset.
  int64_t append(llvm::ArrayRef<char> data);
  /// Growing would take twice the memory; what isn't filled then takes none.
  void reserve(int64_t size) { bytes.reserve(size); }
  int64_t size() const { return bytes.size(); }
  AlignedBytes takeBytes() { return std::move(bytes); }

private:
  AlignedBytes bytes;
};

/// The function being written for one `dyadic.kernel`. Its arguments are flat
/// memrefs: the kernel's inputs, its results, its constants. Storage values of
/// type ui8 live in i8 memory.
///
/// With several threads the function has one argument more, the number of the
/// thread that runs it, and emitters say which loops are divided. An emitter
/// that divides none gives a function for one thread.
class KernelBuilder {
public:
  KernelBuilder(mlir::OpBuilder builder, KernelOp kernel, llvm::StringRef name,
                const KernelTarget &target, WeightBlob &blob,
                int64_t threads = 1);
  virtual ~KernelBuilder() = default;

  mlir::OpBuilder b;
  mlir::Location loc;
  KernelOp kernel;
  const KernelTarget &target;

  //===--- Indices and loops ----------------------------------------------===//

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, int64_t rhs) { return add(lhs, index(rhs)); }
  mlir::Value mul(mlir::Value lhs, int64_t rhs);

  /// for (i = 0; i < count; i += step); no loop where it runs once.
  void loop(int64_t count, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  void loop(int64_t count, llvm::function_ref<void(mlir::Value)> body) {
    loop(count, 1, body);
  }
  /// The same with values carried from one iteration to the next.
  using Carried = llvm::SmallVector<mlir::Value>;
  Carried loop(int64_t count, Carried initial,
               llvm::function_ref<Carried(mlir::Value, mlir::ValueRange)> body);

  /// `body` for [0, count) in pieces of `width`, and a narrower one at the end.
  using RunBody = llvm::function_ref<void(mlir::Value start, int64_t width)>;
  void pieces(int64_t count, int64_t width, RunBody body);
  static int64_t piecesOf(int64_t count, int64_t width) {
    return static_cast<int64_t>(llvm::divideCeil(count, width));
  }

  //===--- Threads ---------------------------------------------------------===//

  /// Which of the threads among which one loop is divided runs this code.
  struct Share {
    mlir::Value index;
    int64_t count = 1;
  };
  /// A share for each of nested loops with so many iterations: threads are
  /// spread so that all have about the same number, over the first loops where
  /// it makes no difference. Inside a divided loop, and with one thread, nothing
  /// is divided.
  llvm::SmallVector<Share> share(llvm::ArrayRef<int64_t> iterations);

  /// As without a share, but a thread runs one contiguous part of the
  /// iterations. They may run in any order and at once: none may load what
  /// another stores, nor may two store different bytes to one place (no tail
  /// that a later iteration puts right).
  void loop(Share share, int64_t count, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  void pieces(Share share, int64_t count, int64_t width, RunBody body);
  /// The loop over all threads, where it isn't inside another such.
  void parallelLoop(int64_t count, llvm::function_ref<void(mlir::Value)> body) {
    loop(share(count).front(), count, 1, body);
  }
  void parallelPieces(int64_t count, int64_t width, RunBody body) {
    pieces(share(piecesOf(count, width)).front(), count, width, body);
  }
  /// What is too little to be divided, beside loops that are.
  void onOneThread(llvm::function_ref<void()> body);

  /// How many threads the function is written for: 1 where no loop was divided.
  int64_t threads() const { return divided.empty() ? 1 : threadCount; }
  /// Whether every store belongs to one thread. If not, the function is only
  /// right when written for one.
  bool storesAreDivided();

  //===--- Pieces ----------------------------------------------------------===//

  /// `body` for each piece of rows of `count` elements, one row for each index
  /// of dimensions with these `extents`: a piece is `width` elements from
  /// `start` on, or fewer. The pieces don't depend on each other: they are loops
  /// here, and threads on a machine that has them.
  using PieceBody = llvm::function_ref<void(mlir::ValueRange outer,
                                            mlir::Value start, int64_t width)>;
  virtual void forPieces(llvm::ArrayRef<int64_t> extents, int64_t count,
                         int64_t width, PieceBody body);

  //===--- Memory ----------------------------------------------------------===//

  /// The memory of a body argument, or of a constant in the body.
  mlir::Value buffer(mlir::Value value);
  /// The memory of the kernel's result `i`.
  mlir::Value output(unsigned i);
  /// The element strides of a tensor in memory: row-major, or those of a view.
  /// What reads or writes memory uses these, never the shape.
  llvm::SmallVector<int64_t> strides(mlir::Value value) const;
  llvm::ArrayRef<int64_t> outputStrides(unsigned i) const {
    return resultStrides[i];
  }
  bool isRowMajor(mlir::Value value) const;
  /// Read-only memory with these elements, addressed from the kernel's own
  /// constants: kernels that differ in their constants alone are one function.
  template <typename T> mlir::Value constants(llvm::ArrayRef<T> data) {
    return constantBytes({reinterpret_cast<const char *>(data.data()),
                          data.size() * sizeof(T)},
                         elementType<T>());
  }
  /// The same for elements of a type that has no such C++ type.
  mlir::Value constantBytes(llvm::ArrayRef<char> data, mlir::Type element);

  /// The same for the packed weights of the kernel, which lie apart from its other
  /// constants: variants for several CPUs have them in common where they pack
  /// alike.
  template <typename T> mlir::Value weights(llvm::ArrayRef<T> data) {
    return weightBytes({reinterpret_cast<const char *>(data.data()),
                        data.size() * sizeof(T)},
                       elementType<T>());
  }

  /// `width` elements from `index` on.
  virtual mlir::Value loadVector(mlir::Value memref, mlir::Value index,
                                 int64_t width);
  virtual void storeVector(mlir::Value vector, mlir::Value memref,
                           mlir::Value index);

  /// `bytes` of the arena that are this kernel's (and thread's) own while it
  /// runs, as memory of `element`s.
  mlir::Value scratch(int64_t bytes, mlir::Type element);
  /// Bytes of scratch for all threads.
  int64_t scratchSize() const { return scratchBytes; }

  //===--- Extents that vary -----------------------------------------------===//

  /// The shapes of a function that leaves a length open; null where none is.
  const DynamicShapes *shapes = nullptr;
  bool isDynamic(mlir::Value value, int64_t dim) const {
    return shapes && shapes->isDynamic(value, dim);
  }
  /// The index of the length that the kernel runs for: an argument of its own.
  mlir::Value lengthIndex();
  /// The extent of a dimension for that length.
  mlir::Value extent(mlir::Value value, int64_t dim);
  /// The element of `byLength` for that length, as memory of one element.
  template <typename T> mlir::Value constantForLength(llvm::ArrayRef<T> byLength) {
    return constantAt({reinterpret_cast<const char *>(byLength.data()),
                       byLength.size() * sizeof(T)},
                      elementType<T>(), lengthIndex());
  }
  bool usesLength() const { return lengthArgument != nullptr; }

  //===--- Vectors ---------------------------------------------------------===//

  mlir::VectorType vectorType(int64_t width, mlir::Type element);
  mlir::Value splat(mlir::VectorType type, double value);
  mlir::Value splatInt(mlir::VectorType type, int64_t value);
  /// Storage values of type `element` (a tensor's) as i32 lanes; wider ones and
  /// f32 stay.
  mlir::Value extend(mlir::Value vector, mlir::Type element);
  /// The inverse of `extend`; the values fit.
  mlir::Value truncate(mlir::Value vector, mlir::Type element);
  /// The first `width` lanes of `parts` side by side.
  mlir::Value concatenate(mlir::ValueRange parts, int64_t width);
  /// `vector` with zeros behind it, `lanes` in all.
  mlir::Value widen(mlir::Value vector, int64_t lanes);

  //===--- The function ----------------------------------------------------===//

  /// Ends the function; its constants argument gets its final size.
  void finish();
  mlir::FunctionOpInterface getFunction() { return function; }
  mlir::Block &entry() { return function.getFunctionBody().front(); }
  /// The offset of the kernel's constants in the blob, and their size.
  int64_t constantsOffset() const { return blobOffset; }
  int64_t constantsSize() const { return constantData.size(); }
  /// The same for its weights.
  int64_t weightsOffset() const { return weightBlobOffset; }
  int64_t weightsSize() const { return weightData.size(); }

protected:
  /// Makes the function, with an entry block, at the builder's place.
  using FunctionFactory = llvm::function_ref<mlir::FunctionOpInterface(
      mlir::OpBuilder &, mlir::Location, llvm::StringRef, mlir::FunctionType)>;
  KernelBuilder(mlir::OpBuilder builder, KernelOp kernel, llvm::StringRef name,
                const KernelTarget &target, WeightBlob &blob,
                FunctionFactory makeFunction, int64_t threads = 1);
  /// Writes the terminator.
  virtual void terminate();

private:
  template <typename T> mlir::Type elementType();
  mlir::Value weightBytes(llvm::ArrayRef<char> data, mlir::Type element);
  /// A view of `size` bytes of the entry's argument `memory`.
  mlir::Value viewOf(mlir::Value memory, mlir::Value offset, int64_t size,
                     mlir::Type element);
  /// A new argument of bytes behind `other`; finish() sets how many.
  mlir::Value addArgument(mlir::Value other);
  /// Element `at` of such memory.
  mlir::Value constantAt(llvm::ArrayRef<char> data, mlir::Type element,
                         mlir::Value at);
  /// Copies `data` to the constants and returns its offset.
  int64_t appendConstant(llvm::ArrayRef<char> data);

  /// Writes `body` inside `op`, which only some of the threads get to.
  void divide(mlir::Operation *op, mlir::Block *block,
              llvm::function_ref<void()> body);
  mlir::Value minimum(mlir::Value value, int64_t bound);

  mlir::FunctionOpInterface function;
  WeightBlob &blob;
  int64_t threadCount;
  mlir::Value thread;
  /// The loops and branches that are divided, and whether the builder is in one.
  llvm::SmallPtrSet<mlir::Operation *, 8> divided;
  bool isDivided = false;
  std::vector<char> constantData;
  int64_t blobOffset = 0;
  mlir::Value constantsArgument;
  std::vector<char> weightData;
  int64_t weightBlobOffset = 0;
  mlir::Value weightsArgument;
  int64_t scratchBytes = 0;
  mlir::Value scratchArgument, lengthArgument;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t>> operandStrides;
  llvm::SmallVector<llvm::SmallVector<int64_t>> resultStrides;
};

template <> inline mlir::Type KernelBuilder::elementType<float>() {
  return b.getF32Type();
}
template <> inline mlir::Type KernelBuilder::elementType<int8_t>() {
  return b.getI8Type();
}
template <> inline mlir::Type KernelBuilder::elementType<char>() {
  return b.getI8Type();
}
template <> inline mlir::Type KernelBuilder::elementType<int32_t>() {
  return b.getI32Type();
}
template <> inline mlir::Type KernelBuilder::elementType<int64_t>() {
  return b.getI64Type();
}

using dyadic::memoryElementType;
/// The flat memref of a tensor.
mlir::MemRefType flatMemRef(mlir::RankedTensorType type);
/// The flat memref of a level-4 value: from its first element to its last.
mlir::MemRefType flatMemRef(mlir::Value value);

} // namespace dyadic::codegen

#endif
