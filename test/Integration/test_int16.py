"""--activations int16: every op on 16 bits, its integers like the interpreter's, and less error than on 8."""
import unittest

import numpy as np

import harness
import smallnets
from harness import DYADIC
from tflitecases import Scratch

SAMPLES = 12
NETS = ["residual", "squeeze_and_excite", "inverted_residual_relu6", "attention", "gelu_in_primitives", "avg_pool_3x3",
        "concat_channels", "matmul_rows", "pad_constant"]  # fmt: skip


def decibels(exact, got):
    return 10 * np.log10((exact**2).sum() / max(((got - exact) ** 2).sum(), 1e-30))


class Int16(Scratch):
    def run_net(self, name, *flags):
        line = [DYADIC, "run", self.at(name + ".onnx"), "--input", self.at("x.npz"), "--output", self.at("out.npz")]
        harness.check([*line, *flags])
        return harness.load(self.at("out.npz"))["y"]

    def keep_net(self, name, *flags):
        """The result, and those of all kernels."""
        return self.run_net(name, "--keep-all", self.at("kept.npz"), *flags), harness.load(self.at("kept.npz"))

    def compare(self, name, flags=("--activations", "int16")):
        """Signal to noise with these flags and without."""
        shape = smallnets.write(name, self.at(name + ".onnx"))
        rng = np.random.default_rng(1)
        draw = lambda n: rng.normal(0, 1, (n * shape[0], *shape[1:])).astype(np.float32)
        x = draw(3)
        np.savez(self.at("x.npz"), x=x)
        np.savez(self.at("calib.npz"), x=np.concatenate([draw(SAMPLES), x]))
        quantize = ("--calibrate", self.at("calib.npz"))
        exact, narrow = self.run_net(name, "--float"), self.run_net(name, *quantize)
        _, expected = self.keep_net(name, *quantize, *flags, "--interpret")
        got, kept = self.keep_net(name, *quantize, *flags)
        self.assertEqual(sorted(expected), sorted(kept))
        for key in kept:
            if kept[key].dtype.kind in "iu":
                np.testing.assert_array_equal(expected[key], kept[key], f"{name}: {key}")
        return decibels(exact, got), decibels(exact, narrow)


def _add(name):
    def test(self):
        wide, narrow = self.compare(name)
        print(f"{name}: {wide:.1f} dB, {narrow:.1f} dB with 8 bits")
        self.assertGreater(wide, narrow - 0.5)

    setattr(Int16, "test_" + name, test)


for _name in NETS:
    _add(_name)

if __name__ == "__main__":
    unittest.main()
