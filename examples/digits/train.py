#!/usr/bin/env python3
"""Trains the digits example and writes the files beside this script.

    digits.onnx  convolution 3x3, relu, max pooling, convolution 3x3, relu, fully connected
    calib.npz    128 training images, for dyadic compile --calibrate
    test.npz     the held-out images ("image") and what they show ("label")

The 1,797 images of 8x8 pixels are scikit-learn's. The network is small enough
to be trained here in numpy; the seed is fixed, so the files can be made again.
"""
import os
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = os.path.dirname(os.path.abspath(__file__))
CHANNELS = (16, 32)
EPOCHS, BATCH, RATE = 40, 32, 2e-3


def patches(x):
    """[n,c,h,w] -> [n,h,w,c*9]: the 3x3 neighbourhood of each pixel, zero outside."""
    n, c, h, w = x.shape
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    views = [p[:, :, i : i + h, j : j + w] for i in range(3) for j in range(3)]
    return np.stack(views, 2).transpose(0, 3, 4, 1, 2).reshape(n, h, w, c * 9)


def unpatch(g, c):
    """The gradient of `patches`: [n,h,w,c*9] -> [n,c,h,w]."""
    n, h, w, _ = g.shape
    g = g.reshape(n, h, w, c, 9).transpose(0, 3, 4, 1, 2)
    p = np.zeros((n, c, h + 2, w + 2), np.float32)
    for k in range(9):
        p[:, :, k // 3 : k // 3 + h, k % 3 : k % 3 + w] += g[:, :, k]
    return p[:, :, 1:-1, 1:-1]


def forward(x, P):
    w1, b1, w2, b2, w3, b3 = P
    n = len(x)
    p1 = patches(x)
    h1 = np.maximum(p1 @ w1.reshape(len(w1), -1).T + b1, 0).transpose(0, 3, 1, 2)
    windows = h1.reshape(n, CHANNELS[0], 4, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, CHANNELS[0], 4, 4, 4)
    pick = windows.argmax(-1)
    m1 = np.take_along_axis(windows, pick[..., None], -1)[..., 0]
    p2 = patches(m1)
    h2 = np.maximum(p2 @ w2.reshape(len(w2), -1).T + b2, 0).transpose(0, 3, 1, 2)
    f = h2.reshape(n, -1)
    return f @ w3.T + b3, (p1, h1, pick, p2, h2, f)


def gradients(scores, y, P, kept):
    w1, b1, w2, b2, w3, b3 = P
    p1, h1, pick, p2, h2, f = kept
    n = len(y)
    g = np.exp(scores - scores.max(1, keepdims=True))
    g /= g.sum(1, keepdims=True)
    g[np.arange(n), y] -= 1
    g /= n
    gw3, gb3 = g.T @ f, g.sum(0)
    g = ((g @ w3).reshape(h2.shape) * (h2 > 0)).transpose(0, 2, 3, 1).reshape(-1, CHANNELS[1])
    gw2, gb2 = (g.T @ p2.reshape(len(g), -1)).reshape(w2.shape), g.sum(0)
    g = unpatch((g @ w2.reshape(len(w2), -1)).reshape(n, 4, 4, -1), CHANNELS[0])
    windows = np.zeros(g.shape + (4,), np.float32)
    np.put_along_axis(windows, pick[..., None], g[..., None], -1)
    g = windows.reshape(n, CHANNELS[0], 4, 4, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(h1.shape) * (h1 > 0)
    g = g.transpose(0, 2, 3, 1).reshape(-1, CHANNELS[0])
    gw1, gb1 = (g.T @ p1.reshape(len(g), -1)).reshape(w1.shape), g.sum(0)
    return gw1, gb1, gw2, gb2, gw3, gb3


def train(x, y, rng):
    he = lambda *shape: rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
    zeros = lambda n: np.zeros(n, np.float32)
    c1, c2 = CHANNELS
    P = [he(c1, 1, 3, 3), zeros(c1), he(c2, c1, 3, 3), zeros(c2), he(10, c2 * 16), zeros(10)]
    mean, square, step = [0] * 6, [0] * 6, 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        for i in range(0, len(x), BATCH):
            at = order[i : i + BATCH]
            scores, kept = forward(x[at], P)
            step += 1
            for k, g in enumerate(gradients(scores, y[at], P, kept)):  # Adam
                mean[k] = 0.9 * mean[k] + 0.1 * g
                square[k] = 0.999 * square[k] + 0.001 * g * g
                rate = RATE * (1 - epoch / EPOCHS) * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                P[k] = (P[k] - rate * mean[k] / (np.sqrt(square[k]) + 1e-8)).astype(np.float32)
    return P


def write_onnx(P, path):
    names = ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias"]
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    nodes = [
        helper.make_node("Conv", ["image", *names[0:2]], ["conv1"], "conv1", **conv),
        helper.make_node("Relu", ["conv1"], ["relu1"], "relu1"),
        helper.make_node("MaxPool", ["relu1"], ["pool"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["pool", *names[2:4]], ["conv2"], "conv2", **conv),
        helper.make_node("Relu", ["conv2"], ["relu2"], "relu2"),
        helper.make_node("Flatten", ["relu2"], ["flat"], "flat"),
        helper.make_node("Gemm", ["flat", *names[4:6]], ["scores"], "fc", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(p, name) for p, name in zip(P, names)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    rng = np.random.default_rng(1)
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    order = rng.permutation(len(x))
    test, rest = order[:400], order[400:]
    P = train(x[rest], y[rest], rng)
    accuracy = (forward(x[test], P)[0].argmax(1) == y[test]).mean()
    print(f"float accuracy on {len(test)} held-out digits: {accuracy:.4f}")
    write_onnx(P, os.path.join(HERE, "digits.onnx"))
    np.savez_compressed(os.path.join(HERE, "calib.npz"), image=x[rest[:128]])
    np.savez_compressed(os.path.join(HERE, "test.npz"), image=x[test], label=y[test])


if __name__ == "__main__":
    main()
