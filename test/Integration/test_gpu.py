"""GPU kernels in the emulator: the bytes of the interpreter, and no fault in any of them."""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
import smallnets
from harness import DYADIC
from models import MODELS, Unavailable
from smallnets import Net

# sm_75 has neither asynchronous copies nor products of 16 x 8 x 32.
ARCHITECTURES = ["sm_75", "sm_80"]
TOLERANCE = 1e-4  # of floats behind the last integer tensor, relative to the largest


def tiny(*shape):
    """Registers one of MLPerf Tiny's four networks, with random weights."""

    def register(build):
        TINY[build.__name__] = (shape, build)
        return build

    return register


TINY = {}


@tiny(1, 3, 32, 32)
def resnet8(n):
    """Image classification: 12.5 million products."""
    same = dict(pads=[1, 1, 1, 1])
    y, channels = n("Relu", n.conv("x", 3, 16, **same)), 16
    for outputs, stride in [(16, 1), (32, 2), (64, 2)]:
        z = n("Relu", n.conv(y, channels, outputs, strides=[stride] * 2, **same))
        z = n.conv(z, outputs, outputs, **same)
        y = y if stride == 1 else n.conv(y, channels, outputs, 1, strides=[2, 2])
        y, channels = n("Relu", n("Add", y, z)), outputs
    y = n("Flatten", n("GlobalAveragePool", y))
    return n("Softmax", n("Gemm", y, n.random(64, 10), n.random(10)), axis=-1)


@tiny(1, 1, 49, 10)
def keyword_spotting(n):
    """Depthwise separable convolutions."""
    y = n("Relu", n.conv("x", 1, 64, (10, 4), strides=[2, 2], pads=[4, 1, 5, 1]))
    for _ in range(4):
        y = n("Relu", n.conv(y, 64, 64, group=64, pads=[1, 1, 1, 1]))
        y = n("Relu", n.conv(y, 64, 64, 1))
    y = n("Flatten", n("GlobalAveragePool", y))
    return n("Gemm", y, n.random(64, 12), n.random(12))


@tiny(1, 3, 96, 96)
def visual_wake_words(n):
    """MobileNet with a quarter of the channels."""
    y, channels = n("Relu", n.conv("x", 3, 8, strides=[2, 2], pads=[0, 0, 1, 1])), 8
    for outputs, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]:
        y = n("Relu", n.conv(y, channels, channels, group=channels, strides=[stride] * 2, pads=[1, 1, 1, 1]))
        y, channels = n("Relu", n.conv(y, channels, outputs, 1)), outputs
    y = n("Flatten", n("GlobalAveragePool", y))
    return n("Gemm", y, n.random(256, 2), n.random(2))


@tiny(1, 640)
def anomaly_detection(n):
    """An autoencoder of matrix products with one row."""
    y, width = "x", 640
    for outputs in [128] * 4 + [8] + [128] * 4:
        y = n("Relu", n("Gemm", y, n.random(width, outputs), n.random(outputs)))
        width = outputs
    return n("Gemm", y, n.random(width, 640), n.random(640))


