"""ARM64 kernels at odd shapes: every tensor of a network as the interpreter has it, at each level, under QEMU.

QEMU plays a core of just that level where it has one, so that an instruction too many is a SIGILL."""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
from harness import DYADIC
from smallnets import Net

# What --cpu takes: plain NEON, dotprod, and i8mm (which QEMU has in `max` alone).
CPUS = ["cortex-a53", "cortex-a76", "i8mm"]

# size, channels, outputs, kernel and attributes of a convolution with padding 1
CONVS = {
    "pointwise": (9, 19, 21, 1, {}),
    "pointwise_wide": (7, 64, 72, 1, {}),
    "one_pixel": (1, 37, 50, 1, {}),
    "three_by_three": (11, 16, 24, 3, {}),
    "three_by_three_stride": (13, 5, 7, 3, {"strides": [2, 2]}),
    "first_layer": (15, 3, 16, 3, {"strides": [2, 2]}),
    "first_layer_seven": (21, 3, 20, 7, {"strides": [2, 2]}),
    "dilated": (12, 8, 12, 3, {"dilations": [2, 2]}),
    "grouped": (8, 24, 12, 3, {"group": 4}),
    "depthwise": (9, 21, 21, 3, {"group": 21}),
    "depthwise_stride": (14, 40, 40, 3, {"group": 40, "strides": [2, 2]}),
    "depthwise_five": (10, 12, 12, 5, {"group": 12}),
}
# rows, depth, columns of a matrix product
MATMULS = {"vector": (1, 130, 100), "few_rows": (3, 47, 9), "rows": (17, 65, 33)}


def write_conv(path, size, channels, outputs, kernel, attributes):
    net = Net((2, channels, size, size))
    pad = 1 if kernel > 1 else 0
    y = net.conv("x", channels, outputs, kernel, pads=[pad] * 4, **attributes)
    net.finish(net("MaxPool", net("HardSwish", y), kernel_shape=[1, 1]), path)
    return net.shape


def write_matmul(path, rows, depth, columns):
    net = Net((rows, depth))
    y = net("Add", net("MatMul", "x", net.random(depth, columns)), net.random(columns))
    net.finish(net("Sigmoid", y), path)
    return net.shape


@unittest.skipUnless(shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"), "needs qemu-user and gcc-aarch64-linux-gnu")
class KernelsARM(unittest.TestCase):
    def compare(self, write, parameters):
        folder = tempfile.mkdtemp(prefix="dyadic-arm-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        shape = write(at("net.onnx"), *parameters)
        draw = lambda n: np.random.default_rng(n).normal(0, 1, (n * shape[0], *shape[1:])).astype(np.float32)
        np.savez(at("calib.npz"), x=draw(8))
        np.savez(at("x.npz"), x=3 * draw(2))  # beyond the calibrated range, so that bytes saturate

        def kept(*how):
            line = [DYADIC, "run", at("net.onnx"), "--calibrate", at("calib.npz"), "--input", at("x.npz"), *how]
            harness.check([*line, "--output", at("out.npz"), "--keep-all", at("kept.npz")])
            return harness.load(at("kept.npz"))

        expected = kept("--interpret")
        self.assertTrue(any(tensor.dtype == np.uint8 for tensor in expected.values()))
        for cpu in CPUS:
            actual = kept("--target", "aarch64-linux-gnu", "--cpu", cpu)
            self.assertEqual(sorted(expected), sorted(actual))
            for name, tensor in expected.items():
                if tensor.dtype.kind in "iu":
                    np.testing.assert_array_equal(tensor, actual[name], f"{name}, {cpu}")


for _name, _parameters in CONVS.items():
    setattr(KernelsARM, "test_" + _name, lambda self, p=_parameters: self.compare(write_conv, p))
for _name, _parameters in MATMULS.items():
    setattr(KernelsARM, "test_" + _name, lambda self, p=_parameters: self.compare(write_matmul, p))

if __name__ == "__main__":
    unittest.main()
