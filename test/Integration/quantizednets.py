"""Models that come quantized: small networks through onnxruntime's quantizer, and by hand in the forms of other tools."""
import os

import numpy as np
import onnx
from onnx import numpy_helper  # noqa: F401

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


def output_scale(path):
    """One step of a model's first output, as its last QuantizeLinear rounds it."""
    model = onnx.load(path)
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers[model.graph.output[0].name]
    while node.op_type == "Identity":
        node = makers[node.input[0]]
    assert node.op_type == "DequantizeLinear", node.op_type
    return float(tensors[node.input[1]])
