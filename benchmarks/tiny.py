"""The four networks of MLPerf Tiny by their published shapes, with random weights: what they take, not what they say.

The official files are .tflite, which Dyadic doesn't import yet; LiteRT runs them through litert_model.py's conversion.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from models import Model, image_like, normal


class Net:
    """Appends ops to a graph; `at` is the tensor that the next one reads, of shape `shape` without the batch."""

    def __init__(self, *shape):
        self.rng, self.nodes, self.weights = np.random.default_rng(7), [], []
        self.at, self.shape, self.input = "x", shape, (1, *shape)

    def op(self, kind, *inputs, **attributes):
        self.nodes.append(helper.make_node(kind, list(inputs), [f"t{len(self.nodes)}"], **attributes))
        self.at = self.nodes[-1].output[0]
        return self

    def weight(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def conv(self, outputs, kernel=(3, 3), stride=1, depthwise=False, relu=True):
        channels, sizes = self.shape[0], self.shape[1:]
        out = [-(-size // stride) for size in sizes]
        total = [max((o - 1) * stride + k - size, 0) for o, k, size in zip(out, kernel, sizes)]
        low = [t // 2 for t in total]
        pads = [*low, *(t - l for t, l in zip(total, low))]
        groups = channels if depthwise else 1
        w = self.weight(normal(self.rng, (outputs, channels // groups, *kernel)))
        b = self.weight(self.rng.normal(0, 0.1, outputs))
        self.op("Conv", self.at, w, b, kernel_shape=list(kernel), strides=[stride] * 2, pads=pads, group=groups)
        self.shape = (outputs, *out)
        return self.op("Relu", self.at) if relu else self

    def separable(self, outputs, stride=1):
        return self.conv(self.shape[0], stride=stride, depthwise=True).conv(outputs, (1, 1))

    def dense(self, outputs, relu=False):
        w = self.weight(normal(self.rng, (outputs, int(np.prod(self.shape)))))
        self.op("Gemm", self.at, w, self.weight(self.rng.normal(0, 0.1, outputs)), transB=1)
        self.shape = (outputs,)
        return self.op("Relu", self.at) if relu else self

    def head(self, classes):
        self.op("GlobalAveragePool", self.at).op("Flatten", self.at)
        self.shape = (self.shape[0],)
        return self.dense(classes).op("Softmax", self.at, axis=1)

    def model(self):
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "net", [info("x", TensorProto.FLOAT, self.input)], [info(self.at, TensorProto.FLOAT, (1, *self.shape))], self.weights
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def resnet8():
    net = Net(3, 32, 32).conv(16)
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        start, shape = net.at, net.shape
        branch = net.conv(channels, stride=stride).conv(channels, relu=False).at
        if stride > 1:
            net.at, net.shape = start, shape
            start = net.conv(channels, (1, 1), stride, relu=False).at
        net.op("Add", branch, start).op("Relu", net.at)
    return net.head(10).model()


def keyword_spotting():
    net = Net(1, 49, 10).conv(64, (10, 4), 2)
    for _ in range(4):
        net.separable(64)
    return net.head(12).model()


def visual_wake_words():
    net = Net(3, 96, 96).conv(8, stride=2)
    for outputs, stride in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)):
        net.separable(outputs, stride)
    return net.head(2).model()


def anomaly_detection():
    net = Net(640)
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        net.dense(width, relu=True)
    return net.dense(640).model()


MODELS = {
    m.name: m
    for m in [
        Model("tiny-resnet8", resnet8, (1, 3, 32, 32), image_like),
        Model("tiny-kws", keyword_spotting, (1, 1, 49, 10), image_like),
        Model("tiny-vww", visual_wake_words, (1, 3, 96, 96), image_like),
        Model("tiny-ad", anomaly_detection, (1, 640), lambda rng, n, *_: rng.normal(0, 1, (n, 640)).astype(np.float32)),
    ]
}
