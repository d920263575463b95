//===- Networks.cpp -------------------------------------------------------===//
#include "Networks.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace dyadic {

static func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

FailureOr<Networks> Networks::create(ModuleOp calibrated, ModuleOp quantized,
                                     StringRef rounding, bool injects,
                                     std::vector<Layer> &layers) {
  func::FuncOp main = mainOf(calibrated);
  if (lengthsOf(main))
    return main.emitError("expected fixed shapes to explain, but a length is left "
                          "open: give it with --shape");
  Networks networks;
  networks.pairs = matchLayers(main, mainOf(quantized), layers);
  networks.taps.resize(layers.size());
  for (auto [pair, layer] : llvm::zip_equal(networks.pairs, layers))
    networks.rounds.push_back(pair.type && !layer.isMovement);
  networks.outputs = floatResults(main);
  if (failed(networks.makeExact(calibrated, rounding)) ||
      failed(networks.makeApproximate(quantized, rounding)))
    return failure();
  if (injects && !networks.outputs.empty() &&
      failed(networks.makeInjected(calibrated, layers)))
    return failure();
  return std::move(networks);
}

ArrayRef<float> Networks::exactOf(size_t i, ArrayRef<HostTensor> sample) const {
  if (auto argument = dyn_cast<BlockArgument>(pairs[i].exact))
    return sample[argument.getArgNumber()].as<float>();
  return exact->floats(taps[i].exact);
}

LogicalResult Networks::makeExact(ModuleOp calibrated, StringRef rounding) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(calibrated->clone(mapping));
  Results results(mainOf(*copy));
  for (auto [pair, tap] : llvm::zip_equal(pairs, taps)) {
    if (!pair.exactOp)
      continue;
    tap.exact = results.add(mapping.lookup(pair.exact));
    auto stored = withStoredConstants(pair, mapping);
    if (failed(stored))
      return failure();
    if (*stored)
      tap.constants = results.add(*stored);
  }
  for (size_t number : outputs)
    exactScores.push_back(results.addScores(number));
  results.finish();
  auto probe = Probe::create(std::move(copy), /*isQuantized=*/true, rounding);
  if (failed(probe))
    return failure();
  exact = std::move(*probe);
  return success();
}

LogicalResult Networks::makeApproximate(ModuleOp quantized, StringRef rounding) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(quantized->clone(mapping));
  Results results(mainOf(*copy));
  for (auto [pair, tap] : llvm::zip_equal(pairs, taps)) {
    if (!pair.quantizedOp && !pair.type)
      continue;
    Value value = pair.quantized;
    // What an input becomes is seen behind its border.
    if (!pair.quantizedOp)
      for (Operation *user : value.getUsers())
        if (auto border = dyn_cast<quant::QuantizeCastOp>(user)) {
          value = border.getResult();
          break;
        }
    tap.quantized = results.add(mapping.lookup(value));
  }
  for (size_t number : outputs)
    approximateScores.push_back(results.addScores(number));
  results.finish();
  auto probe = Probe::create(std::move(copy), /*isQuantized=*/true, rounding);
  if (failed(probe))
    return failure();
  approximate = std::move(*probe);
  return success();
}

LogicalResult Networks::makeInjected(ModuleOp calibrated, ArrayRef<Layer> layers) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(calibrated->clone(mapping));
  func::FuncOp main = mainOf(*copy);
  for (auto [i, pair] : llvm::enumerate(pairs)) {
    if (!makesError(i))
      continue;
    Value value = mapping.lookup(pair.exact);
    auto type = cast<RankedTensorType>(value.getType());
    taps[i].injection = main.getNumArguments();
    if (failed(main.insertArgument(taps[i].injection, type, {}, main.getLoc())))
      return failure();
    Value error = main.getArgument(taps[i].injection);
    OpBuilder builder(main.getContext());
    builder.setInsertionPointAfterValue(value);
    Value sum = qnn::AddOp::create(builder, value.getLoc(), type, value, error);
    llvm::SmallPtrSet<Operation *, 8> readers;
    for (Operation *user : pair.exact.getUsers()) {
      bool isReturn = user->hasTrait<OpTrait::IsTerminator>();
      auto reader = llvm::find_if(pairs, [&](const LayerPair &other) {
        return other.exactOp == user;
      });
      bool isInteger = reader != pairs.end() && layers[reader - pairs.begin()].isInteger;
      if (!pair.forIntegersOnly || isInteger)
        readers.insert(isReturn ? main.getBody().front().getTerminator()
                                : mapping.lookup(user));
    }
    value.replaceUsesWithIf(sum, [&](OpOperand &use) {
      return readers.contains(use.getOwner());
    });
    largestInjection = std::max<int64_t>(largestInjection, 4 * type.getNumElements());
  }
  Results results(main);
  for (size_t number : outputs)
    injectedScores.push_back(results.addScores(number));
  results.finish();
  auto probe = Probe::create(std::move(copy), /*isQuantized=*/false);
  if (failed(probe))
    return failure();
  injected = std::move(*probe);
  return success();
}

} // namespace dyadic
