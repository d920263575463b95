//===- Scalar.cpp ---------------------------------------------------------===//
#include "Scalar.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Scalar Scalar::like(double number) const {
  return {*b, loc, qnn::scalarConstant(*b, loc, type(), number)};
}

Scalar Scalar::toIndex() const { return to(b->getIndexType()); }

Scalar Scalar::to(Type wanted, bool isUnsigned) const {
  Type from = type();
  isUnsigned |= from.isInteger(1);
  auto made = [&](Value result) { return Scalar(*b, loc, result); };
  if (from == wanted)
    return *this;
  if (isa<IndexType>(from) && isa<FloatType>(wanted))
    return to(b->getI64Type()).to(wanted);
  if (isFloat() && isa<IndexType>(wanted))
    return to(b->getI64Type()).to(wanted);
  if (isa<IndexType>(from) || isa<IndexType>(wanted))
    return made(arith::IndexCastOp::create(*b, loc, wanted, value));
  unsigned width = from.getIntOrFloatBitWidth(),
           wantedWidth = wanted.getIntOrFloatBitWidth();
  if (isFloat() && isa<FloatType>(wanted)) {
    if (width == wantedWidth) // f16 and bf16
      return to(b->getF32Type()).to(wanted);
    return width < wantedWidth
               ? made(arith::ExtFOp::create(*b, loc, wanted, value))
               : made(arith::TruncFOp::create(*b, loc, wanted, value));
  }
  if (isFloat())
    return made(arith::FPToSIOp::create(*b, loc, wanted, value));
  if (isa<FloatType>(wanted))
    return isUnsigned ? made(arith::UIToFPOp::create(*b, loc, wanted, value))
                      : made(arith::SIToFPOp::create(*b, loc, wanted, value));
  if (width > wantedWidth)
    return made(arith::TruncIOp::create(*b, loc, wanted, value));
  return isUnsigned ? made(arith::ExtUIOp::create(*b, loc, wanted, value))
                    : made(arith::ExtSIOp::create(*b, loc, wanted, value));
}

template <typename FloatOp, typename IntOp>
Scalar Scalar::binary(Scalar x, Scalar y) {
  Value result = x.isFloat()
                     ? FloatOp::create(*x.b, x.loc, x.value, y.value).getResult()
                     : IntOp::create(*x.b, x.loc, x.value, y.value).getResult();
  return {*x.b, x.loc, result};
}

template <typename Op> Scalar Scalar::unary(Scalar x) {
  return {*x.b, x.loc, Op::create(*x.b, x.loc, x.value).getResult()};
}

Scalar operator+(Scalar x, Scalar y) {
  return Scalar::binary<arith::AddFOp, arith::AddIOp>(x, y);
}
Scalar operator-(Scalar x, Scalar y) {
  return Scalar::binary<arith::SubFOp, arith::SubIOp>(x, y);
}
Scalar operator*(Scalar x, Scalar y) {
  return Scalar::binary<arith::MulFOp, arith::MulIOp>(x, y);
}
Scalar operator/(Scalar x, Scalar y) {
  return Scalar::binary<arith::DivFOp, arith::DivSIOp>(x, y);
}
Scalar operator%(Scalar x, Scalar y) {
  return Scalar::binary<arith::RemFOp, arith::RemSIOp>(x, y);
}
Scalar operator&(Scalar x, Scalar y) {
  return {*x.b, x.loc, arith::AndIOp::create(*x.b, x.loc, x.value, y.value)};
}
Scalar operator|(Scalar x, Scalar y) {
  return {*x.b, x.loc, arith::OrIOp::create(*x.b, x.loc, x.value, y.value)};
}

static Value compare(OpBuilder &b, Location loc, Value x, Value y,
                     arith::CmpFPredicate ofFloats,
                     arith::CmpIPredicate ofIntegers) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, loc, ofFloats, x, y);
  return arith::CmpIOp::create(b, loc, ofIntegers, x, y);
}

