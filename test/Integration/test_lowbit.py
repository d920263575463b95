"""Weights of four bits: bytes like the interpreter's on every CPU, half the size, and what accuracy remains."""
import json
import os
import re
import shutil
import tempfile
import unittest

import numpy as np

import evaluate_accuracy
import harness
import smallnets
from harness import CPUS, DYADIC
from models import Unavailable


def perceptron(n):
    """Two layers of 256 units, the middle one over five rows."""
    y = n("Relu", n("Add", n("MatMul", "x", n.random(77, 256)), n.random(256, scale=0.2)))
    return n("MatMul", n("Relu", n("MatMul", y, n.random(256, 256))), n.random(256, 40))


class LowBit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-lowbit-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        network = smallnets.Net((5, 77))
        network.finish(perceptron(network), self.at("net.onnx"))
        self.x = np.random.default_rng(1).normal(0, 1, (20, 77)).astype(np.float32)
        np.savez(self.at("x.npz"), x=self.x)

    def at(self, name):
        return os.path.join(self.folder, name)

    def compiled(self, cpu, *flags):
        out = self.at(re.sub("[*:=-]", "", "_".join([cpu, *flags])))
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", out, "--calibrate", self.at("x.npz"), "--cpu", cpu, *flags])
        return out

    def outputs(self, *flags):
        """What the interpreter and every CPU give, which is the same."""
        command = [DYADIC, "run", self.at("net.onnx"), "--calibrate", self.at("x.npz"), "--input", self.at("x.npz"), *flags]
        harness.check([*command, "--interpret", "--output", self.at("expected.npz")])
        expected = harness.load(self.at("expected.npz"))["y"]
        for cpu in filter(harness.this_machine_has, CPUS):
            got = harness.execute(self.compiled(cpu, *flags), self.at("x.npz"), self.folder)["y"]
            np.testing.assert_array_equal(expected, got, cpu)
        return expected

    def test_noise(self):
        exact = harness.execute(self.float(), self.at("x.npz"), self.folder)["y"]
        decibels = {}
        for kind in "int8", "int4", "int4:group=32", "codebook4":
            noise = self.outputs("--weights", kind) - exact
            decibels[kind] = 10 * np.log10((exact**2).sum() / (noise**2).sum())
        print(decibels, flush=True)
        self.assertGreater(decibels["int8"], 35)
        self.assertGreater(decibels["int4"], 14)
        self.assertGreater(decibels["codebook4"], decibels["int4"] + 1)
        self.assertGreater(decibels["int4:group=32"], decibels["int4"] + 1)

    def test_groups_of_other_schemes(self):
        for scheme in ["--scheme", "dynamic"], ["--activations", "int16"]:
            noise = self.outputs("--weights", "int4:group=32", *scheme) - self.outputs("--weights", "int8", *scheme)
            self.assertTrue(noise.any())

    def float(self):
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("float"), "--float"])
        return self.at("float")

    def test_size(self):
        size = lambda *flags: os.path.getsize(self.compiled("avx2", *flags))
        if not harness.this_machine_has("avx2"):
            self.skipTest("this machine has no AVX2")
        weights = 77 * 256 + 256 * 256 + 256 * 40
        self.assertGreater(size() - size("--weights", "int4"), 0.4 * weights)
        self.assertGreater(size() - size("--weights", "codebook4"), 0.4 * weights)
        self.assertGreater(size() - size("--weights", "int4:group=32"), 0.4 * weights)

    def test_one_layer(self):
        eight, four = self.outputs("--weights", "int8"), self.outputs("--weights", "int4")
        one = self.outputs("--weights", "MatMul_3=int4")
        self.assertTrue((one != eight).any() and (one != four).any())

    def test_explained(self):
        """Half a byte a weight, a byte a factor, and a bias."""
        command = [DYADIC, "explain", self.at("net.onnx"), "--calibrate", self.at("x.npz"), "--recover", "none"]
        harness.check([*command, "--weights", "int4:group=32", "--json", self.at("explained.json")])
        with open(self.at("explained.json")) as f:
            first = next(layer for layer in json.load(f)["layers"] if layer["weights"])
        self.assertEqual((4, 77 * 256 // 2 + 3 * 256 + 4 * 256), (first["weights"]["bits"], first["weightBytes"]))

    def test_refused(self):
        for choice, message in [("int3", "but got int3: use --scheme weight-only for it"),
                                ("conv*=int4", 'there is no convolution or matrix product named "conv*"')]:
            done = harness.run([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("no"), "--calibrate", self.at("x.npz"), "--weights", choice])
            self.assertEqual(2, done.returncode)
            self.assertIn(message, done.stderr)


class Accuracy(unittest.TestCase):
    def test_digits(self):
        try:
            metrics = evaluate_accuracy.metrics_module()
        except (Unavailable, ImportError) as e:
            raise unittest.SkipTest(str(e))
        for kind, loss in ("int4", 0.04), ("codebook4", 0.03):
            # A library that is loaded again from one path is the first one.
            folder = tempfile.mkdtemp(prefix="dyadic-lowbit-")
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
            found = evaluate_accuracy.evaluate(metrics, "digits_base", folder, ["--weights", kind])
            print(kind, found, flush=True)
            self.assertGreaterEqual(found["int8"]["acc"], found["float"]["acc"] - loss, kind)


if __name__ == "__main__":
    unittest.main()
