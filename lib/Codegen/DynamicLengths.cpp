//===- DynamicLengths.cpp - what an open length asks for between kernels --===//
//
// Tensors in the arena have the strides of the longest. So the caller's arrays,
// which are dense at the actual length, are copied; and where a kernel would read
// behind the actual end of a dimension, what lies there is set first to what
// changes nothing: the zero point of a sum, −∞ of a softmax, the border of a pad.
//
//===----------------------------------------------------------------------===//
#include "ModuleGenerator.h"
#include "Movement.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {
/// A private function of nested loops, written at the end of the module.
class LoopFunction {
public:
  LoopFunction(OpBuilder &module, Location loc, StringRef name,
               ArrayRef<Type> arguments)
      : b(module), loc(loc),
        function(func::FuncOp::create(module, loc, name,
                                      module.getFunctionType(arguments, {}))) {
    function.setPrivate();
    function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    b.setInsertionPointToStart(function.addEntryBlock());
    func::ReturnOp::create(b, loc);
    b.setInsertionPoint(function.front().getTerminator());
  }

  func::FuncOp get() { return function; }
  Value argument(unsigned i) { return function.getArgument(i); }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(loc, x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(loc, x, y); }

  /// `body` inside of loops over [begin, end) of each dimension.
  void nest(ArrayRef<std::pair<Value, Value>> bounds,
            llvm::function_ref<void(ValueRange)> body) {
    SmallVector<Value> at;
    std::function<void()> level = [&] {
      if (at.size() == bounds.size())
        return body(at);
      auto [begin, end] = bounds[at.size()];
      auto loop = scf::ForOp::create(b, loc, begin, end, index(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      at.push_back(loop.getInductionVar());
      level();
      at.pop_back();
    };
    level();
  }

  /// Σ at · strides
  Value place(ValueRange at, ArrayRef<Value> strides) {
    Value sum = index(0);
    for (auto [i, stride] : llvm::zip_equal(at, strides))
      sum = add(sum, mul(i, stride));
    return sum;
  }
  SmallVector<Value> indices(ArrayRef<int64_t> values) {
    return llvm::map_to_vector(values, [&](int64_t v) { return index(v); });
  }

  OpBuilder b;
  Location loc;

private:
  func::FuncOp function;
};
} // namespace

func::FuncOp ModuleGenerator::share(func::FuncOp function) {
  return cast<func::FuncOp>(
      *shareFunction(cast<FunctionOpInterface>(*function)));
}

std::string ModuleGenerator::uniqueName(StringRef what) {
  return "k" + std::to_string(kernelCount++) + "_" + what.str();
}

/// Whether a mean along what varies divides by the actual count, or is a sum.
bool ModuleGenerator::dividesByLength(Operation *anchor) const {
  auto varies = [&](auto op) {
    return llvm::any_of(op.getAxes(), [&](int64_t axis) {
      return shapes->isDynamic(op.getInput(), axis);
    });
  };
  if (anchor->hasAttr(kIsSumAttr))
    return true;
  if (auto mean = dyn_cast<qnn::ReduceMeanOp>(anchor))
    return !varies(mean) || anchor->hasAttr(kCountsAttr);
  if (auto sum = dyn_cast<dyadic::ReduceSumOp>(anchor))
    return !varies(sum) || llvm::all_of(anchor->getUsers(), [](Operation *user) {
      return user->hasAttr(kMultipliersAttr);
    });
  return true;
}

LogicalResult ModuleGenerator::inferLengths() {
  if (!takesLengths())
    return main.emitError("expected fixed shapes for this target, but a length is "
                          "left open: give --shape one extent for each dimension");
  auto inferred = DynamicShapes::infer(main);
  if (failed(inferred))
    return failure();
  shapes = std::move(*inferred);
  LogicalResult result = success();
  main.walk([&](KernelOp kernel) {
    Operation *anchor = kernel.getAnchor();
    auto border = anchor ? describeBorder(anchor) : std::nullopt;
    if (border && shapes->isDynamic(kernel.getResult(0)) &&
        kernel.getYield().getValues().front() != border->output)
      result = anchor->emitError("can't run at a length that varies yet: ops are "
                                 "fused behind its border");
    if (anchor && !dividesByLength(anchor))
      result = anchor->emitError("expected the count of each length: the mean has "
                                 "lost it on the way");
  });
  return result;
}

/// Finds the index of the length, of which the caller has said that it is one,
/// and gives arguments and results that vary memory in the arena.
void ModuleGenerator::startLength(Value length) {
  const LengthRange &range = shapes->lengths();
  Value above = arith::SubIOp::create(runBuilder, loc, length,
                                      constantIndex(range.min));
  lengthIndex = arith::DivUIOp::create(runBuilder, loc, above,
                                       constantIndex(range.step));
  for (BlockArgument argument : main.getArguments())
    if (shapes->isDynamic(argument)) {
      Value dense = memrefs[argument];
      memrefs[argument] = stage(argument);
      copyDense(argument, dense, memrefs[argument], /*toDense=*/false);
    }
  for (Value value : main.getBody().front().getTerminator()->getOperands())
    if (shapes->isDynamic(value)) {
      Value &memory = resultMemory[stripReshapes(value)];
      stagedResults.emplace_back(value, memory);
      memory = stage(value);
    }
}

Value ModuleGenerator::extentOf(Value tensor, int64_t dim) {
  ArrayRef<int64_t> extents = shapes->extents(tensor, dim);
  if (extents.empty())
    return constantIndex(typeOf(tensor).getDimSize(dim));
  if (auto affine = affineExtent(extents)) {
    Value above = arith::MulIOp::create(runBuilder, loc, lengthIndex,
                                        constantIndex(affine->step));
    return arith::AddIOp::create(runBuilder, loc, above,
                                 constantIndex(affine->first));
  }
  ArrayRef<char> bytes(reinterpret_cast<const char *>(extents.data()),
                       extents.size() * sizeof(int64_t));
  Value view = constantsView(blob.append(bytes), bytes.size());
  auto type = MemRefType::get(extents.size(), b.getI64Type());
  Value table = memref::ViewOp::create(runBuilder, loc, type, view,
                                       constantIndex(0), ValueRange());
  Value loaded = memref::LoadOp::create(runBuilder, loc, table, lengthIndex);
  return arith::IndexCastOp::create(runBuilder, loc, b.getIndexType(), loaded);
}

/// Memory in the arena for an argument or a result.
Value ModuleGenerator::stage(Value tensor) {
  MemRefType type = flatMemRef(typeOf(tensor));
  Value memory = memref::ViewOp::create(runBuilder, loc, type, arena,
                                        constantIndex(plannedBytes), ValueRange());
  plannedBytes += llvm::alignTo(
      type.getNumElements() * (type.getElementTypeBitWidth() / 8),
      WeightBlob::kAlignment);
  return memory;
}

void ModuleGenerator::copyDense(Value tensor, Value dense, Value memory,
                                bool toDense) {
  ArrayRef<int64_t> shape = typeOf(tensor).getShape();
  SmallVector<Type> types{dense.getType(), memory.getType()};
  SmallVector<Value> operands{dense, memory};
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim)
    if (shapes->isDynamic(tensor, dim)) {
      types.push_back(b.getIndexType());
      operands.push_back(extentOf(tensor, dim));
    }
  LoopFunction f(b, loc, uniqueName(toDense ? "copy_out" : "copy_in"), types);
  SmallVector<Value> extents = f.indices(shape);
  unsigned next = 2;
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim)
    if (shapes->isDynamic(tensor, dim))
      extents[dim] = f.argument(next++);
  SmallVector<Value> denseStrides(shape.size(), f.index(1));
  for (int64_t dim = int64_t(shape.size()) - 2; dim >= 0; --dim)
    denseStrides[dim] = f.mul(denseStrides[dim + 1], extents[dim + 1]);
  SmallVector<Value> strides = f.indices(stridesOf(shape));
  auto bounds = llvm::map_to_vector(
      extents, [&](Value end) { return std::pair(f.index(0), end); });
  f.nest(bounds, [&](ValueRange at) {
    Value inside = f.place(at, strides), outside = f.place(at, denseStrides);
    unsigned from = toDense ? 1 : 0;
    Value element = memref::LoadOp::create(f.b, loc, f.argument(from),
                                           toDense ? inside : outside);
    memref::StoreOp::create(f.b, loc, element, f.argument(1 - from),
                            toDense ? outside : inside);
  });
  func::CallOp::create(runBuilder, loc, share(f.get()), operands);
}

