"""Test cases that judge compiled code by LiteRT's reference kernels."""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
import tflitemodels
from harness import DYADIC
from models import ROOT, Unavailable
from tflitemodels import Graph

DATA = os.environ.get("DYADIC_SHARED_DATA", os.path.join(ROOT, "../shared/data"))
# Scale and zero point of an operator's input.
INPUTS = {"int8": (0.05, 3), "uint8": (0.05, 131), "int16": (0.0002, 0), "float32": (None, 0)}


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-tflite-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def run_ours(self, path, samples, flags=()):
        """The outputs of compiled code: for each sample, a list of arrays."""
        names = [d["name"] for d in tflitemodels.interpreter(path).get_input_details()]
        arrays = {name: np.concatenate([s[i] for s in samples]) for i, name in enumerate(names)}
        np.savez(self.at("x.npz"), **arrays)
        harness.check([DYADIC, "run", path, "--input", self.at("x.npz"), "--output", self.at("y.npz"), *flags])
        outputs = list(harness.load(self.at("y.npz")).values())
        return [[o[i * (len(o) // len(samples)) : (i + 1) * (len(o) // len(samples))] for o in outputs] for i in range(len(samples))]

    def differing(self, path, samples, flags=()):
        """Bytes that differ from LiteRT's reference, and how many there are."""
        try:
            expected = tflitemodels.reference(path, samples)
            ours = self.run_ours(path, samples, flags)
        except Unavailable as e:
            self.skipTest(str(e))
        pairs = [(a, b.reshape(-1)) for e, o in zip(expected, ours) for a, b in zip(e, o)]
        return sum(int((a.reshape(-1) != b).sum()) for a, b in pairs), sum(a.size for a, _ in pairs)


class OperatorCase(Scratch):
    """Graphs of one operator."""

    def check(self, build, dtype="int8", shape=(1, 6, 7, 8), count=3, tolerance=None):
        graph = Graph(np.random.default_rng(7))
        scale, zero = INPUTS[dtype]
        x = graph.input(shape, dtype, scale=scale, zero_point=zero, name="x")
        build(graph, x)
        try:
            path = graph.write(self.at("model.tflite"))
        except Unavailable as e:
            self.skipTest(str(e))
        rng = np.random.default_rng(1)
        if dtype == "float32":
            samples = [[rng.standard_normal(shape).astype(dtype)] for _ in range(count)]
        else:
            info = np.iinfo(dtype)
            samples = [[rng.integers(info.min, info.max + 1, shape).astype(dtype)] for _ in range(count)]
        flags = ("--float",) if dtype == "float32" else ()
        if tolerance is None:
            differing, total = self.differing(path, samples, flags)
            self.assertEqual(differing, 0, f"of {total} elements")
            self.assertGreater(total, 0)
            return
        for e, o in zip(tflitemodels.reference(path, samples), self.run_ours(path, samples, flags)):
            for a, b in zip(e, o):
                np.testing.assert_allclose(b.reshape(-1), a.reshape(-1), rtol=tolerance, atol=tolerance)
