//===- Convolution.cpp - Conv ---------------------------------------------===//
//
// Signals and images with known filters are qnn.conv2d; volumes are sums of
// those over the planes of the filter. Everything else is written as a formula.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"
#include "Window.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

namespace {
class Convolution {
public:
  explicit Convolution(NodeImporter &node) : node(node) {}

  LogicalResult run() {
    input = node.number(0);
    if (!input || failed(readFilterShape()))
      return failure();
    inputShape = Shape(shapeOf(input));
    if (filterShape.size() != inputShape.size())
      return node.emitError()
             << "expected a filter of " << inputShape.size()
             << " dimensions, but got " << toString(filterShape);
    auto resolved = resolveWindow(node, inputShape,
                                  ArrayRef<int64_t>(filterShape).drop_front(2));
    if (failed(resolved))
      return failure();
    window = *resolved;
    groups = node.getInt("group", 1);
    int64_t channels = inputShape[1];
    if (groups < 1 || filterShape[1] > channels / groups ||
        filterShape[1] * groups != channels || filterShape[0] % groups != 0)
      return node.emitError()
             << "expected a filter for " << channels << " channels in "
             << groups << " groups, but got " << toString(filterShape);
    auto resultShape = windowedShape(node, window, inputShape, filterShape[0]);
    if (failed(resultShape))
      return failure();
    bool isKnown = node.constant(1) && node.constant(1)->kind == ElementKind::F32;
    size_t rank = inputShape.size();
    if (isKnown && elementOf(input).isF32() && rank <= 5)
      return node.setOutput(rank == 5 ? volume(*resultShape)
                                      : image(input, *node.constant(1), 2, true));
    return node.setOutput(formula(*resultShape));
  }

private:
  LogicalResult readFilterShape() {
    if (const HostTensor *known = node.constant(1)) {
      filterShape = known->shape;
      return success();
    }
    Value filter = node.number(1);
    if (!filter)
      return failure();
    filterShape = Shape(shapeOf(filter));
    return success();
  }

  /// The convolution of a signal or image with O×I×(KH×)KW weights by the window's
  /// dimensions from `first` - 2 on.
  Value image(Value value, HostTensor filter, size_t first, bool withBias) {
    size_t rank = filter.shape.size();
    if (rank == 3)
      filter.shape.insert(filter.shape.begin() + 2, 1);
    SmallVector<Value> operands{
        imageToChannelsLast(node, value),
        node.constantTensor(transpose(filter, {0, 2, 3, 1}))};
    if (withBias && node.hasInput(2))
      operands.push_back(node.input(2));
    Window planar = asImageWindow(window.from(first - 2));
    Value output = node.emit<qnn::Conv2DOp>(
        operands, {node.attr("strides", planar.strides),
                   node.attr("pads", planar.pads()),
                   node.attr("dilations", planar.dilations),
                   node.attr("groups", groups)});
    return imageToChannelsFirst(node, output, rank);
  }

  /// A volume's convolution: the sum over the planes of the filter of what each
  /// makes of the planes it meets, which are a batch of images.
  Value volume(ArrayRef<int64_t> resultShape) {
    const HostTensor &filter = *node.constant(1);
    Shape planes{0, 2, 1, 3, 4}; // N×D×C×H×W
    Value padded = node.transpose(
        node.pad(input, {0, 0, window.begin[0], 0, 0},
                 {0, 0, window.end[0], 0, 0}, 0),
        planes);
    if (!padded)
      return {};
    int64_t n = inputShape[0], c = inputShape[1], h = inputShape[3],
            w = inputShape[4], depth = resultShape[2];
    Value result;
    for (int64_t k = 0; k < window.kernel[0]; ++k) {
      Value met = node.slice(padded, {0, k * window.dilations[0], 0, 0, 0},
                             {n, depth, c, h, w},
                             {1, window.strides[0], 1, 1, 1});
      HostTensor plane = copyStrided(
          filter, {filterShape[0], filterShape[1], filterShape[3], filterShape[4]},
          planeStrides(), k * filterShape[3] * filterShape[4]);
      Value part = image(node.reshape(met, {n * depth, c, h, w}),
                         std::move(plane), 3, k == 0);
      result = k == 0 ? part : node.emit<qnn::AddOp>({result, part});
    }
    Shape unmerged{n, depth, resultShape[1], resultShape[3], resultShape[4]};
    return node.transpose(node.reshape(result, unmerged), planes);
  }

  Shape planeStrides() const {
    Shape strides = stridesOf(filterShape);
    strides.erase(strides.begin() + 2);
    return strides;
  }

  /// out[n, o, y…] = bias[o] + Σ input[n, c…, y·stride + k·dilation − pad] · filter[o, c, k…]
  Value formula(ArrayRef<int64_t> resultShape) {
    SmallVector<Value> operands{input, node.number(1)};
    if (node.hasInput(2))
      operands.push_back(node.number(2));
    if (llvm::is_contained(operands, Value()))
      return {};
    if (operands.size() > 2 &&
        shapeOf(operands[2]) != ArrayRef<int64_t>(filterShape[0])) {
      node.emitError() << "expected a bias of " << filterShape[0]
                       << " elements, but got " << operands[2].getType();
      return {};
    }
    Type element = elementOf(input), compute = computeType(element);
    int64_t depth = filterShape[1], outputs = filterShape[0] / groups;
    Shape taps{depth};
    llvm::append_range(taps, window.kernel);
    return emitFormula(
        node, resultShape, element, operands,
        [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
          Scalar first = at[1] / outputs * depth;
          Scalar zero = f.real(0, compute);
          Scalar bias = tensors.size() > 2
                            ? widen(f.read(tensors[2], at[1]), element)
                            : zero;
          return bias + f.sum(taps, zero, [&](const Formula &f, ArrayRef<Scalar> tap) {
            SmallVector<Scalar> from{at[0], first + tap[0]}, weight{at[1]};
            llvm::append_range(from, tapPosition(window, at.drop_front(2),
                                                 tap.drop_front()));
            llvm::append_range(weight, tap);
            Scalar x = f.readOr(tensors[0], from, f.real(0, elementOf(tensors[0])));
            return widen(x, element) * widen(f.read(tensors[1], weight), element);
          });
        });
  }

  NodeImporter &node;
  Value input;
  Shape inputShape, filterShape;
  Window window;
  int64_t groups = 1;
};
} // namespace

static LogicalResult convertConv(NodeImporter &node) {
  return Convolution(node).run();
}

ArrayRef<OpEntry> convolutionOps() {
  static const OpEntry entries[] = {
      {"Conv", 2, 3, convertConv},
  };
  return entries;
}

} // namespace dyadic::onnx_import