/// Sets the elements of `tensor` from `from` to `to` along `dim`.
void ModuleGenerator::fill(Value tensor, int64_t dim, Value from, Value to,
                           Attribute value) {
  Value memory = this->memory(tensor);
  ArrayRef<int64_t> shape = typeOf(tensor).getShape();
  LoopFunction f(b, loc, uniqueName("fill"),
                 {memory.getType(), b.getIndexType(), b.getIndexType()});
  Value element = arith::ConstantOp::create(f.b, loc, cast<TypedAttr>(value));
  SmallVector<std::pair<Value, Value>> bounds;
  for (int64_t extent : shape)
    bounds.emplace_back(f.index(0), f.index(extent));
  bounds[dim] = {f.argument(1), f.argument(2)};
  SmallVector<Value> strides = f.indices(memoryStrides(tensor));
  f.nest(bounds, [&](ValueRange at) {
    memref::StoreOp::create(f.b, loc, element, f.argument(0),
                            f.place(at, strides));
  });
  func::CallOp::create(runBuilder, loc, share(f.get()),
                       ValueRange{memory, from, to});
}

namespace {
/// A dimension of an operand that an op sums or compares all of, and what
/// elements change nothing there.
struct Neutral {
  Value operand;
  int64_t dim;
  double value;
};
} // namespace

