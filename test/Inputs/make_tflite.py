#!/usr/bin/env python3
"""Writes test/Inputs/tflite/*.json: small TensorFlow Lite models, which flatc turns into files by the importer's schema."""
import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../Integration"))
from tflitemodels import Graph  # noqa: E402


def ints(graph, *values):
    return graph.constant(np.array(values, np.int32))


def filled(graph, shape, dtype="int8", **kwargs):
    return graph.constant((np.arange(np.prod(shape)) % 7 - 3).astype(dtype).reshape(shape), **kwargs)


def contractions():
    g = Graph()
    x = g.input((1, 4, 4, 2), "int8", scale=0.5, zero_point=3, name="x")
    like = lambda c, name: g.tensor((1, 2, 2, c), "int8", scale=0.25, zero_point=-4, name=name)  # noqa: E731
    window = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "fused_activation_function": "RELU6"}
    w = filled(g, (3, 3, 3, 2), scale=[0.5, 0.25, 0.125])
    b = g.constant(np.array([1, 2, 3], np.int32))
    conv = g.op("CONV_2D", [x, w, b], [like(3, "conv")], ("Conv2DOptions", window), output=False)
    w = filled(g, (1, 3, 3, 2), scale=[0.5, 0.25], dimension=3)
    g.op("DEPTHWISE_CONV_2D", [x, w, -1], [like(2, "depthwise")], ("DepthwiseConv2DOptions", {**window, "depth_multiplier": 1}))
    w = filled(g, (5, 12), scale=0.5)
    y = g.tensor((1, 5), "int8", scale=1.0, name="dense")
    g.op("FULLY_CONNECTED", [conv, w, g.constant(np.array([1, -1, 0, 2, -2], np.int64))], [y], ("FullyConnectedOptions", {}))
    w = filled(g, (3, 2, 2, 2), scale=0.5)
    y = g.tensor((1, 8, 8, 3), "int8", scale=1.0, name="transposed")
    g.op("TRANSPOSE_CONV", [ints(g, 1, 8, 8, 3), w, x], [y], ("TransposeConvOptions", {"padding": "SAME", "stride_h": 2, "stride_w": 2}))
    return g


def movement():
    g = Graph()
    x = g.input((2, 3, 4), "float32", name="x")
    like = lambda *shape: g.tensor(shape, "float32")  # noqa: E731
    masks = {"begin_mask": 1, "end_mask": 0, "shrink_axis_mask": 2}
    g.op("STRIDED_SLICE", [x, ints(g, 1, -1, 1), ints(g, 2, 3, 4), ints(g, 1, 1, 2)], [like(2, 2)], ("StridedSliceOptions", masks))
    g.op("PAD", [x, ints(g, 0, 0, 1, 2, 0, 0)], [like(2, 6, 4)])
    g.tensors[g.operators[-1]["inputs"][1]]["shape"] = [3, 2]
    g.op("SPLIT", [ints(g, 2), x], [like(2, 3, 2), like(2, 3, 2)], ("SplitOptions", {"num_splits": 2}))
    g.op("PACK", [x, x], [like(2, 2, 3, 4)], ("PackOptions", {"axis": 0, "values_count": 2}))
    return g


def elementwise():
    g = Graph()
    x = g.input((2, 4), "int8", scale=0.5, zero_point=3, name="x")
    n = g.input((2, 4), "int32", name="n")
    z = filled(g, (4,), scale=0.25)
    g.op("ADD", [x, z], [g.tensor((2, 4), "int8", scale=1.0)], ("AddOptions", {"fused_activation_function": "RELU"}))
    g.op("LOGISTIC", [x], [g.tensor((2, 4), "int8", scale=1 / 256, zero_point=-128)])
    g.op("PRELU", [x, z], [g.tensor((2, 4), "int8", scale=0.5)])
    g.op("FLOOR_DIV", [n, ints(g, 3)], [g.tensor((2, 4), "int32")])
    g.op("LESS", [n, ints(g, 3)], [g.tensor((2, 4), "bool")])
    return g


def pooling():
    g = Graph()
    x = g.input((1, 5, 5, 2), "uint8", scale=0.5, zero_point=128, name="x")
    window = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "filter_height": 3, "filter_width": 2}
    g.op("AVERAGE_POOL_2D", [x], [g.tensor((1, 3, 3, 2), "uint8", scale=0.5, zero_point=128)], ("Pool2DOptions", window))
    mean = g.op("MEAN", [x, ints(g, -2, 1)], [g.tensor((1, 2), "uint8", scale=0.25)], ("ReducerOptions", {}), output=False)
    g.op("SOFTMAX", [mean], [g.tensor((1, 2), "uint8", scale=1 / 256)], ("SoftmaxOptions", {"beta": 1.0}))
    return g


