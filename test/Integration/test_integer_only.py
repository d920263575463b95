"""--integer-only: networks like transformers and recognizers without a float op, the interpreter's bytes on every
CPU, near what onnxruntime computes in float; and what can't be had in integers is refused, all of it by name."""
import os
import re
import shutil
import tempfile
import unittest

import numpy as np
import onnxruntime

import harness
import smallnets
from harness import CPUS, DYADIC


def norm(n, x, width):
    return n("LayerNormalization", x, n.const(n.rng.uniform(0.5, 1.5, width)), n.random(width, scale=0.2), axis=-1, epsilon=1e-5)


def rms_norm(n, x, width):
    mean = n("ReduceMean", n("Mul", x, x), axes=[-1])
    return n("Mul", n("Div", x, n("Sqrt", n("Add", mean, n.const(1e-5)))), n.const(n.rng.uniform(0.5, 1.5, width)))


def dense(n, x, inputs, outputs):
    return n("Add", n("MatMul", x, n.random(inputs, outputs, scale=inputs**-0.5)), n.random(outputs, scale=0.2))


def attention(n, x, length, width, mask=None):
    """One head, whose scores a mask may be added to."""
    q, k, v = (dense(n, x, width, width) for _ in range(3))
    scores = n("MatMul", q, n("Transpose", k, perm=[0, 2, 1]))
    scores = n("Mul", scores, n.const(width**-0.5))
    if mask is not None:
        scores = n("Add", scores, mask)
    return n("MatMul", n("Softmax", scores, axis=-1), v)


def encoder(n):
    """A layer of BERT, its GELU by erf, a mask that hides two tokens, and a mean over the rest of length one."""
    length, width = 11, 24
    mask = np.zeros((1, 1, length), np.float32)
    mask[..., -2:] = -3.4e38
    y = norm(n, "x", width)
    y = norm(n, n("Add", y, dense(n, attention(n, y, length, width, n.const(mask)), width, width)), width)
    wide = dense(n, y, width, 50)
    erf = n("Erf", n("Mul", wide, n.const(2**-0.5)))
    gelu = n("Mul", n("Mul", wide, n("Add", erf, n.const(1.0))), n.const(0.5))
    y = norm(n, n("Add", y, dense(n, gelu, 50, width)), width)
    y = n("ReduceMean", y, axes=[1], keepdims=0)
    length = n("Sqrt", n("ReduceSum", n("Mul", y, y), n.ints(-1), keepdims=1))
    return n("Div", y, length)


def recognizer(n):
    """Pre-norm blocks with swish, and class probabilities."""
    width = 20
    y = dense(n, "x", 16, width)
    y = n("Mul", y, n("Sigmoid", y))
    y = n("Add", y, attention(n, norm(n, y, width), 9, width))
    y = n("Add", y, n("Tanh", dense(n, rms_norm(n, y, width), width, width)))
    return n("Softmax", dense(n, norm(n, y, width), width, 40), axis=-1)


NETS = {"encoder": (encoder, (1, 11, 24), 30), "recognizer": (recognizer, (1, 9, 16), 20)}


class IntegerOnly(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-integer-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def write(self, build, shape, samples=16):
        network = smallnets.Net(shape)
        network.finish(build(network), self.at("net.onnx"))
        x = np.random.default_rng(3).normal(0, 1, (samples, *shape[1:])).astype(np.float32)
        np.savez(self.at("x.npz"), x=x)
        return x

    def tool(self, *command):
        return [DYADIC, *command[:1], self.at("net.onnx"), "--calibrate", self.at("x.npz"), "--integer-only", *command[1:]]

    def test_networks(self):
        for name, (build, shape, decibel) in NETS.items():
            with self.subTest(name):
                x = self.write(build, shape)
                fused = harness.check(self.tool("compile", "--emit=fused")).stdout
                computing = [
                    line
                    for line in fused.splitlines()
                    if re.match(r"\s*%[\w:]+ = .*f32", line)
                    and not re.search(r"= (dyadic\.(kernel|quantize|dequantize)|qnn\.constant)\b", line)
                ]
                self.assertEqual(computing, [])
                self.assertEqual(len(re.findall(r"= dyadic\.quantize\b", fused)), 1)
                self.assertEqual(len(re.findall(r"= dyadic\.dequantize\b", fused)), 1)
                results = {}
                targets = [["--interpret"], *(["--cpu", cpu] for cpu in CPUS if harness.this_machine_has(cpu))]
                for flags in targets:
                    out = self.at("out.npz")
                    harness.check(self.tool("run", "--input", self.at("x.npz"), "--output", out, *flags))
                    results[flags[-1]] = harness.load(out)["y"]
                for flags in targets[1:]:
                    np.testing.assert_array_equal(results["--interpret"], results[flags[-1]], f"{name} {flags}")
                session = onnxruntime.InferenceSession(self.at("net.onnx"))
                exact = np.concatenate([session.run(None, {"x": x[i : i + 1]})[0] for i in range(len(x))])
                error = results["--interpret"].reshape(exact.shape) - exact
                noise = 10 * np.log10((exact**2).sum() / (error**2).sum())
                print(name, f"{noise:.1f} dB", flush=True)
                self.assertGreater(noise, decibel)

    def test_refused(self):
        """Each float op is named, where it is, and why it is one."""

        def build(n):
            y = n("Pow", n("Exp", dense(n, "x", 8, 8)), dense(n, "x", 8, 8))
            return n("Floor", n("Cos", y))

        self.write(build, (1, 3, 8))
        done = harness.run(self.tool("compile", "-o", self.at("net.o")))
        self.assertEqual(done.returncode, 1, done.stderr)
        for op in "Pow", "Cos", "Floor":
            self.assertRegex(done.stderr, rf"(?m){op}_\d+.*expected integers only, but '[\w.]*' stays in float because ")
        self.assertIn("compute in float: ", done.stderr)
        self.assertFalse(os.path.exists(self.at("net.o")))
        done = harness.run([DYADIC, "compile", self.at("net.onnx"), "--scheme", "dynamic", "--integer-only", "-o", self.at("net.o")])
        self.assertIn("--integer-only: expected scheme static", done.stderr)


if __name__ == "__main__":
    unittest.main()
