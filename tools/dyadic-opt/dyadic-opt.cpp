//===- dyadic-opt.cpp - runs passes on textual IR -------------------------===//
#include "dyadic/InitAll.h"

#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dyadic::registerAllDialects(registry);
  dyadic::registerAllPasses();
  mlir::registerTransformsPasses();
  mlir::tosa::registerTosaPasses(); // what TOSA needs before --tosa-to-qnn
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Dyadic pass driver\n", registry));
}
