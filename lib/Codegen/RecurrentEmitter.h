//===- RecurrentEmitter.h - steps of recurrent kernels ----------*- C++ -*-===//
//
// What kernels of cells with a state share: the state as products read it, weights in
// panels that have the gates of some units side by side,
//
//   [panel][depth / g][gate][unit][g]
//
// and the sums of a register tile, which are all that those units' next state depends
// on. Of 8 bits, weights meet a state of 8 bits: that of a step is quantized once, when
// it is made.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_RECURRENTEMITTER_H
#define DYADIC_LIB_CODEGEN_RECURRENTEMITTER_H

#include "Contraction.h"
#include "ResultSink.h"

#include <optional>

namespace dyadic::codegen {

class RecurrentEmitter {
protected:
  /// `weights` have `gates` times as many columns as the state has units, and with i8 a
  /// scale for each. `states` is how many there are beside each other in memory.
  RecurrentEmitter(KernelBuilder &k, ResultSink &sink, mlir::Value projection,
                   const HostTensor &weights,
                   std::optional<llvm::ArrayRef<float>> scales, bool reverse,
                   int64_t gates, int64_t states);

  /// The weights of some gates, packed.
  struct Product {
    llvm::SmallVector<int64_t> gates;
    int64_t panelUnits = 0;
    bool fullRange = false;
    mlir::Value packed, bias, scale;
  };
  Product pack(llvm::ArrayRef<int64_t> gates);

  /// Calls `body` for each step with its index, `from` and `to` being where in `state`
  /// the old and the new state are.
  void forSteps(llvm::function_ref<void(mlir::Value step)> body);

  /// `lanes` units, of which `width` are there, of a row of the batch.
  struct Units {
    mlir::Value row, unit;
    int64_t width;
  };
  /// Calls `body` for all units and rows, with the product of the state at `from` with
  /// each gate's weights as f32.
  void multiply(const Product &product, mlir::Value from,
                llvm::function_ref<void(const Units &, llvm::ArrayRef<mlir::Value>)> body);

  /// Calls `body` for all units and rows.
  void forUnits(llvm::function_ref<void(const Units &)> body);

  /// The place of units in a tensor of a number each, padded as `state` is.
  mlir::Value placeOf(const Units &at) { return k.add(k.mul(at.row, pitch), at.unit); }
  /// A place for an f32 number each.
  mlir::Value scratch() { return k.scratch(batch * pitch * 4, f32); }
  mlir::Value load(mlir::Value numbers, const Units &at) {
    return k.loadVector(numbers, placeOf(at), lanes);
  }
  void store(mlir::Value value, mlir::Value numbers, const Units &at) {
    k.storeVector(value, numbers, placeOf(at));
  }
  /// Those of `tensor`, batch × units.
  mlir::Value loadInitial(mlir::Value tensor, const Units &at);
  /// Stores h where products read it, `first` being where that state begins.
  void storeState(mlir::Value h, mlir::Value first, const Units &at) {
    k.storeVector(encode(h), state, k.add(first, placeOf(at)));
  }

  /// What the input adds to a gate.
  mlir::Value projected(mlir::Value step, const Units &at, int64_t gate);

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value subtract(mlir::Value x, mlir::Value y);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  mlir::Value sigmoid(mlir::Value x);
  mlir::Value tanh(mlir::Value x);

  /// Hands the units of `h` that are there to the sink, as those of index `step` of
  /// `count`.
  void emitResult(mlir::Value step, int64_t count, const Units &at, mlir::Value h);

  KernelBuilder &k;
  int64_t steps, batch, units, lanes;
  mlir::Type f32;
  mlir::Value from, to;
  /// Elements from one state to the next.
  int64_t stateSize() const { return batch * pitch; }

private:
  template <typename T> std::vector<T> packWeights(const Product &product);
  void forPanels(const Product &product,
                 llvm::function_ref<void(int64_t, int64_t, int64_t)> body);
  std::optional<int64_t> columnOf(const Product &product, int64_t begin,
                                  int64_t width, int64_t column);
  int32_t biasOf(int64_t column);
  mlir::Value encode(mlir::Value h);
  llvm::SmallVector<mlir::Value> sumsOf(const Product &product, mlir::Value from,
                                        mlir::Value row, int64_t count,
                                        mlir::Value unit, int64_t width);

  ResultSink &sink;
  const HostTensor &weights;
  std::optional<llvm::ArrayRef<float>> scales;
  bool isInteger, reverse;
  OperandKind operand;
  mlir::Type stateElement; // of the products' operand, in memory
  RegisterTile tile;
  int64_t wholeSteps, rest, packedDepth, pitch;
  mlir::Value projection, state;
  llvm::SmallVector<int64_t> projectionStrides;
};

} // namespace dyadic::codegen

#endif
