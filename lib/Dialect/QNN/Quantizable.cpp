//===- Quantizable.cpp - how each op becomes an integer op ----------------===//
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dyadic::qnn;

#define DYADIC_KIND(OP, KIND)                                                  \
  QuantKind OP::getQuantKind() { return QuantKind::KIND; }

DYADIC_KIND(Conv2DOp, Contraction)
DYADIC_KIND(MatmulOp, Contraction)

DYADIC_KIND(AddOp, Rescaling)
DYADIC_KIND(SubOp, Rescaling)
DYADIC_KIND(MulOp, Rescaling)
DYADIC_KIND(AvgPool2DOp, Rescaling)
DYADIC_KIND(ReduceMeanOp, Rescaling)
DYADIC_KIND(ConcatOp, Rescaling)

DYADIC_KIND(MaxPool2DOp, SameType)
DYADIC_KIND(ReshapeOp, SameType)
DYADIC_KIND(TransposeOp, SameType)
DYADIC_KIND(SliceOp, SameType)
DYADIC_KIND(PadOp, SameType)
DYADIC_KIND(ResizeOp, SameType)
DYADIC_KIND(GatherOp, SameType)

DYADIC_KIND(ReluOp, Table)
DYADIC_KIND(ClampOp, Table)
DYADIC_KIND(LeakyReluOp, Table)
DYADIC_KIND(SigmoidOp, Table)
DYADIC_KIND(TanhOp, Table)
DYADIC_KIND(HardSigmoidOp, Table)
DYADIC_KIND(HardSwishOp, Table)
DYADIC_KIND(SwishOp, Table)
DYADIC_KIND(GeluOp, Table)
DYADIC_KIND(ErfOp, Table)
DYADIC_KIND(ExpOp, Table)
DYADIC_KIND(LogOp, Table)
DYADIC_KIND(SqrtOp, Table)
DYADIC_KIND(AbsOp, Table)
DYADIC_KIND(NegOp, Table)
DYADIC_KIND(ReciprocalOp, Table)

/// 255 · 127 · K must stay below 2³¹, with room for the bias.
static constexpr int64_t kMaxReduction = 60000;

/// The same for two activations, each up to 255 from its zero point.
static constexpr int64_t kMaxRunTimeReduction = 33000;

static std::string overflowReason(int64_t reduction) {
  return "a sum of " + llvm::utostr(reduction) +
         " products could overflow 32 bits";
}

static std::string weightReason(Value weights, int64_t reduction) {
  if (!matchPattern(weights, m_Constant()))
    return "its right operand is computed at run time";
  if (reduction > kMaxReduction)
    return overflowReason(reduction);
  return {};
}

std::string Conv2DOp::getFloatReason() {
  auto filter = cast<RankedTensorType>(getFilter().getType());
  return weightReason(getFilter(),
                      filter.getNumElements() / filter.getDimSize(0));
}

bool dyadic::qnn::isContraction(Operation *op) {
  auto quantizable = dyn_cast_or_null<QuantizableOpInterface>(op);
  return quantizable && quantizable.getQuantKind() == QuantKind::Contraction;
}

bool dyadic::qnn::hasWeights(Operation *op) {
  return isContraction(op) && !isRunTimeProduct(op);
}

StringRef dyadic::qnn::reportedKind(Operation *op) {
  auto compute = dyn_cast<ComputeOp>(op);
  return compute && compute.getName() ? *compute.getName() : op->getName().getStringRef();
}

bool dyadic::qnn::isRunTimeProduct(Operation *op) {
  auto matmul = dyn_cast<MatmulOp>(op);
  return matmul && !matchPattern(matmul.getRhs(), m_Constant());
}

std::string MatmulOp::getFloatReason() {
  auto rhs = cast<RankedTensorType>(getRhs().getType());
  if (isRunTimeProduct(*this)) {
    if (getBias())
      return "it has a bias, and its right operand is computed at run time";
    int64_t reduction = rhs.getDimSize(rhs.getRank() - 2);
    if (reduction > kMaxRunTimeReduction)
      return overflowReason(reduction);
    return {};
  }
  if (rhs.getRank() != 2)
    return "its right operand is a batch of matrices";
  return weightReason(getRhs(), rhs.getDimSize(0));
}

std::string AvgPool2DOp::getFloatReason() {
  bool padded = llvm::any_of(getPads(), [](int64_t pad) { return pad != 0; });
  if (padded && !getCountIncludePad())
    return "its windows at the border divide by fewer elements";
  return {};
}
