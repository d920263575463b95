"""Operators beside convolutions and arithmetic of bytes, against LiteRT's reference kernels."""
import unittest

import numpy as np

import tflitemodels
from models import Unavailable
from tflitecases import OperatorCase
from tflitemodels import Graph


def ints(graph, *values):
    return graph.constant(np.array(values, np.int32))


class Contractions(OperatorCase):
    def transposed(self, dtype, padding, strides, bias=True, kernel=(3, 4)):
        def build(graph, x):
            rng, (height, width) = graph.rng, ((5 - 1) * strides[0] + kernel[0], (6 - 1) * strides[1] + kernel[1])
            if padding == "SAME":
                height, width = 5 * strides[0], 6 * strides[1]
            shape, scales = (4, *kernel, 8), rng.uniform(0.002, 0.02, 1 if dtype == "uint8" else 4).astype(np.float32)
            if dtype == "float32":
                w = graph.constant(rng.standard_normal(shape).astype(np.float32))
                inputs = [w] + ([graph.constant(rng.standard_normal(4).astype(np.float32))] if bias else [])
                y = graph.tensor((1, height, width, 4), dtype)
            else:
                low, zero = (0, 119) if dtype == "uint8" else (-127, 0)
                w = graph.constant(rng.integers(low, np.iinfo(dtype if dtype == "uint8" else "int8").max + 1, shape)
                                   .astype("uint8" if dtype == "uint8" else "int8"), scale=scales, zero_point=zero)  # fmt: skip
                accumulator = np.int64 if dtype == "int16" else np.int32
                scale = 0.0002 if dtype == "int16" else 0.05
                b = graph.constant(rng.integers(-2000, 2000, 4).astype(accumulator), scale=np.float32(scale) * scales)
                inputs = [w] + ([b] if bias else [])
                y = graph.tensor((1, height, width, 4), dtype, scale=0.0011 if dtype == "int16" else 0.11, zero_point=0 if dtype == "int16" else 120)
            options = {"padding": padding, "stride_h": strides[0], "stride_w": strides[1]}
            graph.op("TRANSPOSE_CONV", [ints(graph, 1, height, width, 4), inputs[0], x, *inputs[1:]], [y], ("TransposeConvOptions", options), version=3)

        self.check(build, dtype=dtype, shape=(1, 5, 6, 8), tolerance=1e-4 if dtype == "float32" else None)

    def test_transpose_conv(self):
        for case in (("float32", "SAME", (2, 2)), ("float32", "VALID", (2, 3)), ("int8", "SAME", (2, 2)), ("int8", "VALID", (1, 2)),
                     ("uint8", "SAME", (2, 1)), ("int16", "SAME", (2, 2)), ("int8", "SAME", (4, 5), False, (2, 2))):  # fmt: skip
            with self.subTest(case=case):
                self.transposed(*case)

    def test_batch_matmul(self):
        for dtype in ("float32", "int8"):
            for swaps in ((False, False), (True, True)):
                def build(graph, x):
                    y = graph.tensor((2, 5, 5) if swaps[0] else (2, 5, 5), dtype, scale=None if dtype == "float32" else 0.21, zero_point=0 if dtype == "float32" else 7)
                    # A product of x and what is x turned around or moved.
                    order = graph.constant(np.array([0, 2, 1], np.int32))
                    scale = {} if dtype == "float32" else {"scale": 0.05, "zero_point": 3}
                    t = graph.op("TRANSPOSE", [x, order], [graph.tensor((2, 7, 5), dtype, **scale)], output=False)
                    operands = [t, x] if swaps[0] else [x, t]
                    graph.op("BATCH_MATMUL", operands, [y], ("BatchMatMulOptions", {"adj_x": swaps[0], "adj_y": swaps[1]}), version=2)

                with self.subTest(dtype, swaps=swaps):
                    self.check(build, dtype=dtype, shape=(2, 5, 7), tolerance=1e-4 if dtype == "float32" else None)


