//===- TransposedConvolution.cpp - ConvTranspose --------------------------===//
//
// Result pixel s·q + r (before cropping) is made of the taps r, r + s, r + 2s, …
// of the kernel alone:
//
//   out[s·q + r] = Σ_t input[q − t] · filter[r + s·t]
//
// For each of the s·s phases r that is an ordinary convolution of stride 1. The
// results lie side by side as channels, are cut into blocks of s×s pixels, and
// cropped by the padding. Where all phases have equally many taps they are one
// convolution with s·s times the channels.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"
#include "TensorShape.h"
#include "TransposedWindow.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// Far more than any network has, and far from where products overflow.
static constexpr int64_t kLargest = 1 << 16;

namespace {
/// One of the two dimensions of the image.
struct Axis {
  int64_t input = 1, kernel = 1, stride = 1, dilation = 1;
  int64_t padBegin = 0, padEnd = 0, output = 1;

  /// The kernel with its gaps.
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
  /// Taps of a phase; a phase without any reads one of weight zero.
  int64_t taps(int64_t phase) const {
    return phase < extent()
               ? static_cast<int64_t>(llvm::divideCeil(extent() - phase, stride))
               : 1;
  }
  bool evenTaps() const { return taps(0) == taps(stride - 1); }
  /// Blocks of `stride` results that are computed.
  int64_t blocks() const {
    return std::max<int64_t>(input, llvm::divideCeil(padBegin + output, stride));
  }
};

class TransposedConvolution {
public:
  explicit TransposedConvolution(NodeImporter &node) : node(node) {}

  LogicalResult run() {
    if (failed(read()))
      return failure();
    Value image = imageToChannelsLast(node, input);
    SmallVector<Value> phases;
    if (groups == 1 && axes[0].evenTaps() && axes[1].evenTaps()) {
      phases.push_back(convolve(image, 0, axes[0].stride, 0, axes[1].stride));
    } else {
      for (int64_t y = 0; y < axes[0].stride; ++y)
        for (int64_t x = 0; x < axes[1].stride; ++x)
          phases.push_back(convolve(image, y, 1, x, 1));
    }
    if (llvm::is_contained(phases, Value()))
      return failure();
    Value blocks = phases.size() == 1 ? phases.front() : node.concat(phases, 3);
    return node.setOutput(
        imageToChannelsFirst(node, assemble(blocks), shapeOf(input).size()));
  }

private:
  LogicalResult read() {
    input = node.input(0);
    weights = node.constant(1);
    if (!input)
      return failure();
    if (!weights || weights->kind != ElementKind::F32)
      return node.unsupported("a filter that is not a float32 constant");
    size_t rank = shapeOf(input).size();
    if (rank != 3 && rank != 4)
      return node.unsupported("an input of " + std::to_string(rank) +
                              " dimensions");
    groups = node.getInt("group", 1);
    ArrayRef<int64_t> filter = weights->shape;
    if (filter.size() != rank || filter[0] != shapeOf(input)[1] || groups < 1 ||
        filter[0] % groups)
      return node.emitError()
             << "expected a filter for " << shapeOf(input)[1] << " channels in "
             << groups << " groups, but got " << toString(filter);
    outputs = filter[1] * groups;
    return failed(readAxes(rank - 2)) ? failure() : readBias();
  }

  LogicalResult readAxes(size_t count) {
    Shape ones(count, 1), zeros(count, 0);
    Shape kernel(ArrayRef<int64_t>(weights->shape).drop_front(2)),
        strides = node.getInts("strides", ones),
        dilations = node.getInts("dilations", ones),
        pads = node.getInts("pads", Shape(2 * count, 0)),
        extra = node.getInts("output_padding", zeros),
        wanted = node.getInts("output_shape");
    std::string automatic = node.getString("auto_pad", "NOTSET");
    if (node.getInts("kernel_shape", kernel) != kernel)
      return node.emitError() << "expected kernel_shape " << toString(kernel)
                              << ", the filter's";
    if (strides.size() != count || dilations.size() != count ||
        pads.size() != 2 * count || extra.size() != count ||
        (!wanted.empty() && wanted.size() != count))
      return node.emitError() << "expected strides, dilations, pads, "
                                 "output_padding and output_shape for "
                              << count << " dimensions";
    bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
    if (!same && automatic != "NOTSET" && automatic != "VALID")
      return node.unsupported("auto_pad '" + automatic + "'");
    auto within = [](ArrayRef<int64_t> numbers, int64_t least) {
      return llvm::all_of(numbers, [&](int64_t n) { return n >= least && n <= kLargest; });
    };
    if (!within(strides, 1) || !within(dilations, 1) || !within(extra, 0) ||
        !within(pads, -kLargest) || !within(wanted, 1) || !within(kernel, 1))
      return node.emitError()
             << "expected strides, dilations, the kernel and output_shape of 1 to "
             << kLargest << ", and pads and output_padding no larger";
    for (size_t i = 0; i < count; ++i) {
      Axis &axis = axes[2 - count + i];
      axis.input = shapeOf(input)[2 + i];
      axis.kernel = kernel[i];
      axis.stride = strides[i];
      axis.dilation = dilations[i];
      int64_t all = axis.stride * (axis.input - 1) + extra[i] + axis.extent();
      if (same || !wanted.empty()) {
        axis.output = wanted.empty() ? axis.input * axis.stride : wanted[i];
        // Runtimes disagree about what lies beyond the last window.
        int64_t total = all - axis.output;
        if (total < 0)
          return node.unsupported("an output that is larger than its windows "
                                  "reach");
        axis.padBegin =
            automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      } else {
        bool valid = automatic == "VALID";
        axis.padBegin = valid ? 0 : pads[i];
        axis.output = all - (valid ? 0 : pads[i] + pads[count + i]);
      }
      if (axis.padBegin < 0 || axis.output < 1)
        return node.unsupported("padding that is negative or leaves nothing");
    }
    // All phases' filters: with long strides most of their taps are zeros.
    double elements = double(weights->shape[0]) * outputs / groups;
    for (const Axis &axis : axes)
      elements *= double(axis.stride) * axis.taps(0);
    if (elements > kMaxElements)
      return node.unsupported("strides and dilations whose filters, with their "
                              "gaps, have more than " +
                              std::to_string(kMaxElements) + " elements");
    return node.checkAllowance(static_cast<int64_t>(elements), sizeof(float));
  }