def resize():
    g = Graph()
    x = g.input((1, 2, 3, 1), "int8", scale=0.5, name="x")
    y = lambda: g.tensor((1, 4, 6, 1), "int8", scale=0.5)  # noqa: E731
    g.op("RESIZE_NEAREST_NEIGHBOR", [x, ints(g, 4, 6)], [y()], ("ResizeNearestNeighborOptions", {}))
    g.op("RESIZE_BILINEAR", [x, ints(g, 4, 6)], [y()], ("ResizeBilinearOptions", {"half_pixel_centers": True}))
    return g


def selection():
    g = Graph()
    x = g.input((2, 3), "uint8", scale=0.5, name="x")
    g.op("ARG_MAX", [x, ints(g, -1)], [g.tensor((2,), "int64")], ("ArgMaxOptions", {"output_type": "INT64"}))
    g.op("GATHER_ND", [x, g.constant(np.array([[1, 2], [0, 0]], np.int32))], [g.tensor((2,), "uint8", scale=0.5)])
    g.op("QUANTIZE", [x], [g.tensor((2, 3), "int8", scale=0.25, zero_point=-1)])
    g.op("DEQUANTIZE", [x], [g.tensor((2, 3), "float32")])
    return g


def recurrent():
    g = Graph()
    x = g.input((1, 5, 2), "float32", name="x")
    w = lambda *shape: filled(g, shape, "float32")  # noqa: E731
    inputs = [x, *(w(3, 2) for _ in range(4)), *(w(3, 3) for _ in range(4)), -1, -1, -1, *(w(3) for _ in range(4)), -1, -1]
    for _ in range(2):
        inputs.append(g.tensor((1, 3), "float32"))
        g.tensors[-1]["is_variable"] = True
    g.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [g.tensor((1, 5, 3), "float32")],
         ("UnidirectionalSequenceLSTMOptions", {"fused_activation_function": "TANH"}))  # fmt: skip
    return g


def detection():
    from flatbuffers import flexbuffers

    g = Graph()
    boxes, scores = g.input((1, 6, 4), "float32", name="boxes"), g.input((1, 6, 3), "float32", name="scores")
    outputs = [g.tensor((), "float32") for _ in range(4)]
    options = {"max_detections": 3, "max_classes_per_detection": 1, "num_classes": 2, "nms_score_threshold": 0.25,
               "nms_iou_threshold": 0.5, "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0}  # fmt: skip
    anchors = filled(g, (6, 4), "float32")
    g.op("CUSTOM", [boxes, scores, anchors], outputs, custom="TFLite_Detection_PostProcess", custom_options=list(flexbuffers.Dumps(options)))
    return g


def refused():
    """Nothing here can be compiled; each reason is said."""
    g = Graph()
    x = g.input((1, 4), "int16", scale=0.5, name="x")
    y = lambda name: g.tensor((1, 4), "int16", scale=0.5, name=name)  # noqa: E731
    g.op("ADD", [x, x], [y("power")], ("AddOptions", {}))
    g.op("CONCATENATION", [x, x], [y("axis")], ("ConcatenationOptions", {"axis": 5}))
    w = filled(g, (4, 4), scale=0.5)
    g.op("FULLY_CONNECTED", [x, w, g.constant(np.full(4, 1 << 40))], [y("bias")], ("FullyConnectedOptions", {}))
    g.op("FULLY_CONNECTED", [x, x, -1], [y("weights")], ("FullyConnectedOptions", {}))
    g.op("SOFTMAX", [x], [y("beta")], ("SoftmaxOptions", {"beta": -2.0}))
    g.op("FLOOR", [x], [y("quantized")])
    return g


def unknown():
    """Operators that no one reads are named in one go."""
    g = Graph()
    x = g.input((1, 4), "float32", name="x")
    g.op("WHERE", [x], [g.tensor((1, 4), "float32", name="a")])
    g.op("CUSTOM", [x], [g.tensor((1, 4), "float32", name="b")], custom="MyOwn")
    return g


def main():
    for build in (contractions, movement, elementwise, pooling, resize, selection, recurrent, detection, refused, unknown):
        path = os.path.join(HERE, "tflite", build.__name__ + ".json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            json.dump(build().model(), file)
            file.write("\n")


if __name__ == "__main__":
    main()
