//===- RecurrentBody.h - steps of recurrences in integers -------*- C++ -*-===//
//
// What qnn.lstm and qnn.gru without floats share (docs/Spec.md, section 10): 16-bit
// sums behind the input, a hidden state of 16 bits whose products have 8, factors that
// make of both the gates' arguments, gates interpolated in tables. Units u, gates g; the
// depth of the products in groups.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_LOWERTODYADIC_RECURRENTBODY_H
#define DYADIC_LIB_LOWERTODYADIC_RECURRENTBODY_H

#include "GateTables.h"
#include "IntegerFunctions.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/PatternMatch.h"

#include <optional>

namespace dyadic {

/// Bits behind the point of a hidden state.
constexpr int64_t kHiddenBits = 15;

/// A gate's argument is (products · recurrent + projection · input) · 2^−shift, with
/// a factor a column for the products and one a gate for the projection.
struct GateScaling {
  llvm::SmallVector<int32_t> recurrent, input;
  int64_t shift;
};

/// The operands of a recurrent op as integers.
struct IntegerRecurrence {
  int64_t steps, batch, units, gates;
  bool reverse;
  mlir::Value projection; // 16-bit, as the op has it
  HostTensor weights;     // units × gates·units
  GateScaling scaling;

  /// Fails, with a reason for `rewriter`, where they aren't integers or their scales are
  /// too far apart. `functions` are those of the gates.
  template <typename OpTy>
  static llvm::FailureOr<IntegerRecurrence>
  of(OpTy op, mlir::PatternRewriter &rewriter,
     llvm::ArrayRef<const GateFunction *> functions) {
    return of(op, rewriter, op.getProjection(), op.getRecurrent(), op.getRecurrentScales(),
              op.getReverse(), functions);
  }

  /// 16-bit numbers of a shape.
  static mlir::RankedTensorType numbers(mlir::OpBuilder &b, llvm::ArrayRef<int64_t> shape);

  //===--- Operands of the body -------------------------------------------===//

  /// The projection, S×N×G×H.
  mlir::Value projectionByGate(mlir::OpBuilder &b, mlir::Location loc) const;
  /// The weights of `count` gates from `first` on, grouped as products read them.
  mlir::Value weightsOf(mlir::OpBuilder &b, mlir::Location loc, int64_t first,
                        int64_t count) const;
  /// The factors of products, G×H, those of the projection, G, and the tables of sigmoid
  /// and tanh.
  llvm::SmallVector<mlir::Value> numbersOf(mlir::OpBuilder &b, mlir::Location loc) const;

private:
  static llvm::FailureOr<IntegerRecurrence>
  of(mlir::Operation *op, mlir::PatternRewriter &rewriter, mlir::Value projection,
     mlir::Value recurrent, std::optional<llvm::ArrayRef<float>> scales, bool reverse,
     llvm::ArrayRef<const GateFunction *> functions);
};

/// A state of floats as 16-bit numbers with `bits` behind the point, and back.
mlir::Value quantizeState(mlir::OpBuilder &b, mlir::Location loc, mlir::Value state,
                          int64_t bits);
mlir::Value dequantizeState(mlir::OpBuilder &b, mlir::Location loc, mlir::Value state,
                            int64_t bits);

/// Writes what the steps of both have.
class RecurrentBody {
protected:
  RecurrentBody(mlir::OpBuilder &b, mlir::Location loc, const IntegerRecurrence &sizes);

  mlir::OpBuilder &b;
  mlir::Location loc;
  const int64_t steps, batch, units;
  /// Of the body: the projection, and what IntegerRecurrence::numbersOf makes.
  mlir::Value projection, factors, inputFactors, sigmoid, tanh;
  void setNumbers(mlir::ValueRange numbers) {
    factors = numbers[0], inputFactors = numbers[1], sigmoid = numbers[2], tanh = numbers[3];
  }

  //===--- Forms ------------------------------------------------------------===//

  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                                     mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loop(int64_t count, mlir::ValueRange initial, LoopBody body);
  /// The same for the steps, in their order.
  llvm::SmallVector<mlir::Value> loopOverSteps(mlir::ValueRange initial, LoopBody body);

  mlir::AffineExpr d(unsigned i) { return b.getAffineDimExpr(i); }
  mlir::Value index(int64_t value) { return qnn::indexConstant(b, loc, value); }
  mlir::Value indexIn(FixedPointBuilder &f, int64_t loop);
  mlir::Value read(FixedPointBuilder &f, mlir::Value tensor, llvm::ArrayRef<mlir::Value> at);
  mlir::Value empty(llvm::ArrayRef<int64_t> shape, unsigned width);
  /// Row `n` of a state.
  mlir::Value rowOf(mlir::Value state, mlir::Value n);
  /// `row` in the place of the last dimension at `first`.
  mlir::Value insert(mlir::Value row, mlir::Value into, llvm::ArrayRef<mlir::Value> first);
  /// linalg.generic over the elements of `into`, the last of the scalars; `exprs` are
  /// where those of `operands` are.
  mlir::Value map(mlir::ValueRange operands, mlir::Value into,
                  llvm::ArrayRef<llvm::SmallVector<mlir::AffineExpr>> exprs,
                  llvm::function_ref<mlir::Value(FixedPointBuilder &, mlir::ValueRange)> element);
  /// Where a map over the units has a gate's.
  llvm::SmallVector<mlir::AffineExpr> gate(int64_t number) {
    return {b.getAffineConstantExpr(number), d(0)};
  }

  static mlir::Value wide(FixedPointBuilder &f, mlir::Value x, unsigned width = 32) {
    return f.extend(x, /*isUnsigned=*/false, width);
  }
  static mlir::Value saturate(FixedPointBuilder &f, mlir::Value x);
  mlir::Value sigmoidOf(FixedPointBuilder &f, mlir::Value x) {
    return f.interpolate(sigmoid, wide(f, x));
  }
  mlir::Value tanhOf(FixedPointBuilder &f, mlir::Value x) {
    return f.interpolate(tanh, wide(f, x));
  }

  //===--- Parts of a step --------------------------------------------------===//

  /// A place for the state as products read it.
  mlir::Value emptyState() { return empty({units / group, group}, 8); }
  /// ⌊127 · h + 1/2⌋
  mlir::Value encode(mlir::Value hidden, mlir::Value into);
  /// Σ state · weights, G×H for the gates of `weights`.
  mlir::Value productsOf(mlir::Value state, mlir::Value weights);
  /// A product times its factor, and what the input adds: i64 · 2^shift.
  mlir::Value scaled(FixedPointBuilder &f, mlir::Value product, mlir::Value gate,
                     mlir::Value unit);
  mlir::Value inputTo(FixedPointBuilder &f, mlir::Value n, mlir::Value t, mlir::Value gate,
                      mlir::Value unit);
  /// sat(sum · 2^−shift), an argument of a gate.
  mlir::Value argument(FixedPointBuilder &f, mlir::Value sum);
  /// The arguments of the gates whose products are `products`, from `first` on, at step
  /// t of row n.
  mlir::Value argumentsOf(mlir::Value products, int64_t first, mlir::Value n, mlir::Value t);

private:
  const bool reverse;
  const int64_t shift, group;
};

} // namespace dyadic

#endif
