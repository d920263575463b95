//===- WeightFormat.h - what weights are stored as --------------*- C++ -*-===//
//
// docs/Quantization.md, sections "Weights of four bits" and "Weights alone".
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_QUANTIZE_WEIGHTFORMAT_H
#define DYADIC_LIB_QUANTIZE_WEIGHTFORMAT_H

#include "dyadic/Dialect/Coded/CodedGrid.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <string>
#include <vector>

namespace dyadic {

/// One of the choices of `--weights`.
struct WeightFormat {
  enum class Values {
    Integers,    // of two's complement
    NormalFloat, // quantiles of a normal distribution
    PowersOfTwo, // 0, ±1, ±1/2, …
    Codebook     // learned from a layer's weights
  };
  Values values = Values::Integers;
  unsigned bits = 8;
  /// Weights of a channel that share a scale; 0: all of them.
  int64_t group = 0;
  /// One scale for the whole tensor.
  bool perTensor = false;
  /// Groups have a zero point, too.
  bool asymmetric = false;

  bool operator==(const WeightFormat &other) const;
  /// The largest magnitude of the integers that 8-bit products take.
  int32_t largest() const {
    return values == Values::Integers && !group ? (1 << (bits - 1)) - 1 : 127;
  }
  /// Whether 8-bit activations can be multiplied by such weights: one scale per
  /// channel, no zero points, integers of 8 bits or entries of a codebook of them; or
  /// groups of 4-bit integers, whose scales become factors of a channel's.
  bool suitsIntegers() const;
};

/// The kinds and options that parseWeightFormat knows, for messages and help.
inline constexpr llvm::StringLiteral kWeightFormats =
    "int8, int4, int3, int2, nf4, codebook4, codebook3, codebook2 or pow2, with "
    ":group=N or :tensor, and :asymmetric for integers";
/// Those that integer kernels take.
inline constexpr llvm::StringLiteral kIntegerWeightFormats =
    "int8, int4 or codebook4, with a scale per channel, or int4:group=N";

/// "int4", "nf4:group=64", "int3:group=32:asymmetric"; a comma for a colon is as
/// good. None for anything else.
std::optional<WeightFormat> parseWeightFormat(llvm::StringRef text);

/// Which ops a choice may name, and what for.
enum class WeightUse { IntegerProducts, FloatProducts };

/// Writes kWeightKindAttr on the contractions of `func`, and on the gathers from a
/// constant table for FloatProducts. Each choice is a format, for all
/// contractions, or pattern=format, for the ops whose name matches a pattern with
/// * and ?; the last one that matches decides. Depthwise filters are left alone:
/// they are small, and nothing evens out what rounding does to them. Reports all
/// choices that don't parse, that `use` doesn't allow or that match nothing.
mlir::LogicalResult chooseWeightFormats(mlir::func::FuncOp func,
                                        llvm::ArrayRef<std::string> choices,
                                        WeightUse use);
/// The format that was chosen; none by default.
std::optional<WeightFormat> weightFormatOf(mlir::Operation *op);

/// Whether `op` is a convolution with one filter a channel.
bool isDepthwise(mlir::Operation *op);

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

/// A grid for `weights`, [channel][depth], whose values and scales lose least in
/// the sum of squares, as far as a search among some of them finds.
CodedGrid makeGrid(const WeightFormat &format, llvm::ArrayRef<float> weights,
                    int64_t channels, int64_t depth);

/// Chooses the scale, and the zero point where `format` has such, of group `g` of
/// channel `o` again, for these weights of the group: the least error, each weight's
/// counting `importance` times (once without). Scales of groups are bf16 numbers:
/// they are stored so.
void fitGroup(CodedGrid &grid, const WeightFormat &format, int64_t o, int64_t g,
              llvm::ArrayRef<float> weights, llvm::ArrayRef<float> importance = {});

/// Every weight to its nearest value.
CodedWeights roundWeights(CodedGrid grid, llvm::ArrayRef<float> weights);

//===----------------------------------------------------------------------===//
// The weights of an op
//===----------------------------------------------------------------------===//

/// The operand of a contraction or gather that is its constant matrix of floats,
/// not yet coded, and the dimension of its channels: a table's are its rows. None
/// where there is no such operand, and for depthwise filters.
struct WeightOperand {
  mlir::OpOperand *operand = nullptr;
  int64_t axis = 0;
};
std::optional<WeightOperand> weightOperand(mlir::Operation *op);

/// Its elements as [channel][depth]; empty where they are missing.
std::vector<float> channelMajorWeights(const WeightOperand &weights);

/// Replaces it by a coded constant.
void setCodedWeights(const WeightOperand &weights, const CodedWeights &coded);

} // namespace dyadic

#endif
