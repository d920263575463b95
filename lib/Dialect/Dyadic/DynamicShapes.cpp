//===- DynamicShapes.cpp --------------------------------------------------===//
//
// For each length the types of a copy of the function are set to what they would
// be, front to back, by the ops' own shape inference. That is exact for every
// function of the length that ops can make of it, with no algebra.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Dialect/Dyadic/DynamicShapes.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Dialect/Shapes.h"

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic;
using Shape = SmallVector<int64_t>;
using Shapes = SmallVector<Shape, 1>;

std::string LengthRange::describe() const {
  std::string text = std::to_string(min) + " to " + std::to_string(max);
  return step == 1 ? text : text + " in steps of " + std::to_string(step);
}

std::optional<LengthRange> dyadic::lengthsOf(func::FuncOp function) {
  auto lengths = function->getAttrOfType<DenseI64ArrayAttr>(kLengthsAttr);
  if (!lengths || lengths.size() != 3)
    return std::nullopt;
  return LengthRange{lengths[0], lengths[1], lengths[2]};
}

std::optional<int64_t> dyadic::dynamicDimOf(func::FuncOp function,
                                            unsigned argument) {
  auto dim = function.getArgAttrOfType<IntegerAttr>(argument, kDynamicDimAttr);
  return dim ? std::optional(dim.getInt()) : std::nullopt;
}

static void setShape(Value value, ArrayRef<int64_t> shape) {
  value.setType(cast<RankedTensorType>(value.getType()).clone(shape));
}

namespace {
/// A copy of the function whose types are those of one length.
class ShapeCopy {
public:
  explicit ShapeCopy(func::FuncOp function)
      : copy(function.clone()) {
    copy->walk([&](Operation *op) {
      for (Value result : op->getResults())
        if (isa<RankedTensorType>(result.getType()))
          longest[result] = Shape(shapeOf(result));
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            if (isa<RankedTensorType>(argument.getType()))
              longest[argument] = Shape(shapeOf(argument));
    });
  }

  func::FuncOp get() { return *copy; }

  LogicalResult setLength(int64_t length) {
    func::FuncOp function = *copy;
    for (BlockArgument argument : function.getArguments()) {
      auto dim = dynamicDimOf(function, argument.getArgNumber());
      if (!dim)
        continue;
      Shape shape = longest[argument];
      shape[*dim] = length;
      setShape(argument, shape);
    }
    return inferBlock(function.getBody().front());
  }

private:
  bool varies(Value value) { return shapeOf(value) != ArrayRef(longest[value]); }

  LogicalResult inferBlock(Block &block) {
    bool valid = true;
    for (Operation &op : block)
      valid &= succeeded(inferOp(&op));
    return success(valid);
  }

  LogicalResult inferOp(Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>() || op->getNumResults() == 0)
      return success();
    auto fail = [&](auto...) {
      // What follows from the op is computed as if it had worked.
      for (Value result : op->getResults())
        setShape(result, longest[result]);
      return failure();
    };
    if (auto kernel = dyn_cast<KernelOp>(op))
      return inferKernel(kernel);
    if (llvm::none_of(op->getOperands(), [&](Value v) { return varies(v); })) {
      (void)fail();
      return success();
    }
    auto one = [](FailureOr<Shape> shape) -> FailureOr<Shapes> {
      return failed(shape) ? FailureOr<Shapes>(failure()) : Shapes{*shape};
    };
    FailureOr<Shapes> shapes =
        llvm::TypeSwitch<Operation *, FailureOr<Shapes>>(op)
            .Case<qnn::ReshapeOp, dyadic::ReshapeOp>(
                [&](auto reshape) { return one(inferReshape(reshape)); })
            .Case<qnn::SliceOp, dyadic::SliceOp>(
                [&](auto slice) { return one(inferSlice(slice)); })
            .Default([&](Operation *op) { return inferByInterface(op); });
    if (failed(shapes) || failed(checkOp(op)))
      return fail();
    for (auto [result, shape] : llvm::zip_equal(op->getResults(), *shapes))
      setShape(result, shape);
    return success();
  }

  LogicalResult inferKernel(KernelOp kernel) {
    Block &body = kernel.getBody().front();
    for (auto [inside, input] :
         llvm::zip_equal(body.getArguments(), kernel.getInputs()))
      setShape(inside, shapeOf(input));
    LogicalResult result = inferBlock(body);
    for (auto [inside, output] :
         llvm::zip_equal(kernel.getYield().getValues(), kernel.getOutputs()))
      setShape(output, shapeOf(inside));
    return result;
  }

