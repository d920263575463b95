//===- NamePattern.h - patterns of layers' names ----------------*- C++ -*-===//
#ifndef DYADIC_SUPPORT_NAMEPATTERN_H
#define DYADIC_SUPPORT_NAMEPATTERN_H

#include "mlir/IR/Location.h"
#include "llvm/Support/GlobPattern.h"

#include <optional>

namespace dyadic {

/// A name as the model has it, or a pattern of names with *, ? and [a-z]. Views its
/// text.
class NamePattern {
public:
  explicit NamePattern(llvm::StringRef text);

  bool matches(llvm::StringRef name) const;
  /// Whether one of the names in a location matches: an op's own, or those of ops that
  /// were fused into it.
  bool matches(mlir::Location loc) const;

private:
  llvm::StringRef text;
  /// None where `text` isn't a pattern.
  std::optional<llvm::GlobPattern> glob;
};

} // namespace dyadic

#endif
