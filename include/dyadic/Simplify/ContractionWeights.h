//===- ContractionWeights.h - the constants of a contraction ----*- C++ -*-===//
#ifndef DYADIC_SIMPLIFY_CONTRACTIONWEIGHTS_H
#define DYADIC_SIMPLIFY_CONTRACTIONWEIGHTS_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace dyadic {

/// Weights and bias of a `qnn.conv2d` or `qnn.matmul`, as numbers that can be
/// changed. Each weight multiplies one input channel for one output channel.
struct ContractionWeights {
  /// Those of `op`; none unless both are constants (the bias may be missing,
  /// which is zeros) and the weights are f32.
  static std::optional<ContractionWeights> read(mlir::Operation *op);

  HostTensor tensor;
  llvm::SmallVector<float> bias;
  /// Whether `tensor` differs from the op's constant.
  bool isScaled = false;

  int64_t outputs() const { return bias.size(); }

  /// visit(float &weight, int64_t output, int64_t input) for each weight.
  template <typename Fn> void forEach(Fn visit) {
    llvm::MutableArrayRef<float> elements = tensor.as<float>();
    int64_t inner = tensor.shape.back();
    if (!isFilter) {
      for (int64_t i = 0, e = elements.size(); i < e; ++i)
        visit(elements[i], i % inner, i / inner);
      return;
    }
    int64_t row = elements.size() / outputs();
    for (int64_t i = 0, e = elements.size(); i < e; ++i) {
      int64_t o = i / row;
      int64_t group = o * groups / outputs();
      visit(elements[i], o, group * inner + i % inner);
    }
  }

  /// weights[i] *= factor(output channel, input channel)
  template <typename Fn> void scale(Fn factor) {
    isScaled = true;
    forEach([&](float &w, int64_t o, int64_t c) { w *= factor(o, c); });
  }

private:
  ContractionWeights(HostTensor tensor, bool isFilter, int64_t groups)
      : tensor(std::move(tensor)), isFilter(isFilter), groups(groups) {}

  // Filters are O×KH×KW×I with groups, matrices K×N.
  bool isFilter;
  int64_t groups;
};

/// Makes operand `index` of `op`, or a new one behind its last, the f32 constant `tensor`.
void setConstantOperand(mlir::Operation *op, unsigned index, HostTensor tensor);

} // namespace dyadic

#endif
