"""LSTMs and GRUs with --integer-only: no float op, the interpreter's bytes on every CPU, near what onnxruntime computes in
float. silero-vad, quantized as by default and with --integer-only."""
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
from models import Unavailable, package_folder
from native import Native
from test_silero import speech_like

STEPS, BATCH, WIDTH = 9, 2, 12


def head(n, y, inputs):
    return n("Add", n("MatMul", y, n.random(inputs, 7, scale=inputs**-0.5)), n.random(7, scale=0.2))


def one_way(n):
    """States of zeros, a number of units that no group of products divides."""
    y, *_ = n("LSTM", "x", n.random(1, 60, WIDTH, scale=0.5), n.random(1, 60, 15, scale=0.3), n.random(1, 120, scale=0.2), outputs=3, hidden_size=15)
    return head(n, n("Squeeze", y, n.ints(1)), 15)


def both_ways(n):
    """States that are given, and a second layer on both directions' results."""
    h, c = n.const(n.rng.uniform(-1, 1, (2, BATCH, 16))), n.const(n.rng.normal(0, 3, (2, BATCH, 16)))
    y, *_ = n("LSTM", "x", n.random(2, 64, WIDTH, scale=0.5), n.random(2, 64, 16, scale=0.3), "", "", h, c, outputs=3, hidden_size=16, direction="bidirectional")
    y = n("Reshape", n("Transpose", y, perm=[0, 2, 1, 3]), n.ints(STEPS, BATCH, 32))
    y, *_ = n("LSTM", y, n.random(1, 96, 32, scale=0.3), n.random(1, 96, 24, scale=0.2), n.random(1, 192, scale=0.2), outputs=3, hidden_size=24)
    return head(n, n("Squeeze", y, n.ints(1)), 24)


def gru(n):
    """As PyTorch exports it."""
    y, _ = n("GRU", "x", n.random(1, 45, WIDTH, scale=0.5), n.random(1, 45, 15, scale=0.3), n.random(1, 90, scale=0.2), outputs=2, hidden_size=15, linear_before_reset=1)
    return head(n, n("Squeeze", y, n.ints(1)), 15)


def gru_both_ways(n):
    """States that are given, and a second layer whose reset gates are before the product, of which the last state counts."""
    h = n.const(n.rng.uniform(-1, 1, (2, BATCH, 16)))
    y, _ = n("GRU", "x", n.random(2, 48, WIDTH, scale=0.5), n.random(2, 48, 16, scale=0.3), n.random(2, 96, scale=0.2), "", h, outputs=2, hidden_size=16, direction="bidirectional", linear_before_reset=1)
    y = n("Reshape", n("Transpose", y, perm=[0, 2, 1, 3]), n.ints(STEPS, BATCH, 32))
    _, last = n("GRU", y, n.random(1, 72, 32, scale=0.3), n.random(1, 72, 24, scale=0.2), n.random(1, 144, scale=0.2), outputs=2, hidden_size=24)
    return head(n, last, 24)


NETS = {"one_way": (one_way, 30), "both_ways": (both_ways, 25), "gru": (gru, 30), "gru_both_ways": (gru_both_ways, 25)}


def float_ops(fused):
    """The lines of a module that compute on floats, its borders and constants aside."""
    return [
        line
        for line in fused.splitlines()
        if re.match(r"\s*%[\w:]+ = .*f32", line) and not re.search(r"= (dyadic\.(kernel|quantize|dequantize)|qnn\.constant)\b", line)
    ]


class Recurrent(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-recurrent-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def test_networks(self):
        x = np.random.default_rng(3).normal(0, 1, (16, STEPS, BATCH, WIDTH)).astype(np.float32)
        np.savez(self.at("x.npz"), x=x)
        for name, (build, decibel) in NETS.items():
            with self.subTest(name):
                network = smallnets.Net((STEPS, BATCH, WIDTH))
                network.finish(build(network), self.at("net.onnx"))
                given = [self.at("net.onnx"), "--calibrate", self.at("x.npz"), "--integer-only"]
                fused = harness.check([DYADIC, "compile", *given, "--emit=fused"]).stdout
                self.assertEqual(float_ops(fused), [])
                results = {}
                targets = [["--interpret"], *(["--cpu", cpu] for cpu in CPUS if harness.this_machine_has(cpu))]
                for flags in targets:
                    out = self.at("out.npz")
                    harness.check([DYADIC, "run", *given, "--input", self.at("x.npz"), "--output", out, *flags])
                    results[flags[-1]] = harness.load(out)["y"]
                for flags in targets[1:]:
                    np.testing.assert_array_equal(results["--interpret"], results[flags[-1]], f"{name} {flags}")
                session = onnxruntime.InferenceSession(self.at("net.onnx"))
                exact = np.stack([session.run(None, {"x": one})[0] for one in x])
                error = results["--interpret"].reshape(exact.shape) - exact
                noise = 10 * np.log10((exact**2).sum() / (error**2).sum())
                print(name, f"{noise:.1f} dB", flush=True)
                self.assertGreater(noise, decibel)


class Detector(unittest.TestCase):
    """The sequence form of silero-vad in calls of FRAMES, calibrated on calls of some noise and tones with their states."""

    FRAMES, CALLS = 8, 24

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-vad-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.model = os.path.join(package_folder("silero_vad"), "data", "silero_vad_16k_sequence.onnx")
        except Unavailable as e:
            self.skipTest(str(e))
        self.session = onnxruntime.InferenceSession(self.model)

    def run_calls(self, seed, call):
        """Probabilities, and what went into each call."""
        rng = np.random.default_rng(seed)
        h = c = np.zeros((1, 1, 128), np.float32)
        found, given = [], []
        for _ in range(self.CALLS):
            frames = speech_like(rng, (self.FRAMES, 576)) * rng.uniform(0, 1)
            given.append((frames, h, c))
            p, h, c = call(frames, h, c)
            found.append(p)
        return np.concatenate(found), given

    def exact(self, frames, h, c):
        return self.session.run(None, {"input": frames, "h": h, "c": c})

    def compile(self, *flags):
        _, given = self.run_calls(1, self.exact)
        calib = os.path.join(self.folder, "calib.npz")
        np.savez(calib, **{k: np.stack(x) for k, x in zip(("input", "h", "c"), zip(*given))})
        shapes = [f"--shape=input={self.FRAMES}x576", "--shape=h=1x1x128", "--shape=c=1x1x128"]
        out = os.path.join(self.folder, "vad.so")
        harness.check([DYADIC, "compile", self.model, "-o", out, "--calibrate", calib, *shapes, *flags])
        native = Native(out)

        def call(x, h, c):
            native(x, h, c)
            return [y.copy() for y in native.outputs]

        return call

    def check(self, call, most):
        real, _ = self.run_calls(2, self.exact)
        ours, _ = self.run_calls(2, call)
        error = np.abs(real - ours).mean()
        print(f"mean difference of probabilities {error:.4f}, of {np.ptp(real):.2f}", flush=True)
        self.assertGreater(np.ptp(real), 0.3, "a test of nothing")
        self.assertLess(error, most)

    def test_default(self):
        self.check(self.compile(), 0.02)

    def test_integer_only(self):
        self.check(self.compile("--integer-only"), 0.03)


if __name__ == "__main__":
    unittest.main()
