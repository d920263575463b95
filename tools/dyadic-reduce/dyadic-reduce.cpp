//===- dyadic-reduce.cpp - makes a module that fails smaller --------------===//
//
//   dyadic-reduce in.mlir -reduction-tree='traversal-mode=0 test=./fails.sh'
//
// fails.sh is called with a file and returns 1 where the module in it is still
// interesting (fails as the first one did), else 0.
//
//===----------------------------------------------------------------------===//
#include "ReductionPatterns.h"
#include "dyadic/InitAll.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Reducer/Passes.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dyadic::registerAllDialects(registry);
  dyadic::registerReductionPatterns(registry);
  dyadic::registerAllPasses();
  mlir::registerReducerPasses();
  mlir::registerTransformsPasses();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
