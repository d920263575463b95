//===- KernelBuilder.cpp --------------------------------------------------===//
#include "KernelBuilder.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

int64_t WeightBlob::append(ArrayRef<char> data) {
  int64_t offset = llvm::alignTo(bytes.size(), kAlignment);
  bytes.resize(offset);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return offset;
}

MemRefType codegen::flatMemRef(RankedTensorType type) {
  return MemRefType::get(type.getNumElements(),
                         memoryElementType(type.getElementType()));
}

MemRefType codegen::flatMemRef(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return MemRefType::get(spanOf(type.getShape(), memoryStrides(value)),
                         memoryElementType(type.getElementType()));
}

static FunctionOpInterface makeFunction(OpBuilder &b, Location loc,
                                        StringRef name, FunctionType type) {
  auto function = func::FuncOp::create(b, loc, name, type);
  function.setPrivate();
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  function.addEntryBlock();
  return function;
}

KernelBuilder::KernelBuilder(OpBuilder builder, KernelOp kernel, StringRef name,
                             const KernelTarget &target, WeightBlob &blob,
                             int64_t threads)
    : KernelBuilder(builder, kernel, name, target, blob, makeFunction, threads) {
}

KernelBuilder::KernelBuilder(OpBuilder builder, KernelOp kernel, StringRef name,
                             const KernelTarget &target, WeightBlob &blob,
                             FunctionFactory makeFunction, int64_t threads)
    : b(builder), loc(kernel.getLoc()), kernel(kernel), target(target),
      blob(blob), threadCount(threads) {
  SmallVector<Type> arguments;
  for (Value value : llvm::concat<Value>(llvm::to_vector(kernel.getInputs()),
                                         llvm::to_vector(kernel.getOutputs())))
    arguments.push_back(flatMemRef(value));
  for (auto [body, input] : llvm::zip_equal(
           kernel.getBody().front().getArguments(), kernel.getInputs()))
    operandStrides[body] = memoryStrides(input);
  for (Value output : kernel.getOutputs())
    resultStrides.push_back(memoryStrides(output));
  size_t constantsNumber = arguments.size();
  arguments.push_back(MemRefType::get(0, b.getI8Type())); // set by finish()
  if (threads > 1)
    arguments.push_back(b.getIndexType());
  function = makeFunction(b, loc, name, b.getFunctionType(arguments, {}));
  b.setInsertionPointToStart(&entry());
  for (auto [body, argument] : llvm::zip(
           kernel.getBody().front().getArguments(), entry().getArguments()))
    buffers[body] = argument;
  constantsArgument = entry().getArgument(constantsNumber);
  if (threads > 1)
    thread = entry().getArguments().back();
}

void KernelBuilder::terminate() { func::ReturnOp::create(b, loc); }

void KernelBuilder::finish() {
  terminate();
  constantsArgument.setType(
      MemRefType::get(constantData.size(), b.getI8Type()));
  if (scratchArgument)
    scratchArgument.setType(MemRefType::get(scratchBytes, b.getI8Type()));
  if (weightsArgument)
    weightsArgument.setType(MemRefType::get(weightData.size(), b.getI8Type()));
  size_t arguments = function.getNumArguments() + (scratchArgument ? 1 : 0) +
                     (weightsArgument ? 1 : 0) + (lengthArgument ? 1 : 0);
  if (thread && divided.empty()) {
    b.setInsertionPointToStart(&entry());
    thread.replaceAllUsesWith(index(0)); // by scratch
    entry().eraseArgument(--arguments);
  }
  auto types = llvm::to_vector(entry().getArgumentTypes());
  types.truncate(arguments);
  function.setType(b.getFunctionType(types, {}));
  if (!constantData.empty())
    blobOffset = blob.append(constantData);
  if (!weightData.empty())
    weightBlobOffset = blob.append(weightData);
}

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value KernelBuilder::add(Value lhs, Value rhs) {
  return b.createOrFold<arith::AddIOp>(loc, lhs, rhs);
}

Value KernelBuilder::mul(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::MulIOp>(loc, lhs, index(rhs));
}