  LogicalResult readBias() {
    bias = node.constant(2);
    if (!bias && node.hasInput(2))
      return node.mustBeKnown(2, "the bias");
    if (bias && (bias->shape != Shape{outputs} || bias->kind != ElementKind::F32))
      return node.emitError() << "expected a bias of " << outputs
                              << " elements, but got " << describe(*bias);
    return success();
  }

  /// The weight of tap (y, x) of the kernel with its gaps.
  float weight(int64_t inputChannel, int64_t output, int64_t y, int64_t x) const {
    const Axis &rows = axes[0], &columns = axes[1];
    if (y >= rows.extent() || x >= columns.extent() || y % rows.dilation ||
        x % columns.dilation)
      return 0;
    int64_t perGroup = outputs / groups;
    int64_t i = inputChannel * perGroup + output % perGroup;
    i = i * rows.kernel + y / rows.dilation;
    i = i * columns.kernel + x / columns.dilation;
    return weights->as<float>()[i];
  }

  /// The phases [y, y + rows) × [x, x + columns) as channels of one convolution
  /// of the input, which have as many taps as the first of them.
  Value convolve(Value image, int64_t y, int64_t rows, int64_t x,
                 int64_t columns) {
    int64_t th = axes[0].taps(y), tw = axes[1].taps(x);
    int64_t channels = weights->shape[0], depth = channels / groups;
    HostTensor filter(ElementKind::F32, {rows * columns * outputs, th, tw, depth});
    HostTensor biases(ElementKind::F32, {rows * columns * outputs});
    float *next = filter.as<float>().data();
    for (int64_t phase = 0; phase < rows * columns; ++phase)
      for (int64_t o = 0; o < outputs; ++o) {
        if (bias)
          biases.as<float>()[phase * outputs + o] = bias->as<float>()[o];
        int64_t first = o / (outputs / groups) * depth;
        int64_t py = y + phase / columns, px = x + phase % columns;
        // A convolution reads forward what a tap reads backward.
        for (int64_t i = th; i-- > 0;)
          for (int64_t j = tw; j-- > 0;)
            for (int64_t c = 0; c < depth; ++c)
              *next++ = weight(first + c, o, py + i * axes[0].stride,
                               px + j * axes[1].stride);
      }
    SmallVector<Value> operands{image, node.constantTensor(std::move(filter))};
    if (bias)
      operands.push_back(node.constantTensor(std::move(biases)));
    auto behind = [](const Axis &axis) { return axis.blocks() - axis.input; };
    return node.emit<qnn::Conv2DOp>(
        operands, {node.attr("pads", {th - 1, tw - 1, behind(axes[0]),
                                      behind(axes[1])}),
                   node.attr("groups", groups)});
  }

  /// N×BH×BW×(S·S·O) as N×H×W×O.
  Value assemble(Value value) {
    int64_t n = shapeOf(input)[0], bh = axes[0].blocks(), bw = axes[1].blocks(),
            sh = axes[0].stride, sw = axes[1].stride;
    if (sh > 1 || sw > 1) {
      value = node.reshape(value, {n, bh, bw, sh, sw, outputs});
      value = node.transpose(value, {0, 1, 3, 2, 4, 5});
      value = node.reshape(value, {n, bh * sh, bw * sw, outputs});
    }
    if (bh * sh == axes[0].output && bw * sw == axes[1].output)
      return value;
    return node.slice(value, {0, axes[0].padBegin, axes[1].padBegin, 0},
                      {n, axes[0].output, axes[1].output, outputs},
                      {1, 1, 1, 1});
  }

  NodeImporter &node;
  Value input;
  const HostTensor *weights = nullptr, *bias = nullptr;
  int64_t groups = 1, outputs = 0;
  Axis axes[2];
};
} // namespace

/// Whether it is convolutions of a signal or image by filters that are known.
static bool isPlanar(NodeImporter &node) {
  const HostTensor *filter = node.constant(1), *bias = node.constant(2);
  bool known = filter && filter->kind == ElementKind::F32 &&
               (bias || !node.hasInput(2));
  return known && (filter->shape.size() == 3 || filter->shape.size() == 4);
}

static LogicalResult convertConvTranspose(NodeImporter &node) {
  return isPlanar(node) ? TransposedConvolution(node).run()
                        : convertTransposedWindow(node);
}

ArrayRef<OpEntry> transposedConvolutionOps() {
  static const OpEntry entries[] = {
      {"ConvTranspose", 2, 3, convertConvTranspose},
  };
  return entries;
}

} // namespace dyadic::onnx_import
