"""Float networks as GPU kernels in the emulator: what onnxruntime computes; test_gpu.py has the quantized ones."""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
import smallnets
from harness import DYADIC
from test_ops import onnxruntime_answers

ARCHITECTURES = ["sm_75", "sm_80"]


class FloatOps(unittest.TestCase):
    def compare(self, name):
        folder = tempfile.mkdtemp(prefix="dyadic-gpu-op-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        shape = smallnets.write(name, at("net.onnx"))
        x = np.random.default_rng(1).normal(0, 1, (2 * shape[0], *shape[1:])).astype(np.float32)
        np.savez(at("x.npz"), x=x)
        exact = onnxruntime_answers(at("net.onnx"), x)
        for arch in ARCHITECTURES:
            command = [DYADIC, "run", at("net.onnx"), "--float", "--input", at("x.npz"), "--output", at("y.npz")]
            harness.check([*command, "--target", "nvptx64", "--arch", arch, "--emulate"])
            got = harness.load(at("y.npz"))["y"]
            self.assertEqual(exact.shape, got.shape)
            np.testing.assert_allclose(exact, got, rtol=0, atol=1e-4 * np.abs(exact).max(), err_msg=arch)


for _name in set(smallnets.NETS) - smallnets.CPU_ONLY:
    setattr(FloatOps, "test_" + _name, lambda self, n=_name: self.compare(n))

if __name__ == "__main__":
    unittest.main()
