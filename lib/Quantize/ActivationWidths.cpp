//===- ActivationWidths.cpp - which activations have 16 bits --------------===//
//
// docs/Quantization.md, section "Activations of 16 bits".
//
//===----------------------------------------------------------------------===//
#include "ActivationWidths.h"

#include "FloatRegions.h"

#include "dyadic/Support/NamePattern.h"

using namespace mlir;
using namespace dyadic;
using qnn::QuantizableOpInterface;
using qnn::QuantKind;

/// Sums of so many values of 16 bits fit 32.
static constexpr int64_t kMostSummed = 1 << 15;

static int64_t elementCount(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

/// Whether an op takes 8 bits alone: products of what is computed at run time, and
/// means of much.
static bool takesBytesOnly(Operation *op) {
  if (qnn::isRunTimeProduct(op))
    return true;
  if (auto pool = dyn_cast<qnn::AvgPool2DOp>(op))
    return pool.getKernel()[0] * pool.getKernel()[1] > kMostSummed;
  return isa<qnn::ReduceMeanOp>(op) &&
         elementCount(op->getOperand(0)) > kMostSummed * elementCount(op->getResult(0));
}

/// The same of those that read `value`, or what only moves its elements.
static bool mustBeBytes(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    auto quantizable = dyn_cast<QuantizableOpInterface>(user);
    if (!quantizable)
      return false;
    return takesBytesOnly(user) || (quantizable.getQuantKind() == QuantKind::SameType &&
                                    mustBeBytes(user->getResult(0)));
  });
}

static bool carriesName(Value value, func::FuncOp func, const NamePattern &pattern) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return pattern.matches(value.getLoc());
  auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
  return name && pattern.matches(name.getValue());
}

FailureOr<ActivationWidths> ActivationWidths::create(func::FuncOp func,
                                                     ArrayRef<std::string> choices) {
  SmallVector<Value> values(llvm::make_filter_range(func.getArguments(), holdsReals));
  func.walk([&](Operation *op) {
    if (isComputation(op))
      llvm::append_range(values, llvm::make_filter_range(op->getResults(), holdsReals));
  });
  ActivationWidths widths;
  llvm::DenseSet<Value> decided;
  bool hasFailed = false;
  for (StringRef choice : choices) {
    auto [pattern, width] = choice.rsplit('=');
    if (pattern.size() == choice.size())
      std::tie(pattern, width) = std::pair<StringRef, StringRef>("*", choice);
    if (width != "int8" && width != "int16") {
      func.emitError() << "expected activations of int8 or int16, but got " << width;
      hasFailed = true;
      continue;
    }
    NamePattern named(pattern);
    bool any = pattern == "*";
    for (Value value : values) {
      if (pattern != "*" && !carriesName(value, func, named))
        continue;
      any = true;
      decided.insert(value);
      if (width == "int8")
        widths.wide.erase(value);
      else if (!mustBeBytes(value))
        widths.wide.insert(value);
    }
    if (!any) {
      func.emitError() << "there is no op or input named \"" << pattern
                       << "\" whose result could be " << width;
      hasFailed = true;
    }
  }
  if (hasFailed)
    return failure();
  // A relu or clamp rounds for the op before it, whose result nothing else reads.
  for (Value value : values) {
    Operation *cut = value.getDefiningOp();
    if (isa_and_nonnull<qnn::ReluOp, qnn::ClampOp>(cut) && !decided.contains(value) &&
        cut->getOperand(0).hasOneUse() && widths.isWide(cut->getOperand(0)) &&
        !mustBeBytes(value))
      widths.wide.insert(value);
  }
  return widths;
}
