//===- ExpandQuantized.cpp ------------------------------------------------===//
#include "ExpandQuantized.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringRef.h"

#include <string>

using onnx::AttributeProto;
using onnx::NodeProto;
using NodeList = google::protobuf::RepeatedPtrField<NodeProto>;
using Names = llvm::StringSet<>;
#include "llvm/ADT/StringRef.h"

namespace dyadic::onnx_import {

namespace {
/// An operand, its scale and its zero point among a node's inputs.
struct Triple {
  int tensor, scale, zeroPoint;
  /// The dimension of the scales where there are several.
  int64_t axis = -1;
};

/// A quantized operator as the one on floats. `result` has no tensor; `plain`
/// inputs go in front as they are.
struct Form {
  llvm::StringLiteral opType, inner;
  std::vector<int> plain;
  std::vector<Triple> operands;
  Triple result;
  /// The i32 bias, whose scale is the product of the operands' scales.
  int bias = -1;
};

/// The nodes that replace one.
class Expansion {
public:
  Expansion(const NodeProto &node, NodeList &out)
      : node(node), out(out), prefix(node.output(0) + "::") {}

  bool has(int i) const {
    return i >= 0 && i < node.input_size() && !node.input(i).empty();
  }
  std::string in(int i) const { return has(i) ? node.input(i) : std::string(); }
  std::string result() const { return node.output(0); }
  const AttributeProto *attribute(llvm::StringRef name) const {
    for (const AttributeProto &attribute : node.attribute())
      if (attribute.name() == name)
        return &attribute;
    return nullptr;
  }

  /// A node of ONNX's own operators; the name of its first result.
  std::string add(llvm::StringRef opType, llvm::ArrayRef<std::string> inputs,
                  std::string result = "") {
    NodeProto *made = out.Add();
    made->set_name(node.name().empty() ? node.output(0) : node.name());
    made->set_op_type(opType.str());
    for (const std::string &input : inputs)
      made->add_input(input);
    if (result.empty())
      result = prefix + std::to_string(count++);
    made->add_output(result);
    last = made;
    return result;
  }
  void setInt(llvm::StringRef name, int64_t value) {
    AttributeProto *made = last->add_attribute();
    made->set_name(name.str());
    made->set_type(AttributeProto::INT);
    made->set_i(value);
  }
  void copyAttributes(llvm::ArrayRef<llvm::StringRef> except) {
    for (const AttributeProto &attribute : node.attribute())
      if (!llvm::is_contained(except, attribute.name()))
        *last->add_attribute() = attribute;
  }
  NodeProto &lastNode() { return *last; }