class Numbers(OperatorCase):
    def test_prelu(self):
        for dtype in ("float32", "int8", "uint8"):
            def build(graph, x):
                if dtype == "float32":
                    alpha, y = graph.constant(graph.rng.standard_normal((1, 1, 8)).astype(np.float32)), graph.tensor((1, 6, 7, 8), dtype)
                else:
                    zero = 10 if dtype == "int8" else 130
                    alpha = graph.constant(graph.rng.integers(zero - 100, zero + 100, (1, 1, 8)).astype(dtype), scale=0.01, zero_point=zero)
                    y = graph.tensor((1, 6, 7, 8), dtype, scale=0.043, zero_point=zero)
                graph.op("PRELU", [x, alpha], [y])

            with self.subTest(dtype):
                self.check(build, dtype=dtype, tolerance=1e-6 if dtype == "float32" else None)

    def test_arguments(self):
        for dtype in ("float32", "int8", "uint8"):
            for kind in ("ARG_MAX", "ARG_MIN"):
                for axis, result in ((3, "int64"), (1, "int32")):
                    def build(graph, x):
                        shape = [e for i, e in enumerate((1, 6, 7, 8)) if i != axis]
                        options = {"output_type": result.upper()}
                        graph.op(kind, [x, ints(graph, axis)], [graph.tensor(shape, result)], ("ArgMaxOptions" if kind == "ARG_MAX" else "ArgMinOptions", options), version=2)

                    with self.subTest(dtype, kind=kind, axis=axis):
                        self.check(build, dtype=dtype)

    def test_gather_nd(self):
        for dtype in ("float32", "int8"):
            for depth in (2, 4):
                def build(graph, x):
                    indices = np.stack([graph.rng.integers(0, e, (3, 5)) for e in (1, 6, 7, 8)[:depth]], -1).astype(np.int32)
                    scale = {} if dtype == "float32" else {"scale": 0.05, "zero_point": 3}
                    y = graph.tensor((3, 5, *(1, 6, 7, 8)[depth:]), dtype, **scale)
                    graph.op("GATHER_ND", [x, graph.constant(indices)], [y])

                with self.subTest(dtype, depth=depth):
                    self.check(build, dtype=dtype)

    def test_integers(self):
        def build(graph, x):
            big = graph.op("CAST", [x], [graph.tensor((40,), "int32")], ("CastOptions", {"in_data_type": "FLOAT32", "out_data_type": "INT32"}), output=False)
            graph.op("MUL", [big, ints(graph, 1000)], [graph.tensor((40,), "int32", name="big")], ("MulOptions", {}), output=False)
            big = len(graph.tensors) - 1
            for kind, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("FLOOR_DIV", None), ("MAXIMUM", None), ("MINIMUM", None)):
                graph.op(kind, [big, ints(graph, -7)], [graph.tensor((40,), "int32")], options and (options, {}))
            less = graph.op("LESS", [big, ints(graph, 500)], [graph.tensor((40,), "bool")])
            graph.op("SELECT_V2", [less, big, ints(graph, 3)], [graph.tensor((40,), "int32")])

        self.check(build, dtype="float32", shape=(40,))

    def test_floats(self):
        def build(graph, x):
            y = graph.constant(graph.rng.uniform(0.1, 2, (1, 8)).astype(np.float32))
            for kind in ("FLOOR_DIV", "SQUARED_DIFFERENCE"):
                graph.op(kind, [x, y], [graph.tensor((5, 8), "float32")])
            for kind in ("FLOOR", "SIN", "COS", "SQUARE"):
                graph.op(kind, [x], [graph.tensor((5, 8), "float32")])

        self.check(build, dtype="float32", shape=(5, 8), tolerance=1e-5)


