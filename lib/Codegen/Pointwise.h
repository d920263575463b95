//===- Pointwise.h - the element-wise part of a kernel ----------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_POINTWISE_H
#define DYADIC_LIB_CODEGEN_POINTWISE_H

#include "KernelBuilder.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"

#include <optional>

namespace dyadic::codegen {

/// An index below `extent`.
struct Coordinate {
  mlir::Value index;
  int64_t extent;
};

/// `width` consecutive elements of a tensor, starting at element `flat` of its
/// row-major order. `channel` is the first one's index in the last dimension;
/// null where the vector runs over rows (only tensors of one shape and
/// constants for all channels then).
///
/// With several `pixels`, the same channels of each: those of the next one begin
/// `pitch` elements later. A vector has them side by side.
///
/// Tensors may be strided views (KernelBuilder::strides): emitters put the
/// coordinates that they know into `coordinates`, from the outermost dimension
/// to the channel, each of one or several whole dimensions. Without them the
/// address in a view takes divisions; row-major tensors never use them.
struct Position {
  mlir::Value flat;
  mlir::Value channel;
  int64_t width;
  int64_t pixels = 1;
  int64_t pitch = 0;
  llvm::SmallVector<Coordinate, 4> coordinates = {};

  int64_t elements() const { return pixels * width; }
};

/// An anchor's elements at a position; either may be null.
struct AnchorVectors {
  AnchorVectors(mlir::Value plain, mlir::Value scaled = {}) : plain(plain), scaled(scaled) {}
  mlir::Value plain;
  /// As PointwiseEmitter::takeScaled() has promised them.
  mlir::Value scaled;
};

/// A quantize to bytes of an anchor's result, times constants perhaps.
struct AnchorQuantize {
  QuantizeOp op;
  /// The constants: each has one element, or one for each channel.
  llvm::SmallVector<mlir::Value, 1> factors;
  /// Nothing else needs the anchor's result.
  bool isOnly = false;

  explicit operator bool() const { return op != nullptr; }
};

/// Emits a kernel's pointwise ops on vectors, from the anchor's value (or from
/// memory) to the stores of the kernel's results. In between, integers are i32
/// lanes, or bytes as they are in memory.
class PointwiseEmitter {
public:
  /// Fails with a located error where an op can't be emitted.
  static mlir::FailureOr<PointwiseEmitter> create(KernelBuilder &kernel);

  /// Emits all at `position` of the kernel's result shape, from the anchor's vectors there
  /// (i32 or f32 lanes); none without one.
  void emit(Position position, AnchorVectors anchor);

  /// Loads what is the same for all rows of the result, for `width` channels
  /// from `channel` on; emit() at those channels uses it from then on.
  void holdChannels(mlir::Value channel, int64_t width);
  bool broadcastsChannels() const { return !channelTensors().empty(); }

  /// Whether vectors may run over rows if what all rows share is repeated:
  /// results are bytes, and it is read from the kernel's operands alone.
  bool canRepeatChannels() const;
  /// Repeats what all rows share in memory of the kernel's own, so that `width`
  /// elements can be read from any channel on.
  void repeatChannels(int64_t width);
  /// As holdChannels(), for `width` elements that begin at `channel` of a row and
  /// run over its end; emit() then takes positions without a channel.
  void holdRepeated(mlir::Value channel, int64_t width);

  /// The same for the registers of a tile's i32 sums: those of each pixel hold
  /// its `width` channels and, in the last one, whatever is left. At most
  /// registersAtOnce() of them, of which all but the last of a pixel are full.
  void emitSums(Position position, llvm::ArrayRef<mlir::Value> sums);
  /// How many registers become bytes together; 1 where sums don't.
  int64_t registersAtOnce() const;
  /// The scale of each channel (or one for all) by which the anchor's sums are
  /// requantized, where that is one fused multiply-add and gives bytes; none
  /// elsewhere.
  const std::vector<float> *fusedScales() const;
  /// Sums whose lanes are in the order of KernelTarget's `interleave`, and the
  /// scale of each. Only with fusedScales().
  void emitInterleaved(Position position, llvm::ArrayRef<mlir::Value> sums,
                       llvm::ArrayRef<mlir::Value> scales);

  /// The first of these; none where it isn't to bytes.
  AnchorQuantize quantizeOfAnchor() const;
  /// From now on `op` finds its operand in the anchor's scaled vectors, times its inverse
  /// scale, its zero point added; what is a number in them isn't beyond ±`bound`.
  void takeScaled(QuantizeOp op, double bound) {
    scaledQuantize = op;
    scaledBound = bound;
  }

  /// Whether vectors may run over rows: nothing depends on the channel, and all
  /// tensors are row-major.
  bool canFlatten() const;
  bool isChannelFree() const { return isChannelFree({}); }
  bool allRowMajor() const;
  /// Whether several pixels can be emitted at once: nothing broadcasts but
  /// along channels.
  bool canJoinPixels() const;

private:
  explicit PointwiseEmitter(KernelBuilder &kernel) : k(kernel) {}

