//===- WeightFormat.cpp - what weights are stored as ----------------------===//
#include "WeightFormat.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Quantize/CheckWeights.h"
#include "dyadic/Support/NamePattern.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <tuple>

using namespace mlir;
using namespace dyadic;
using Values = WeightFormat::Values;

bool WeightFormat::operator==(const WeightFormat &other) const {
  auto key = [](const WeightFormat &f) {
    return std::tie(f.values, f.bits, f.group, f.perTensor, f.asymmetric);
  };
  return key(*this) == key(other);
}

bool WeightFormat::suitsIntegers() const {
  bool isKnown = values == Values::Integers ? bits == 8 || bits == 4
                                            : values == Values::Codebook && bits == 4;
  bool mayHaveGroups = values == Values::Integers && bits == 4;
  return isKnown && (!group || mayHaveGroups) && !perTensor && !asymmetric;
}

/// The format of a kind's name.
static std::optional<WeightFormat> parseKind(StringRef kind) {
  using Kind = std::optional<std::pair<Values, unsigned>>;
  Kind parsed = llvm::StringSwitch<Kind>(kind)
                    .Case("int8", {{Values::Integers, 8}})
                    .Case("int4", {{Values::Integers, 4}})
                    .Case("int3", {{Values::Integers, 3}})
                    .Case("int2", {{Values::Integers, 2}})
                    .Case("nf4", {{Values::NormalFloat, 4}})
                    .Case("codebook4", {{Values::Codebook, 4}})
                    .Case("codebook3", {{Values::Codebook, 3}})
                    .Case("codebook2", {{Values::Codebook, 2}})
                    .Case("pow2", {{Values::PowersOfTwo, 4}})
                    .Default(std::nullopt);
  if (!parsed)
    return std::nullopt;
  WeightFormat format;
  std::tie(format.values, format.bits) = *parsed;
  return format;
}

std::optional<WeightFormat> dyadic::parseWeightFormat(StringRef text) {
  SmallVector<StringRef> parts;
  llvm::SplitString(text, parts, ":,");
  if (parts.empty() || StringRef(":,").contains(text.back()))
    return std::nullopt;
  std::optional<WeightFormat> format = parseKind(parts.front());
  for (StringRef part : llvm::drop_begin(parts)) {
    if (!format)
      return std::nullopt;
    if (part == "asymmetric" && format->values == Values::Integers)
      format->asymmetric = true;
    else if (part == "tensor" && !format->group)
      format->perTensor = true;
    else if (!part.consume_front("group=") || format->perTensor ||
             part.getAsInteger(10, format->group) || format->group < 1)
      return std::nullopt;
  }
  return format;
}

//===----------------------------------------------------------------------===//
// Which ops
//===----------------------------------------------------------------------===//

bool dyadic::isDepthwise(Operation *op) {
  auto conv = dyn_cast<qnn::Conv2DOp>(op);
  return conv && conv.getGroups() > 1 &&
         cast<RankedTensorType>(conv.getFilter().getType()).getDimSize(3) == 1;
}

/// Whether `op` reads rows of a constant table.
static bool readsTable(Operation *op) {
  auto gather = dyn_cast<qnn::GatherOp>(op);
  return gather && matchPattern(gather.getInput(), m_Constant());
}

/// The pattern and the format of a choice, either of which may contain "=".
static std::pair<StringRef, StringRef> splitChoice(StringRef choice) {
  size_t options = std::min(choice.find(":group="), choice.find(",group="));
  size_t equals = choice.take_front(options).rfind('=');
  if (equals == StringRef::npos)
    return {"*", choice};
  return {choice.take_front(equals), choice.drop_front(equals + 1)};
}

std::string dyadic::faultOfWeights(StringRef text, bool forIntegers) {
  StringRef kinds = forIntegers ? kIntegerWeightFormats : kWeightFormats;
  std::optional<WeightFormat> format = parseWeightFormat(text);
  if (!format)
    return ("expected weights of kind " + kinds + ", but got " + text).str();
  if (forIntegers && !format->suitsIntegers())
    return ("expected weights of kind " + kinds + ", for products with 8-bit activations, but got " +
            text + ": use --scheme weight-only for it")
        .str();
  return {};
}

std::string dyadic::faultOfWeightChoice(StringRef choice, bool forIntegers) {
  return faultOfWeights(splitChoice(choice).second, forIntegers);
}

static LogicalResult applyChoice(func::FuncOp func, StringRef choice, WeightUse use) {
  StringRef pattern, text;
  std::tie(pattern, text) = splitChoice(choice);
  bool forIntegers = use == WeightUse::IntegerProducts;
  if (std::string fault = faultOfWeights(text, forIntegers); !fault.empty())
    return func.emitError() << fault;
  NamePattern named(pattern);
  bool all = pattern == "*", any = all;
  func.walk([&](Operation *op) {
    bool isTable = !forIntegers && !all && readsTable(op);
    if ((!isTable && !qnn::isContraction(op)) || (!all && !named.matches(op->getLoc())))
      return;
    any = true;
    if (!isDepthwise(op))
      op->setAttr(kWeightKindAttr, StringAttr::get(op->getContext(), text));
  });
  if (any)
    return success();
  return func.emitError() << "there is no convolution"
                          << (forIntegers ? " or matrix product"
                                          : ", matrix product or table")
                          << " named \"" << pattern << "\" whose weights could be "
                          << text;
}

LogicalResult dyadic::chooseWeightFormats(func::FuncOp func,
                                          ArrayRef<std::string> choices,
                                          WeightUse use) {
  bool failed = false;
  for (StringRef choice : choices)
    failed |= mlir::failed(applyChoice(func, choice, use));
  return failure(failed);
}

std::optional<WeightFormat> dyadic::weightFormatOf(Operation *op) {
  auto text = op->getAttrOfType<StringAttr>(kWeightKindAttr);
  return text ? parseWeightFormat(text) : std::nullopt;
}
