//===- tflite.cpp - any bytes as a TensorFlow Lite file -------------------===//
#include "Accounting.h"
#include "Mutators.h"
#include "dyadic/Import/TFLite/ImportTFLite.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <cstring>

/// Changes one to four of the 32-bit words that a flatbuffer is made of: offsets,
/// lengths, extents and numbers of tensors.
static std::string mutateWords(const std::string &model, const std::string &,
                               std::mt19937 &random) {
  std::string result = model;
  size_t words = result.size() / 4;
  for (unsigned n = words ? 1 + random() % 4 : 0; n > 0; --n) {
    char *place = &result[random() % words * 4];
    int32_t word;
    std::memcpy(&word, place, sizeof(word));
    word = static_cast<int32_t>(dyadic::fuzz::notableNumber(word, random));
    std::memcpy(place, &word, sizeof(word));
  }
  return result;
}

DYADIC_FUZZ_MUTATE_BY(mutateWords)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  dyadic::fuzz::Allowance allowance(size);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler(
      [](mlir::Diagnostic &diagnostic) { (void)diagnostic.str(); });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  (void)dyadic::importTFLite(llvm::MemoryBufferRef(bytes, "fuzzed.tflite"),
                             &context);
  return 0;
}
