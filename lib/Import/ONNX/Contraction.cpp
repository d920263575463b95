//===- Contraction.cpp - Einsum, and products that qnn.matmul can't say ---===//
#include "Contraction.h"

#include "OpRegistry.h"
#include "Scalar.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"

#include <map>

using namespace mlir;

namespace dyadic::onnx_import {

using Extents = std::map<int, int64_t>;

/// The extent of each label; an error where operands disagree.
static FailureOr<Extents> extentsOf(NodeImporter &node, ArrayRef<Value> operands,
                                    ArrayRef<Labels> labels) {
  Extents extents;
  for (auto [operand, own] : llvm::zip_equal(operands, labels))
    for (auto [label, extent] : llvm::zip_equal(own, shapeOf(operand))) {
      int64_t &known = extents.try_emplace(label, 1).first->second;
      if (known != 1 && extent != 1 && known != extent)
        return node.emitError() << "expected operands that fit, but got "
                                << toString(shapeOf(operands.front())) << " and "
                                << toString(shapeOf(operand));
      known = std::max(known, extent);
    }
  return extents;
}

static Shape labelledShape(const Labels &labels, const Extents &extents) {
  return llvm::map_to_vector(labels, [&](int label) { return extents.at(label); });
}

static Value byFormula(NodeImporter &node, ArrayRef<Value> operands,
                       ArrayRef<Labels> labels, const Labels &result,
                       const Extents &extents) {
  Labels summed;
  for (const auto &[label, extent] : extents)
    if (!llvm::is_contained(result, label))
      summed.push_back(label);
  Type element = elementOf(operands.front());
  return emitFormula(
      node, labelledShape(result, extents), element, operands,
      [&](const Formula &f, ArrayRef<Scalar> at, ValueRange tensors) {
        Type compute = computeType(element);
        return f.sum(
            labelledShape(summed, extents), f.real(0, compute),
            [&](const Formula &f, ArrayRef<Scalar> inner) {
              auto indexOf = [&](int label) {
                const int *outer = llvm::find(result, label);
                return outer != result.end()
                           ? at[outer - result.begin()]
                           : inner[llvm::find(summed, label) - summed.begin()];
              };
              Scalar product = f.real(1, compute);
              for (auto [tensor, own] : llvm::zip_equal(tensors, labels)) {
                SmallVector<Scalar> from;
                for (auto [label, extent] :
                     llvm::zip_equal(own, shapeOf(tensor)))
                  from.push_back(extent == 1 ? f.index(0) : indexOf(label));
                product = product * widen(f.read(tensor, from), element);
              }
              return product;
            });
      });
}

/// A matrix product's dimensions: those of both operands that stay, those of one,
/// and those summed over.
namespace {
struct Roles {
  Labels batch, rows, columns, inner;
};
} // namespace

/// None where a label is repeated, broadcasts, or is summed over in one operand.
static std::optional<Roles> findRoles(ArrayRef<Value> operands,
                                      ArrayRef<Labels> labels,
                                      const Labels &result, const Extents &extents) {
  if (operands.size() != 2 || !elementOf(operands[0]).isF32())
    return std::nullopt;
  for (auto [operand, own] : llvm::zip_equal(operands, labels)) {
    Labels sorted(own);
    llvm::sort(sorted);
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      return std::nullopt;
    for (auto [label, extent] : llvm::zip_equal(own, shapeOf(operand)))
      if (extent != extents.at(label))
        return std::nullopt;
  }
  Roles roles;
  for (const auto &[label, extent] : extents) {
    bool left = llvm::is_contained(labels[0], label),
         right = llvm::is_contained(labels[1], label),
         stays = llvm::is_contained(result, label);
    if (!stays && !(left && right))
      return std::nullopt;
    (!stays          ? roles.inner
     : left && right ? roles.batch
     : left          ? roles.rows
                     : roles.columns)
        .push_back(label);
  }
  if (roles.inner.empty())
    return std::nullopt;
  return roles;
}

static Labels joined(std::initializer_list<Labels> parts) {
  Labels all;
  for (const Labels &part : parts)
    llvm::append_range(all, part);
  return all;
}

/// `value`, whose dimensions are `from`, with those in the order of `to`.
static Value reordered(NodeImporter &node, Value value, const Labels &from,
                       const Labels &to) {
  Shape permutation;
  for (int label : to)
    permutation.push_back(llvm::find(from, label) - from.begin());
  return llvm::is_sorted(permutation) ? value : node.transpose(value, permutation);
}

static Value byMatmul(NodeImporter &node, ArrayRef<Value> operands,
                      ArrayRef<Labels> labels, const Labels &result,
                      const Extents &extents, const Roles &roles) {
  auto count = [&](const Labels &some) {
    return *countElements(labelledShape(some, extents));
  };
  Shape batch = labelledShape(roles.batch, extents);
  auto matrices = [&](Value value, int64_t rows, int64_t columns) {
    Shape shape(batch);
    shape.append({rows, columns});
    return node.reshape(value, shape);
  };
  Value lhs = reordered(node, operands[0], labels[0],
                        joined({roles.batch, roles.rows, roles.inner}));
  Value rhs = reordered(node, operands[1], labels[1],
                        joined({roles.batch, roles.inner, roles.columns}));
  Value product = node.emit<qnn::MatmulOp>(
      {matrices(lhs, count(roles.rows), count(roles.inner)),
       matrices(rhs, count(roles.inner), count(roles.columns))});
  Labels order = joined({roles.batch, roles.rows, roles.columns});
  product = node.reshape(product, labelledShape(order, extents));
  return reordered(node, product, order, result);
}

Value emitContraction(NodeImporter &node, ArrayRef<Value> operands,
                      ArrayRef<Labels> labels, const Labels &result) {
  if (llvm::is_contained(operands, Value()))
    return {};
  for (Value operand : operands)
    if (elementOf(operand) != elementOf(operands.front())) {
      node.emitError() << "expected operands of one type, but got "
                       << operands.front().getType() << " and "
                       << operand.getType();
      return {};
    }
  auto extents = extentsOf(node, operands, labels);
  if (failed(extents))
    return {};
  auto roles = findRoles(operands, labels, result, *extents);
  return roles ? byMatmul(node, operands, labels, result, *extents, *roles)
               : byFormula(node, operands, labels, result, *extents);
}

Value emitMatrixProduct(NodeImporter &node, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return {};
  int rank = static_cast<int>(std::max(shapeOf(lhs).size(),
                                       shapeOf(rhs).size()));
  bool isRow = shapeOf(lhs).size() == 1,
       isColumn = shapeOf(rhs).size() == 1;
  if (shapeOf(lhs).empty() || shapeOf(rhs).empty()) {
    node.emitError() << "expected matrices, but got a scalar";
    return {};
  }
  // Batch dimensions have the labels 0, 1, … from the first of the result on.
  const int rows = rank, columns = rank + 1, inner = rank + 2;
  auto batchOf = [&](Value value) {
    int own = static_cast<int>(shapeOf(value).size()) - 2;
    return own > 0 ? llvm::to_vector(llvm::seq(rank - 2 - own, rank - 2)) : Labels();
  };
  Labels left = isRow ? Labels{inner} : joined({batchOf(lhs), {rows, inner}});
  Labels right = isColumn ? Labels{inner} : joined({batchOf(rhs), {inner, columns}});
  Labels result = rank > 2 ? llvm::to_vector(llvm::seq(0, rank - 2)) : Labels();
  if (!isRow)
    result.push_back(rows);
  if (!isColumn)
    result.push_back(columns);
  return emitContraction(node, {lhs, rhs}, {left, right}, result);
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

/// The labels of one term; an ellipsis stands for `dots` dimensions, whose labels
/// count down from -1 at the last.
static std::optional<Labels> parseTerm(StringRef term, int dots) {
  Labels labels;
  bool seen = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term.substr(i).starts_with("...") && !seen && dots >= 0) {
      for (int d = dots; d > 0; --d)
        labels.push_back(-d);
      seen = true;
      i += 2;
    } else if (llvm::isAlpha(term[i])) {
      labels.push_back(term[i]);
    } else {
      return std::nullopt;
    }
  }
  return labels;
}