  /// An extent that varies may be merged with inner ones or be split into itself
  /// and inner ones: only then its elements stay where they are in memory.
  template <typename Reshape> FailureOr<Shape> inferReshape(Reshape op) {
    ArrayRef<int64_t> from = longest[op.getInput()],
                      actual = shapeOf(op.getInput());
    Shape to = longest[op.getOutput()];
    size_t i = 0, j = 0;
    while (i < from.size() || j < to.size()) {
      // The smallest groups of dimensions with equally many elements.
      size_t i0 = i, j0 = j;
      int64_t in = 1, out = 1;
      if (i < from.size())
        in *= from[i++];
      if (j < to.size())
        out *= to[j++];
      while (in != out) {
        if (in < out && i < from.size())
          in *= from[i++];
        else if (j < to.size())
          out *= to[j++];
        else
          return op.emitOpError() << "expected a shape of as many elements";
      }
      auto isOne = [](int64_t extent) { return extent == 1; };
      size_t first = i0;
      while (first < i && isOne(from[first]))
        ++first;
      int64_t now = 1;
      bool innerVaries = false;
      for (size_t d = i0; d < i; ++d) {
        now *= actual[d];
        innerVaries |= d > first && actual[d] != from[d];
      }
      if (now == in)
        continue;
      size_t lead = j0;
      while (lead < j && isOne(to[lead]))
        ++lead;
      int64_t inner = lead < j ? out / to[lead] : 0;
      if (innerVaries || lead == j || now % inner != 0)
        return op.emitError("expected an extent that varies to be merged with, "
                            "or split from, none before it: from [")
               << from << "] to [" << to << "] its elements would change places "
               << "with the length";
      to[lead] = now / inner;
    }
    return to;
  }

  /// A slice of all of a dimension stays one; another must be inside whatever the
  /// length is.
  template <typename Slice> FailureOr<Shape> inferSlice(Slice op) {
    ArrayRef<int64_t> all = longest[op.getInput()],
                      actual = shapeOf(op.getInput());
    Shape sizes(op.getSizes());
    for (size_t d = 0; d < sizes.size(); ++d) {
      if (actual[d] == all[d])
        continue;
      bool isWhole = op.getOffsets()[d] == 0 && op.getStrides()[d] == 1 &&
                     sizes[d] == all[d];
      if (isWhole)
        sizes[d] = actual[d];
      else if (op.getOffsets()[d] + (sizes[d] - 1) * op.getStrides()[d] >= actual[d])
        return op.emitError("expected a slice inside of the shortest, but "
                            "dimension ")
               << d << " has an extent of " << actual[d] << " there";
    }
    return sizes;
  }

  /// By the op's own inference. A constant operand that has the longest's extent
  /// is taken as its beginning.
  FailureOr<Shapes> inferByInterface(Operation *op) {
    auto infer = dyn_cast<InferTypeOpInterface>(op);
    if (!infer)
      return op->emitError("can't run at a length that varies yet: '")
             << op->getName() << "'";
    SmallVector<std::pair<Value, Shape>> cut;
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!producer || !producer->hasTrait<OpTrait::ConstantLike>())
        continue;
      Shape shape(shapeOf(operand));
      for (Value other : op->getOperands()) {
        if (!varies(other) || !isPointwise(op))
          continue;
        ArrayRef<int64_t> all = longest[other], actual = shapeOf(other);
        for (size_t d = 1; d <= std::min(all.size(), shape.size()); ++d) {
          int64_t &extent = shape[shape.size() - d];
          if (actual[all.size() - d] != all[all.size() - d] &&
              extent == all[all.size() - d])
            extent = actual[all.size() - d];
        }
      }
      if (ArrayRef(shape) == shapeOf(operand))
        continue;
      cut.emplace_back(operand, Shape(shapeOf(operand)));
      setShape(operand, shape);
    }
    SmallVector<Type> types;
    LogicalResult result = infer.inferReturnTypes(
        op->getContext(), op->getLoc(), op->getOperands(),
        op->getAttrDictionary(), op->getPropertiesStorage(), op->getRegions(),
        types);
    for (auto &[operand, shape] : cut)
      setShape(operand, shape);
    if (failed(result))
      return failure();
    return llvm::map_to_vector<1>(types, [](Type type) {
      return Shape(cast<RankedTensorType>(type).getShape());
    });
  }

  LogicalResult refuse(Operation *op, StringRef why) {
    return op->emitError("can't run at a length that varies yet: ") << why;
  }

  /// What ops would do with the extents in their attributes or with the end of
  /// a dimension.
  LogicalResult checkOp(Operation *op) {
    auto isOpen = [&](Value value, int64_t dim) {
      return shapeOf(value)[dim] != longest[value][dim];
    };
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<qnn::ConcatOp, dyadic::ConcatOp>([&](auto concat) {
          for (Value input : concat.getInputs())
            if (isOpen(input, concat.getAxis()))
              return refuse(op, "it joins along it");
          return success();
        })
        .Case<qnn::GatherOp, dyadic::GatherOp>([&](auto gather) {
          return isOpen(gather.getInput(), gather.getAxis())
                     ? refuse(op, "it picks along it")
                     : success();
        })
        .Case<qnn::ResizeOp, dyadic::ResizeOp>([&](auto resize) {
          return isOpen(resize.getInput(), 1) || isOpen(resize.getInput(), 2)
                     ? refuse(op, "it resizes along it")
                     : success();
        })
        .Case([&](qnn::LayerNormOp norm) {
          return isOpen(norm.getInput(), shapeOf(norm.getInput()).size() - 1)
                     ? refuse(op, "it normalizes along it")
                     : success();
        })
        .Case<qnn::DynamicRoundOp, DynamicQuantizeOp>([&](auto quantize) {
          for (int64_t d = quantize.getOuter(), e = shapeOf(quantize.getInput()).size();
               d < e; ++d)
            if (isOpen(quantize.getInput(), d))
              return refuse(op, "one scale is for all of it");
          return success();
        })
        .Case<qnn::LSTMOp, qnn::GRUOp>([&](auto) { return refuse(op, "it recurs along it"); })
        .Case([&](qnn::AvgPool2DOp pool) {
          bool padded = llvm::any_of(pool.getPads(), [](int64_t p) { return p; });
          return padded ? refuse(op, "its windows leave the image") : success();
        })
        .Default(success());
  }

  OwningOpRef<func::FuncOp> copy;
  llvm::DenseMap<Value, Shape> longest;
};

