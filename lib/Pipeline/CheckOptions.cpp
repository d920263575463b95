//===- CheckOptions.cpp ---------------------------------------------------===//
#include "CheckOptions.h"

#include "dyadic/Quantize/CheckWeights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace dyadic {

LogicalResult checkOptions(const CompileOptions &options, Location loc) {
  const QuantizeChoices &choices = options.quantize;
  bool isStatic = choices.scheme == Scheme::Static,
       isWeightOnly = choices.scheme == Scheme::WeightOnly, hasFailed = false;
  auto fault = [&]() {
    hasFailed = true;
    return emitError(loc);
  };
  if (choices.integerOnly && !isStatic)
    fault() << "--integer-only: expected scheme static, whose ranges are known, but got "
            << nameOf(choices.scheme);
  if (!choices.activations.empty() && !isStatic)
    fault() << "--activations: expected the scheme static, in which they have a width, but got "
            << nameOf(choices.scheme);
  bool isWide = llvm::any_of(choices.activations,
                             [](StringRef choice) { return choice.ends_with("int16"); });
  if (isWide && options.rounding == "double_round")
    fault() << "--activations: expected no --requantize double_round beside int16";
  if (options.calibration && options.calibration->weightRounding == WeightRounding::AWQ &&
      !isWeightOnly)
    fault() << "--round-weights awq: expected the scheme weight-only, as it divides channels "
               "for weights alone, but got "
            << nameOf(choices.scheme) << ": use gptq or adaround";
  for (StringRef choice : choices.weights)
    if (std::string why = faultOfWeightChoice(choice, !isWeightOnly); !why.empty())
      fault() << "--weights: " << why;
  return failure(hasFailed);
}

LogicalResult checkNothingIsChosen(const CompileOptions &options, bool comesQuantized,
                                   Location loc) {
  const QuantizeChoices &choices = options.quantize;
  SmallVector<StringRef> vain;
  if (!options.patterns.empty())
    vain.push_back("--overrides");
  if (!choices.weights.empty())
    vain.push_back("--weights");
  if (!choices.activations.empty())
    vain.push_back("--activations");
  if (comesQuantized && !choices.keepFloat.empty())
    vain.push_back("--keep-float");
  if (vain.empty())
    return success();
  return emitError(loc) << llvm::join(vain, ", ") << ": "
                        << (comesQuantized
                                ? "the model comes quantized, with scales of its own"
                                : "nothing is quantized with --float")
                        << ": leave out " << llvm::join(vain, " and ");
}

} // namespace dyadic
