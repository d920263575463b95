//===- Pointwise.cpp - the element-wise part of a kernel ------------------===//
#include "Pointwise.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

FailureOr<PointwiseEmitter> PointwiseEmitter::create(KernelBuilder &kernel) {
  PointwiseEmitter emitter(kernel);
  Operation *anchor = kernel.kernel.getAnchor();
  for (Operation &op :
       kernel.kernel.getBody().front().without_terminator()) {
    if (&op == anchor || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    if (auto requantize = dyn_cast<RequantizeOp>(op)) {
      if (failed(emitter.planRequantize(requantize)))
        return failure();
    } else if (auto lookup = dyn_cast<LookupOp>(op)) {
      FailureOr<HostTensor> table = readConstant(lookup.getTable());
      if (failed(table))
        return op.emitError("expected a table that is known at compile time");
      emitter.tables[&op] =
          kernel.constants<char>(ArrayRef<char>(table->bytes));
      Type element = lookup.getOutput().getType().getElementType();
      if (element.getIntOrFloatBitWidth() != 8)
        return op.emitError("expected a table of 8-bit values, but got ")
               << element << ": code generation has no wider look-up yet";
    } else if (!isa<dyadic::AddOp, dyadic::MulOp, dyadic::ClampOp, QuantizeOp,
                    DequantizeOp, qnn::ElementwiseOpInterface>(op)) {
      return op.emitError("expected a pointwise op that code generation knows");
    }
  }
  return emitter;
}

bool PointwiseEmitter::canFlatten() const {
  KernelOp kernel = k.kernel;
  auto shape = tensorType(kernel.getResult(0)).getShape();
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (&op == kernel.getAnchor() || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    for (Value value : llvm::concat<Value>(llvm::to_vector(op.getOperands()),
                                           llvm::to_vector(op.getResults())))
      if (tensorType(value).getShape() != shape &&
          tensorType(value).getNumElements() != 1)
        return false;
    auto plan = plans.find(&op);
    if (plan != plans.end() && plan->second.perChannel)
      return false;
  }
  return true;
}

void PointwiseEmitter::emit(Position position, Value anchor) {
  vectors.clear();
  if (anchor)
    vectors[k.kernel.getAnchor()->getResult(0)] = anchor;
  for (auto [i, yielded] : llvm::enumerate(k.kernel.getYield().getValues())) {
    Value result = value(yielded, position);
    Type element = tensorType(yielded).getElementType();
    k.storeVector(k.truncate(result, element), k.output(i), position.flat);
  }
}

Value PointwiseEmitter::value(Value tensor, const Position &position) {
  if (Value known = vectors.lookup(tensor))
    return known;
  Operation *op = tensor.getDefiningOp();
  Value vector = op && !op->hasTrait<OpTrait::ConstantLike>()
                     ? compute(op, position)
                     : load(tensor, position);
  vectors[tensor] = vector;
  return vector;
}

Value PointwiseEmitter::load(Value tensor, const Position &position) {
  Value vector = k.loadVector(k.buffer(tensor), position.flat, position.width);
  return k.extend(vector, tensorType(tensor).getElementType());
}

Position PointwiseEmitter::broadcast(const Position &position,
                                     ArrayRef<int64_t> to,
                                     ArrayRef<int64_t> from) {
  if (from == to)
    return position;
  Position result{k.index(0), k.index(0), 1};
  int64_t lastFrom = from.empty() ? 1 : from.back();
  if (lastFrom != 1) {
    result.channel = position.channel;
    result.width = position.width;
    result.flat = position.channel;
  }
  if (ShapedType::getNumElements(from) == lastFrom)
    return result;
  // Coordinates of the leading dimensions, from the last to the first; those
  // that are broadcast have stride zero.
  Value rest = k.b.createOrFold<arith::DivUIOp>(k.loc, position.flat,
                                                k.index(to.back()));
  int64_t stride = lastFrom;
  for (int64_t i = 2; i <= static_cast<int64_t>(from.size()); ++i) {
    int64_t extent = to[to.size() - i], own = from[from.size() - i];
    Value size = k.index(extent);
    if (own != 1) {
      Value coordinate = k.b.createOrFold<arith::RemUIOp>(k.loc, rest, size);
      result.flat = k.add(result.flat, k.mul(coordinate, stride));
    }
    rest = k.b.createOrFold<arith::DivUIOp>(k.loc, rest, size);
    stride *= own;
  }
  return result;
}

Value PointwiseEmitter::compute(Operation *op, const Position &position) {
  ArrayRef<int64_t> shape = tensorType(op->getResult(0)).getShape();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Position from = broadcast(position, shape, tensorType(operand).getShape());
    Value vector = value(operand, from);
    auto type = cast<VectorType>(vector.getType());
    if (type.getNumElements() != position.width)
      vector = vector::BroadcastOp::create(
          k.b, k.loc, k.vectorType(position.width, type.getElementType()),
          vector);
    operands.push_back(vector);
  }

  auto minus = [&](Value x, int32_t zeroPoint) -> Value {
    if (!zeroPoint)
      return x;
    Value zp = k.splatInt(cast<VectorType>(x.getType()), zeroPoint);
    return arith::SubIOp::create(k.b, k.loc, x, zp);
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](RequantizeOp op) { return requantize(op, operands[0], position); })
      .Case([&](LookupOp op) { return lookup(op, operands[0]); })
      .Case([&](QuantizeOp op) { return quantize(op, operands[0]); })
      .Case([&](dyadic::ClampOp op) {
        return clampInt(operands[0], static_cast<int32_t>(op.getMin()),
                        static_cast<int32_t>(op.getMax()));
      })
      .Case([&](DequantizeOp op) -> Value {
        Value q = minus(operands[0], op.getZeroPoint());
        auto type = cast<VectorType>(q.getType()).clone(k.b.getF32Type());
        Value x = arith::SIToFPOp::create(k.b, k.loc, type, q);
        return arith::MulFOp::create(
            k.b, k.loc, x, k.splat(type, op.getScale().convertToFloat()));
      })
      .Case([&](dyadic::AddOp op) -> Value {
        // Σ x·m − Σ zp·m: the zero points are one constant.
        auto type = cast<VectorType>(operands[0].getType());
        int32_t lm = op.getLhsMultiplier(), rm = op.getRhsMultiplier();
        int32_t lz = op.getLhsZp(), rz = op.getRhsZp();
        Value l = arith::MulIOp::create(k.b, k.loc, operands[0],
                                        k.splatInt(type, lm));
        Value r = arith::MulIOp::create(k.b, k.loc, operands[1],
                                        k.splatInt(type, rm));
        Value sum = arith::AddIOp::create(k.b, k.loc, l, r);
        return arith::AddIOp::create(
            k.b, k.loc, sum,
            k.splatInt(type, -int64_t(lz) * lm - int64_t(rz) * rm));
      })
      .Case([&](dyadic::MulOp op) -> Value {
        return arith::MulIOp::create(k.b, k.loc,
                                     minus(operands[0], op.getLhsZp()),
                                     minus(operands[1], op.getRhsZp()));
      })
      .Case([&](qnn::ElementwiseOpInterface op) {
        return op.build(k.b, k.loc, operands);
      });
}

LogicalResult codegen::emitPointwiseKernel(KernelBuilder &k) {
  auto emitter = PointwiseEmitter::create(k);
  if (failed(emitter))
    return failure();
  auto type = tensorType(k.kernel.getResult(0));
  // Four registers' worth, so that bytes fill one.
  int64_t width = 4 * k.target.lanes();
  bool flat = emitter->canFlatten();
  int64_t row = flat || !type.getRank() ? type.getNumElements()
                                        : type.getShape().back();
  int64_t rows = type.getNumElements() / std::max<int64_t>(row, 1);
  k.forPieces({rows}, row, width,
              [&](ValueRange outer, Value channel, int64_t lanes) {
                Value flat = k.add(k.mul(outer[0], row), channel);
                emitter->emit({flat, channel, lanes}, {});
              });
  return success();
}
