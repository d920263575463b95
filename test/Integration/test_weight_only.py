"""Weights of few bits before f32 products: what compiled code makes of them is what the interpreter does, and files shrink."""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
import smallnets
from harness import CPUS, DYADIC

# Groups that divide a sum and its steps and such that don't, all ways of decoding.
FORMATS = ["int8", "int8:tensor", "int8:group=32:asymmetric", "int4", "int4:group=64", "int4:group=20:asymmetric",
           "int3:group=32", "int3:asymmetric", "int2:group=64", "nf4:group=64", "codebook4:group=24", "codebook3", "codebook2", "pow2:group=128"]  # fmt: skip


def perceptron(n):
    """Rows enough for panels that are decoded once, then one row; sums of 77, 256 and 200."""
    y = n("Relu", n("Add", n("MatMul", "x", n.random(77, 256)), n.random(256, scale=0.2)))
    y = n("ReduceMean", n("MatMul", y, n.random(256, 200)), axes=[0], keepdims=1)
    return n("MatMul", n("Relu", y), n.random(200, 40))


class WeightOnly(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-weight-only-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def network(self, rows):
        network = smallnets.Net((rows, 77))
        network.finish(perceptron(network), self.at("net.onnx"))
        np.savez(self.at("x.npz"), x=np.random.default_rng(1).normal(0, 1, (rows, 77)).astype(np.float32))

    def compiled(self, cpu, *flags):
        out = self.at("_".join([cpu, *flags]).translate(str.maketrans("*-:=,", "_____")))
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", out, "--cpu", cpu, *flags])
        return out

    def compare(self, *flags):
        """What the interpreter gives; every CPU gives nearly the same."""
        command = [DYADIC, "run", self.at("net.onnx"), "--input", self.at("x.npz"), *flags]
        harness.check([*command, "--interpret", "--output", self.at("expected.npz")])
        expected = harness.load(self.at("expected.npz"))["y"]
        for cpu in filter(harness.this_machine_has, CPUS):
            got = harness.execute(self.compiled(cpu, *flags), self.at("x.npz"), self.folder)["y"]
            np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max(), err_msg=f"{cpu} {flags}")
        return expected

    def test_formats(self):
        self.network(19)
        exact = self.compare("--float")
        noise = {}
        for kind in FORMATS:
            got = self.compare("--scheme", "weight-only", "--weights", kind)
            noise[kind] = 10 * np.log10(((got - exact) ** 2).sum() / (exact**2).sum())
        print({kind: round(float(n), 1) for kind, n in noise.items()}, flush=True)
        self.assertLess(noise["int8"], -35)
        self.assertLess(noise["int4:group=64"], -12)
        self.assertLess(noise["int4:group=64"], noise["int3:group=32"])

    def test_samples(self):
        """Samples whose elements go together tell how to round."""
        self.network(19)
        random = np.random.default_rng(2)
        x = random.normal(0, 1, (12 * 19, 8)) @ random.normal(0, 1, (8, 77)) + random.normal(0, 0.1, (12 * 19, 77))
        np.savez(self.at("many.npz"), x=x.astype(np.float32))

        def outputs(*flags):
            harness.check([DYADIC, "run", self.at("net.onnx"), "--input", self.at("many.npz"), "--output", self.at("y.npz"), *flags])
            return harness.load(self.at("y.npz"))["y"]

        exact = outputs("--float")
        few = "--scheme", "weight-only", "--weights", "int3:group=32"
        error = lambda y: 10 * np.log10(((y - exact) ** 2).sum() / (exact**2).sum())
        nearest, learned = error(outputs(*few)), error(outputs(*few, "--calibrate", self.at("many.npz")))
        print(f"nearest {nearest:.1f} dB, on samples {learned:.1f} dB", flush=True)
        self.assertLess(learned, nearest - 3)

    def test_size(self):
        self.network(19)
        weights = 77 * 256 + 256 * 200 + 200 * 40
        plain = os.path.getsize(self.compiled("native", "--float"))
        for kind, bits in ("int8", 8), ("int4:group=64", 4.25), ("int3:group=64", 3.3), ("int2:group=64", 2.3):
            size = os.path.getsize(self.compiled("native", "--scheme", "weight-only", "--weights", kind))
            self.assertLess(size, plain - weights * (32 - 1.25 * bits) / 8 + 20000, kind)

    def test_refused(self):
        self.network(19)
        for choice in "int5", "nf4:asymmetric", "conv*=int4":
            done = harness.run([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("no"), "--scheme", "weight-only", "--weights", choice])
            self.assertEqual(2, done.returncode)
            self.assertIn("expected weights of kind" if "*" not in choice else "there is no convolution", done.stderr)


if __name__ == "__main__":
    unittest.main()
