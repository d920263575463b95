//===- Dynamic.cpp - scales that are found at run time --------------------===//
//
// docs/Quantization.md, section "Scales found at run time". Tensors stay f32; a
// contraction reads them rounded to 8 bits of the range that they have at that
// moment, and its sums become f32 again at once.
//
//===----------------------------------------------------------------------===//
#include "Dynamic.h"

#include "Recurrent.h"
#include "WeightFormat.h"
#include "Weights.h"

#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"
#include "dyadic/Support/NamePattern.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dyadic;

static int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

/// Whether each pixel of the result depends on one pixel of the input.
static bool isPixelwise(qnn::Conv2DOp conv) {
  auto filter = cast<RankedTensorType>(conv.getFilter().getType());
  auto are = [](ArrayRef<int64_t> values, int64_t wanted) {
    return llvm::all_of(values, [&](int64_t value) { return value == wanted; });
  };
  return are(filter.getShape().slice(1, 2), 1) && are(conv.getStrides(), 1) &&
         are(conv.getPads(), 0);
}

/// How many leading dimensions of the input have scales of their own: those along
/// which a sum never runs, or those of the batch.
static int64_t outerDims(Operation *contraction, Scheme scheme) {
  bool perRow = scheme == Scheme::Dynamic;
  if (auto conv = dyn_cast<qnn::Conv2DOp>(contraction))
    return perRow && isPixelwise(conv) ? 3 : 1;
  int64_t rank = rankOf(contraction->getOperand(0));
  return std::max<int64_t>(perRow ? rank - 1 : rank - 2, 0);
}

/// The magnitude of bytes whose zero point is 0.
static constexpr int64_t kLargestByte = 127;

/// The table of reals of which `op` looks up whole rows.
static FailureOr<HostTensor> tableOf(Operation *op) {
  auto gather = dyn_cast<qnn::GatherOp>(op);
  if (!gather || gather.getAxis() != 0 || rankOf(gather.getInput()) != 2 ||
      !holdsReals(gather.getInput()))
    return failure();
  auto rows = readConstant(gather.getInput());
  if (succeeded(rows) && rows->kind != ElementKind::F32)
    return failure();
  return rows;
}

namespace {
class DynamicRewrite {
public:
  explicit DynamicRewrite(MLIRContext *context) : builder(context) {}

  void contraction(Operation *op, Scheme scheme) {
    builder.setInsertionPoint(op);
    // The sums have no bias that a scale of the input must leave room for.
    Value weights =
        quantizeWeights(builder, op, std::numeric_limits<double>::infinity());
    correctBias(builder, op, weights);
    op->setOperand(1, weights);
    op->setOperand(0, rounded(op->getOperand(0), outerDims(op, scheme)));
  }

  /// Gives each row of a table, in which `op` looks up whole rows, bytes and a scale:
  /// two tables, whose entries' product is returned.
  qnn::MulOp table(qnn::GatherOp op, HostTensor rows) {
    Location loc = op.getLoc();
    int64_t count = rows.shape[0], extent = rows.shape[1];
    HostTensor bytes(ElementKind::I8, rows.shape), scales(ElementKind::F32, {count, 1});
    for (int64_t row = 0; row < count; ++row) {
      ArrayRef<float> x = rows.as<float>().slice(row * extent, extent);
      float largest = 0;
      for (float value : x)
        largest = std::max(largest, std::fabs(value));
      double scale = chooseSymmetricScale(largest, kLargestByte);
      scales.set(row, scale);
      for (auto [i, value] : llvm::enumerate(x))
        bytes.set(row * extent + i, roundHalfEven(value / scale));
    }
    auto number = ActivationType::get(
        quant::QuantizationFlags::Signed, builder.getI8Type(), builder.getF32Type(),
        /*scale=*/1.0, /*zeroPoint=*/0, -kLargestByte, kLargestByte);
    auto real = cast<RankedTensorType>(op.getType());
    SmallVector<int64_t> shape(real.getShape());
    shape.back() = 1;
    builder.setInsertionPoint(op);
    auto makeTable = [&](HostTensor tensor, Type element, Type stored) -> Value {
      auto type = RankedTensorType::get(tensor.shape, element);
      return qnn::ConstantOp::create(builder, loc, type,
                                     makeConstant(std::move(tensor), type.clone(stored)));
    };
    Value q = qnn::GatherOp::create(builder, loc, real.clone(number),
                                    makeTable(bytes, number, builder.getI8Type()),
                                    op.getIndices(), op.getAxis());
    Value scale = qnn::GatherOp::create(
        builder, loc, real.clone(shape),
        makeTable(scales, builder.getF32Type(), builder.getF32Type()), op.getIndices(),
        op.getAxis());
    Value x = quant::DequantizeCastOp::create(builder, loc, real, q);
    auto product = qnn::MulOp::create(builder, loc, real, x, scale);
    product->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    op.replaceAllUsesWith(product.getOutput());
    op.erase();
    return product;
  }

private:
  /// What readers of `value` share.
  Value rounded(Value value, int64_t outer) {
    Value &known = values[{value, outer}];
    if (!known) {
      builder.setInsertionPointAfterValue(value);
      known = qnn::DynamicRoundOp::create(builder, value.getLoc(), value.getType(),
                                          value, outer);
    }
    return known;
  }

