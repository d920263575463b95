//===- ReductionPatterns.h - ways to make a network smaller -----*- C++ -*-===//
#ifndef DYADIC_TOOLS_DYADICREDUCE_REDUCTIONPATTERNS_H
#define DYADIC_TOOLS_DYADICREDUCE_REDUCTIONPATTERNS_H

namespace mlir {
class DialectRegistry;
}

namespace dyadic {

/// Lets --reduction-tree replace ops of both dialects by simpler ones.
void registerReductionPatterns(mlir::DialectRegistry &registry);

} // namespace dyadic

#endif
