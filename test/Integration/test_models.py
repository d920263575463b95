"""ONNX -> executable -> compare: integers with the interpreter, floats with onnxruntime."""
import atexit
import functools
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
from harness import CPUS, DYADIC
from models import MODELS, Unavailable

# How many samples are compared; the interpreter is written to be read, not to be fast.
COMPARED = {"digits": 16, "cls": 2}
CALIBRATION = 4
TOLERANCE = 1e-4  # relative, of the output's largest magnitude


@functools.lru_cache(None)
def folder(name):
    """A scratch folder with calibration and test samples of a model."""
    model = MODELS[name]
    try:
        model.path
    except Unavailable as e:
        raise unittest.SkipTest(str(e))
    path = tempfile.mkdtemp(prefix=f"dyadic-{name}-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)  # test_views.py reads it, too
    model.write_samples(os.path.join(path, "calib.npz"), CALIBRATION, 1)
    model.write_samples(os.path.join(path, "test.npz"), COMPARED.get(name, 1), 2)
    return path


@functools.lru_cache(None)
def interpreted(name):
    """What the interpreter of the integer dialect makes of the samples: outputs, kept tensors."""
    model, at = MODELS[name], folder(name)
    out, kept = os.path.join(at, "expected.npz"), os.path.join(at, "expected-kept.npz")
    calib, samples = os.path.join(at, "calib.npz"), os.path.join(at, "test.npz")
    command = [DYADIC, "run", model.path, "--calibrate", calib, "--interpret", "--input", samples]
    harness.check([*command, "--output", out, "--keep-all", kept, *model.shape_flags()])
    return harness.load(out), harness.load(kept)


def integers(tensors):
    return {k: v for k, v in tensors.items() if v.dtype.kind in "iu"}


# Softmax and normalization stay float in between: an element that lies between two integers may round to the other one,
# more often without fused multiply-adds, and what is behind it then differs, too. The tensor that differs first, in the order they are
# computed, does so in this share of its elements at most, by a step; the others by as much as the second pair says.
FIRST_TIES = 1e-3
BEHIND_TIES = {"minilm": (0.5, 32), "rec": (0.05, 4)}


class Models(unittest.TestCase):
    def compare_bytes(self, name, cpu):
        if not harness.this_machine_has(cpu):
            self.skipTest(f"this CPU has no {cpu}")
        model, at = MODELS[name], folder(name)
        expected_out, expected = interpreted(name)
        binary = os.path.join(at, f"{name}-{cpu}")
        harness.compile_model(model, binary, os.path.join(at, "calib.npz"), cpu, ["--keep-all"])
        out, kept = harness.execute(binary, os.path.join(at, "test.npz"), at, keep=True)
        self.assertEqual(sorted(expected_out), sorted(out))
        expected, kept = integers(expected), integers(kept)
        self.assertTrue(kept, "expected at least one integer tensor to be kept")
        self.assertEqual(sorted(expected), sorted(kept))
        differing, isBehindTies = {}, False
        for key in kept:
            self.assertEqual(expected[key].shape, kept[key].shape, key)
            self.assertEqual(expected[key].dtype, kept[key].dtype, key)
            difference = np.abs(expected[key].astype(np.int64) - kept[key])
            n, most = np.count_nonzero(difference), difference.max(initial=0)
            if not n:
                continue
            share, by = BEHIND_TIES.get(name, (0, 0))
            if not isBehindTies:
                share, by, isBehindTies = min(share, FIRST_TIES), min(by, 1), True
            if n > share * kept[key].size or most > by:
                differing[key] = f"{n} of {kept[key].size}, by up to {most}"
        self.maxDiff = None
        self.assertEqual({}, differing, f"differing elements in {len(differing)} of {len(kept)} tensors")
        for key in out:
            if out[key].dtype.kind in "iu":
                np.testing.assert_array_equal(expected_out[key], out[key])
            else:  # float work behind the last integer tensor may contract differently
                tolerance = 0.05 if isBehindTies else TOLERANCE
                np.testing.assert_allclose(expected_out[key], out[key], rtol=0, atol=tolerance * np.abs(out[key]).max())

    def compare_float(self, name):
        model, at = MODELS[name], folder(name)
        binary = os.path.join(at, f"{name}-float")
        harness.compile_model(model, binary)
        samples = os.path.join(at, "test.npz")
        (got,) = harness.execute(binary, samples, at).values()
        expected = harness.float_reference(model, harness.load(samples))
        self.assertEqual(expected.shape, got.shape)
        error = np.abs(expected - got).max() / np.abs(expected).max()
        self.assertLess(error, TOLERANCE)


for _name in MODELS:
    for _cpu in [*CPUS, "native"]:  # which may have more than its level, such as VBMI
        setattr(Models, f"test_bytes_{_name}_{_cpu}", lambda self, n=_name, c=_cpu: self.compare_bytes(n, c))
    setattr(Models, f"test_float_{_name}", lambda self, n=_name: self.compare_float(n))

if __name__ == "__main__":
    unittest.main()
