//===- DotProduct.cpp - products on x86 -----------------------------------===//
//
//   F32            vbroadcastss, vfmadd
//   U8, VNNI       vpbroadcastd of 4 bytes, vpdpbusd
//   otherwise      the same bytes, split into the 16-bit lanes of even and odd
//                  positions, vpmaddwd, vpaddd: exact, where the saturating
//                  vpmaddubsw isn't
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

static Value load(OpBuilder &b, Location loc, int64_t width, Value memref,
                  Value index) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::LoadOp::create(b, loc, VectorType::get(width, element), memref,
                                index);
}

static Value bitcast(OpBuilder &b, Location loc, int64_t width, Type element,
                     Value value) {
  return vector::BitCastOp::create(b, loc, VectorType::get(width, element),
                                   value);
}

static Value callIntrinsic(OpBuilder &b, Location loc, StringRef name,
                           Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

bool X86Target::usesVNNI(OperandKind kind) const {
  return kind == OperandKind::U8 && isAVX512();
}

Value X86Target::loadActivation(OpBuilder &b, Location loc, OperandKind kind,
                                Value memref, Value index) const {
  int64_t n = lanes();
  if (kind == OperandKind::F32) {
    Value one = load(b, loc, 1, memref, index);
    return vector::BroadcastOp::create(
        b, loc, VectorType::get(n, b.getF32Type()), one);
  }
  Value group = load(b, loc, 4, memref, index);
  Value word = bitcast(b, loc, 1, b.getI32Type(), group);
  Value words = vector::BroadcastOp::create(
      b, loc, VectorType::get(n, b.getI32Type()), word);
  return bitcast(b, loc, 4 * n, b.getI8Type(), words);
}

Value X86Target::loadWeights(OpBuilder &b, Location loc, OperandKind kind,
                             Value memref, Value index) const {
  return load(b, loc, lanes() * reductionGroup(kind), memref, index);
}

/// vpmaddwd and vpaddd on i16 pairs.
static Value multiplyAddPairs(OpBuilder &b, Location loc, int64_t lanes,
                              Value acc, Value x, Value w) {
  StringRef name = lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512"
                               : "llvm.x86.avx2.pmadd.wd";
  Value sums = callIntrinsic(b, loc, name, acc.getType(), {x, w});
  return arith::AddIOp::create(b, loc, acc, sums);
}

/// Bytes as 16-bit lanes: those at even positions, and those at odd ones.
static std::pair<Value, Value> widenBytes(OpBuilder &b, Location loc,
                                          Value bytes, bool isUnsigned) {
  int64_t n = cast<VectorType>(bytes.getType()).getNumElements() / 2;
  Value words = bitcast(b, loc, n, b.getI16Type(), bytes);
  Value eight = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(cast<VectorType>(words.getType()),
                             b.getI16IntegerAttr(8)));
  Value up = arith::ShLIOp::create(b, loc, words, eight);
  if (isUnsigned)
    return {arith::ShRUIOp::create(b, loc, up, eight),
            arith::ShRUIOp::create(b, loc, words, eight)};
  return {arith::ShRSIOp::create(b, loc, up, eight),
          arith::ShRSIOp::create(b, loc, words, eight)};
}

static constexpr StringRef kDpbusd = "llvm.x86.avx512.vpdpbusd.512";

Value X86Target::dot(OpBuilder &b, Location loc, OperandKind kind, Value acc,
                     Value activation, Value weights) const {
  if (kind == OperandKind::F32)
    return vector::FMAOp::create(b, loc, activation, weights, acc);
  if (usesVNNI(kind))
    return callIntrinsic(b, loc, kDpbusd, acc.getType(),
                         {acc, activation, weights});
  auto [evenX, oddX] =
      widenBytes(b, loc, activation, kind == OperandKind::U8);
  auto [evenW, oddW] = widenBytes(b, loc, weights, /*isUnsigned=*/false);
  acc = multiplyAddPairs(b, loc, lanes(), acc, evenX, evenW);
  return multiplyAddPairs(b, loc, lanes(), acc, oddX, oddW);
}

Value X86Target::multiplyAdd(OpBuilder &b, Location loc, OperandKind kind,
                             Value acc, Value x, Value w) const {
  if (kind == OperandKind::F32)
    return vector::FMAOp::create(b, loc, x, w, acc);
  // Each lane is one product: the upper bytes of an unsigned x are zero, those
  // of a signed one meet a weight whose upper half is cleared.
  if (usesVNNI(kind)) {
    Type i8 = b.getI8Type();
    return callIntrinsic(b, loc, kDpbusd, acc.getType(),
                         {acc, bitcast(b, loc, 4 * lanes(), i8, x),
                          bitcast(b, loc, 4 * lanes(), i8, w)});
  }
  if (kind == OperandKind::I8) {
    Value mask = arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(cast<VectorType>(w.getType()),
                               b.getI32IntegerAttr(0xffff)));
    w = arith::AndIOp::create(b, loc, w, mask);
  }
  Type i16 = b.getI16Type();
  return multiplyAddPairs(b, loc, lanes(), acc,
                          bitcast(b, loc, 2 * lanes(), i16, x),
                          bitcast(b, loc, 2 * lanes(), i16, w));
}

Value X86Target::lookup(OpBuilder &b, Location loc, Value x,
                        Value table) const {
  auto type = cast<VectorType>(x.getType());
  int64_t width = type.getNumElements();
  if (!isAVX512() || !getInfo().has("avx512vbmi") || width % 64)
    return {};
  // vpermi2b reads 128 entries with bits 0–6 of the index; bit 7 chooses.
  auto zmm = VectorType::get(64, b.getI8Type());
  SmallVector<Value> quarter;
  for (int64_t i = 0; i < 4; ++i) {
    Value offset = arith::ConstantIndexOp::create(b, loc, 64 * i);
    quarter.push_back(load(b, loc, 64, table, offset));
  }
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(zmm));
  Value result = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  for (int64_t i = 0; i < width; i += 64) {
    Value part = vector::ExtractStridedSliceOp::create(
        b, loc, x, ArrayRef<int64_t>{i}, ArrayRef<int64_t>{64},
        ArrayRef<int64_t>{1});
    auto permute = [&](Value low, Value high) {
      return callIntrinsic(b, loc, "llvm.x86.avx512.vpermi2var.qi.512", zmm,
                           {low, part, high});
    };
    Value upper = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, part,
                                        zero);
    Value value = arith::SelectOp::create(b, loc, upper,
                                          permute(quarter[2], quarter[3]),
                                          permute(quarter[0], quarter[1]));
    result = vector::InsertStridedSliceOp::create(
        b, loc, value, result, ArrayRef<int64_t>{i}, ArrayRef<int64_t>{1});
  }
  return result;
}