void KernelBuilder::loop(int64_t count, int64_t step,
                         function_ref<void(Value)> body) {
  if (count <= 0)
    return;
  if (count <= step)
    return body(index(0));
  auto loop = scf::ForOp::create(b, loc, index(0), index(count), index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

KernelBuilder::Carried
KernelBuilder::loop(int64_t count, Carried initial,
                    function_ref<Carried(Value, ValueRange)> body) {
  if (count <= 0)
    return initial;
  if (count == 1)
    return body(index(0), initial);
  auto loop =
      scf::ForOp::create(b, loc, index(0), index(count), index(1), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Carried next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!next.empty()) // else it is there
    scf::YieldOp::create(b, loc, next);
  return Carried(loop.getResults());
}

void KernelBuilder::pieces(int64_t count, int64_t width, RunBody body) {
  int64_t tail = count % width;
  loop(count - tail, width, [&](Value start) { body(start, width); });
  if (tail)
    body(index(count - tail), tail);
}

void KernelBuilder::forPieces(ArrayRef<int64_t> extents, int64_t count,
                              int64_t width, PieceBody body) {
  SmallVector<int64_t> iterations(extents);
  iterations.push_back(llvm::divideCeil(count, width));
  SmallVector<Share> shares = share(iterations);
  SmallVector<Value> outer;
  std::function<void()> nest = [&] {
    if (outer.size() < extents.size())
      return loop(shares[outer.size()], extents[outer.size()], 1, [&](Value i) {
        outer.push_back(i);
        nest();
        outer.pop_back();
      });
    pieces(shares[outer.size()], count, width,
           [&](Value start, int64_t width) { body(outer, start, width); });
  };
  nest();
}

Value KernelBuilder::buffer(Value value) {
  if (Value known = buffers.lookup(value))
    return known;
  FailureOr<HostTensor> constant = readConstant(value);
  assert(succeeded(constant) && "a body value in memory is a constant");
  Type element = memoryElementType(
      cast<RankedTensorType>(value.getType()).getElementType());
  Value memref = constantBytes(constant->bytes, element);
  buffers[value] = memref;
  return memref;
}

SmallVector<int64_t> KernelBuilder::strides(Value value) const {
  auto known = operandStrides.find(value);
  if (known != operandStrides.end())
    return known->second;
  return stridesOf(cast<RankedTensorType>(value.getType()).getShape()); // a constant
}

bool KernelBuilder::isRowMajor(Value value) const {
  return isContiguous(cast<RankedTensorType>(value.getType()).getShape(),
                      strides(value));
}

Value KernelBuilder::output(unsigned i) {
  return function.getArgument(kernel.getInputs().size() + i);
}

int64_t KernelBuilder::appendConstant(ArrayRef<char> data) {
  int64_t offset = llvm::alignTo(constantData.size(), WeightBlob::kAlignment);
  constantData.resize(offset);
  constantData.insert(constantData.end(), data.begin(), data.end());
  return offset;
}

Value KernelBuilder::constantAt(ArrayRef<char> data, Type element, Value at) {
  int64_t offset = appendConstant(data);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry());
  Value byte = add(mul(at, element.getIntOrFloatBitWidth() / 8), offset);
  return memref::ViewOp::create(b, loc, MemRefType::get(1, element),
                                constantsArgument, byte, ValueRange());
}

Value KernelBuilder::lengthIndex() {
  if (!lengthArgument)
    lengthArgument = entry().insertArgument(
        entry().getNumArguments() - (thread ? 1 : 0), b.getIndexType(), loc);
  return lengthArgument;
}

Value KernelBuilder::extent(Value value, int64_t dim) {
  ArrayRef<int64_t> extents =
      shapes ? shapes->extents(value, dim) : ArrayRef<int64_t>();
  if (extents.empty())
    return index(cast<RankedTensorType>(value.getType()).getDimSize(dim));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry());
  if (auto affine = affineExtent(extents))
    return add(mul(lengthIndex(), affine->step), affine->first);
  Value memory = constantForLength<int64_t>(extents);
  b.setInsertionPointAfter(memory.getDefiningOp());
  Value loaded = memref::LoadOp::create(b, loc, memory, index(0));
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), loaded);
}

Value KernelBuilder::constantBytes(ArrayRef<char> data, Type element) {
  int64_t offset = appendConstant(data);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry());
  return viewOf(constantsArgument, index(offset), data.size(), element);
}

