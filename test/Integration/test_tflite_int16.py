"""Operators on 16-bit activations give the bytes of LiteRT's reference kernels."""
import unittest

import numpy as np

from tflitecases import OperatorCase


class Operators(OperatorCase):
    def check(self, build, shape=(1, 6, 7, 8), **kwargs):
        super().check(build, dtype="int16", shape=shape, **kwargs)

    def unary(self, kind, options=None, scale=0.0002, shape=(1, 6, 7, 8)):
        self.check(lambda g, x: g.op(kind, [x], [g.tensor(shape, "int16", scale=scale)], options, version=2), shape=shape)

    def conv(self, graph, x, kind, padding="SAME", strides=(1, 1), activation="NONE", per_channel=True):
        rng, depthwise = graph.rng, kind == "DEPTHWISE_CONV_2D"
        count = 8 if depthwise else 16
        scales = rng.uniform(0.002, 0.02, count if per_channel else 1).astype(np.float32)
        weights = rng.integers(-127, 128, (1, 3, 3, 8) if depthwise else (16, 3, 3, 8)).astype(np.int8)
        w = graph.constant(weights, scale=scales, dimension=3 if depthwise else 0)
        b = graph.constant(rng.integers(-(10**6), 10**6, count), scale=np.float32(0.0002) * scales)
        height, width = (-(-n // s) if padding == "SAME" else (n - 3) // s + 1 for n, s in zip((6, 7), strides))
        y = graph.tensor((1, height, width, count), "int16", scale=0.001)
        options = {"padding": padding, "stride_h": strides[0], "stride_w": strides[1], "fused_activation_function": activation,
                   "dilation_w_factor": 1, "dilation_h_factor": 1}  # fmt: skip
        if depthwise:
            options["depth_multiplier"] = 1
        graph.op(kind, [x, w, b], [y], ("DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", options), version=5 if depthwise else 4)

    def test_convolution(self):
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            for flags in ({}, {"padding": "VALID", "strides": (2, 1), "activation": "RELU6"}, {"per_channel": False, "activation": "RELU"}):
                if kind == "DEPTHWISE_CONV_2D" and "per_channel" in flags:
                    continue  # LiteRT has none
                with self.subTest(kind, **flags):
                    self.check(lambda g, x: self.conv(g, x, kind, **flags))

    def test_fully_connected(self):
        for depth in (336, 5000):
            def build(graph, x):
                w = graph.constant(graph.rng.integers(-127, 128, (10, depth)).astype(np.int8), scale=0.004)
                b = graph.constant(graph.rng.integers(-(10**6), 10**6, 10), scale=0.0002 * 0.004)
                y = graph.tensor((1, 10), "int16", scale=0.004)
                graph.op("FULLY_CONNECTED", [x, w, b], [y], ("FullyConnectedOptions", {"fused_activation_function": "RELU"}), version=7)

            with self.subTest(depth=depth):
                self.check(build, shape=(1, depth), count=20)

    def test_sums(self):
        for kind, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
            for other in ((1, 6, 7, 8), (1, 1, 1, 8)):
                def build(graph, x):
                    z = graph.constant(graph.rng.integers(-32000, 32000, other).astype(np.int16), scale=0.00013)
                    y = graph.tensor((1, 6, 7, 8), "int16", scale=0.00026)
                    fields = {"fused_activation_function": "NONE", **({} if kind == "MUL" else {"pot_scale_int16": False})}
                    graph.op(kind, [x, z], [y], (options, fields), version={"ADD": 4, "SUB": 5, "MUL": 4}[kind])

                with self.subTest(kind, other=other):
                    self.check(build)

    def test_functions(self):
        for kind in ("LOGISTIC", "TANH"):
            self.unary(kind, scale=1 / 32768, shape=(1, 100000))
        self.unary("LEAKY_RELU", ("LeakyReluOptions", {"alpha": 0.1}), scale=0.0003)
        self.unary("RELU")
        self.unary("RELU6")
        self.unary("RELU6", scale=0.0003)
        self.unary("EXP", scale=0.02)

    def test_functions_of_powers_of_two(self):
        for kind in ("LOGISTIC", "TANH"):
            for scale in (2.0**-12, 2.0**-11):
                with self.subTest(kind, scale=scale):
                    def build(graph, x):
                        graph.tensors[x]["quantization"]["scale"] = [scale]
                        graph.op(kind, [x], [graph.tensor((1, 100000), "int16", scale=1 / 32768)], version=3)

                    self.check(build, shape=(1, 100000))

    def test_softmax(self):
        for beta in (1.0, 0.7):
            self.unary("SOFTMAX", ("SoftmaxOptions", {"beta": beta}), scale=1 / 32768, shape=(5, 40))

    def test_pools(self):
        for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            for size, padding in ((2, "VALID"), (3, "SAME"), (6, "VALID")):
                def build(graph, x):
                    height, width = (-(-n // size) if padding == "SAME" else n // size for n in (6, 7))
                    y = graph.tensor((1, height, width, 8), "int16", scale=0.0002)
                    options = {"padding": padding, "stride_w": size, "stride_h": size, "filter_width": size, "filter_height": size}
                    graph.op(kind, [x], [y], ("Pool2DOptions", options), version=3)

                with self.subTest(kind, size=size, padding=padding):
                    self.check(build)

    def test_mean(self):
        def build(graph, x):
            axes = graph.constant(np.array([1, 2], np.int32))
            graph.op("MEAN", [x, axes], [graph.tensor((1, 8), "int16", scale=0.0001)], ("ReducerOptions", {"keep_dims": False}), version=3)

        self.check(build)

    def test_borders(self):
        def build(graph, x):
            graph.op("QUANTIZE", [x], [graph.tensor((1, 6, 7, 8), "int16", scale=0.00031)], version=3)
            graph.op("QUANTIZE", [x], [graph.tensor((1, 6, 7, 8), "int8", scale=0.04, zero_point=3)], version=3)
            graph.op("DEQUANTIZE", [x], [graph.tensor((1, 6, 7, 8), "float32")], version=3)

        self.check(build)

    def test_movement(self):
        def build(graph, x):
            def like(shape):
                return graph.tensor(shape, "int16", scale=0.0002)

            ints = lambda *v: graph.constant(np.array(v, np.int32))  # noqa: E731
            pads = graph.constant(np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32))
            graph.op("PAD", [x, pads], [like((1, 9, 8, 8))], version=4)
            graph.op("TRANSPOSE", [x, ints(0, 2, 3, 1)], [like((1, 7, 8, 6))], version=5)
            graph.op("SLICE", [x, ints(0, 1, 2, 0), ints(1, 3, -1, 5)], [like((1, 3, 5, 5))], version=4)
            graph.op("CONCATENATION", [x, x], [like((1, 12, 7, 8))], ("ConcatenationOptions", {"axis": 1}), version=3)
            graph.op("RESHAPE", [x, ints(2, -1)], [like((2, 168))], ("ReshapeOptions", {}))

        self.check(build)


if __name__ == "__main__":
    unittest.main()