class GPU(unittest.TestCase):
    def compare(self, model, calib, samples, folder, flags=(), against=("--interpret",), architectures=ARCHITECTURES):
        """Fails where bytes differ; the number of integers that were compared."""
        at = lambda f: os.path.join(folder, f)
        command = [DYADIC, "run", model, "--calibrate", calib, "--input", samples, *flags]
        files = lambda name: ["--output", at(name + ".npz"), "--keep-all", at(name + "-kept.npz")]
        harness.check([*command, *against, *files("expected")])
        expected_out, expected = (harness.load(at(f)) for f in ("expected.npz", "expected-kept.npz"))
        for arch in architectures:
            harness.check([*command, "--target", "nvptx64", "--arch", arch, "--emulate", *files(arch)])
            out, kept = (harness.load(at(f)) for f in (arch + ".npz", arch + "-kept.npz"))
            for want, got in ((expected, kept), (expected_out, out)):
                self.assertEqual(sorted(want), sorted(got))
                for key in got:
                    if got[key].dtype.kind in "iu":
                        np.testing.assert_array_equal(want[key], got[key], f"{key}, {arch}")
                    else:
                        limit = TOLERANCE * np.abs(want[key]).max()
                        np.testing.assert_allclose(want[key], got[key], rtol=0, atol=limit, err_msg=f"{key}, {arch}")
        return sum(tensor.size for tensor in kept.values() if tensor.dtype.kind in "iu")

    def folder(self):
        path = tempfile.mkdtemp(prefix="dyadic-gpu-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def compare_net(self, write, calibration, count):
        folder = self.folder()
        at = lambda f: os.path.join(folder, f)
        shape = write(at("net.onnx"))
        rng = np.random.default_rng(1)
        draw = lambda n: rng.normal(0, 1, (n * shape[0], *shape[1:])).astype(np.float32)
        x = draw(count)
        np.savez(at("calib.npz"), x=np.concatenate([draw(calibration), x]))
        np.savez(at("x.npz"), x=x)
        return self.compare(at("net.onnx"), at("calib.npz"), at("x.npz"), folder)

    def test_digits(self):
        model, folder = MODELS["digits"], self.folder()
        calib, samples = os.path.join(folder, "calib.npz"), os.path.join(folder, "test.npz")
        model.write_samples(calib, 4, 1)
        model.write_samples(samples, 16, 2)
        self.assertGreater(self.compare(model.path, calib, samples, folder, model.shape_flags()), 10000)

    def compare_whole(self, name):
        """A real network; against machine code, which test_models.py compares with the interpreter."""
        model, folder = MODELS[name], self.folder()
        try:
            model.path
        except Unavailable as e:
            raise unittest.SkipTest(str(e))
        calib, samples = os.path.join(folder, "calib.npz"), os.path.join(folder, "test.npz")
        model.write_samples(calib, 1, 1)
        model.write_samples(samples, 1, 2)
        compared = self.compare(model.path, calib, samples, folder, model.shape_flags(), (), ["sm_80"])
        self.assertGreater(compared, 1_000_000)

    def compare_small(self, name):
        self.compare_net(lambda path: smallnets.write(name, path), 6, 2)

    def compare_tiny(self, name):
        shape, build = TINY[name]

        def write(path):
            network = Net(shape)
            network.finish(build(network), path)
            return shape

        self.assertGreater(self.compare_net(write, 2, 1), 1000)

    def test_evaluate(self):
        """The same flag in `dyadic evaluate`."""
        model, folder = MODELS["digits"], self.folder()
        samples = os.path.join(folder, "x.npz")
        model.write_samples(samples, 8, 1)
        command = [DYADIC, "evaluate", model.path, "--data", samples, "--calibrate", samples]
        emulated = harness.check([*command, "--target", "nvptx64", "--arch", "sm_80", "--emulate"]).stdout
        self.assertEqual(harness.check(command).stdout, emulated)

    def test_refused(self):
        """Not all machines' code is emulated."""
        model, folder = MODELS["digits"], self.folder()
        samples = os.path.join(folder, "x.npz")
        model.write_samples(samples, 1, 1)
        done = harness.run([DYADIC, "run", model.path, "--calibrate", samples, "--input", samples, "--target", "arm", "--emulate"])
        self.assertNotEqual(0, done.returncode)
        self.assertIn("nvptx64 or x86", done.stderr)


for _name in set(smallnets.NETS) - smallnets.CPU_ONLY:
    setattr(GPU, "test_small_" + _name, lambda self, n=_name: self.compare_small(n))
for _name in ("cls", "squeezenet", "mobilenetv2"):
    setattr(GPU, "test_whole_" + _name, lambda self, n=_name: self.compare_whole(n))
for _name in TINY:
    setattr(GPU, "test_tiny_" + _name, lambda self, n=_name: self.compare_tiny(n))

if __name__ == "__main__":
    unittest.main()
