//===- Strategy.cpp -------------------------------------------------------===//
#include "dyadic/Target/Strategy.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace dyadic;

std::string ContractionShape::str() const {
  const char *kind = operand == OperandKind::F32    ? "f32"
                     : operand == OperandKind::BF16 ? "bf16"
                     : operand == OperandKind::U8 ? "u8"
                                                  : "i8";
  return llvm::formatv("{0} {1}x{2} pixels, {3} channels, {4}x{5} products{6}{7}{8}", kind,
                       rows, pixels, channels, segments, segmentLength(),
                       nibbles == Nibbles::None      ? ""
                       : nibbles == Nibbles::Numbers ? ", weights of 4 bits"
                                                     : ", codebook of 16",
                       joinedGroups > 1
                           ? llvm::formatv(", {0} groups", joinedGroups).str()
                           : std::string(),
                       windowTiles
                           ? llvm::formatv(", {0} windows", windowTiles).str()
                           : std::string());
}

std::string RegisterTile::str() const {
  const char *outermost = panelsOutermost ? "panels" : "pixels";
  std::string text = llvm::formatv("{0}x{1} {2}", pixels, vectors, outermost);
  if (tileRows)
    text = llvm::formatv("{0}x{1} of {2} rows, {3}", pixels / tileRows, vectors,
                         tileRows, outermost);
  if (windowTiles)
    text = llvm::formatv("{0} of {1} windows", pixels, windowTiles);
  if (prefetch)
    text += llvm::formatv(" +{0}", prefetch);
  if (form)
    text += llvm::formatv(" form {0}", form);
  return text;
}

void KernelStrategy::record(Operation *function) const {
  Builder b(function->getContext());
  function->setAttr(
      kAttribute,
      b.getDictionaryAttr({b.getNamedAttr("shape", b.getStringAttr(shape)),
                           b.getNamedAttr("tile", b.getStringAttr(tile)),
                           b.getNamedAttr("estimate", b.getI64IntegerAttr(estimate)),
                           b.getNamedAttr("candidates",
                                          b.getI64IntegerAttr(candidates))}));
}

std::optional<KernelStrategy> KernelStrategy::of(Operation *function) {
  auto attribute = function->getAttrOfType<DictionaryAttr>(kAttribute);
  if (!attribute)
    return std::nullopt;
  auto shape = attribute.getAs<StringAttr>("shape"),
       tile = attribute.getAs<StringAttr>("tile");
  auto estimate = attribute.getAs<IntegerAttr>("estimate"),
       candidates = attribute.getAs<IntegerAttr>("candidates");
  if (!shape || !tile || !estimate || !candidates)
    return std::nullopt;
  return KernelStrategy{shape.str(), tile.str(), estimate.getInt(),
                        candidates.getInt()};
}
