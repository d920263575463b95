"""--scheme dynamic: bytes like the interpreter's on every CPU, without samples, and near what onnxruntime computes in float."""
import os
import shutil
import tempfile
import unittest

import numpy as np
import onnxruntime

import harness
import smallnets
from harness import CPUS, DYADIC

ARM = ["--target", "aarch64-linux-gnu", "--cpu"]


def perceptron(n):
    """Two layers of 70 units over tokens; the first one's input is read twice."""
    dense = lambda x, inputs, outputs: n("Add", n("MatMul", x, n.random(inputs, outputs)), n.random(outputs, scale=0.2))
    y = n("Relu", n("Add", dense("x", 50, 70), dense("x", 50, 70)))
    return dense(y, 70, 33)


def convolutions(n):
    """Larger windows with borders, depthwise, grouped, strided; then a scale for each pixel."""
    y = n("Relu", n.conv("x", 5, 24, pads=[1, 1, 1, 1]))
    y = n("Relu", n.conv(y, 24, 24, pads=[1, 1, 1, 1], strides=[2, 2], group=24))
    y = n("Relu", n.conv(y, 24, 20, 1))
    y = n("Add", y, n.conv(y, 20, 20, 3, pads=[2, 2, 2, 2], dilations=[2, 2], group=4))
    return n.conv(y, 20, 7, 1, strides=[2, 2])


NETS = {"perceptron": (perceptron, (2, 9, 50)), "convolutions": (convolutions, (2, 5, 11, 13))}


class DynamicScales(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-scales-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def prepare(self, name, shape=None):
        """Writes the network and samples whose rows differ a hundredfold; what it computes in float."""
        build, own = NETS[name]
        network = smallnets.Net(shape or own)
        network.finish(build(network), self.at("net.onnx"))
        rng = np.random.default_rng(2)
        x = rng.normal(0, 1, own) * np.exp(rng.uniform(-2.5, 2.5, (*own[:2], *[1] * (len(own) - 2))))
        np.savez(self.at("x.npz"), x=x.astype(np.float32))
        return onnxruntime.InferenceSession(self.at("net.onnx")).run(None, {"x": x.astype(np.float32)})[0]

    def run_tool(self, *flags):
        out = self.at("out.npz")
        harness.check([DYADIC, "run", self.at("net.onnx"), "--input", self.at("x.npz"), "--output", out, *flags])
        return harness.load(out)["y"]

    def test_bytes(self):
        """Scales come from operations that every machine rounds alike, and so are the reals."""
        has_arm = shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc")
        targets = [["--cpu", cpu] for cpu in CPUS if harness.this_machine_has(cpu)]
        targets += [[*ARM, cpu] for cpu in ("cortex-a53", "cortex-a76") if has_arm]
        for name in NETS:
            exact = self.prepare(name)
            noise = {}
            for scheme in "dynamic", "dynamic-tensor":
                expected = self.run_tool("--scheme", scheme, "--interpret")
                for flags in targets:
                    np.testing.assert_array_equal(expected, self.run_tool("--scheme", scheme, *flags), f"{name} {scheme} {flags}")
                noise[scheme] = 10 * np.log10((exact**2).sum() / ((expected - exact) ** 2).sum())
            print(name, noise, flush=True)
            self.assertGreater(noise["dynamic"], 30)
            self.assertGreater(noise["dynamic-tensor"], 25)
        if not has_arm:
            self.skipTest("ARM64: this machine has no qemu-aarch64 or no cross compiler")

    def test_rows_keep_their_precision(self):
        """A row a hundred times smaller than another has as many steps: its error is as small beside it."""
        exact = self.prepare("perceptron")
        error = lambda scheme: (np.abs(self.run_tool("--scheme", scheme) - exact).max(-1) / np.abs(exact).max(-1)).max()
        self.assertLess(error("dynamic"), 0.02)
        self.assertGreater(error("dynamic-tensor"), 2 * error("dynamic"))

    def test_threads(self):
        for name in NETS:
            self.prepare(name)
            one = self.run_tool("--scheme", "dynamic")
            for threads in "2", "3":
                flags = ["--threads", threads, "--thread-cost", "0"]
                np.testing.assert_array_equal(one, self.run_tool("--scheme", "dynamic", *flags))

    def test_open_length(self):
        self.prepare("perceptron", (2, "tokens", 50))
        fixed = self.run_tool("--scheme", "dynamic", "--shape", "x=2x9x50")
        np.testing.assert_array_equal(fixed, self.run_tool("--scheme", "dynamic", "--shape", "x=2x3..12x50"))
        done = self.refused("--scheme", "dynamic-tensor", "--shape", "x=2x3..12x50")
        self.assertIn("can't run at a length that varies yet: one scale is for all of it", done)

    def refused(self, *flags):
        done = harness.run([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("net.o"), *flags])
        self.assertNotEqual(0, done.returncode)
        return done.stderr

    def test_refused(self):
        self.prepare("perceptron")
        self.assertIn("--scheme", self.refused("--scheme", "dynamic", "--float"))
        self.assertIn("--scheme", self.refused("--scheme", "dynamite"))
        self.assertIn("no kernel for 'dyadic.dynamic_quantize' on this target", self.refused("--scheme", "dynamic", "--target", "nvptx64"))
        self.assertIn("--scheme dynamic", self.refused())

    def test_explain_and_summary(self):
        self.prepare("perceptron")
        done = harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("net.o"), "--scheme", "dynamic"])
        self.assertIn("3 ops in integers", done.stdout)
        self.assertIn("(dynamic)", done.stdout)
        for flags in ["--input"], ["--calibrate"]:
            done = harness.check([DYADIC, "explain", self.at("net.onnx"), *flags, self.at("x.npz"), "--scheme", "dynamic"])
            self.assertIn("3 ops in integers", done.stdout)


if __name__ == "__main__":
    unittest.main()
