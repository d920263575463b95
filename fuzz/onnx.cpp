//===- onnx.cpp - any bytes as an ONNX file -------------------------------===//
#include "Accounting.h"
#include "Mutators.h"
#include "dyadic/Import/ONNX/ImportONNX.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBufferRef.h"

DYADIC_FUZZ_MUTATE_BY(dyadic::fuzz::mutateMessage)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  dyadic::fuzz::Allowance allowance(size);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler(
      [](mlir::Diagnostic &diagnostic) { (void)diagnostic.str(); });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  dyadic::ONNXImportOptions options;
  options.fillBytes = 16 << 20;
  // There is no such folder: weights outside the file are an error.
  (void)dyadic::importONNX(llvm::MemoryBufferRef(bytes, "fuzzed.onnx"),
                           "/nonexistent", options, &context);
  return 0;
}
