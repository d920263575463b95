//===- Lowering.h - what the lowering's patterns share ----------*- C++ -*-===//
#ifndef DYADIC_LIB_LOWERTODYADIC_LOWERING_H
#define DYADIC_LIB_LOWERTODYADIC_LOWERING_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/QNN/Rounding.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Transforms/DialectConversion.h"

namespace dyadic {

using ActivationType = mlir::quant::UniformQuantizedType;

/// The per-tensor type of a value's elements, or an error at `op`.
mlir::FailureOr<ActivationType> activationTypeOf(mlir::Operation *op,
                                                 mlir::Value value);

/// The integer tensor that holds `value`'s elements.
mlir::RankedTensorType storageTensorOf(mlir::Value value);

/// The storage value of a real number, saturated.
int32_t storageOf(double real, ActivationType type);

/// How requantizations of `op`'s function round.
Rounding roundingOf(mlir::Operation *op);

/// Whether `op` is to be computed as LiteRT's reference kernels do, which goes
/// with double_round.
inline bool isLiteRTExact(mlir::Operation *op) {
  return roundingOf(op) == Rounding::DoubleRound;
}

/// `scale` as a multiplier and a shift for the function's rounding, or an error
/// at `op`.
mlir::FailureOr<FixedPointMultiplier> multiplierOf(mlir::Operation *op,
                                                   double scale);

/// One scale per channel of weights that are quantized as a whole or symmetric
/// over dimension `dim`, or an error at `op`.
mlir::FailureOr<llvm::SmallVector<double>>
weightScales(mlir::Operation *op, mlir::RankedTensorType type, int64_t dim);

inline bool isInteger16(ActivationType type) {
  return type.getStorageTypeIntegralWidth() == 16;
}

/// Whether `type` is one of sums, which keep their 32 bits.
inline bool holdsSums(mlir::Type tensor) {
  auto type = llvm::dyn_cast<mlir::quant::QuantizedType>(
      llvm::cast<mlir::RankedTensorType>(tensor).getElementType());
  return type && type.getStorageType().isInteger(32);
}

/// dyadic.requantize to the type of `result`, with the rounding of `op`'s
/// function where none is given.
mlir::Value requantizeTo(mlir::OpBuilder &builder, mlir::Operation *op,
                         mlir::Value accumulator,
                         llvm::ArrayRef<FixedPointMultiplier> multipliers,
                         mlir::RankedTensorType resultType, ActivationType type,
                         int32_t inputZeroPoint = 0,
                         std::optional<Rounding> rounding = std::nullopt);

/// `storage`, holding elements of type `from`, with elements of type `to`.
mlir::FailureOr<mlir::Value> rescale(mlir::OpBuilder &builder,
                                     mlir::Operation *op, mlir::Value storage,
                                     ActivationType from, ActivationType to);

/// `op`, whose integer operands are `operands`, in f32: quantize(op(dequantize(x))).
mlir::LogicalResult lowerThroughFloat(mlir::ConversionPatternRewriter &rewriter,
                                      mlir::Operation *op,
                                      llvm::ArrayRef<mlir::Value> operands);

/// Σ q_w of each channel; the weights of channel c are every `step`-th element from
/// c · channelStride on.
llvm::SmallVector<int64_t> channelSums(const HostTensor &weights, int64_t channels,
                                       int64_t channelStride, int64_t step);

/// The entries of the op's codebook; null without one.
mlir::DenseI8ArrayAttr codebookOf(mlir::Operation *op);

/// The weights as the integer op reads them: as they are, or as numbers of the
/// entries of the op's codebook.
mlir::FailureOr<mlir::Value> storedWeightsOf(mlir::OpBuilder &builder,
                                             mlir::Operation *op,
                                             mlir::Value weights);

/// dyadic.pad of the two image dimensions by [top, left, bottom, right];
/// `input` itself where they are all zero.
mlir::Value padImage(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value input, llvm::ArrayRef<int64_t> pads,
                     int32_t value);

/// The patterns of one group of ops, one file each.
void populateContractionPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
void populatePointwisePatterns(const mlir::TypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populateHardSwishPatterns(const mlir::TypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
/// Contractions of what is quantized at run time, before those of quantized types.
void populateDynamicPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateRecurrentPatterns(const mlir::TypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populatePoolingPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
/// For functions that round twice, before all others.
void populateLiteRTPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateLiteRTInt16Patterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
/// Activations of 16 bits; `rounding` is that of sums where LiteRT's isn't asked for.
/// Functions of one element are computed in f32 if `functionsInFloat`.
void populateInt16Patterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns, Rounding rounding,
                           bool functionsInFloat);
void populateLiteRTSoftmaxPatterns(const mlir::TypeConverter &converter,
                                   mlir::RewritePatternSet &patterns);
/// Integer forms of what our own quantizer leaves in float, for quantized tensors.
void populateIntegerSoftmaxPatterns(const mlir::TypeConverter &converter,
                                    mlir::RewritePatternSet &patterns);
void populateIntegerNormPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
void populateFunctions16Patterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
void populateQuotientPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
/// For what nothing else lowers.
void populateThroughFloatPatterns(const mlir::TypeConverter &converter,
                                  mlir::RewritePatternSet &patterns);
void populateMovementPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);

} // namespace dyadic

#endif
