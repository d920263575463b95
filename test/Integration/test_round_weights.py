"""--round-weights: GPTQ and AdaRound lose less than rounding to the nearest does."""
import glob
import os
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness
from harness import DYADIC
from tflitecases import DATA, Scratch


def save_net(path, rng):
    """A convolution, a depthwise one and products, with random weights; 12 channels."""
    shapes = [(12, 3, 3, 3), (12, 1, 3, 3), (12, 12, 1, 1), (8, 12)]
    weights = [rng.normal(0, 1 / np.sqrt(np.prod(s[1:])), s).astype(np.float32) for s in shapes]
    pads = dict(pads=[1, 1, 1, 1])
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], **pads),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w1"], ["c"], group=12, **pads),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "w2"], ["e"]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("GlobalAveragePool", ["f"], ["g"]),
        helper.make_node("Flatten", ["g"], ["h"]),
        helper.make_node("Gemm", ["h", "w3"], ["y"], transB=1),
    ]
    tensors = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    border = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 12, 12]), helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])]
    graph = helper.make_graph(nodes, "g", border[:1], border[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


class RoundWeights(Scratch):
    def outputs(self, model, samples, *flags):
        np.save(self.at("x.npy"), samples)
        harness.check([DYADIC, "run", model, "--input", self.at("x.npy"), "--output", self.at("y.npz"), *flags])
        (y,) = harness.load(self.at("y.npz")).values()
        return y.reshape(len(samples), -1).astype(np.float64)

    def test_losses_of_a_small_net(self):
        rng = np.random.default_rng(5)
        save_net(self.at("net.onnx"), rng)
        # Smooth images: neighbours have much in common.
        images = rng.normal(0, 1, (192, 3, 14, 14))
        images = sum(images[:, :, i : i + 12, j : j + 12] for i in range(3) for j in range(3)) / 3 + rng.normal(0, 1, (192, 3, 1, 1))
        samples, test = np.split(images.astype(np.float32), [64])
        np.save(self.at("samples.npy"), samples)
        real = self.outputs(self.at("net.onnx"), test, "--float")

        def loss(*flags):
            y = self.outputs(self.at("net.onnx"), test, "--calibrate", self.at("samples.npy"), "--weights", "int4", *flags)
            return ((y - real) ** 2).sum() / (real**2).sum()

        losses = {name: loss("--round-weights", name) for name in ("nearest", "gptq", "adaround", "best")}
        print("small net, 4-bit weights:", " ".join(f"{name} {x:.5f}" for name, x in losses.items()))
        for name in ("gptq", "adaround", "best"):
            self.assertLess(losses[name], 0.8 * losses["nearest"], name)
        # What two thirds of the samples decide on is done again with all of them.
        self.assertIn(losses["best"], (losses["gptq"], losses["adaround"]))
        # Without samples to learn from there is nothing to round by.
        self.assertEqual(loss("--recover", "none", "--round-weights", "gptq"), loss("--recover", "none"))

    def test_visual_wake_words(self):
        """What AdaRound recovers of what 4-bit weights lose, on photographs, against the float network."""
        from PIL import Image

        model = os.path.join(DATA, "mlperf-tiny", "vww_96_float.tflite")
        names = sorted(glob.glob(os.path.join(DATA, "imagenet-sample", "*.jpg")))
        if not os.path.exists(model) or not names:
            self.skipTest(f"{DATA} has no vww_96_float.tflite or photographs")
        photos = [np.asarray(Image.open(n).convert("RGB").resize((96, 96), Image.BILINEAR), np.float32) / 255 for n in names]
        samples, test = np.split(np.stack(photos)[np.random.default_rng(0).permutation(len(photos))], [64])
        np.save(self.at("samples.npy"), samples)
        real = self.outputs(model, test, "--float")

        def loss(*flags):
            y = self.outputs(model, test, "--calibrate", self.at("samples.npy"), *flags)
            return (real * (np.log(real + 1e-9) - np.log(y + 1e-9))).sum(1).mean()

        eight, nearest, learned = loss(), loss("--weights", "int4", "--round-weights", "nearest"), loss("--weights", "int4", "--round-weights", "adaround")
        recovered = (nearest - learned) / (nearest - eight)
        print(f"vww_96: KL from float, 8 bits {eight:.5f}, 4-bit weights to nearest {nearest:.5f}, by AdaRound {learned:.5f}: recovers {recovered:.2f}")
        self.assertGreater(recovered, 0.7)

    def test_refuses_other_names(self):
        save_net(self.at("net.onnx"), np.random.default_rng(5))
        np.save(self.at("samples.npy"), np.zeros((8, 3, 12, 12), np.float32))
        command = [DYADIC, "compile", self.at("net.onnx"), "--calibrate", self.at("samples.npy"), "-o", self.at("n.o"), "--round-weights"]
        for name, message in ("up", "--round-weights"), ("awq", "--round-weights awq: expected the scheme weight-only"):
            done = subprocess.run([*command, name], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr)
            self.assertFalse(os.path.exists(self.at("n.o")))

    def test_awq(self):
        """Four-bit weights beside floats: what loud channels read is rounded more finely."""
        rng = np.random.default_rng(5)
        loud = np.where(np.arange(32) % 8 == 3, 16, 1)
        w0, w1 = rng.normal(0, 1, (32, 16)) * loud[:, None], rng.normal(0, 1, (8, 32)) / np.sqrt(loud)
        tensors = [numpy_helper.from_array(w.astype(np.float32), f"w{i}") for i, w in enumerate((w0, w1))]
        nodes = [
            helper.make_node("Gemm", ["x", "w0"], ["h"], transB=1),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w1"], ["y"], transB=1, name="reader"),
        ]
        border = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, size]) for n, size in (("x", 16), ("y", 8))]
        graph = helper.make_graph(nodes, "g", border[:1], border[1:], tensors)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), self.at("loud.onnx"))
        samples, test = np.split(rng.normal(0, 1, (128, 16)).astype(np.float32), [64])
        np.save(self.at("samples.npy"), samples)
        real = self.outputs(self.at("loud.onnx"), test, "--float")

        def loss(name):
            y = self.outputs(self.at("loud.onnx"), test, "--calibrate", self.at("samples.npy"), "--scheme", "weight-only", "--weights", "int8",
                             "--weights", "reader=int4", "--round-weights", name)  # fmt: skip
            return ((y - real) ** 2).sum() / (real**2).sum()

        nearest, awq = loss("nearest"), loss("awq")
        print(f"four-bit weights to the nearest lose {nearest:.5f}, after AWQ {awq:.5f}")
        self.assertLess(awq, 0.7 * nearest)


if __name__ == "__main__":
    unittest.main()
