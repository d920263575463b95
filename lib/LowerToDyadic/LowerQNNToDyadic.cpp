//===- LowerQNNToDyadic.cpp - level 2 → 3 ---------------------------------===//
#include "dyadic/LowerToDyadic/Passes.h"

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace dyadic {
#define GEN_PASS_DEF_LOWERQNNTODYADIC
#include "dyadic/LowerToDyadic/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

namespace {
/// Quantized tensors become tensors of their storage type.
struct StorageConverter : TypeConverter {
  StorageConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) -> Type {
      auto quantized = dyn_cast<quant::QuantizedType>(type.getElementType());
      if (!quantized)
        return type;
      auto signedness =
          quantized.isSigned() ? IntegerType::Signless : IntegerType::Unsigned;
      return type.clone(
          IntegerType::get(type.getContext(),
                           quantized.getStorageTypeIntegralWidth(), signedness));
    });
  }
};

struct LowerQNNToDyadicPass
    : dyadic::impl::LowerQNNToDyadicBase<LowerQNNToDyadicPass> {
  using LowerQNNToDyadicBase::LowerQNNToDyadicBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    std::optional<Rounding> wanted = symbolizeRounding(rounding);
    if (!wanted && !rounding.empty()) {
      func.emitError() << "expected rounding nearest_even, half_up or "
                          "double_round, but got '"
                       << rounding << "'";
      return signalPassFailure();
    }
    bool comesQuantized = func->hasAttr(kRoundingAttr);
    if (comesQuantized && wanted && failed(checkBytes(func)))
      return signalPassFailure();
    if (wanted) // our own arithmetic then
      func->removeAttr(kRoundingAttr);
    SmallPtrSet<Operation *, 8> given;
    func.walk([&](RequantizeOp op) { given.insert(op); });
    StorageConverter converter;
    ConversionTarget target(getContext());
    // Bodies of qnn.compute beside the integer ops.
    target.addLegalDialect<DyadicDialect, arith::ArithDialect,
                           linalg::LinalgDialect, math::MathDialect,
                           scf::SCFDialect, tensor::TensorDialect>();
    target.addIllegalDialect<quant::QuantDialect>();
    target.addDynamicallyLegalDialect<qnn::QNNDialect>(
        [&](Operation *op) { return converter.isLegal(op); });
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType());
    });
    target.addDynamicallyLegalOp<func::ReturnOp>(
        [&](Operation *op) { return converter.isLegal(op); });

    RewritePatternSet patterns(&getContext());
    populateContractionPatterns(converter, patterns);
    populateDynamicPatterns(converter, patterns);
    populatePointwisePatterns(converter, patterns);
    populateHardSwishPatterns(converter, patterns);
    populatePoolingPatterns(converter, patterns);
    populateRecurrentPatterns(converter, patterns);
    populateMovementPatterns(converter, patterns);
    populateLiteRTPatterns(converter, patterns);
    populateLiteRTInt16Patterns(converter, patterns);
    populateInt16Patterns(converter, patterns, wanted.value_or(Rounding::NearestEven),
                          /*functionsInFloat=*/!integerFunctions);
    populateLiteRTSoftmaxPatterns(converter, patterns);
    if (integerFunctions) {
      populateIntegerSoftmaxPatterns(converter, patterns);
      populateIntegerNormPatterns(converter, patterns);
      populateFunctions16Patterns(converter, patterns);
      populateQuotientPatterns(converter, patterns);
    }
    if (comesQuantized)
      populateThroughFloatPatterns(converter, patterns);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    if (failed(applyPartialConversion(func, target, std::move(patterns))))
      return signalPassFailure();

    if (failed(checkAccumulators(func)))
      return signalPassFailure();
    // What was an integer op before keeps its own rounding.
    func.walk([&](RequantizeOp op) {
      if (wanted && !given.contains(op))
        op.setRounding(*wanted);
    });
    // Float biases that only quantized ops read, and steps that are in a table.
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  /// Activations of 16 bits have LiteRT's arithmetic only.
  static LogicalResult checkBytes(func::FuncOp func) {
    auto result = func.walk([](Operation *op) {
      for (Value value : op->getResults())
        if (auto tensor = dyn_cast<RankedTensorType>(value.getType()))
          if (auto type = dyn_cast<ActivationType>(tensor.getElementType());
              type && type.getStorageTypeIntegralWidth() == 16) {
            op->emitError("expected activations of 8 bits beside a rounding of "
                          "our own: leave out --requantize");
            return WalkResult::interrupt();
          }
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// No sum may leave 32 bits, whatever the input.
  LogicalResult checkAccumulators(func::FuncOp func) {
    auto result = func.walk([](AccumulatorOpInterface op) {
      auto ranges = op.getAccumulatorRanges();
      if (failed(ranges)) {
        op->emitOpError("expected constant weights and bias");
        return WalkResult::interrupt();
      }
      for (auto [channel, range] : llvm::enumerate(*ranges))
        if (range.min < INT32_MIN || range.max > INT32_MAX) {
          op->emitOpError() << "expected sums of at most 32 bits, but channel "
                            << channel << " may reach [" << range.min << ", "
                            << range.max << "]";
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }
};
} // namespace