  OpBuilder builder;
  llvm::DenseMap<std::pair<Value, int64_t>, Value> values;
};
} // namespace

FailureOr<SchemeOfOps> dyadic::chooseSchemes(func::FuncOp func,
                                             ArrayRef<std::string> choices) {
  SchemeOfOps schemes;
  bool hasFailed = false;
  for (StringRef choice : choices) {
    auto [pattern, name] = choice.rsplit('=');
    std::optional<Scheme> scheme = parseScheme(name);
    if (scheme != Scheme::Dynamic && scheme != Scheme::DynamicTensor) {
      func.emitError() << "expected pattern=dynamic or pattern=dynamic-tensor, but got "
                       << choice;
      hasFailed = true;
      continue;
    }
    NamePattern named(pattern);
    bool any = false;
    func.walk([&](Operation *op) {
      if (!qnn::hasWeights(op) || op->getParentOp() != func || !named.matches(op->getLoc()))
        return;
      any = true;
      schemes[op] = *scheme;
    });
    if (!any) {
      func.emitError() << "there is no convolution or matrix product with weights named \""
                       << pattern << "\" whose scheme could be " << name;
      hasFailed = true;
    }
  }
  if (hasFailed)
    return failure();
  return schemes;
}

int64_t dyadic::quantizeDynamically(func::FuncOp func, const SchemeOfOps &schemes) {
  DynamicRewrite rewrite(func.getContext());
  int64_t count = 0;
  for (auto [op, scheme] : schemes)
    if (reasonWithoutRanges(op, {}).empty()) {
      rewrite.contraction(op, scheme);
      ++count;
    }
  return count;
}

int64_t dyadic::quantizeDynamically(func::FuncOp func,
                                    ArrayRef<std::string> keepFloat, Scheme scheme,
                                    const SchemeOfOps &schemes, FloatReasons &floatOps) {
  int64_t count = 0;
  DynamicRewrite rewrite(func.getContext());
  SmallVector<Operation *> ops;
  func.walk([&](Operation *op) {
    if (isComputation(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    bool isNested = op->getParentOp() != func;
    FailureOr<HostTensor> rows = failure();
    if (!isNested)
      rows = tableOf(op);
    bool isProduct = qnn::hasWeights(op);
    std::string reason;
    if (isNested)
      reason = "it is in a branch or loop";
    else if (isProduct || succeeded(rows))
      reason = reasonWithoutRanges(op, keepFloat);
    else
      reason = kOnlyContractions.str();
    if (!reason.empty()) {
      floatOps.insert({op, reason});
      continue;
    }
    ++count;
    auto other = schemes.find(op);
    if (isProduct)
      rewrite.contraction(op, other == schemes.end() ? scheme : other->second);
    else
      floatOps.insert({rewrite.table(cast<qnn::GatherOp>(op), std::move(*rows)),
                       kOnlyContractions.str()});
  }
  return count;
}

SmallVector<Operation *> dyadic::tablesOfFloats(func::FuncOp func, const FloatReasons &floatOps) {
  SmallVector<Operation *> tables;
  for (Operation &op : func.getBody().getOps())
    if (isComputation(&op) && !floatOps.contains(&op) && isReadAsFloat(op.getResult(0), floatOps) &&
        succeeded(tableOf(&op)))
      tables.push_back(&op);
  return tables;
}

int64_t dyadic::giveRowsScales(ArrayRef<Operation *> tables, FloatReasons &floatOps) {
  for (Operation *op : tables) {
    DynamicRewrite rewrite(op->getContext());
    auto rows = tableOf(op);
    floatOps.erase(op);
    floatOps.insert({rewrite.table(cast<qnn::GatherOp>(op), std::move(*rows)), kRowScales.str()});
  }
  return tables.size();
}
