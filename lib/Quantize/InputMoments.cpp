//===- InputMoments.cpp ---------------------------------------------------===//
#include "InputMoments.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"

#include <Eigen/Core>

#include <numeric>

using namespace mlir;
using namespace dyadic;

using MatrixF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixD = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

std::optional<ContractionMatrix> ContractionMatrix::of(Operation *op) {
  if (!isa<qnn::Conv2DOp, qnn::MatmulOp>(op))
    return std::nullopt;
  ArrayRef<int64_t> shape = typeOf(op->getOperand(1)).getShape();
  ContractionMatrix matrix;
  if (auto conv = dyn_cast<qnn::Conv2DOp>(op)) {
    matrix.groups = conv.getGroups();
    matrix.outputs = shape[0] / matrix.groups;
    matrix.inputs = shape[1] * shape[2] * shape[3];
  } else {
    if (shape.size() != 2)
      return std::nullopt;
    matrix.inputs = shape[0];
    matrix.outputs = shape[1];
    matrix.inputsFirst = true;
  }
  return matrix;
}

InputMoments::InputMoments(Operation *op, const ContractionMatrix &matrix, size_t samples,
                           bool withErrors)
    : op(op), matrix(matrix), withErrors(withErrors), rowSize(matrix.groups * matrix.inputs),
      shift(rowSize, 0) {
  // Enough for a matrix of full rank and for its entries to be more than chance.
  constexpr int64_t kPerInput = 4, kLeast = 4096, kMost = 8192, kForErrors = 4;
  int64_t all = std::clamp(kPerInput * matrix.inputs, kLeast, kMost);
  // What weights make up for is what samples have in common: it takes more of them.
  if (withErrors)
    all *= kForErrors;
  RankedTensorType result = typeOf(op->getResult(0));
  positions = result.getNumElements() / result.getShape().back();
  wanted = std::min<int64_t>(positions, llvm::divideCeil(all, samples));
  Type element = typeOf(op->getOperand(0)).getElementType();
  scales = {1};
  zeroPoints = {0};
  if (auto type = dyn_cast<quant::UniformQuantizedType>(element)) {
    scales[0] = static_cast<float>(type.getScale());
    zeroPoints[0] = static_cast<float>(type.getZeroPoint());
  } else if (auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(element)) {
    scales.assign(type.getScales().begin(), type.getScales().end());
    zeroPoints.assign(type.getZeroPoints().begin(), type.getZeroPoints().end());
  }
  sums.assign(matrix.groups, std::vector<double>(matrix.inputs, 0));
  products.assign(matrix.groups, std::vector<double>(matrix.inputs * matrix.inputs, 0));
  if (withErrors) {
    errorSums = sums;
    errorProducts = products;
  }
}

/// Copies `channels` elements from `offset` on, as reals.
template <typename T>
static float *copyReals(ArrayRef<T> input, int64_t offset, int64_t channels,
                        ArrayRef<float> scales, ArrayRef<float> zeroPoints, float *out) {
  for (int64_t c = 0; c < channels; ++c) {
    int64_t p = scales.size() == 1 ? 0 : c;
    *out++ = (static_cast<float>(input[offset + c]) - zeroPoints[p]) * scales[p];
  }
  return out;
}

void InputMoments::gather(const HostTensor &input, Scales given, int64_t position,
                          float *row) const {
  auto [scales, zeroPoints] = given;
  int64_t channels = input.shape.back();
  auto copy = [&, scales = scales, zeroPoints = zeroPoints](int64_t offset) {
    switch (input.kind) {
    case ElementKind::U8:
      row = copyReals(input.as<uint8_t>(), offset, channels, scales, zeroPoints, row);
      break;
    case ElementKind::I8:
      row = copyReals(input.as<int8_t>(), offset, channels, scales, zeroPoints, row);
      break;
    case ElementKind::F32:
      row = copyReals(input.as<float>(), offset, channels, scales, zeroPoints, row);
      break;
    default:
      for (int64_t c = 0; c < channels; ++c) {
        int64_t p = scales.size() == 1 ? 0 : c;
        *row++ = (static_cast<float>(input.get(offset + c)) - zeroPoints[p]) * scales[p];
      }
    }
  };
  auto conv = dyn_cast<qnn::Conv2DOp>(op);
  if (!conv)
    return copy(position * channels);
  ArrayRef<int64_t> out = typeOf(conv.getOutput()).getShape();
  ArrayRef<int64_t> filter = typeOf(conv.getFilter()).getShape();
  int64_t x = position % out[2], y = position / out[2] % out[1], n = position / out[2] / out[1];
  for (int64_t i = 0; i < filter[1]; ++i)
    for (int64_t j = 0; j < filter[2]; ++j) {
      int64_t line = y * conv.getStrides()[0] + i * conv.getDilations()[0] - conv.getPads()[0];
      int64_t column = x * conv.getStrides()[1] + j * conv.getDilations()[1] - conv.getPads()[1];
      if (line < 0 || line >= input.shape[1] || column < 0 || column >= input.shape[2])
        row = std::fill_n(row, channels, 0.0f);
      else
        copy(((n * input.shape[1] + line) * input.shape[2] + column) * channels);
    }
}

