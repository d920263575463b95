//===- tosa.cpp - any text as a TOSA network ------------------------------===//
#include "Accounting.h"
#include "Mutators.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Import/TOSA/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

DYADIC_FUZZ_MUTATE_BY(dyadic::fuzz::mutateText)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  dyadic::fuzz::Allowance allowance(size);
  DialectRegistry registry;
  registry.insert<func::FuncDialect, tosa::TosaDialect, quant::QuantDialect,
                  dyadic::qnn::QNNDialect, dyadic::DyadicDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler(
      [](Diagnostic &diagnostic) { (void)diagnostic.str(); });
  StringRef text(reinterpret_cast<const char *>(data), size);
  auto module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
  if (!module)
    return 0;
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(dyadic::createTosaToQNN());
  (void)passes.run(*module);
  return 0;
}