Value KernelBuilder::weightBytes(ArrayRef<char> data, Type element) {
  if (!weightsArgument)
    weightsArgument = addArgument(constantsArgument);
  int64_t offset = llvm::alignTo(weightData.size(), WeightBlob::kAlignment);
  weightData.resize(offset);
  weightData.insert(weightData.end(), data.begin(), data.end());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry());
  return viewOf(weightsArgument, index(offset), data.size(), element);
}

Value KernelBuilder::addArgument(Value other) {
  return entry().insertArgument(cast<BlockArgument>(other).getArgNumber() + 1,
                                MemRefType::get(0, b.getI8Type()), loc);
}

Value KernelBuilder::viewOf(Value memory, Value offset, int64_t size,
                            Type element) {
  auto type = MemRefType::get(size / (element.getIntOrFloatBitWidth() / 8), element);
  return memref::ViewOp::create(b, loc, type, memory, offset, ValueRange());
}

Value KernelBuilder::scratch(int64_t bytes, Type element) {
  int64_t own = llvm::alignTo(bytes, WeightBlob::kAlignment);
  if (!scratchArgument)
    scratchArgument =
        addArgument(weightsArgument ? weightsArgument : constantsArgument);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry());
  Value offset = index(scratchBytes);
  if (thread)
    offset = add(offset, mul(thread, own));
  scratchBytes += own * threadCount;
  return viewOf(scratchArgument, offset, bytes, element);
}

VectorType KernelBuilder::vectorType(int64_t width, Type element) {
  return VectorType::get(width, element);
}

Value KernelBuilder::loadVector(Value memref, Value index, int64_t width) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto load = [&](Value at, int64_t n) -> Value {
    return vector::LoadOp::create(b, loc, vectorType(n, element), memref, at);
  };
  // An odd number of bytes LLVM puts together one by one: the last ones are read
  // with some of those before them instead.
  int64_t unit = width > 8 ? 8 : 4, rest = width % unit, whole = width - rest;
  if (target.packedRegisters() == 1 || !element.isInteger(8) || !whole || !rest)
    return load(index, width);
  int64_t size = llvm::PowerOf2Ceil(width);
  Value low = widen(load(index, whole), size),
        high = widen(load(add(index, width - unit), unit), size);
  SmallVector<int64_t> from(width);
  for (int64_t i = 0; i < width; ++i)
    from[i] = i < whole ? i : size + i - (width - unit);
  return vector::ShuffleOp::create(b, loc, low, high, from);
}

void KernelBuilder::storeVector(Value vector, Value memref, Value index) {
  vector::StoreOp::create(b, loc, vector, memref, index);
}

Value KernelBuilder::splat(VectorType type, double value) {
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type, b.getFloatAttr(type.getElementType(), value)));
}

Value KernelBuilder::splatInt(VectorType type, int64_t value) {
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(type,
                             b.getIntegerAttr(type.getElementType(), value)));
}

Value KernelBuilder::extend(Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  if (!type.getElementType().isInteger() ||
      type.getElementTypeBitWidth() >= 32)
    return vector;
  auto wide = type.clone(b.getI32Type());
  if (element.isUnsignedInteger())
    return arith::ExtUIOp::create(b, loc, wide, vector);
  return arith::ExtSIOp::create(b, loc, wide, vector);
}

Value KernelBuilder::truncate(Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  Type narrow = memoryElementType(element);
  if (type.getElementType() == narrow)
    return vector;
  return arith::TruncIOp::create(b, loc, type.clone(narrow), vector);
}

Value KernelBuilder::concatenate(ValueRange parts, int64_t width) {
  auto part = cast<VectorType>(parts.front().getType());
  int64_t lanes = part.getNumElements();
  if (parts.size() == 1 && lanes == width)
    return parts.front();
  auto type = vectorType(width, part.getElementType());
  Value result = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  for (auto [i, value] : llvm::enumerate(parts)) {
    int64_t begin = i * lanes, size = std::min(lanes, width - begin);
    if (size < lanes)
      value = vector::ExtractStridedSliceOp::create(
          b, loc, value, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{size},
          ArrayRef<int64_t>{1});
    result = vector::InsertStridedSliceOp::create(
        b, loc, value, result, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{1});
  }
  return result;
}

Value KernelBuilder::widen(Value vector, int64_t lanes) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getNumElements() == lanes)
    return vector;
  auto wide = vectorType(lanes, type.getElementType());
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(wide));
  return vector::InsertStridedSliceOp::create(
      b, loc, vector, zero, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
}