/// The dimension of an operand that is dimension `dim`, from the end, of the
/// product's matrices.
static int64_t matrixDim(Value operand, ArrayRef<int64_t> permutation,
                         int64_t fromEnd) {
  int64_t dim = typeOf(operand).getRank() - fromEnd;
  return permutation.empty() ? dim : permutation[dim];
}

static SmallVector<Neutral> neutralsOf(Operation *anchor) {
  SmallVector<Neutral> list;
  llvm::TypeSwitch<Operation *>(anchor)
      .Case([&](qnn::SoftmaxOp op) {
        list.push_back({op.getInput(), int64_t(op.getAxis()),
                        -std::numeric_limits<double>::infinity()});
      })
      .Case([&](dyadic::BatchMatmulOp op) {
        // A factor of zero makes the other one's value no matter.
        list.push_back({op.getRhs(),
                        matrixDim(op.getRhs(), op.getRhsPermutation(),
                                  op.getTransposeRhs() ? 1 : 2),
                        double(static_cast<int32_t>(op.getRhsZp()))});
      })
      .Case([&](qnn::MatmulOp op) {
        // Not of floats: what is there may be no number.
        list.push_back({op.getLhs(), matrixDim(op.getLhs(), {}, 1), 0});
        list.push_back({op.getRhs(), matrixDim(op.getRhs(), {}, 2), 0});
      })
      .Case([&](dyadic::ReduceSumOp op) {
        for (int64_t axis : op.getAxes())
          list.push_back({op.getInput(), axis,
                          double(static_cast<int32_t>(op.getInputZp()))});
      })
      .Case([&](qnn::ReduceMeanOp op) {
        for (int64_t axis : op.getAxes())
          list.push_back({op.getInput(), axis, 0});
      });
  return list;
}

static TypedAttr numberOf(Type type, double value) {
  if (isa<FloatType>(type))
    return FloatAttr::get(type, value);
  return IntegerAttr::get(type, APInt(type.getIntOrFloatBitWidth(), int64_t(value),
                                      /*isSigned=*/true, /*implicitTrunc=*/true));
}

/// Sets what the kernel would read behind the ends of its operands.
void ModuleGenerator::settleOperands(KernelOp kernel) {
  Operation *anchor = kernel.getAnchor();
  if (!shapes || !anchor)
    return;
  for (const Neutral &neutral : neutralsOf(anchor)) {
    auto inside = dyn_cast<BlockArgument>(neutral.operand);
    if (!inside || !shapes->isDynamic(inside, neutral.dim))
      continue;
    Value tensor = kernel.getInputs()[inside.getArgNumber()];
    Type element = memoryElementType(typeOf(tensor).getElementType());
    fill(tensor, neutral.dim, extentOf(inside, neutral.dim),
         constantIndex(typeOf(tensor).getDimSize(neutral.dim)),
         numberOf(element, neutral.value));
  }
  // Parts in place may have been settled for others meanwhile.
  for (Value input : kernel.getInputs())
    if (auto pad = stripReshapes(input).getDefiningOp<KernelOp>())
      if (pad.getInPlace() && pad.getAnchor() && describeBorder(pad.getAnchor()))
        settleBorder(pad);
}

/// Writes the border of a pad behind the actual end.
void ModuleGenerator::settleBorder(KernelOp kernel) {
  if (!shapes || !kernel.getAnchor())
    return;
  auto border = describeBorder(kernel.getAnchor());
  if (!border)
    return;
  Value result = kernel.getResult(0);
  for (auto [dim, high] : llvm::enumerate(border->high)) {
    if (high == 0 || !shapes->isDynamic(result, dim))
      continue;
    Value end = extentOf(result, dim);
    Value begin =
        arith::SubIOp::create(runBuilder, loc, end, constantIndex(high));
    fill(result, dim, begin, end, border->fill);
  }
}
