//===- CodeDecoder.h - floats from codes of few bits ------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_CODEDECODER_H
#define DYADIC_LIB_CODEGEN_CODEDECODER_H

#include "KernelBuilder.h"

#include "dyadic/Dialect/Coded/CodedGrid.h"

namespace dyadic::codegen {

template <> inline mlir::Type KernelBuilder::elementType<int16_t>() {
  return b.getI16Type();
}

/// Codes in words of 32 bits, a *unit* being the fewest words that whole codes fill,
/// and the code that makes floats of them: each lane of a register has the codes of
/// another element.
class CodeDecoder {
public:
  CodeDecoder(KernelBuilder &k, const CodedGrid &grid);

  int64_t wordsPerUnit() const { return bits == 3 ? 3 : 1; }
  int64_t codesPerUnit() const { return 32 * wordsPerUnit() / bits; }
  /// The words of so many codes.
  int64_t words(int64_t codes) const {
    return llvm::divideCeil(codes, codesPerUnit()) * wordsPerUnit();
  }

  /// Word `word` of `count` codes, of which `code` gives each.
  int32_t pack(int64_t word, int64_t count,
               llvm::function_ref<unsigned(int64_t)> code) const;
  /// The values of code `i` of a unit, given the registers of its words.
  mlir::Value decode(llvm::ArrayRef<mlir::Value> words, int64_t i);

  /// Scales in memory: two bytes each where all are bf16 numbers.
  mlir::Value storeScales(llvm::ArrayRef<float> scales);
  /// `width` of them from `at` on.
  mlir::Value loadScales(mlir::Value memory, mlir::Value at, int64_t width);

private:
  mlir::Value lookUp(mlir::Value codes);

  KernelBuilder &k;
  int64_t lookUpSize; // 0: no instruction looks floats up
  int64_t bits;
  bool integers; // are stored in two's complement
  /// The values in the order of what is stored.
  std::vector<float> table;
  mlir::Value memory; // of the table, without such an instruction
};

} // namespace dyadic::codegen

#endif