void InputMoments::add(const HostTensor &input, const HostTensor *real,
                       const llvm::BitVector *counted) {
  assert((!counted || counted->size() == static_cast<size_t>(positions)) && "a row is a position");
  constexpr size_t kRows = 512;
  // Multiples of a number near the golden section of all positions, which has no
  // divisor in common with it, lie evenly and in no pattern of lines.
  int64_t stride = std::max<int64_t>(1, static_cast<int64_t>(0.618034 * positions));
  while (std::gcd(stride, positions) != 1)
    ++stride;
  for (int64_t i = 0; i < wanted; ++i) {
    int64_t position = (samplesSeen * wanted + i) * stride % positions;
    if (counted && !counted->test(position))
      continue;
    rows.resize(rows.size() + rowSize);
    gather(input, {scales, zeroPoints}, position, rows.data() + rows.size() - rowSize);
    if (withErrors) {
      float one = 1, zero = 0;
      errorRows.resize(rows.size());
      gather(*real, {one, zero}, position, errorRows.data() + rows.size() - rowSize);
    }
    if (rows.size() == kRows * rowSize)
      addRows();
  }
  ++samplesSeen;
}

void InputMoments::addRows() {
  int64_t inputs = matrix.inputs, height = rows.size() / rowSize;
  if (height == 0)
    return;
  Eigen::Map<MatrixF> all(rows.data(), height, rowSize);
  Eigen::Map<MatrixF> error(errorRows.data(), withErrors ? height : 0, rowSize);
  if (withErrors)
    error -= all;
  // Squares of what is far from zero would lose how little it varies.
  if (count == 0)
    Eigen::Map<Eigen::RowVectorXf>(shift.data(), rowSize) = all.colwise().mean();
  all.rowwise() -= Eigen::Map<const Eigen::RowVectorXf>(shift.data(), rowSize);
  count += height;
  auto addTo = [&](std::vector<double> &sum, const auto &values) {
    Eigen::Map<Eigen::RowVectorXd>(sum.data(), inputs) +=
        values.template cast<double>().colwise().sum();
  };
  auto addBlock = [&](std::vector<double> &product, int64_t begin, const auto &left,
                      const auto &right) {
    Eigen::Map<MatrixD>(product.data(), inputs, inputs).middleRows(begin, left.cols()) +=
        (left.transpose() * right).template cast<double>();
  };
  if (matrix.groups > 1) {
    // A group's inputs are some channels of each place under the filter.
    int64_t channels = typeOf(op->getOperand(0)).getShape().back();
    int64_t own = channels / matrix.groups;
    parallelFor(op->getContext(), 0, matrix.groups, [&](size_t g) {
      auto ofGroup = [&](const Eigen::Map<MatrixF> &from) {
        MatrixF some(height, inputs);
        for (int64_t place = 0; place < inputs / own; ++place)
          some.middleCols(place * own, own) = from.middleCols(place * channels + g * own, own);
        return some;
      };
      MatrixF x = ofGroup(all);
      addBlock(products[g], 0, x, x);
      addTo(sums[g], x);
      if (!withErrors)
        return;
      MatrixF e = ofGroup(error);
      addBlock(errorProducts[g], 0, x, e);
      addTo(errorSums[g], e);
    });
  } else {
    constexpr int64_t kBlock = 128;
    parallelFor(op->getContext(), 0, llvm::divideCeil(inputs, kBlock), [&](size_t b) {
      int64_t begin = b * kBlock;
      auto block = all.middleCols(begin, std::min(kBlock, inputs - begin));
      addBlock(products[0], begin, block, all);
      if (withErrors)
        addBlock(errorProducts[0], begin, block, error);
    });
    addTo(sums[0], all);
    if (withErrors)
      addTo(errorSums[0], error);
  }
  rows.clear();
  errorRows.clear();
}

std::vector<double> InputMoments::finish(std::vector<double> &given, ArrayRef<double> a,
                                         ArrayRef<double> b) const {
  int64_t inputs = matrix.inputs;
  double n = std::max<int64_t>(count, 1);
  Eigen::Map<MatrixD> product(given.data(), inputs, inputs);
  product /= n;
  product -= Eigen::Map<const Eigen::VectorXd>(a.data(), inputs) / n *
             Eigen::Map<const Eigen::RowVectorXd>(b.data(), inputs) / n;
  // Of few positions most correlations are chance: as many as there are inputs halve
  // them.
  Eigen::VectorXd power = product.diagonal();
  product *= n / (n + inputs);
  product.diagonal() = power;
  return std::move(given);
}

std::vector<double> InputMoments::takeCovariance(int64_t group) {
  return finish(products[group], sums[group], sums[group]);
}

std::vector<double> InputMoments::takeErrorCovariance(int64_t group) {
  if (!withErrors)
    return {};
  return finish(errorProducts[group], sums[group], errorSums[group]);
}
