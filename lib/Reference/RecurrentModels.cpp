//===- RecurrentModels.cpp - qnn.lstm -------------------------------------===//
#include "Models.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

static float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

namespace {
/// One row of the batch, step by step.
class LSTM {
public:
  LSTM(qnn::LSTMOp op, Operands in, HostTensor &out)
      : op(op), projection(in[0]->as<float>()), recurrent(*in[1]),
        hidden(in[2]->as<float>()), cell(in[3]->as<float>()),
        out(out.as<float>()), steps(in[0]->shape[0]), batch(in[0]->shape[1]),
        units(in[0]->shape[2] / 4) {}

  void run(int64_t row) {
    std::vector<float> h(hidden.slice(row * units, units)),
        c(cell.slice(row * units, units));
    for (int64_t i = 0; i < steps; ++i) {
      int64_t t = op.getReverse() ? steps - 1 - i : i;
      std::vector<float> gates = product(h);
      for (int64_t j = 0; j < 4 * units; ++j)
        gates[j] += projection[(t * batch + row) * 4 * units + j];
      for (int64_t u = 0; u < units; ++u) {
        auto gate = [&](int64_t number) { return gates[number * units + u]; };
        c[u] = sigmoid(gate(2)) * c[u] + sigmoid(gate(0)) * std::tanh(gate(3));
        h[u] = sigmoid(gate(1)) * std::tanh(c[u]);
      }
      llvm::copy(h, out.slice((t * batch + row) * units).begin());
    }
    if (op.getWithCell())
      llvm::copy(c, out.slice((steps * batch + row) * units).begin());
  }

private:
  /// h · recurrent
  std::vector<float> product(ArrayRef<float> h) {
    std::vector<float> sums(4 * units, 0);
    if (recurrent.kind == ElementKind::F32) {
      for (int64_t k = 0; k < units; ++k)
        for (int64_t j = 0; j < 4 * units; ++j)
          sums[j] += h[k] * recurrent.as<float>()[k * 4 * units + j];
      return sums;
    }
    std::vector<int64_t> exact(4 * units, 0);
    for (int64_t k = 0; k < units; ++k)
      for (int64_t j = 0; j < 4 * units; ++j)
        exact[j] += static_cast<int64_t>(std::nearbyint(
                        std::min(std::max(127 * h[k], -127.0f), 127.0f))) *
                    recurrent.as<int8_t>()[k * 4 * units + j];
    for (int64_t j = 0; j < 4 * units; ++j)
      sums[j] = static_cast<float>(exact[j]) *
                ((*op.getRecurrentScales())[j] / 127);
    return sums;
  }

  qnn::LSTMOp op;
  ArrayRef<float> projection;
  const HostTensor &recurrent;
  ArrayRef<float> hidden, cell;
  MutableArrayRef<float> out;
  int64_t steps, batch, units;
};

struct LSTMModel : ReferenceOpInterface::ExternalModel<LSTMModel, qnn::LSTMOp> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    HostTensor output = makeResult(op->getResult(0).getType());
    auto lstm = cast<qnn::LSTMOp>(op);
    HostTensor weights;
    SmallVector<const HostTensor *> inputs(operands);
    if (auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(
            cast<RankedTensorType>(lstm.getRecurrent().getType())
                .getElementType())) {
      weights = HostTensor(ElementKind::F32, operands[1]->shape);
      size_t columns = type.getScales().size();
      for (auto [i, w] : llvm::enumerate(weights.as<float>()))
        w = static_cast<float>(operands[1]->get(i) *
                               type.getScales()[i % columns]);
      inputs[1] = &weights;
    }
    LSTM model(lstm, inputs, output);
    for (int64_t row = 0; row < inputs[0]->shape[1]; ++row)
      model.run(row);
    results.push_back(std::move(output));
    return success();
  }
};
} // namespace

void reference::registerRecurrentModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    qnn::LSTMOp::attachInterface<LSTMModel>(*context);
  });
}
