"""Writes the small ONNX models in onnx/ that test/Import reads: python make_models.py

Each is a few nodes on tiny tensors. The files are committed, so that the tests
need no Python; run this after changing a model.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
FLOAT = TensorProto.FLOAT


def floats(name, shape, start=1.0):
    values = start + np.arange(int(np.prod(shape)), dtype=np.float32)
    return numpy_helper.from_array(values.reshape(shape), name)


def ints(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def node(op, inputs, outputs, name=None, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name or op.lower(), **attributes)


def build(nodes, inputs, outputs=("y",), weights=(), opset=13, ir=8):
    values = [helper.make_tensor_value_info(n, kind, shape) for n, kind, shape in inputs]
    results = [helper.make_tensor_value_info(n, FLOAT, None) for n in outputs]
    graph = helper.make_graph(nodes, "g", values, results, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir,
                             producer_name="")


def save(name, *args, **kwargs):
    model = build(*args, **kwargs)
    with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString(deterministic=True))
    return model


def x(*shape):
    return [("x", FLOAT, shape)]


def convolutions():
    w = floats("w", (2, 1, 2, 2))
    save("conv", [node("Conv", "x w b", "y", kernel_shape=[2, 2], strides=[2, 1], pads=[0, 1, 1, 0])],
         x(1, 1, 4, 4), weights=[w, floats("b", (2,))])
    save("rms-norm", [node("RMSNormalization", "x s", "y", axis=1, epsilon=0.5)], x(2, 2, 3), opset=23, ir=10,
         weights=[floats("s", (2, 3))])
    save("conv-same", [node("Conv", "x w", "a", "upper", auto_pad="SAME_UPPER"),
                       node("Conv", "x w", "b", "lower", auto_pad="SAME_LOWER"),
                       node("Concat", "a b", "y", axis=1)], x(1, 1, 4, 4), weights=[w])
    save("conv-1d", [node("Conv", "x w", "y", dilations=[2], pads=[2, 0])], x(1, 1, 6),
         weights=[floats("w", (1, 1, 2))])
    save("conv-transpose", [node("ConvTranspose", "x w b", "y", strides=[2, 2])], x(1, 1, 2, 2),
         weights=[floats("w", (1, 2, 2, 2)), floats("b", (2,))])
    parameters = [numpy_helper.from_array(np.array(v, np.float32), n)
                  for n, v in (("s", [2, 3]), ("b", [1, 1]), ("m", [1, 0]), ("v", [3, 8]))]
    save("batch-norm", [node("BatchNormalization", "x s b m v", "y", epsilon=1.0)], x(1, 2, 1, 1),
         weights=parameters)


def pooling():
    save("pool-ceil", [node("MaxPool", "x", "a", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
                       node("AveragePool", "x", "b", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
                            count_include_pad=1),
                       node("GlobalAveragePool", "x", "c")], x(1, 1, 6, 6), outputs="abc")
    for opset in (13, 18):
        axes = dict(axes=[-1]) if opset < 18 else {}
        save(f"reduce-{opset}", [node("ReduceMean", "x" if axes else "x axes", "y", keepdims=0, **axes)],
             x(2, 3), weights=[] if axes else [ints("axes", [-1])], opset=opset)


def linear():
    save("gemm", [node("Gemm", "x w b", "y", transB=1, alpha=2.0, beta=0.5)], x(1, 3),
         weights=[floats("w", (2, 3)), floats("b", (1, 2))])
    save("matmul", [node("MatMul", "x w", "y")], x(2, 1, 3), weights=[floats("w", (3,))])


def elementwise():
    save("clip", [node("Clip", "x low high", "a", "both"), node("Clip", "x low", "b", "low"),
                  node("Clip", "x", "c", "none"), node("Sum", "a b c", "y")], x(4),
         weights=[floats("low", (), 0.0), floats("high", (), 6.0)])
    save("clip-6", [node("Clip", "x", "y", min=-1.0, max=1.0)], x(4), opset=7)
    save("pow", [node("Pow", "x two", "a", "square"), node("Pow", "x half", "b", "root"),
                 node("Add", "a b", "y")], x(4), weights=[ints("two", 2), floats("half", (), 0.5)])
    for opset in (9, 13):
        save(f"softmax-{opset}", [node("Softmax", "x", "y", axis=1)], x(1, 2, 3), opset=opset)


def movement():
    save("move", [node("Slice", "x starts ends axes steps", "a"), node("Pad", "a pads", "b"),
                  node("Split", "b", "c d", axis=0), node("Squeeze", "c axes", "y")], x(2, 5),
         weights=[ints("starts", [-4]), ints("ends", [9]), ints("axes", [1]), ints("steps", [3]),
                  ints("pads", [0, 0, 0, -1])])
    save("move-9", [node("Slice", "x", "a", starts=[1], ends=[2147483647], axes=[1]),
                    node("Pad", "a", "b", pads=[0, 1, 0, 0], value=2.0),
                    node("Unsqueeze", "b", "y", axes=[0])], x(2, 3), opset=9)
    save("resize", [node("Resize", "x roi scales", "a", mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"),
                    node("Resize", "x roi none sizes", "b", "to_sizes", mode="nearest")],
         x(1, 1, 2, 2), outputs="ab", weights=[floats("roi", (0,)), floats("none", (0,)), ints("sizes", [1, 1, 3, 3]),
                                 numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")])
    # [N, C·H·W] by the arithmetic that exporters leave behind.
    save("shape-arithmetic",
         [node("Shape", "x", "s"), node("Gather", "s zero", "n", axis=0), node("Gather", "s rest", "chw", axis=0),
          node("ReduceProd", "chw", "p", keepdims=0), node("Cast", "p", "f", to=FLOAT),
          node("Floor", "f", "g"), node("Cast", "g", "q", "back", to=TensorProto.INT64),
          node("Unsqueeze", "n axis", "n1", "un"), node("Unsqueeze", "q axis", "q1", "uq"),
          node("Concat", "n1 q1", "to", axis=0), node("Reshape", "x to", "y")],
         x(2, 3, 1, 4), weights=[ints("zero", 0), ints("rest", [1, 2, 3]), ints("axis", [0])])


def integers():
    # Token types are a product with zero; the mask is added as a large negative number.
    save("tokens", [node("Gather", "words ids", "w", "word"), node("Mul", "ids zero", "z", "zeros"),
                    node("Gather", "types z", "t", "type"), node("Add", "w t", "x"),
                    node("Cast", "mask", "f", to=FLOAT), node("Unsqueeze", "f last", "m"),
                    node("Mul", "x m", "y", "masked")],
         [("ids", TensorProto.INT64, (1, 4)), ("mask", TensorProto.INT32, (1, 4))],
         weights=[floats("words", (5, 2)), floats("types", (2, 2)), ints("zero", 0), ints("last", [2])])
    save("logic", [node("Equal", "i three", "e"), node("Not", "b", "n"), node("And", "e n", "a"),
                   node("GreaterOrEqual", "u two", "g"), node("Or", "a g", "o"),
                   node("Where", "o x minus", "y", "choice")],
         [("i", TensorProto.INT64, (2,)), ("b", TensorProto.BOOL, (2,)), ("u", TensorProto.UINT8, (2,)), ("x", FLOAT, (2,))],
         weights=[ints("three", 3), numpy_helper.from_array(np.array(2, np.uint8), "two"), floats("minus", (), -9.0)])
    save("norm", [node("ReduceL2", "x", "y", axes=[1], keepdims=0)], x(2, 3))


def selection():
    save("compress", [node("Compress", "x which", "y", axis=0)], x(3, 2), weights=[ints("which", [1, 0, 1])])
    save("compress-input", [node("Compress", "x which", "y", axis=0)],
         x(3, 2) + [("which", TensorProto.BOOL, (3,))])
    save("non-zero", [node("NonZero", "w", "n"), node("Cast", "n", "f", to=FLOAT), node("Add", "x f", "y")], x(2, 3),
         weights=[ints("w", [[0, 7], [5, 3]])])
    eight = TensorProto.FLOAT8E4M3FN
    save("cast-float8", [node("Cast", "x", "e", to=eight), node("Cast", "e", "y", to=FLOAT)], x(4), opset=19)
    save("cast-rounding", [node("Cast", "x", "e", "power", to=TensorProto.FLOAT8E8M0, round_mode="odd"),
                           node("Cast", "e", "y", to=FLOAT)], x(4), opset=25)


def recurrences():
    weights = [floats("w", (2, 3, 1)), floats("r", (2, 3, 1), 7), floats("b", (2, 6))]
    save("gru", [node("GRU", "x w r b", "y last", hidden_size=1, direction="bidirectional", linear_before_reset=1)],
         x(4, 1, 1), ("y", "last"), weights)
    weights = [floats("w", (1, 3, 1)), floats("r", (1, 3, 1), 4), floats("b", (1, 6))]
    save("gru-reverse", [node("GRU", "x w r b", "y", hidden_size=1, direction="reverse")], x(4, 1, 1), weights=weights)
    save("gru-clip", [node("GRU", "x w r b", "y", hidden_size=1, clip=3.0)], x(4, 1, 1), weights=weights)
    save("gru-shape", [node("GRU", "x w r b", "y", hidden_size=2)], x(4, 1, 1), weights=weights)


def graphs():
    relu = node("Relu", "b", "y", "last")
    save("unsorted", [relu, node("Neg", "a", "b", "second"), node("Abs", "x", "a", "first"),
                      node("Frobnicate", "x", "unused", "dead")], x(4))
    save("cycle", [node("Add", "x c", "a", "one"), node("Neg", "a", "b", "two"), node("Abs", "b", "c", "three"),
                   relu], x(4))
    save("twice", [node("Abs", "x", "y", "one"), node("Neg", "x", "y", "two")], x(4))
    save("undefined", [node("Add", "x nowhere", "y", "lost")], x(4))
    save("inputs-are-initializers", [node("Add", "x w", "y")], x(2) + [("w", FLOAT, (2,))],
         weights=[floats("w", (2,))], opset=8, ir=3)
    save("open-shape", [node("Add", "x z", "y")], [("x", FLOAT, ("n", 3, None)), ("z", FLOAT, ("n", 3, 4))])


def subgraph(nodes, inputs="", outputs="", weights=()):
    def values(names):
        return [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in names.split()]

    return helper.make_graph(nodes, "body", values(inputs), values(outputs), list(weights))


def truth(name, value):
    return numpy_helper.from_array(np.array(value, bool), name)


def control_flow():
    # The branch reads x of the graph around it; what it calls w is not the w out there.
    branches = dict(then_branch=subgraph([node("Add", "x w", "t")], "", "t", [floats("w", (2,), 5.0)]),
                    else_branch=subgraph([node("Mul", "x w", "e")], "", "e"))
    save("if", [node("If", "c", "a", "first", **branches), node("If", "d", "b", "second", **branches),
                node("Add", "a b", "y")], x(2), weights=[floats("w", (2,)), truth("c", True), truth("d", [False])])
    save("if-run-time", [node("If", "c", "y", "choice", **branches)], x(2) + [("c", TensorProto.BOOL, ())],
         weights=[floats("w", (2,))])
    nested = subgraph([node("If", "c", "n", "inner", **branches)], "", "n")
    save("if-nested", [node("If", "c", "y", "outer", then_branch=nested, else_branch=nested)], x(2),
         weights=[floats("w", (2,)), truth("c", True)])
    # Fibonacci, by which x is multiplied; every product is collected.
    step = subgraph([node("Add", "p q", "next"), node("Cast", "next", "f", to=FLOAT), node("Mul", "x f", "product"),
                     node("Less", "i last", "more"), node("Identity", "q", "older")],
                    "i go p q", "more older next product")
    save("loop", [node("Loop", "trips go one one", "p q y", "fibonacci", body=step)], x(2),
         weights=[ints("trips", [9]), truth("go", True), ints("one", 1), ints("last", 2)])
    save("scan", [node("Scan", "zero x", "sum y", "running", num_scan_inputs=1, scan_input_axes=[1],
                       scan_input_directions=[1], scan_output_axes=[-1], scan_output_directions=[1],
                       body=subgraph([node("Add", "s e", "t"), node("Identity", "t", "u")], "s e", "t u"))],
         x(2, 3), weights=[floats("zero", (2,), 0.0)], outputs=("sum", "y"))


def functions():
    def reference(name, attribute, kind):
        return onnx.AttributeProto(name=attribute, ref_attr_name=name, type=kind)

    def function(name, nodes, inputs, outputs, attributes=(), opset=13, **defaults):
        made = helper.make_function("net", name, inputs.split(), outputs.split(), nodes,
                                    [helper.make_opsetid("", opset), helper.make_opsetid("net", 1)], attributes)
        made.attribute_proto.extend(helper.make_attribute(k, v) for k, v in defaults.items())
        return made

    def call(op, inputs, outputs, name, **attributes):
        return node(op, inputs, outputs, name, domain="net", **attributes)

    leaky = node("LeakyRelu", "v", "w", "leak")
    leaky.attribute.append(reference("slope", "alpha", onnx.AttributeProto.FLOAT))
    mean = node("ReduceMean", "w", "r", "mean", keepdims=1)  # axes are an attribute before opset 18
    mean.attribute.append(reference("over", "axes", onnx.AttributeProto.INTS))
    pair = call("Act", "v", "w", "act")
    pair.attribute.append(reference("slope", "slope", onnx.AttributeProto.FLOAT))
    made = [function("Act", [leaky], "v", "w", slope=0.5), function("Pair", [pair, mean], "v", "r", ["slope", "over"])]

    def save_calls(name, nodes, given):
        model = build(nodes, *given, opset=18)
        model.opset_import.append(helper.make_opsetid("net", 1))
        model.functions.extend(made)
        with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
            f.write(model.SerializeToString(deterministic=True))

    save_calls("functions", [call("Pair", "x", "a", "p", slope=0.25, over=[1]), call("Pair", "x", "b", "q", over=[0]),
                             node("Add", "a b", "y")], [x(2, 2)])
    made = [function("Round", [call("Round", "v", "w", "again")], "v", "w")]
    save_calls("function-recursive", [call("Round", "x", "y", "round")], [x(2)])
    save_calls("function-unknown", [call("Round", "x", "y", "round", wrong=1)], [x(2)])
    made = [function("Act", [node("Frobnicate", "v", "w", "inner")], "v", "w")]
    save_calls("function-fault", [call("Act", "x", "y", "act")], [x(2)])


def faults():
    save("unsupported", [node("Frobnicate", "x", "a", "strange"), node("Abs", "a", "b", "fine"),
                         node("Conv", "x w", "c", "sideways", auto_pad="SIDEWAYS"),
                         node("LeakyRelu", "x", "d", "sparse", sparsity=3),
                         node("Range", "x b c", "e", "counts"),
                         node("Sum", "d e", "y")], x(1, 1, 4, 4), weights=[floats("w", (1, 1, 1, 1))])
    save("bad-shapes", [node("Add", "x w", "a", "sum"), node("Reshape", "x to", "b", "view"),
                        node("MatMul", "x w", "c", "product"), node("Concat", "a b c", "y")], x(2, 3),
         weights=[floats("w", (2, 2)), ints("to", [4, -1])])
    transpose = lambda name, **attributes: node("ConvTranspose", "x w", name, name, **attributes)
    save("bad-transposes", [transpose("sideways", auto_pad="SIDEWAYS"), transpose("strided", strides=[1 << 40, 1]),
                            transpose("padded", pads=[-(1 << 62), 0, -(1 << 62), 0]),
                            transpose("gaps", strides=[1 << 16, 1 << 16]),
                            node("Mul", "i j", "y", "product")],
         [("x", FLOAT, (1, 1, 4, 4)), ("i", TensorProto.INT64, (2,))],
         outputs=["sideways", "strided", "padded", "gaps", "y"],
         weights=[floats("w", (1, 1, 1, 1)), ints("j", [0, 0, 0])])
    save("integers", [node("Add", "x i", "y", "mixed")], x(2), weights=[ints("i", [1, 2])])
    save("integer-input", [node("Abs", "x", "y")], [("x", TensorProto.INT64, (2,))])
    save("complex-input", [node("Abs", "x", "y")], [("x", TensorProto.COMPLEX64, (2,))])
    save("compare-wide", [node("Equal", "i j", "e"), node("Cast", "e", "y", to=FLOAT)],
         [("i", TensorProto.INT64, (2,)), ("j", TensorProto.INT64, (2,))])
    save("float-index", [node("Gather", "w x", "y")], x(2), weights=[floats("w", (4, 3))])
    save("cast-down", [node("Cast", "i", "j", to=TensorProto.INT8), node("Gather", "w j", "y")],
         [("i", TensorProto.INT64, (2,))], weights=[floats("w", (4, 3))])
    save("integer-output", [node("Identity", "i", "y")], [("i", TensorProto.INT64, (2,))])
    huge = TensorProto(name="w", data_type=FLOAT, dims=[1 << 20, 1 << 20], raw_data=b"")
    save("huge", [node("Add", "x w", "y")], x(2), weights=[huge])
    save("huge-fill", [node("ConstantOfShape", "to", "w", "fill"), node("Add", "x w", "y")], x(2),
         weights=[ints("to", [1 << 20, 1 << 20])])
    save("old-opset", [node("Abs", "x", "y")], x(2), opset=5)


def external():
    model = build([node("Add", "x w", "y")], x(4), weights=[floats("w", (4,))])
    weight = model.graph.initializer[0]
    with open(os.path.join(HERE, "external.bin"), "wb") as f:
        f.write(b"\0" * 8 + weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for name, location, offset in (("external", "external.bin", 8), ("external-short", "external.bin", 16),
                                   ("external-missing", "nowhere.bin", 0), ("external-outside", "../w.bin", 0)):
        del weight.external_data[:]
        for key, value in (("location", location), ("offset", str(offset)), ("length", "16")):
            weight.external_data.add(key=key, value=value)
        with open(os.path.join(HERE, name + ".onnx"), "wb") as f:
            f.write(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for make in (convolutions, pooling, linear, elementwise, movement, integers, selection, recurrences, graphs, control_flow, functions, faults,
                 external):
        make()
