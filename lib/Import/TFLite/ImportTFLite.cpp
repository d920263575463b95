//===- ImportTFLite.cpp - from a model's graph to a function --------------===//
#include "dyadic/Import/TFLite/ImportTFLite.h"

#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/Rounding.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace dyadic::tflite_import {
namespace {

class GraphImporter {
public:
  GraphImporter(const Model &model, ModuleOp module)
      : model(model), module(module), builder(module.getContext()),
        values(model.tensors.size()) {}

  LogicalResult run() {
    findUsed();
    if (failed(checkSupport()))
      return failure();
    function = func::FuncOp::create(builder, module.getLoc(), "main",
                                    builder.getFunctionType({}, {}));
    module.push_back(function);
    builder.setInsertionPointToEnd(function.addEntryBlock());
    if (failed(addInputs()))
      return failure();
    bool valid = true;
    for (auto [op, isUsed] : llvm::zip_equal(model.operators, used))
      if (isUsed)
        valid &= succeeded(importOperator(op));
    return valid ? addOutputs() : failure();
  }

private:
  Location locOf(const Tensor &tensor) {
    return NameLoc::get(builder.getStringAttr(tensor.name()));
  }
  Location locOf(const Operator &op) {
    return op.outputs.empty() ? module.getLoc()
                              : locOf(model.tensors[op.outputs.front()]);
  }

  /// What no output depends on is left out, as is the arithmetic that makes
  /// shapes: the file has their values.
  void findUsed() {
    std::vector<bool> wanted(model.tensors.size());
    for (int32_t output : model.outputs)
      wanted[output] = true;
    used.resize(model.operators.size());
    for (size_t i = model.operators.size(); i-- > 0;) {
      const Operator &op = model.operators[i];
      used[i] = llvm::any_of(op.outputs, [&](int32_t o) { return wanted[o]; });
      if (!used[i])
        continue;
      const OpEntry *entry = lookupOp(op);
      for (auto [k, input] : llvm::enumerate(op.inputs))
        if (input >= 0 && !(entry && entry->shapeInput == static_cast<int>(k)))
          wanted[input] = true;
    }
  }

  /// Every operator that has no converter, at its place.
  LogicalResult checkSupport() {
    bool valid = true;
    for (auto [op, isUsed] : llvm::zip_equal(model.operators, used)) {
      if (!isUsed || lookupOp(op))
        continue;
      emitError(locOf(op)) << "operator '" << op.kind()
                           << "' is not supported";
      valid = false;
    }
    return success(valid);
  }

  LogicalResult addInputs() {
    for (int32_t number : model.inputs) {
      const Tensor &tensor = model.tensors[number];
      Type element = elementTypeOf(tensor, builder.getContext());
      Shape shape = tensor.shape();
      if (!element || ShapedType::getNumElements(shape) == 0)
        return emitError(locOf(tensor))
               << "expected an input of floats or integers, but got "
               << nameOf(tensor.type()) << " of shape " << toString(shape);
      Block &entry = function.getBody().front();
      values[number] = entry.addArgument(RankedTensorType::get(shape, element),
                                         locOf(tensor));
      updateType({});
      function.setArgAttr(entry.getNumArguments() - 1, kNameAttr,
                          builder.getStringAttr(tensor.name()));
    }
    return success();
  }

  void updateType(TypeRange results) {
    function.setType(builder.getFunctionType(
        function.getBody().front().getArgumentTypes(), results));
  }

  LogicalResult importOperator(const Operator &op) {
    // What this one reads failed before and was reported then.
    for (int32_t input : op.inputs)
      if (input >= 0 && broken.contains(input)) {
        broken.insert(op.outputs.begin(), op.outputs.end());
        return failure();
      }
    const OpEntry &entry = *lookupOp(op);
    NodeImporter node(model, op, locOf(op), builder, values);
    if (failed(convert(entry, node))) {
      broken.insert(op.outputs.begin(), op.outputs.end());
      return failure();
    }
    for (auto [number, value] : llvm::zip_equal(op.outputs, node.getOutputs()))
      values[number] = value;
    return success();
  }

  LogicalResult convert(const OpEntry &entry, NodeImporter &node) {
    if (node.numOutputs() == 0)
      return node.emitError() << "expected a result";
    for (size_t i = 0; i < entry.minInputs; ++i)
      if (!node.hasInput(i))
        return node.emitError() << "input " << i << " is missing";
    if (entry.maxInputs && node.numInputs() > entry.maxInputs)
      return node.emitError() << "expected at most " << entry.maxInputs
                              << " inputs, but got " << node.numInputs();
    for (size_t i = 0; i < node.numOutputs(); ++i)
      if (!node.outputType(i))
        return node.unsupported("a result of " +
                                nameOf(node.outputTensor(i).type()));
    return entry.convert(node);
  }

  LogicalResult addOutputs() {
    SmallVector<Value> operands;
    for (int32_t number : model.outputs) {
      const Tensor &tensor = model.tensors[number];
      if (!values[number])
        return emitError(locOf(tensor))
               << "expected an output that is computed, but nothing computes '"
               << tensor.name() << "'";
      operands.push_back(values[number]);
    }
    if (operands.empty())
      return emitError(module.getLoc()) << "the graph has no outputs";
    func::ReturnOp::create(builder, module.getLoc(), operands);
    updateType(ValueRange(operands).getTypes());
    for (auto [i, number] : llvm::enumerate(model.outputs))
      function.setResultAttr(
          i, kNameAttr, builder.getStringAttr(model.tensors[number].name()));
    bool isQuantized = false;
    for (Operation &op : function.getBody().front())
      for (Value result : op.getResults())
        isQuantized |= isa<quant::QuantizedType>(elementOf(result));
    if (isQuantized)
      function->setAttr(kRoundingAttr, builder.getStringAttr("double_round"));
    return success();
  }

  const Model &model;
  ModuleOp module;
  OpBuilder builder;
  func::FuncOp function;
  /// By number of the tensor; null for constants.
  std::vector<Value> values;
  std::vector<bool> used;
  /// Results of operators that failed.
  llvm::DenseSet<int32_t> broken;
};

} // namespace
} // namespace dyadic::tflite_import

FailureOr<OwningOpRef<ModuleOp>>
dyadic::importTFLite(llvm::MemoryBufferRef buffer, MLIRContext *context) {
  context->loadDialect<func::FuncDialect, qnn::QNNDialect,
                       quant::QuantDialect>();
  Location loc =
      NameLoc::get(StringAttr::get(context, buffer.getBufferIdentifier()));
  auto model = tflite_import::Model::open(buffer.getBuffer(), loc);
  if (failed(model))
    return failure();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  tflite_import::GraphImporter importer(*model, *module);
  if (failed(importer.run()) || failed(verify(*module)))
    return failure();
  return module;
}