  /// The same but for the values `shared`.
  bool isChannelFree(llvm::ArrayRef<mlir::Value> shared) const;
  /// How a requantize is computed, and its parameters in memory.
  struct RequantizePlan {
    bool perChannel = false;
    bool useFloat = false;
    bool clampFloat = false;
    /// All results fit 16 bits before they are clamped.
    bool fitHalves = true;
    /// No product is halfway between two integers; float form.
    bool neverTies = true;
    /// What the products that are rounded are at most, in magnitude; float form.
    double reach = 0;
    /// The second step of double_round fits 32 bits.
    bool narrows = false;
    /// half_up in 32 bits, by constants in the code.
    bool inWords = false;
    /// Of gated sums: whether the gate may be multiplied by the scale before it is
    /// multiplied by what it gates; unknown until it is asked for.
    std::optional<bool> gateTakesScale;
    std::vector<float> scales;                     // float form
    mlir::Value scale;                             // the same, padded
    mlir::Value multiplier, shift, addend, parity; // i32 and i64, integer form
  };
  mlir::LogicalResult planRequantize(RequantizeOp op);
  /// What a scale_sums knows of each channel, in memory; null where it has no bias.
  struct ScalingPlan {
    mlir::Value weightSums, weightScales, bias;
  };
  /// The requantize that alone uses the anchor and makes bytes of it by a fused
  /// multiply-add; null elsewhere.
  RequantizeOp packedRequantize() const;

  /// Lanes of the vectors at a position: whole registers where LLVM would take
  /// others apart, the last ones for nothing.
  int64_t lanesAt(const Position &position) const;
  mlir::Value fitLanes(mlir::Value vector, const Position &position);
  void storeResults(const Position &position);
  llvm::SmallVector<mlir::Value> channelTensors() const;
  mlir::Value value(mlir::Value tensor, const Position &position);
  mlir::Value compute(mlir::Operation *op, const Position &position);
  /// An operand of an op with result `shape`, broadcast to `position`.
  mlir::Value operand(mlir::Value tensor, llvm::ArrayRef<int64_t> shape,
                      const Position &position);
  mlir::Value load(mlir::Value tensor, const Position &position);
  /// What was loaded of `tensor`, as what is computed with.
  mlir::Value fromMemory(mlir::Value vector, mlir::Value tensor,
                         const Position &position);
  mlir::Value parameter(mlir::Value memref, bool perChannel,
                        const Position &position);
  /// Where the elements of a tensor of shape `from` are that broadcast to
  /// `position` in shape `to`.
  Position broadcast(const Position &position, llvm::ArrayRef<int64_t> to,
                     llvm::ArrayRef<int64_t> from);

  /// `x` is the op's input; or, where its plan uses floats, f32 of whole numbers from
  /// which the input's zero point is subtracted already, and `scale`, if not null,
  /// what they are multiplied by instead of the op's.
  mlir::Value requantize(RequantizeOp op, mlir::Value x, const Position &p,
                         mlir::Value scale = {});
  /// A requantize of h · (clamp(h) − z), h being requantized sums, without integers
  /// in between; null where plain lanes must do.
  mlir::Value requantizeGated(RequantizeOp op, const Position &p);
  /// A requantize of a sum or product that nothing else uses, on bytes; null where plain
  /// lanes must do.
  mlir::Value requantizePair(RequantizeOp op, const Position &p);
  /// The same for the product of a byte with a factor of 16 bits.
  mlir::Value requantizeFactor(RequantizeOp op, const Position &p);
  /// The operands of `op` as they are in memory, in whole vectors of `step`; the
  /// last ones may be for nothing.
  llvm::SmallVector<mlir::Value> operandsInSteps(mlir::Operation *op,
                                                 int64_t step, const Position &p);
  /// Bytes of registers of i32.
  mlir::Value packFused(RequantizeOp op, llvm::ArrayRef<mlir::Value> words,
                        llvm::ArrayRef<mlir::Value> scales, int64_t valid,
                        LaneOrder order);
  mlir::Value lookup(LookupOp op, mlir::Value x);
  mlir::Value quantize(QuantizeOp op, mlir::Value x);
  mlir::Value scaleSums(ScaleSumsOp op, mlir::ValueRange operands,
                        const Position &position);
  mlir::Value clamp(ClampOp op, mlir::Value x);
  mlir::Value clampInt(mlir::Value x, int64_t low, int64_t high,
                       bool isUnsigned = false);

  KernelBuilder &k;
  llvm::DenseMap<mlir::Operation *, RequantizePlan> plans;
  llvm::DenseMap<mlir::Operation *, ScalingPlan> scalings;
  llvm::DenseMap<mlir::Operation *, mlir::Value> tables;
  QuantizeOp scaledQuantize;
  double scaledBound = 0;
  /// What it has of the anchor at the present position.
  mlir::Value scaledVector;
  /// The vectors of channelTensors() that hold for the present channels.
  llvm::DenseMap<mlir::Value, mlir::Value> held;
  /// The memory in which channelTensors() are repeated.
  llvm::DenseMap<mlir::Value, mlir::Value> repeated;
  /// The vectors of the values at the present position.
  llvm::DenseMap<mlir::Value, mlir::Value> vectors;
};

/// Lanes [begin, begin + width).
mlir::Value sliceLanes(KernelBuilder &k, mlir::Value vector, int64_t begin,
                       int64_t width);

/// A kernel without an anchor: its pointwise ops over the whole result.
mlir::LogicalResult emitPointwiseKernel(KernelBuilder &kernel);

} // namespace dyadic::codegen

#endif
