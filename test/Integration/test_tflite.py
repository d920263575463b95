"""TensorFlow Lite models: quantized ones give the bytes of LiteRT's reference kernels; bad ones are refused."""
import glob
import os
import unittest

import numpy as np

import harness
import tflitemodels
from harness import DYADIC
from models import Unavailable
from tflitecases import DATA, OperatorCase, Scratch
from tflitemodels import Graph

TINY = ["ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "pretrainedResnet_large_int8", "str_ww_ref_model", "vww_96_int8"]


def quantized(path):
    """The full shape, type and range of a model's one input."""
    detail = tflitemodels.interpreter(path).get_input_details()[0]
    return detail["name"], tuple(detail["shape"]), detail["dtype"]


class Operators(OperatorCase):
    """Graphs of one operator each, with random parameters, against the reference kernels."""

    def conv(self, graph, x, kind, dtype="int8", per_channel=True, padding="SAME", strides=(1, 1), dilation=1, activation="NONE", out=16):
        rng, channels = graph.rng, 8
        depthwise = kind == "DEPTHWISE_CONV_2D"
        shape = (1, 3, 3, channels) if depthwise else (out, 3, 3, channels)
        count = shape[3] if depthwise else shape[0]
        scales = rng.uniform(0.002, 0.02, count if per_channel else 1).astype(np.float32)
        info = np.iinfo(dtype)
        low, zero = (-127, 0) if dtype == "int8" else (0, 119)
        w = graph.constant(rng.integers(low, info.max + 1, shape).astype(dtype), scale=scales, zero_point=zero, dimension=3 if depthwise else 0)
        b = graph.constant(rng.integers(-2000, 2000, count).astype(np.int32), scale=np.float32(0.05) * scales)
        table = graph.tensors[x]["shape"]
        height, width = (-(-n // s) if padding == "SAME" else (n - 2 * dilation - 1) // s + 1 for n, s in zip(table[1:3], strides))
        y = graph.tensor((1, height, width, count), dtype, scale=0.11, zero_point=-7 if dtype == "int8" else 120)
        options = {"padding": padding, "stride_w": strides[1], "stride_h": strides[0], "fused_activation_function": activation,
                   "dilation_w_factor": dilation, "dilation_h_factor": dilation}  # fmt: skip
        if depthwise:
            options["depth_multiplier"] = 1
        graph.op(kind, [x, w, b], [y], ("DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", options))

    def test_convolution(self):
        for flags in ({}, {"padding": "VALID", "strides": (2, 1)}, {"dilation": 2, "activation": "RELU6"}, {"per_channel": False, "activation": "RELU"}):
            with self.subTest(**flags):
                self.check(lambda g, x: self.conv(g, x, "CONV_2D", **flags))

    def test_depthwise(self):
        for flags in ({}, {"strides": (2, 2), "activation": "RELU6"}):
            with self.subTest(**flags):
                self.check(lambda g, x: self.conv(g, x, "DEPTHWISE_CONV_2D", **flags))

    def test_unsigned_weights(self):
        # Less their zero point they don't fit a signed byte.
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            with self.subTest(kind):
                self.check(lambda g, x: self.conv(g, x, kind, dtype="uint8", per_channel=False, activation="RELU6"), dtype="uint8")

    def test_fully_connected(self):
        def build(graph, x):
            w = graph.constant(graph.rng.integers(-127, 128, (10, 336)).astype(np.int8), scale=0.004)
            b = graph.constant(graph.rng.integers(-3000, 3000, 10).astype(np.int32), scale=0.05 * 0.004)
            y = graph.tensor((1, 10), "int8", scale=0.3, zero_point=11)
            graph.op("FULLY_CONNECTED", [x, w, b], [y], ("FullyConnectedOptions", {"fused_activation_function": "RELU"}))

        self.check(build, count=20)

    def test_sums(self):
        for kind, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
            for dtype in ("int8", "uint8"):
                for other in ((1, 6, 7, 8), (1, 1, 1, 8)):
                    def build(graph, x):
                        c = graph.rng.integers(-100 if dtype == "int8" else 20, 120, other).astype(dtype)
                        z = graph.constant(c, scale=0.013, zero_point=17)
                        y = graph.tensor((1, 6, 7, 8), dtype, scale=0.06, zero_point=9)
                        graph.op(kind, [x, z], [y], (options, {"fused_activation_function": "NONE"}))

                    with self.subTest(kind, dtype=dtype, other=other):
                        self.check(build, dtype=dtype)

    def test_functions(self):
        cases = [("LOGISTIC", 1 / 256, -128, None), ("TANH", 1 / 128, 0, None), ("HARD_SWISH", 0.04, -80, None),
                 ("LEAKY_RELU", 0.05, 3, ("LeakyReluOptions", {"alpha": 0.1})), ("RELU", 0.05, 3, None), ("RELU6", 0.03, -100, None),
                 ("RELU_N1_TO_1", 0.07, 5, None), ("EXP", 0.1, -20, None), ("LOG", 0.03, 9, None), ("ABS", 0.06, 2, None),
                 ("NEG", 0.05, 3, None)]  # fmt: skip
        for kind, scale, zero, options in cases:
            with self.subTest(kind):
                self.check(lambda g, x: g.op(kind, [x], [g.tensor((1, 6, 7, 8), "int8", scale=scale, zero_point=zero)], options))

    def test_softmax(self):
        for dtype, zero, beta in (("int8", -128, 1.0), ("uint8", 0, 1.0), ("int8", -128, 1.7)):
            with self.subTest(dtype, beta=beta):
                self.check(lambda g, x: g.op("SOFTMAX", [x], [g.tensor((5, 40), dtype, scale=1 / 256, zero_point=zero)],
                                             ("SoftmaxOptions", {"beta": beta})), dtype=dtype, shape=(5, 40))  # fmt: skip

    def test_pools(self):
        def pool(kind, size):
            def build(graph, x):
                y = graph.tensor((1, 6 // size, 7 // size, 8), "int8", scale=0.05, zero_point=3)
                options = {"padding": "VALID", "stride_w": size, "stride_h": size, "filter_width": size, "filter_height": size}
                graph.op(kind, [x], [y], ("Pool2DOptions", options))

            return build

        for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            for size in (2, 3, 6):
                with self.subTest(kind, size=size):
                    self.check(pool(kind, size))

    def test_mean(self):
        def build(graph, x):
            axes = graph.constant(np.array([1, 2], np.int32))
            y = graph.tensor((1, 8), "int8", scale=0.017, zero_point=-5)
            graph.op("MEAN", [x, axes], [y], ("ReducerOptions", {"keep_dims": False}))

        self.check(build)

    def test_borders(self):
        def build(graph, x):
            q = graph.op("QUANTIZE", [x], [graph.tensor((1, 6, 7, 8), "uint8", scale=0.021, zero_point=120)], output=False)
            r = graph.op("QUANTIZE", [q], [graph.tensor((1, 6, 7, 8), "int8", scale=0.05, zero_point=-3)])
            graph.op("DEQUANTIZE", [r], [graph.tensor((1, 6, 7, 8), "float32")])

        self.check(build, dtype="float32")

    def test_bilinear(self):
        for dtype in ("int8",):
            for flags in ({}, {"half_pixel_centers": True}, {"align_corners": True}):
                def build(graph, x):
                    size = graph.constant(np.array([9, 20], np.int32))
                    y = graph.tensor((1, 9, 20, 8), dtype, scale=0.05, zero_point=3 if dtype == "int8" else 131)
                    graph.op("RESIZE_BILINEAR", [x, size], [y], ("ResizeBilinearOptions", flags))

                with self.subTest(dtype, **flags):
                    self.check(build, dtype=dtype)

    def test_movement(self):
        def build(graph, x):
            def like(shape):
                return graph.tensor(shape, "int8", scale=0.05, zero_point=3)

            ints = lambda *v: graph.constant(np.array(v, np.int32))  # noqa: E731
            pads = graph.constant(np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32))
            graph.op("PAD", [x, pads], [like((1, 9, 8, 8))])
            graph.op("TRANSPOSE", [x, ints(0, 2, 3, 1)], [like((1, 7, 8, 6))])
            graph.op("SLICE", [x, ints(0, 1, 2, 0), ints(1, 3, -1, 5)], [like((1, 3, 5, 5))])
            options = ("StridedSliceOptions", {"begin_mask": 2, "end_mask": 4, "shrink_axis_mask": 1})
            graph.op("STRIDED_SLICE", [x, ints(0, 9, 1, -3), ints(1, -1, 9, 8), ints(1, 2, 2, 1)], [like((3, 3, 3))], options)
            graph.op("SPLIT", [ints(3), x], [like((1, 6, 7, 4)), like((1, 6, 7, 4))], ("SplitOptions", {"num_splits": 2}))
            graph.op("SPACE_TO_BATCH_ND", [x, ints(2, 2), graph.constant(np.array([[0, 0], [1, 0]], np.int32))], [like((4, 3, 4, 8))])
            graph.op("RESIZE_NEAREST_NEIGHBOR", [x, ints(13, 5)], [like((1, 13, 5, 8))], ("ResizeNearestNeighborOptions", {}))
            graph.op("CONCATENATION", [x, x], [like((1, 12, 7, 8))], ("ConcatenationOptions", {"axis": 1}))
            mirror = graph.constant(np.array([[0, 0], [2, 1], [0, 3], [0, 0]], np.int32))
            graph.op("MIRROR_PAD", [x, mirror], [like((1, 9, 10, 8))], ("MirrorPadOptions", {"mode": "REFLECT"}))

        self.check(build)


class Models(Scratch):
    """Networks that others trained and quantized, from the shared data."""

    def samples(self, path, count):
        _, shape, dtype = quantized(path)
        if "Resnet" in path:
            with np.load(os.path.join(DATA, "cifar10/test.npz")) as z:
                images = z["images"][:count].astype(np.int16) - 128
            return [[x.astype(dtype)[None]] for x in images]
        if "mobilenet" in path:
            from PIL import Image

            files = sorted(glob.glob(os.path.join(DATA, "imagenet-sample/*.J*G")) or glob.glob(os.path.join(DATA, "imagenet-sample/*.j*g")))
            return [[np.asarray(Image.open(f).convert("RGB").resize(shape[1:3]), np.uint8)[None]] for f in files[:count]]
        info, rng = np.iinfo(dtype), np.random.default_rng(3)
        return [[rng.integers(info.min, info.max + 1, shape).astype(dtype)] for _ in range(count)]

    def check(self, name, count):
        path = os.path.join(DATA, name + ".tflite")
        if not os.path.exists(path):
            self.skipTest(f"{path} is not there")
        try:
            samples = self.samples(path, count)
        except (Unavailable, ImportError) as e:
            self.skipTest(str(e))
        differing, total = self.differing(path, samples)
        self.assertEqual(differing, 0, f"of {total} elements")
        self.assertGreater(total, 0)

    def test_mlperf_tiny(self):
        for name in TINY:
            with self.subTest(name):
                self.check("mlperf-tiny/" + name, 1000 if os.environ.get("DYADIC_ALL_SAMPLES") else 20)

    def test_mobilenet_v2(self):
        self.check("mobilenet-v2-quant/mobilenet_v2_1.0_224_quant", 200 if os.environ.get("DYADIC_ALL_SAMPLES") else 2)


class Refusals(Scratch):
    """What isn't a model, and what is but can't be compiled."""

    def valid(self):
        graph = Graph()
        x = graph.input((1, 4), "int8", scale=0.1, name="x")
        w = graph.constant(np.ones((3, 4), np.int8), scale=0.1)
        y = graph.tensor((1, 3), "int8", scale=0.1, name="y")
        graph.op("FULLY_CONNECTED", [x, w, -1], [y], ("FullyConnectedOptions", {}))
        return graph

    def refuse(self, path, *message, code=1):
        done = harness.run([DYADIC, "compile", path, "-o", self.at("out")], limit=30, memory=16 << 30)
        self.assertEqual(done.returncode, code, done.stderr)
        for part in message:
            self.assertIn(part, done.stderr)
        self.assertFalse(os.path.exists(self.at("out")))

    def write(self, graph):
        try:
            return graph.write(self.at("model.tflite"))
        except Unavailable as e:
            self.skipTest(str(e))

    def test_truncated(self):
        with open(self.write(self.valid()), "rb") as f:
            bytes_ = f.read()
        for length in range(8, len(bytes_), 97):
            with open(self.at("cut.tflite"), "wb") as f:
                f.write(bytes_[:length])
            self.refuse(self.at("cut.tflite"), "cut.tflite", "not a valid flatbuffer")

    def test_faults(self):
        def fault(change, *message):
            graph = self.valid()
            change(graph)
            with self.subTest(message[-1]):
                self.refuse(self.write(graph), *message)

        fault(lambda g: g.tensors[1].update(shape=[3, 5]), "t1", "expected 15 bytes of elements, but got 12")
        fault(lambda g: g.tensors[0].update(shape=[1 << 20, 1 << 20]), "x", "at most 2^31 elements")
        fault(lambda g: g.tensors[0].update(shape=[-1, 4]), "x", "extents of at least 0")
        fault(lambda g: g.operators[0].update(inputs=[0, 9, -1]), "numbers of an operator's inputs below 3, but got 9")
        fault(lambda g: g.tensors[1].update(buffer=7), "t1", "expected a buffer below 2, but got 7")
        fault(lambda g: g.tensors[2]["quantization"].update(scale=[0.0]), "y", "expected a positive scale")
        fault(lambda g: g.tensors[2].update(shape=[1, 4]), "y", "cannot reshape [1, 3] to [1, 4]")

    def test_all_unsupported_operators_at_once(self):
        graph = self.valid()
        for kind in ("WHERE", "UNIQUE"):
            graph.op(kind, [0], [graph.tensor((1, 4), "int8", scale=0.1, name=kind.lower())])
        self.refuse(self.write(graph), "where", "'WHERE' is not supported", "unique", "'UNIQUE' is not supported")

    def test_needs_precision(self):
        graph = Graph()
        x = graph.input((1, 4), "float32", name="x")
        graph.op("RELU", [x], [graph.tensor((1, 4), "float32", name="y")])
        self.refuse(self.write(graph), "--calibrate", "isn't quantized", code=2)


if __name__ == "__main__":
    unittest.main()