static LogicalResult convertEinsum(NodeImporter &node) {
  std::string equation = node.getString("equation", "");
  llvm::erase_if(equation, [](char c) { return c == ' '; });
  auto [left, right] = StringRef(equation).split("->");
  bool isExplicit = StringRef(equation).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  auto malformed = [&] {
    return node.emitError() << "expected an equation for " << node.numInputs()
                            << " operands, but got '" << equation << "'";
  };
  if (terms.size() != node.numInputs())
    return malformed();
  SmallVector<Value> operands;
  SmallVector<Labels> labels;
  int mostDots = 0;
  for (auto [i, term] : llvm::enumerate(terms)) {
    Value operand = node.number(i);
    if (!operand)
      return failure();
    int rank = static_cast<int>(shapeOf(operand).size());
    int dots = term.contains("...") ? rank + 3 - static_cast<int>(term.size()) : 0;
    auto parsed = parseTerm(term, dots);
    if (!parsed || static_cast<int>(parsed->size()) != rank)
      return malformed();
    mostDots = std::max(mostDots, dots);
    operands.push_back(operand);
    labels.push_back(*parsed);
  }
  std::map<int, int> uses;
  for (const Labels &own : labels)
    for (int label : own)
      ++uses[label];
  Labels result;
  if (isExplicit) {
    auto parsed = parseTerm(right, mostDots);
    if (!parsed)
      return malformed();
    result = *parsed;
  } else {
    // The broadcast dimensions, then labels that occur once, by the alphabet.
    for (const auto &[label, count] : uses)
      if (label < 0 || count == 1)
        result.push_back(label);
  }
  for (int label : result)
    if (!uses.count(label))
      return malformed();
  return node.setOutput(emitContraction(node, operands, labels, result));
}

Value multiplyAsMatrices(NodeImporter &node, Value lhs, Value rhs,
                         llvm::function_ref<Value(Value lhs, Value rhs)> multiply) {
  bool rowVector = shapeOf(lhs).size() == 1,
       columnVector = shapeOf(rhs).size() == 1;
  if (rowVector)
    lhs = node.reshape(lhs, {1, shapeOf(lhs)[0]});
  if (columnVector)
    rhs = node.reshape(rhs, {shapeOf(rhs)[0], 1});
  Value product = multiply(lhs, rhs);
  if (!product)
    return {};
  Shape shape(shapeOf(product));
  if (columnVector)
    shape.pop_back();
  if (rowVector)
    shape.erase(shape.end() - (columnVector ? 1 : 2));
  return node.reshape(product, shape);
}

ArrayRef<OpEntry> contractionOps() {
  static const OpEntry entries[] = {
      {"Einsum", 1, 0, convertEinsum, 12},
  };
  return entries;
}

} // namespace dyadic::onnx_import