Scalar operator<(Scalar x, Scalar y) {
  return {*x.b, x.loc,
          compare(*x.b, x.loc, x.value, y.value, arith::CmpFPredicate::OLT,
                  arith::CmpIPredicate::slt)};
}
Scalar operator<=(Scalar x, Scalar y) {
  return {*x.b, x.loc,
          compare(*x.b, x.loc, x.value, y.value, arith::CmpFPredicate::OLE,
                  arith::CmpIPredicate::sle)};
}
Scalar operator==(Scalar x, Scalar y) {
  return {*x.b, x.loc,
          compare(*x.b, x.loc, x.value, y.value, arith::CmpFPredicate::OEQ,
                  arith::CmpIPredicate::eq)};
}

Scalar select(Scalar condition, Scalar x, Scalar y) {
  return {*x.b, x.loc,
          arith::SelectOp::create(*x.b, x.loc, condition.value, x.value, y.value)};
}
Scalar minimum(Scalar x, Scalar y) {
  return Scalar::binary<arith::MinimumFOp, arith::MinSIOp>(x, y);
}
Scalar maximum(Scalar x, Scalar y) {
  return Scalar::binary<arith::MaximumFOp, arith::MaxSIOp>(x, y);
}
Scalar floorOf(Scalar x) { return Scalar::unary<math::FloorOp>(x); }
Scalar ceilOf(Scalar x) { return Scalar::unary<math::CeilOp>(x); }
Scalar roundOf(Scalar x) { return Scalar::unary<math::RoundEvenOp>(x); }
Scalar sqrtOf(Scalar x) { return Scalar::unary<math::SqrtOp>(x); }
Scalar absOf(Scalar x) { return Scalar::unary<math::AbsFOp>(x); }
Scalar expOf(Scalar x) { return Scalar::unary<math::ExpOp>(x); }
Scalar logOf(Scalar x) { return Scalar::unary<math::LogOp>(x); }
Scalar sinOf(Scalar x) { return Scalar::unary<math::SinOp>(x); }
Scalar cosOf(Scalar x) { return Scalar::unary<math::CosOp>(x); }
Scalar tanhOf(Scalar x) { return Scalar::unary<math::TanhOp>(x); }
Scalar powOf(Scalar x, Scalar y) {
  return {*x.b, x.loc, math::PowFOp::create(*x.b, x.loc, x.value, y.value)};
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

Scalar Formula::index(int64_t value) const {
  return of(qnn::indexConstant(b, loc, value));
}

Scalar Formula::real(double value, Type type) const {
  return of(qnn::scalarConstant(b, loc, type, value));
}

static SmallVector<Value> valuesOf(ArrayRef<Scalar> scalars) {
  return llvm::map_to_vector(scalars, [](Scalar s) { return Value(s); });
}

Scalar Formula::read(Value tensor, ArrayRef<Scalar> indices) const {
  return of(tensor::ExtractOp::create(b, loc, tensor, valuesOf(indices)));
}

Scalar Formula::inside(Value tensor, ArrayRef<Scalar> indices) const {
  std::optional<Scalar> all;
  for (auto [index, extent] : llvm::zip_equal(indices, shapeOf(tensor))) {
    Scalar valid = (0 <= index) & (index < static_cast<double>(extent));
    all = all ? *all & valid : valid;
  }
  return all ? *all : of(arith::ConstantIntOp::create(b, loc, 1, 1));
}

Scalar Formula::readOr(Value tensor, ArrayRef<Scalar> indices,
                       Scalar otherwise) const {
  SmallVector<Scalar> safe;
  for (auto [index, extent] : llvm::zip_equal(indices, shapeOf(tensor)))
    safe.push_back(clamp(index, 0, static_cast<double>(extent - 1)));
  return select(inside(tensor, indices), read(tensor, safe), otherwise);
}

SmallVector<Scalar> Formula::loop(ArrayRef<int64_t> extents,
                                  ArrayRef<Scalar> initial, Step body) const {
  return loop(llvm::map_to_vector(extents, [&](int64_t n) { return index(n); }),
              initial, body);
}

SmallVector<Scalar> Formula::loop(ArrayRef<Scalar> extents,
                                  ArrayRef<Scalar> initial, Step body) const {
  if (extents.empty())
    return body(*this, {}, initial);
  SmallVector<Value> lower(extents.size(), index(0)),
      step(extents.size(), index(1)), upper = valuesOf(extents);
  auto nest = scf::buildLoopNest(
      b, loc, lower, upper, step, valuesOf(initial),
      [&](OpBuilder &inner, Location innerLoc, ValueRange indices,
          ValueRange state) {
        Formula f(inner, innerLoc);
        return scf::ValueVector(
            valuesOf(body(f, scalars(f, indices), scalars(f, state))));
      });
  return scalars(*this, nest.results);
}

Scalar Formula::sum(
    ArrayRef<int64_t> extents, Scalar zero,
    function_ref<Scalar(const Formula &, ArrayRef<Scalar>)> term) const {
  return loop(extents, zero,
              [&](const Formula &f, ArrayRef<Scalar> indices,
                  ArrayRef<Scalar> state) -> SmallVector<Scalar> {
                return {state[0] + term(f, indices)};
              })
      .front();
}

Value Formula::write(Value tensor, ArrayRef<Scalar> indices,
                     Scalar value) const {
  return tensor::InsertOp::create(b, loc, value, tensor, valuesOf(indices));
}

Value Formula::filled(ArrayRef<int64_t> shape, Type element,
                      double value) const {
  return qnn::filled(b, loc, RankedTensorType::get(shape, element),
                     real(value, element));
}

Value Formula::reshaped(Value flat, ArrayRef<int64_t> shape) const {
  if (shape.size() == 1)
    return flat;
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  auto type = RankedTensorType::get(shape, elementOf(flat));
  return tensor::ExpandShapeOp::create(b, loc, type, flat,
                                       ArrayRef<ReassociationIndices>(all));
}

Type computeType(Type element) {
  if (isa<IntegerType>(element))
    return IntegerType::get(element.getContext(), 64);
  return isa<Float16Type, BFloat16Type>(element)
             ? Float32Type::get(element.getContext())
             : element;
}

Scalar widen(Scalar number, Type element) {
  return number.to(computeType(element), element.isUnsignedInteger());
}

SmallVector<Scalar> scalars(const Formula &f, ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return f.of(value); });
}

