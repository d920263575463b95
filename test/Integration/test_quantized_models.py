"""Models that come quantized compute what onnxruntime computes, on integers, with scales of their own."""
import os
import re
import shutil
import tempfile
import unittest

import numpy as np

import harness
import quantizednets
from harness import CPUS, DYADIC
from models import MODELS, Unavailable

SUMMARY = re.compile(r": (\d+) ops in integers, (\d+) in float \(the model comes quantized\)")


def onnxruntime_answers(path, x, fused=False):
    """What the model says, op by op; or what onnxruntime makes of it, whose kernels have approximations of their own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if fused else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: x[i : i + 1]})[0] for i in range(len(x))])


class QuantizedModels(unittest.TestCase):
    def check(self, name, integers, floats, **options):
        folder = tempfile.mkdtemp(prefix="dyadic-quantized-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        if name in quantizednets.NETS:
            shape = quantizednets.quantize(name, at("net.onnx"), **options)
        else:
            shape = quantizednets.write(name, at("net.onnx"))
        x = np.random.default_rng(9).normal(0, 1, (4, *shape[1:])).astype(np.float32)
        np.savez(at("x.npz"), x=x)
        done = harness.check([DYADIC, "compile", at("net.onnx"), "-o", at("net")])
        found = SUMMARY.search(done.stdout)
        self.assertTrue(found, done.stdout)
        counted = tuple(map(int, found.groups()))
        self.assertEqual((counted[0] if integers is None else integers, floats), counted, done.stdout)
        self.assertEqual(floats, done.stdout.count("stays float because"), done.stdout)
        got = harness.execute(at("net"), at("x.npz"), folder)["y"]
        expected = onnxruntime_answers(at("net.onnx"), x)
        step = quantizednets.output_scale(at("net.onnx")) or 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(expected, got, rtol=0, atol=1.01 * step)
        return at, x

    def test_qdq_per_channel(self):
        """… and every target's integers are the interpreter's."""
        at, x = self.check("residual", 15, 0, per_channel=True)
        command = [DYADIC, "run", at("net.onnx"), "--interpret", "--input", at("x.npz")]
        harness.check([*command, "--output", at("e.npz"), "--keep-all", at("expected.npz")])
        expected = harness.load(at("expected.npz"))
        for cpu in [c for c in CPUS if harness.this_machine_has(c)]:
            harness.check([DYADIC, "compile", at("net.onnx"), "-o", at(cpu), "--cpu", cpu, "--keep-all"])
            _, kept = harness.execute(at(cpu), at("x.npz"), at("."), keep=True)
            self.assertEqual(sorted(expected), sorted(kept))
            for key in kept:
                np.testing.assert_array_equal(expected[key], kept[key], f"{key}, {cpu}")

    def test_qdq_signed_activations(self):
        self.check("residual", 15, 0, activation="QInt8")

    def test_qdq_asymmetric_weights(self):
        """Weights of nine bits are two of eight; of depthwise filters, floats."""
        self.check("residual", 19, 1, weight="QUInt8")

    def test_qoperator(self):
        self.check("residual", 14, 0, form="QOperator", per_channel=True)

    def test_16_bits_are_float(self):
        self.check("residual", 0, 15, activation="QInt16")

    def test_gates_and_softmax(self):
        self.check("gated", 10, 1)
        self.check("gated", 7, 3, form="QOperator")

    def test_products_of_activations(self):
        self.check("attention", 8, 1, per_channel=True)

    def test_by_hand(self):
        self.check("pytorch", 7, 0)
        self.check("tensorflow", 5, 0)
        self.check("brevitas", None, 4)  # nothing quantizes the pool's result

    def check_network(self, name, integers, floats):
        """Rounding errors of floats decide some ties, and a deep network makes something of them: onnxruntime, too, has two
        answers. Ours is nearly always within a step of the first."""
        model = MODELS[name]
        try:
            model.path
        except Unavailable as error:
            self.skipTest(str(error))
        folder = tempfile.mkdtemp(prefix="dyadic-quantized-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        quantizednets.quantize_network(model, at("net.onnx"), model.samples(8, 1))
        done = harness.check([DYADIC, "compile", at("net.onnx"), "-o", at("net")])
        self.assertEqual((integers, floats), tuple(map(int, SUMMARY.search(done.stdout).groups())), done.stdout)
        x = model.samples(8, 2)
        np.savez(at("x.npz"), **{model.input: x})
        (got,) = harness.execute(at("net"), at("x.npz"), folder).values()
        expected, fused = (onnxruntime_answers(at("net.onnx"), x, fused) for fused in (False, True))
        step = quantizednets.output_scale(at("net.onnx"))
        apart = lambda a, b: np.rint(np.abs(a - b) / step)
        self.assertLess(np.mean(apart(expected, got) > 1), 0.06)
        self.assertLess(apart(expected, got).mean(), 1.5 * apart(expected, fused).mean() + 0.1)
        chosen = np.take_along_axis(expected, got.argmax(-1)[:, None], -1)
        self.assertGreaterEqual((chosen - expected.max(-1, keepdims=True)).min(), -2.01 * step)

    def test_direction_of_text(self):
        self.check_network("cls", 146, 1)

    def test_mobilenet(self):
        self.check_network("mobilenetv2", 66, 0)

    def test_quantizing_again_is_refused(self):
        folder = tempfile.mkdtemp(prefix="dyadic-quantized-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        shape = quantizednets.quantize("gated", at("net.onnx"))
        np.savez(at("x.npz"), x=np.zeros((2, *shape[1:]), np.float32))
        for flags, named in (["--calibrate", at("x.npz")], "--calibrate"), (["--weights", "int4", "--keep-float", "*"], "--weights, --keep-float"):
            done = harness.run([DYADIC, "compile", at("net.onnx"), "-o", at("net"), *flags])
            self.assertEqual(2, done.returncode)
            self.assertIn(f"{named}: the model comes quantized, with scales of its own", done.stderr)


if __name__ == "__main__":
    unittest.main()
