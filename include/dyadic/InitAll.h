//===- InitAll.h - registers everything of Dyadic ---------------*- C++ -*-===//
#ifndef DYADIC_INITALL_H
#define DYADIC_INITALL_H

namespace mlir {
class DialectRegistry;
}

namespace dyadic {

/// Both dialects, the upstream ones their lowering ends in, and the interface
/// models of the reference interpreter.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every pass and pipeline of Dyadic.
void registerAllPasses();

} // namespace dyadic

#endif
