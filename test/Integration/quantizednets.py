"""Models that come quantized: small networks through onnxruntime's quantizer, and by hand in the forms of other tools."""
import os

import numpy as np
import onnx
import onnx.version_converter
from onnx import numpy_helper

from smallnets import Net


def residual(n):
    """Convolutions with everything that is folded into them, a sum of two scales, pools, a product at the end."""
    x = n("Relu", n.conv("x", 3, 16, pads=[1, 1, 1, 1]))
    a = n("Clip", n.conv(x, 16, 16, pads=[1, 1, 1, 1], group=16), n.const(0), n.const(6))
    b = n.conv(a, 16, 16, 1)
    x = n("Relu", n("Add", b, x))
    x = n("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    y = n("Concat", n.conv(x, 16, 8, 1), n("Sigmoid", n.conv(x, 16, 24, 1)), axis=1)
    y = n("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = n("GlobalAveragePool", n("LeakyRelu", y, alpha=0.1))
    return n("Gemm", n("Flatten", y), n.random(10, 32), n.random(10, scale=0.1), transB=1)


def gated(n):
    """As mobile networks are: squeeze and excitation, hard swishes spelled out, a softmax."""
    x = n.conv("x", 3, 16, pads=[1, 1, 1, 1], strides=[2, 2])
    x = n("HardSwish", x)
    s = n("Relu", n.conv(n("GlobalAveragePool", x), 16, 8, 1))
    x = n("Mul", x, n("HardSigmoid", n.conv(s, 8, 16, 1), alpha=0.2, beta=0.5))
    x = n("Reshape", n("Transpose", x, perm=[0, 2, 3, 1]), n.ints(1, -1, 16))
    return n("Softmax", n("MatMul", x, n.random(16, 12)), axis=-1)


def attention(n):
    """A product of two tensors that are computed at run time."""
    q, k, v = (n("MatMul", "x", n.random(24, 24, scale=0.2)) for _ in range(3))
    scores = n("Softmax", n("MatMul", q, n("Transpose", k, perm=[0, 2, 1])), axis=-1)
    return n("MatMul", n("Add", n("MatMul", scores, v), "x"), n.random(24, 7))


NETS = {"residual": (residual, (1, 3, 16, 16)), "gated": (gated, (1, 3, 12, 12)), "attention": (attention, (1, 9, 24))}


class Samples:
    """What onnxruntime's quantizer calibrates with."""

    def __init__(self, shape, count=16):
        rng = np.random.default_rng(5)
        self.items = iter([{"x": rng.normal(0, 1, shape).astype(np.float32)} for _ in range(count)])

    def get_next(self):
        return next(self.items, None)


def quantize(name, path, form="QDQ", activation="QUInt8", weight="QInt8", per_channel=False, **options):
    """Writes a network as onnxruntime's quantize_static leaves it."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    build, shape = NETS[name]
    network = Net(shape, seed=3)
    float_path = os.path.splitext(path)[0] + ".float.onnx"
    network.finish(build(network), float_path)
    quantize_static(
        float_path,
        path,
        Samples(shape),
        quant_format=QuantFormat[form],
        activation_type=QuantType[activation],
        weight_type=QuantType[weight],
        per_channel=per_channel,
        **options,
    )
    return shape


class Feeds:
    """Given inputs, one after the other."""

    def __init__(self, name, samples):
        self.items = iter([{name: x[None]} for x in samples])

    def get_next(self):
        return next(self.items, None)


def quantize_network(model, path, samples):
    """Writes one of models.MODELS as onnxruntime's quantize_static leaves it, its batch norms folded before."""
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process

    network = onnx.load(model.path)
    (info,) = [i for i in network.graph.input if i.name == model.input]
    for dim, extent in zip(info.type.tensor_type.shape.dim, model.shape):
        dim.dim_value = extent
    del network.graph.value_info[:]
    if network.opset_import[0].version < 13:
        network = onnx.version_converter.convert_version(network, 13)
    ready = os.path.splitext(path)[0] + ".ready.onnx"
    onnx.save(network, ready)
    quant_pre_process(ready, ready, skip_symbolic_shape=True)
    q.quantize_static(ready, path, Feeds(model.input, samples), quant_format=q.QuantFormat.QDQ, per_channel=True)


# ===--- In the forms that other tools write, by hand ---=== #


def qdq(n, x, scale, zero=0, dtype=np.uint8, between=None, **attributes):
    """x rounded to `dtype`; `between` makes something of the integers."""
    scale, zero = n.const(scale), n.const(zero if np.ndim(scale) or np.ndim(zero) else np.asarray(zero), dtype)
    q = n("QuantizeLinear", x, scale, zero, **attributes)
    return n("DequantizeLinear", between(q) if between else q, scale, zero, **attributes)


def stored(n, values, scale, zero=0, dtype=np.int8, axis=0):
    """Weights as integers, with DequantizeLinear alone."""
    zeros = np.full(np.shape(scale), zero, dtype)
    return n("DequantizeLinear", n.const(values, dtype), n.const(scale), n.const(zeros, dtype), axis=axis)


def weights(n, *shape, low=-127, high=128):
    return n.rng.integers(low, high, shape)


def pytorch(n):
    """Stored weights with a scale per channel, float biases, the relu between the convolution and its rounding."""
    x = qdq(n, "x", 0.03, 120)
    x = n("Relu", n("Conv", x, stored(n, weights(n, 8, 3, 3, 3), n.rng.uniform(0.002, 0.01, 8)), n.random(8), pads=[1] * 4))
    x = qdq(n, x, 0.02)
    y = n("Conv", x, stored(n, weights(n, 8, 1, 3, 3), n.rng.uniform(0.002, 0.01, 8)), pads=[1] * 4, group=8)
    x = qdq(n, n("Add", qdq(n, y, 0.04, 128), x), 0.05, 60)
    x = qdq(n, n("GlobalAveragePool", x), 0.02, 60)
    w = stored(n, weights(n, 5, 8), n.rng.uniform(0.002, 0.01, 5))
    return qdq(n, n("Gemm", n("Flatten", x), w, n.random(5), transB=1), 0.03, 128)


def tensorflow(n):
    """Images channels last between transposes, float weights that are rounded in the graph, relu 6 by Clip."""
    x = n("Transpose", qdq(n, n("Transpose", "x", perm=[0, 2, 3, 1]), 0.03, 3, np.int8), perm=[0, 3, 1, 2])
    w = qdq(n, n.random(6, 3, 3, 3), n.rng.uniform(0.01, 0.02, 6), np.zeros(6), np.int8, axis=0)
    x = n("Clip", n("Conv", x, w, n.random(6), pads=[0, 0, 1, 1], strides=[2, 2]), n.const(np.float32(0)), n.const(np.float32(6)))
    x = qdq(n, n("Transpose", x, perm=[0, 2, 3, 1]), 6 / 255, -128, np.int8)
    x = n("Transpose", n("MaxPool", n("Transpose", x, perm=[0, 3, 1, 2]), kernel_shape=[2, 2], strides=[2, 2]), perm=[0, 2, 3, 1])
    x = n("Reshape", x, n.ints(1, 96))
    w = n("Transpose", qdq(n, n.random(7, 96), 0.01, 0, np.int8), perm=[1, 0])
    return qdq(n, n("Add", n("MatMul", x, w), n.random(7)), 0.1, 4, np.int8)


def brevitas(n):
    """Weights of four bits and activations of five, narrowed by a Clip of their integers; integer biases."""
    clip = lambda low, high, dtype: lambda q: n("Clip", q, n.const(np.array(low), dtype), n.const(np.array(high), dtype))
    x = qdq(n, "x", 0.25, 0, np.int8, clip(-15, 15, np.int8))
    scale = n.rng.uniform(0.03, 0.06, 8)
    w = qdq(n, n.random(8, 3, 3, 3), scale, np.zeros(8), np.int8, clip(-7, 7, np.int8), axis=0)
    b = stored(n, n.rng.integers(-20, 20, 8), 0.25 * scale, 0, np.int32)
    x = qdq(n, n("Relu", n("Conv", x, w, b, pads=[1] * 4)), 0.1, 0, np.uint8, clip(0, 31, np.uint8))
    x = n("Reshape", n("AveragePool", x, kernel_shape=[4, 4], strides=[4, 4]), n.ints(1, -1))
    w = qdq(n, n.random(6, 72, scale=0.2), 0.05, 0, np.int8, clip(-7, 7, np.int8))
    return n("Gemm", x, w, transB=1)


BY_HAND = {
    "pytorch": (pytorch, (1, 3, 12, 12)),
    "tensorflow": (tensorflow, (1, 3, 16, 16)),
    "brevitas": (brevitas, (1, 3, 12, 12)),
}


def write(name, path):
    """Writes a network of BY_HAND."""
    build, shape = BY_HAND[name]
    network = Net(shape, seed=4)
    network.finish(build(network), path)
    return shape


def output_scale(path):
    """One step of a model's first output, as its last QuantizeLinear rounds it; None where nothing does."""
    model = onnx.load(path)
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers[model.graph.output[0].name]
    while node.op_type == "Identity":
        node = makers[node.input[0]]
    if node.op_type != "DequantizeLinear":
        return None
    return float(tensors[node.input[1]])
