//===- DotProduct.cpp - products on NVIDIA GPUs ---------------------------===//
//
//   a word of bytes    dp4a
//   fragments          mma.sync m16n8k32 from sm_80 on, four m8n8k16 before
//
// Activations may be unsigned, weights are signed: the instructions take both.
//
//===----------------------------------------------------------------------===//
#include "NVPTX.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::nvptx;

Value NVPTXTarget::multiplyAdd(OpBuilder &b, Location loc, OperandKind kind,
                               Value acc, Value x, Value w) const {
  if (kind == OperandKind::F32)
    return vector::FMAOp::create(b, loc, x, w, acc);
  Value product = arith::MulIOp::create(b, loc, x, w);
  return arith::AddIOp::create(b, loc, acc, product);
}

Value NVPTXTarget::dotWords(OpBuilder &b, Location loc, OperandKind kind,
                            Value acc, Value x, Value w) const {
  auto type = kind == OperandKind::U8 ? NVVM::DotAccumulateType::UNSIGNED
                                      : NVVM::DotAccumulateType::SIGNED;
  return NVVM::DotAccumulate4WayOp::create(
      b, loc, b.getI32Type(), x,
      NVVM::DotAccumulateTypeAttr::get(b.getContext(), type), w,
      NVVM::DotAccumulateTypeAttr::get(b.getContext(),
                                       NVVM::DotAccumulateType::SIGNED),
      acc);
}

/// One mma.sync; returns the words of its result.
static SmallVector<Value> multiply(OpBuilder &b, Location loc,
                                   OperandKind kind, ArrayRef<int64_t> shape,
                                   ValueRange acc, ValueRange x, ValueRange w) {
  auto activation = kind == OperandKind::U8 ? NVVM::MMATypes::u8
                                            : NVVM::MMATypes::s8;
  SmallVector<Type> words(acc.size(), b.getI32Type());
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), words);
  Value sums = NVVM::MmaOp::create(
      b, loc, type, x, w, acc, shape, /*b1Op=*/std::nullopt,
      NVVM::MMAIntOverflow::wrapped,
      std::array<NVVM::MMATypes, 2>{activation, NVVM::MMATypes::s8},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  SmallVector<Value> result;
  for (int64_t i = 0; i < static_cast<int64_t>(acc.size()); ++i)
    result.push_back(LLVM::ExtractValueOp::create(b, loc, sums, i));
  return result;
}

SmallVector<Value>
NVPTXTarget::multiplyFragments(OpBuilder &b, Location loc, OperandKind kind,
                               ValueRange acc, ValueRange x,
                               ValueRange w) const {
  if (version >= 80)
    return multiply(b, loc, kind, {16, 8, 32}, acc, x, w);
  // The same fragments, quarter by quarter: rows 0–7 and 8–15, products 0–15
  // and 16–31.
  SmallVector<Value> result;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> sums(acc.slice(2 * half, 2));
    for (int64_t k = 0; k < 2; ++k)
      sums = multiply(b, loc, kind, {8, 8, 16}, sums, x[half + 2 * k], w[k]);
    result.append(sums);
  }
  return result;
}