  std::string dequantize(const std::string &tensor, const std::string &scale,
                         const std::string &zeroPoint, int64_t axis) {
    std::string result =
        add("DequantizeLinear", zeroPoint.empty()
                                    ? std::vector<std::string>{tensor, scale}
                                    : std::vector{tensor, scale, zeroPoint});
    setInt("axis", axis);
    // Float16 scales say nothing about the arithmetic in between.
    setInt("output_dtype", onnx::TensorProto::FLOAT);
    return result;
  }
  std::string dequantize(const Triple &at) {
    return dequantize(in(at.tensor), in(at.scale), in(at.zeroPoint), at.axis);
  }
  void quantize(const std::string &value, const Triple &at) {
    std::vector<std::string> inputs{value, in(at.scale)};
    if (has(at.zeroPoint))
      inputs.push_back(in(at.zeroPoint));
    add("QuantizeLinear", inputs, node.output(0));
  }

private:
  const NodeProto &node;
  NodeList &out;
  std::string prefix;
  NodeProto *last = nullptr;
  int count = 0;
};
} // namespace

static llvm::ArrayRef<Form> forms() {
  static const Form table[] = {
      {"QLinearConv", "Conv", {}, {{0, 1, 2}, {3, 4, 5, 0}}, {-1, 6, 7}, 8},
      {"QLinearMatMul", "MatMul", {}, {{0, 1, 2, -2}, {3, 4, 5}}, {-1, 6, 7}},
      {"com.microsoft.QLinearConv", "Conv", {}, {{0, 1, 2}, {3, 4, 5, 0}}, {-1, 6, 7}, 8},
      {"com.microsoft.QLinearAdd", "Add", {}, {{0, 1, 2}, {3, 4, 5}}, {-1, 6, 7}},
      {"com.microsoft.QLinearMul", "Mul", {}, {{0, 1, 2}, {3, 4, 5}}, {-1, 6, 7}},
      {"com.microsoft.QLinearSigmoid", "Sigmoid", {}, {{0, 1, 2}}, {-1, 3, 4}},
      {"com.microsoft.QLinearLeakyRelu", "LeakyRelu", {}, {{0, 1, 2}}, {-1, 3, 4}},
      {"com.microsoft.QLinearSoftmax", "Softmax", {}, {{0, 1, 2}}, {-1, 3, 4}},
      {"com.microsoft.QLinearAveragePool", "AveragePool", {}, {{0, 1, 2}}, {-1, 3, 4}},
      {"com.microsoft.QLinearGlobalAveragePool", "GlobalAveragePool", {}, {{0, 1, 2}}, {-1, 3, 4}},
      {"com.microsoft.QLinearReduceMean", "ReduceMean", {}, {{0, 1, 2}}, {-1, 3, 4}},
      {"com.microsoft.QLinearWhere", "Where", {0}, {{1, 2, 3}, {4, 5, 6}}, {-1, 7, 8}},
      {"com.microsoft.QGemm", "Gemm", {}, {{0, 1, 2}, {3, 4, 5}}, {-1, 7, 8}, 6},
  };
  return table;
}

/// Whether the float operator means what the quantized one does.
static bool isExpandable(const Expansion &x, const Form &form) {
  if (const AttributeProto *last = x.attribute("channels_last"); last && last->i())
    return false;
  // Before opset 13 a softmax is over all dimensions from its axis on.
  if (const AttributeProto *opset = x.attribute("opset"))
    return opset->i() >= 13;
  return llvm::all_of(form.operands,
                      [&](const Triple &t) { return x.has(t.tensor) && x.has(t.scale); });
}

static bool expand(const Form &form, Expansion &x, int64_t opset) {
  if (!isExpandable(x, form))
    return false;
  std::vector<std::string> inputs;
  for (int i : form.plain)
    inputs.push_back(x.in(i));
  bool isGemm = form.inner == "Gemm";
  for (Triple operand : form.operands) {
    if (isGemm && operand.tensor == 3) {
      const AttributeProto *transposed = x.attribute("transB");
      operand.axis = transposed && transposed->i() ? 0 : 1;
    }
    inputs.push_back(x.dequantize(operand));
  }
  if (x.has(form.bias)) {
    std::string scale = x.add("Mul", {x.in(form.operands[0].scale),
                                      x.in(form.operands[1].scale)});
    const AttributeProto *alpha = x.attribute("alpha");
    if (isGemm && alpha) {
      std::string factor = x.add("Constant", {});
      AttributeProto *value = x.lastNode().add_attribute();
      value->set_name("value_float");
      value->set_type(AttributeProto::FLOAT);
      value->set_f(alpha->f());
      scale = x.add("Mul", {scale, factor});
    }
    inputs.push_back(x.dequantize(x.in(form.bias), scale, "", -1 + (form.inner == "Conv")));
  }
  if (const AttributeProto *axes = x.attribute("axes"); axes && opset >= 18) {
    inputs.push_back(x.add("Constant", {}));
    AttributeProto *value = x.lastNode().add_attribute();
    *value = *axes;
    value->set_name("value_ints");
  }
  bool quantized = x.has(form.result.scale);
  std::string result = x.add(form.inner, inputs, quantized ? "" : x.result());
  x.copyAttributes({"channels_last", "opset", opset >= 18 ? "axes" : ""});
  if (quantized)
    x.quantize(result, form.result);
  return true;
}

/// QLinearConcat: scale, zero point, then three inputs for each tensor.
static bool expandConcat(const NodeProto &node, Expansion &x) {
  if (node.input_size() < 5 || (node.input_size() - 2) % 3)
    return false;
  std::vector<std::string> inputs;
  for (int i = 2; i < node.input_size(); i += 3)
    inputs.push_back(x.dequantize({i, i + 1, i + 2}));
  std::string result = x.add("Concat", inputs);
  x.copyAttributes({});
  x.quantize(result, {-1, 0, 1});
  return true;
}

/// The product of integers as floats: Cast(MatMulInteger) · scales + bias.
static void scaledProduct(Expansion &x, const std::string &a,
                          const std::string &b, const std::string &aZero,
                          const std::string &bZero, const std::string &aScale,
                          const std::string &bScale, const std::string &bias) {
  std::string product = x.add("MatMulInteger", {a, b, aZero, bZero});
  std::string real = x.add("Cast", {product});
  x.setInt("to", onnx::TensorProto::FLOAT);
  std::string scale = x.add("Mul", {aScale, bScale});
  std::string result = x.add("Mul", {real, scale}, bias.empty() ? x.result() : "");
  if (!bias.empty())
    x.add("Add", {result, bias}, x.result());
}

/// MatMulIntegerToFloat: A, B, their scales, their zero points, bias. Scales that
/// are computed are those of a DynamicQuantizeLinear.
static void expandToFloat(Expansion &x, const Names &constants) {
  if (!constants.contains(x.in(2)) || !constants.contains(x.in(3)))
    return scaledProduct(x, x.in(0), x.in(1), x.in(4), x.in(5), x.in(2),
                         x.in(3), x.in(6));
  std::string a = x.dequantize({0, 2, 4}), b = x.dequantize({1, 3, 5});
  std::string product = x.add("MatMul", {a, b}, x.has(6) ? "" : x.result());
  if (x.has(6))
    x.add("Add", {product, x.in(6)}, x.result());
}

/// DynamicQuantizeMatMul: A, B, the scale and the zero point of B, bias.
static void expandDynamic(Expansion &x) {
  std::string a = x.add("DynamicQuantizeLinear", {x.in(0)});
  std::string scale = a + "::scale", zero = a + "::zero_point";
  x.lastNode().add_output(scale);
  x.lastNode().add_output(zero);
  scaledProduct(x, a, x.in(1), zero, x.in(3), scale, x.in(2), x.in(4));
}

/// Adds what `node` becomes; false, and nothing, where it stays.
static bool expandNode(const NodeProto &node, NodeList &out, int64_t opset,
                       const Names &constants) {
  static const llvm::StringMap<const Form *> table = [] {
    llvm::StringMap<const Form *> map;
    for (const Form &form : forms())
      map[form.opType] = &form;
    return map;
  }();
  bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  std::string name = (standard ? "" : node.domain() + ".") + node.op_type();
  if (node.output_size() == 0)
    return false;
  Expansion x(node, out);
  if (const Form *form = table.lookup(name))
    return expand(*form, x, opset);
  if (name == "com.microsoft.QLinearConcat")
    return expandConcat(node, x);
  if (name == "com.microsoft.DynamicQuantizeMatMul" && x.has(2))
    return expandDynamic(x), true;
  if (name == "com.microsoft.MatMulIntegerToFloat" && x.has(3))
    return expandToFloat(x, constants), true;
  return false;
}

static void expandNodes(NodeList &nodes, int64_t opset, const Names &constants) {
  NodeList expanded;
  for (NodeProto &node : nodes) {
    for (AttributeProto &attribute : *node.mutable_attribute())
      if (attribute.has_g())
        expandNodes(*attribute.mutable_g()->mutable_node(), opset, constants);
    if (!expandNode(node, expanded, opset, constants))
      expanded.Add()->Swap(&node);
  }
  nodes.Swap(&expanded);
}

void expandQuantizedOps(onnx::ModelProto &model, int64_t opset) {
  Names constants;
  for (const onnx::TensorProto &tensor : model.graph().initializer())
    constants.insert(tensor.name());
  expandNodes(*model.mutable_graph()->mutable_node(), opset, constants);
  for (onnx::FunctionProto &function : *model.mutable_functions())
    expandNodes(*function.mutable_node(), opset, constants);
}

} // namespace dyadic::onnx_import
