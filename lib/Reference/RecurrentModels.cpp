//===- RecurrentModels.cpp - qnn.lstm and qnn.gru -------------------------===//
#include "Models.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

static float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

namespace {
/// What a recurrent op multiplies its state with.
class RecurrentWeights {
public:
  template <typename OpTy>
  RecurrentWeights(OpTy op, const HostTensor &stored) : weights(stored) {
    if (auto found = op.getRecurrentScales())
      scales = *found;
    auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(
        cast<RankedTensorType>(op.getRecurrent().getType()).getElementType());
    if (!type)
      return;
    weights = HostTensor(ElementKind::F32, stored.shape);
    size_t columns = type.getScales().size();
    for (auto [i, w] : llvm::enumerate(weights.as<float>()))
      w = static_cast<float>(stored.get(i) * type.getScales()[i % columns]);
  }

  /// h · weights[:, first … first + count)
  std::vector<float> product(ArrayRef<float> h, int64_t first, int64_t count) const {
    int64_t columns = weights.shape[1], units = h.size();
    std::vector<float> sums(count, 0);
    if (weights.kind == ElementKind::F32) {
      for (int64_t k = 0; k < units; ++k)
        for (int64_t j = 0; j < count; ++j)
          sums[j] += h[k] * weights.as<float>()[k * columns + first + j];
      return sums;
    }
    std::vector<int64_t> exact(count, 0);
    for (int64_t k = 0; k < units; ++k)
      for (int64_t j = 0; j < count; ++j)
        exact[j] += static_cast<int64_t>(std::nearbyint(
                        std::min(std::max(127 * h[k], -127.0f), 127.0f))) *
                    weights.as<int8_t>()[k * columns + first + j];
    for (int64_t j = 0; j < count; ++j)
      sums[j] = static_cast<float>(exact[j]) * (scales[first + j] / 127);
    return sums;
  }

private:
  HostTensor weights;
  ArrayRef<float> scales;
};

/// The steps of one row of the batch after the other. A cell has a function
/// step(h, x), which makes of the state h and the projection x of a step the next.
struct Sequence {
  ArrayRef<float> projection, hidden;
  MutableArrayRef<float> out;
  int64_t steps, batch, units, gates;
  bool reverse;

  template <typename OpTy>
  Sequence(OpTy op, Operands in, int64_t gates, HostTensor &out)
      : projection(in[0]->as<float>()), hidden(in[2]->as<float>()),
        out(out.as<float>()), steps(in[0]->shape[0]), batch(in[0]->shape[1]),
        units(in[0]->shape[2] / gates), gates(gates), reverse(op.getReverse()) {}

  void run(int64_t row,
           llvm::function_ref<void(MutableArrayRef<float>, ArrayRef<float>)> step) {
    std::vector<float> h(hidden.slice(row * units, units));
    for (int64_t i = 0; i < steps; ++i) {
      int64_t t = reverse ? steps - 1 - i : i;
      step(h, projection.slice((t * batch + row) * gates * units, gates * units));
      llvm::copy(h, out.slice((t * batch + row) * units).begin());
    }
  }
};

struct LSTMModel : ReferenceOpInterface::ExternalModel<LSTMModel, qnn::LSTMOp> {
  LogicalResult interpret(Operation *op, Operands in,
                          SmallVectorImpl<HostTensor> &results) const {
    HostTensor output = makeResult(op->getResult(0).getType());
    auto lstm = cast<qnn::LSTMOp>(op);
    Sequence all(lstm, in, /*gates=*/4, output);
    RecurrentWeights weights(lstm, *in[1]);
    int64_t units = all.units;
    for (int64_t row = 0; row < all.batch; ++row) {
      std::vector<float> c(in[3]->as<float>().slice(row * units, units));
      all.run(row, [&](MutableArrayRef<float> h, ArrayRef<float> x) {
        std::vector<float> sums = weights.product(h, 0, 4 * units);
        for (int64_t u = 0; u < units; ++u) {
          auto gate = [&](int64_t number) {
            return sums[number * units + u] + x[number * units + u];
          };
          c[u] = sigmoid(gate(2)) * c[u] + sigmoid(gate(0)) * std::tanh(gate(3));
          h[u] = sigmoid(gate(1)) * std::tanh(c[u]);
        }
      });
      if (lstm.getWithCell())
        llvm::copy(c, all.out.slice((all.steps * all.batch + row) * units).begin());
    }
    results.push_back(std::move(output));
    return success();
  }
};

struct GRUModel : ReferenceOpInterface::ExternalModel<GRUModel, qnn::GRUOp> {
  LogicalResult interpret(Operation *op, Operands in,
                          SmallVectorImpl<HostTensor> &results) const {
    HostTensor output = makeResult(op->getResult(0).getType());
    auto gru = cast<qnn::GRUOp>(op);
    Sequence all(gru, in, /*gates=*/3, output);
    RecurrentWeights weights(gru, *in[1]);
    int64_t units = all.units;
    std::vector<float> bias(units, 0);
    if (gru.getBias())
      bias = std::vector<float>(in[3]->as<float>());
    for (int64_t row = 0; row < all.batch; ++row)
      all.run(row, [&](MutableArrayRef<float> h, ArrayRef<float> x) {
        std::vector<float> sums = weights.product(h, 0, 2 * units), reset, part;
        for (int64_t u = 0; u < units; ++u)
          reset.push_back(sigmoid(sums[units + u] + x[units + u]));
        if (gru.getLinearBeforeReset()) {
          part = weights.product(h, 2 * units, units);
          for (int64_t u = 0; u < units; ++u)
            part[u] = reset[u] * (part[u] + bias[u]);
        } else {
          for (int64_t u = 0; u < units; ++u)
            reset[u] *= h[u];
          part = weights.product(reset, 2 * units, units);
        }
        for (int64_t u = 0; u < units; ++u) {
          float update = sigmoid(sums[u] + x[u]),
                candidate = std::tanh(part[u] + x[2 * units + u]);
          h[u] = (1 - update) * candidate + update * h[u];
        }
      });
    results.push_back(std::move(output));
    return success();
  }
};
} // namespace

void reference::registerRecurrentModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    qnn::LSTMOp::attachInterface<LSTMModel>(*context);
    qnn::GRUOp::attachInterface<GRUModel>(*context);
  });
}