class Images(OperatorCase):
    def test_bilinear_of_unsigned_bytes(self):
        for flags in ({}, {"half_pixel_centers": True}, {"align_corners": True}):
            def build(graph, x):
                y = graph.tensor((1, 9, 20, 8), "uint8", scale=0.05, zero_point=131)
                graph.op("RESIZE_BILINEAR", [x, ints(graph, 9, 20)], [y], ("ResizeBilinearOptions", flags))

            with self.subTest(**flags):
                self.check(build, dtype="uint8")

    def test_padded_pools(self):
        for dtype, zero in (("int8", 3), ("uint8", 131)):
            for size, stride in ((3, 1), (2, 2), (5, 3)):
                def build(graph, x):
                    y = graph.tensor((1, -(-6 // stride), -(-7 // stride), 8), dtype, scale=0.05, zero_point=zero)
                    options = {"padding": "SAME", "stride_w": stride, "stride_h": stride, "filter_width": size, "filter_height": size}
                    graph.op("AVERAGE_POOL_2D", [x], [y], ("Pool2DOptions", options))

                with self.subTest(dtype, size=size, stride=stride):
                    self.check(build, dtype=dtype)

    def test_concat_of_scales(self):
        def build(graph, x):
            z = graph.constant(graph.rng.integers(0, 256, (1, 6, 7, 4)).astype(np.uint8), scale=0.017, zero_point=40)
            y = graph.tensor((1, 6, 7, 12), "uint8", scale=0.06, zero_point=120)
            graph.op("CONCATENATION", [x, z], [y], ("ConcatenationOptions", {"axis": 3}), version=1)

        self.check(build, dtype="uint8")


class Sequences(OperatorCase):
    def test_lstm(self):
        for major in (False, True):
            def build(graph, x):
                rng, units = graph.rng, 12
                shape = (3, 9, units) if not major else (9, 3, units)
                f = lambda *s: graph.constant((0.3 * rng.standard_normal(s)).astype(np.float32))  # noqa: E731
                inputs = [x, *(f(units, 7) for _ in range(4)), *(f(units, units) for _ in range(4)), -1, -1, -1, *(f(units) for _ in range(4)), -1, -1]
                for _ in range(2):
                    graph.tensors[graph.tensor((3, units), "float32")]["is_variable"] = True
                    inputs.append(len(graph.tensors) - 1)
                options = {"fused_activation_function": "TANH", "time_major": major}
                graph.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [graph.tensor(shape, "float32")], ("UnidirectionalSequenceLSTMOptions", options))

            with self.subTest(major=major):
                self.check(build, dtype="float32", shape=(9, 3, 7) if major else (3, 9, 7), tolerance=1e-4)


class Detections(OperatorCase):
    def options(self, **values):
        try:
            from flatbuffers import flexbuffers
        except ImportError as e:
            self.skipTest(str(e))
        return list(flexbuffers.Dumps(values))

    def test_post_process(self):
        for regular in (False, True):
            for dtype in ("float32", "uint8"):
                with self.subTest(regular=regular, dtype=dtype):
                    self.post_process(regular, dtype)

    def post_process(self, regular, dtype, count=60, classes=4, most=9):
        rng = np.random.default_rng(5)
        quantized = dtype == "uint8"
        graph = Graph(rng)
        boxes = graph.input((1, count, 4), dtype, scale=0.02 if quantized else None, zero_point=130 if quantized else 0, name="boxes")
        scores = graph.input((1, count, classes + 1), dtype, scale=1 / 256 if quantized else None, name="scores")
        anchors = np.concatenate([rng.uniform(0, 1, (count, 2)), rng.uniform(0.1, 0.4, (count, 2))], -1)
        anchors = (anchors * 256).clip(0, 255).astype(np.uint8) if quantized else anchors.astype(np.float32)
        a = graph.constant(anchors, **({"scale": 1 / 256} if quantized else {}))
        shapes = [(1, most, 4), (1, most), (1, most), (1,)]
        outputs = [graph.tensor(s, "float32") for s in shapes]
        options = self.options(max_detections=most, max_classes_per_detection=1, detections_per_class=20, use_regular_nms=regular,
                               nms_score_threshold=0.3, nms_iou_threshold=0.4, num_classes=classes,
                               y_scale=10.0, x_scale=10.0, h_scale=5.0, w_scale=5.0)  # fmt: skip
        graph.op("CUSTOM", [boxes, scores, a], outputs, custom="TFLite_Detection_PostProcess", custom_options=options)
        try:
            path = graph.write(self.at("model.tflite"))
        except Unavailable as e:
            self.skipTest(str(e))
        samples = []
        for _ in range(4):
            x = rng.standard_normal((1, count, 4)).astype(np.float32)
            # Distinct scores: what comes first of equal ones is nobody's promise.
            s = rng.permutation(np.linspace(0.001, 0.999, count * (classes + 1))).astype(np.float32).reshape(1, count, classes + 1)
            if quantized:
                x, s = (x * 50 + 130).clip(0, 255).astype(np.uint8), (s * 255).astype(np.uint8)
            samples.append([x, s])
        try:
            expected = tflitemodels.reference(path, samples)
        except Unavailable as e:
            self.skipTest(str(e))
        found = 0
        for e, o in zip(expected, self.run_ours(path, samples, ("--float",) if not quantized else ())):
            there = int(e[3][0])
            found += there
            self.assertEqual(there, int(o[3][0]))
            order = slice(0, there)
            np.testing.assert_allclose(o[2].reshape(-1)[order], e[2].reshape(-1)[order], rtol=1e-5)
            if not quantized:  # of equal scores either may come first
                np.testing.assert_array_equal(o[1].reshape(-1)[order], e[1].reshape(-1)[order])
                np.testing.assert_allclose(o[0].reshape(-1, 4)[order], e[0].reshape(-1, 4)[order], rtol=1e-4, atol=1e-5)
        self.assertGreater(found, 8)


if __name__ == "__main__":
    unittest.main()
