//===- Addressing.cpp - positions in strided tensors ----------------------===//
#include "Addressing.h"

#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

using Coordinates = SmallVector<Coordinate, 4>;

/// Whether each coordinate counts through whole dimensions of `shape`.
static bool matches(ArrayRef<int64_t> shape, ArrayRef<Coordinate> coordinates) {
  int64_t dim = static_cast<int64_t>(shape.size()) - 1;
  for (const Coordinate &c : llvm::reverse(coordinates)) {
    int64_t count = 1;
    while (dim >= 0 && count < c.extent)
      count *= shape[dim--];
    if (count != c.extent)
      return false;
  }
  while (dim >= 0 && shape[dim] == 1)
    --dim;
  return dim < 0 && !coordinates.empty();
}

/// What the position says, or what follows from its row-major index.
static Coordinates coordinatesOf(KernelBuilder &k, ArrayRef<int64_t> shape,
                                 const Position &position) {
  int64_t total = ShapedType::getNumElements(shape);
  int64_t row = shape.empty() ? 1 : shape.back();
  if (matches(shape, position.coordinates))
    return position.coordinates;
  if (!position.channel || row == total)
    return {{position.flat, total}};
  Value pixel = k.b.createOrFold<arith::DivUIOp>(k.loc, position.flat, k.index(row));
  return {{pixel, total / row}, {position.channel, row}};
}

/// Moves on by `pixel` pixels: in the coordinate whose step the pitch is.
static void advance(KernelBuilder &k, Coordinates &coordinates,
                    const Position &position, int64_t pixel) {
  if (!pixel || !position.pitch)
    return;
  int64_t step = position.pitch;
  for (int64_t i = coordinates.size() - 1; i >= 0; --i) {
    Coordinate &c = coordinates[i];
    if (i && step % c.extent == 0) {
      step /= c.extent;
      continue;
    }
    c.index = k.add(c.index, pixel * step);
    return;
  }
}

Value codegen::elementIndex(KernelBuilder &k, ArrayRef<int64_t> shape,
                            ArrayRef<int64_t> strides, const Position &position,
                            int64_t pixel) {
  if (isContiguous(shape, strides))
    return k.add(position.flat, pixel * position.pitch);
  Coordinates coordinates = coordinatesOf(k, shape, position);
  advance(k, coordinates, position, pixel);
  // Both from the innermost dimension outwards. A coordinate of several
  // dimensions is divided where one stride doesn't go through them.
  Value result = k.index(0);
  int64_t dim = static_cast<int64_t>(shape.size()) - 1;
  for (Coordinate c : llvm::reverse(coordinates)) {
    int64_t left = c.extent;
    Value rest = c.index;
    while (left > 1) {
      while (dim >= 0 && shape[dim] == 1)
        --dim;
      if (dim < 0)
        break;
      int64_t stride = strides[dim], run = 1;
      for (; dim >= 0 && run < left &&
             (shape[dim] == 1 || strides[dim] == stride * run);
           --dim)
        run *= shape[dim];
      Value part = rest;
      if (run < left) {
        part = k.b.createOrFold<arith::RemUIOp>(k.loc, rest, k.index(run));
        rest = k.b.createOrFold<arith::DivUIOp>(k.loc, rest, k.index(run));
      }
      result = k.add(result, k.mul(part, stride));
      left /= run;
    }
  }
  return result;
}

unsigned codegen::contiguousDims(ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> strides) {
  int64_t expected = 1;
  unsigned count = 0;
  for (int64_t i = static_cast<int64_t>(shape.size()) - 1; i >= 0; --i, ++count) {
    if (shape[i] != 1 && strides[i] != expected)
      break;
    expected *= shape[i];
  }
  return count;
}
