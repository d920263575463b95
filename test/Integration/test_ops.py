"""Every op in the forms that exporters write: float like onnxruntime, integers like the interpreter."""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
import smallnets
from harness import CPUS, DYADIC

# A quantized network that lost its meaning shows as a low signal-to-noise ratio.
LEAST_DB = 18
COARSE = {"channels_of_very_different_scales": 10, "pow_constant": 15}


def onnxruntime_answers(path, x):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    n = session.get_inputs()[0].shape[0]
    return np.concatenate([session.run(None, {"x": x[i : i + n]})[0] for i in range(0, len(x), n)])


class Ops(unittest.TestCase):
    def compare(self, name):
        folder = tempfile.mkdtemp(prefix="dyadic-op-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        shape = smallnets.write(name, at("net.onnx"))
        rng = np.random.default_rng(1)
        draw = lambda n: rng.normal(0, 1, (n * shape[0], *shape[1:])).astype(np.float32)
        x = draw(3)
        np.savez(at("calib.npz"), x=np.concatenate([draw(12), x]))
        np.savez(at("x.npz"), x=x)
        exact = onnxruntime_answers(at("net.onnx"), x)

        harness.check([DYADIC, "compile", at("net.onnx"), "-o", at("float"), "--float"])
        got = harness.execute(at("float"), at("x.npz"), folder)["y"]
        self.assertEqual(exact.shape, got.shape)
        np.testing.assert_allclose(exact, got, rtol=0, atol=1e-4 * np.abs(exact).max())

        command = [DYADIC, "run", at("net.onnx"), "--calibrate", at("calib.npz"), "--interpret", "--input", at("x.npz")]
        harness.check([*command, "--output", at("expected.npz"), "--keep-all", at("expected-kept.npz")])
        expected = harness.load(at("expected-kept.npz"))
        for cpu in [c for c in CPUS if harness.this_machine_has(c)]:
            line = [DYADIC, "compile", at("net.onnx"), "-o", at(cpu), "--calibrate", at("calib.npz"), "--cpu", cpu, "--keep-all"]
            harness.check(line)
            out, kept = harness.execute(at(cpu), at("x.npz"), folder, keep=True)
            self.assertEqual(sorted(expected), sorted(kept))
            for key in kept:
                if kept[key].dtype.kind in "iu":
                    np.testing.assert_array_equal(expected[key], kept[key], f"{key}, {cpu}")
        noise = ((out["y"] - exact) ** 2).sum()
        db = 10 * np.log10((exact**2).sum() / max(noise, 1e-30))
        self.assertGreater(db, COARSE.get(name, LEAST_DB), "signal to noise in dB")

    def test_what_counts_as_integers(self):
        """A hard swish between sums and bytes is integers, though level 2 says it in floats; a softmax isn't."""
        folder = tempfile.mkdtemp(prefix="dyadic-op-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        net = smallnets.Net((1, 12, 9, 9))
        net.finish(net("Softmax", net.conv(net("HardSwish", net.conv("x", 12, 12)), 12, 8), axis=1), at("net.onnx"))
        np.savez(at("calib.npz"), x=np.random.default_rng(1).normal(0, 1, (8, 12, 9, 9)).astype(np.float32))
        done = harness.check([DYADIC, "compile", at("net.onnx"), "-o", at("net.o"), "--calibrate", at("calib.npz")])
        self.assertIn("(qnn.softmax) stays float because", done.stdout)
        self.assertNotIn("hard_swish", done.stdout)
        done = harness.check([DYADIC, "inspect", at("net.onnx")])
        self.assertIn("softmax", done.stdout)
        self.assertNotIn("hard_swish) because", done.stdout)


for _name in smallnets.NETS:
    setattr(Ops, "test_" + _name, lambda self, n=_name: self.compare(n))

if __name__ == "__main__":
    unittest.main()
