//===- CodedPanels.h - weights of few bits in front of f32 sums -*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_CODEDPANELS_H
#define DYADIC_LIB_CODEGEN_CODEDPANELS_H

#include "CodeDecoder.h"

namespace dyadic::codegen {

/// The weights of a contraction as words [panel][word][column], their scales and
/// zero points as [panel][group][column], and the code that makes floats of them.
class CodedPanels {
public:
  /// Columns of a tile, as many as lie side by side or as a tile's panel has:
  /// `begin` is the first one.
  struct Columns {
    mlir::Value begin;
    int64_t vectors;
  };

  /// Puts `weights`, the channels of so many groups of a convolution one after the
  /// other, into memory. `packedColumns` and `panelColumns` are as in PanelLayout.
  CodedPanels(KernelBuilder &k, const CodedWeights &weights, int64_t convGroups,
              int64_t packedColumns, int64_t panelColumns);

  /// Writes the weights of `columns` as [depth][column] to `memory`.
  void decode(mlir::Value convGroup, Columns columns, mlir::Value memory);

  /// `sums` with the products of a whole sum added: of the activations from each of
  /// `pixels` on in `memory`, decoded in registers. Sums of a group are scaled once.
  KernelBuilder::Carried accumulate(mlir::Value convGroup, Columns columns,
                                    mlir::Value memory,
                                    llvm::ArrayRef<mlir::Value> pixels,
                                    KernelBuilder::Carried sums);

private:
  /// Where the columns of a panel begin, in each of the arrays.
  struct Place {
    mlir::Value words, scales;
    int64_t beside; // columns of a panel
  };
  /// A group of the grid, of `length` weights from `first` on.
  struct Group {
    mlir::Value index, first;
    int64_t length;
  };
  using Carried = KernelBuilder::Carried;
  using Values = llvm::SmallVector<mlir::Value>;
  using GroupBody = llvm::function_ref<Carried(const Group &, mlir::ValueRange)>;
  /// Gets the position in the sum, and the weights there less their zero points.
  using WeightBody = llvm::function_ref<Carried(mlir::Value position,
                                                llvm::ArrayRef<mlir::Value> weights,
                                                mlir::ValueRange)>;

  void pack();
  template <typename T, typename Fn> std::vector<T> packed(int64_t rows, Fn element) const;
  Place placeOf(mlir::Value convGroup, Columns columns);
  /// The element of [panel][row][column] memory where vector `v` of a row begins.
  mlir::Value rowOf(mlir::Value begin, mlir::Value row, int64_t rows, int64_t v,
                    int64_t beside);
  Carried forGroups(Carried carried, GroupBody body);
  Carried forWeights(const Place &place, const Group &group, int64_t vectors,
                     Carried carried, WeightBody body);
  Carried unit(const Place &place, mlir::Value word, mlir::Value position,
               int64_t vectors, int64_t count, llvm::ArrayRef<mlir::Value> zeros,
               mlir::ValueRange carried, WeightBody body);
  Values scalesOf(const Place &place, const Group &group, int64_t vectors);
  Values zerosOf(const Place &place, const Group &group, int64_t vectors);

  KernelBuilder &k;
  const CodedWeights &weights;
  const CodedGrid &grid;
  int64_t convGroups, channels, packedColumns, panelColumns, lanes;
  CodeDecoder decoder;
  /// Words of a group, and of a whole channel.
  int64_t wordsPerGroup, rows;
  mlir::Value words, scales, zeros;
};

} // namespace dyadic::codegen

#endif