Value emitFormula(NodeImporter &node, ArrayRef<int64_t> shape, Type element,
                  ValueRange operands, ElementFormula formula) {
  if (!llvm::all_of(operands, [](Value operand) { return bool(operand); }))
    return {};
  auto type = RankedTensorType::get(shape, element);
  if (!node.checkResultShape(shape))
    return {};
  bool isEmpty = llvm::any_of(operands, [](Value operand) {
    return llvm::is_contained(shapeOf(operand), 0);
  });
  if (isEmpty && !llvm::is_contained(shape, 0)) {
    (void)node.unsupported("an operand without elements");
    return {};
  }
  return qnn::buildIndexed(
      node.getBuilder(), node.getLoc(), node.getOpType(), type, operands,
      [&](OpBuilder &b, Location loc, ValueRange indices,
          ValueRange tensors) -> Value {
        Formula f(b, loc);
        Scalar result = formula(f, scalars(f, indices), tensors);
        return result.to(element.isInteger(1)
                             ? element
                             : qnn::memoryType(type).getElementType());
      });
}

SmallVector<Value> emitTensors(NodeImporter &node,
                               ArrayRef<RankedTensorType> types,
                               ValueRange operands, TensorFormula body) {
  bool valid =
      llvm::all_of(operands, [](Value operand) { return bool(operand); }) &&
      llvm::all_of(types, [&](RankedTensorType type) {
        return node.checkResultShape(type.getShape());
      });
  if (!valid)
    return SmallVector<Value>(types.size());
  auto compute = qnn::buildCompute(
      node.getBuilder(), node.getLoc(), node.getOpType(),
      llvm::to_vector_of<Type>(types), operands,
      [&](OpBuilder &b, Location loc, ValueRange tensors) {
        return body(Formula(b, loc), tensors);
      });
  return llvm::to_vector_of<Value>(compute.getResults());
}

} // namespace dyadic::onnx_import