/// Calls `body` with each value of one function and its like in the other.
void forEachPair(func::FuncOp a, func::FuncOp b,
                 llvm::function_ref<void(Value, Value)> body) {
  SmallVector<Value> values[2];
  for (auto [list, function] : llvm::zip(values, std::initializer_list<func::FuncOp>{a, b}))
    function->walk([&list = list](Operation *op) {
      llvm::append_range(list, op->getResults());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          llvm::append_range(list, block.getArguments());
    });
  for (auto [x, y] : llvm::zip_equal(values[0], values[1]))
    body(x, y);
}
} // namespace

FailureOr<DynamicShapes> DynamicShapes::infer(func::FuncOp function) {
  DynamicShapes shapes;
  auto lengths = lengthsOf(function);
  if (!lengths)
    return function.emitError("expected the attribute qnn.lengths");
  shapes.range = *lengths;
  ShapeCopy copy(function);
  for (int64_t i = 0; i < lengths->count(); ++i) {
    // The shortest first: what fails there is not reported again.
    if (failed(copy.setLength(lengths->at(i))))
      return failure();
    forEachPair(function, copy.get(), [&](Value value, Value like) {
      if (!isa<RankedTensorType>(value.getType()) || shapeOf(value) == shapeOf(like))
        return;
      auto [entry, isNew] = shapes.table.try_emplace(value);
      ArrayRef<int64_t> all = shapeOf(value);
      entry->second.resize(all.size());
      for (auto [dim, extent] : llvm::enumerate(shapeOf(like)))
        if (extent != all[dim]) {
          auto &extents = entry->second[dim];
          extents.resize(lengths->count(), all[dim]);
          extents[i] = extent;
        }
    });
  }
  return shapes;
}

ArrayRef<int64_t> DynamicShapes::extents(Value value, int64_t dim) const {
  auto known = table.find(value);
  return known == table.end() ? ArrayRef<int64_t>() : ArrayRef<int64_t>(known->second[dim]);
}

Shape DynamicShapes::shapeAt(Value value, int64_t index) const {
  Shape shape(shapeOf(value));
  for (auto [dim, extent] : llvm::enumerate(shape))
    if (ArrayRef<int64_t> open = extents(value, dim); !open.empty())
      extent = open[index];
  return shape;
}

std::optional<AffineExtent> dyadic::affineExtent(ArrayRef<int64_t> extents) {
  AffineExtent affine{extents[0], extents.size() > 1 ? extents[1] - extents[0] : 0};
  for (auto [i, extent] : llvm::enumerate(extents))
    if (extent != affine.first + int64_t(i) * affine.step)
      return std::nullopt;
  return affine;
}

LogicalResult dyadic::annotateCounts(func::FuncOp function) {
  if (!lengthsOf(function))
    return success();
  auto shapes = DynamicShapes::infer(function);
  if (failed(shapes))
    return failure();
  Builder builder(function.getContext());
  function.walk([&](qnn::ReduceMeanOp op) {
    if (op->hasAttr(kIsSumAttr) ||
        llvm::none_of(op.getAxes(), [&](int64_t axis) {
          return shapes->isDynamic(op.getInput(), axis);
        }))
      return;
    SmallVector<int64_t> counts;
    for (int64_t i = 0; i < shapes->lengths().count(); ++i) {
      SmallVector<int64_t> shape = shapes->shapeAt(op.getInput(), i);
      int64_t count = 1;
      for (int64_t axis : op.getAxes())
        count *= shape[axis];
      counts.push_back(count);
    }
    op->setAttr(kCountsAttr, builder.getDenseI64ArrayAttr(counts));
  });
  return success();
}
