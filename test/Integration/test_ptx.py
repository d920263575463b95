"""ptxas takes every kernel of a model, which needs no memory of a thread's own for registers or arrays."""
import os
import re
import shutil
import tempfile
import unittest

import harness
from harness import DYADIC
from models import MODELS, Unavailable
from test_gpu_artifacts import find_ptxas

ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_90"]


@unittest.skipUnless(find_ptxas(), "ptxas, of NVIDIA's CUDA toolkit, is not installed")
class PTX(unittest.TestCase):
    def check_kernels(self, name, least, flags=None, architectures=ARCHITECTURES):
        model = MODELS[name]
        try:
            model.path
        except Unavailable as e:
            self.skipTest(str(e))
        folder = tempfile.mkdtemp(prefix="dyadic-ptx-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        ptx = os.path.join(folder, "model.ptx")
        if flags is None:
            flags = ["--calibrate", model.write_samples(os.path.join(folder, "calib.npz"), 2, 1)]
        for arch in architectures:
            target = ["--target", "nvptx64", "--arch", arch]
            harness.check([DYADIC, "compile", model.path, "-o", ptx, *flags, *model.shape_flags(), *target])
            with open(ptx) as f:
                self.assertNotRegex(f.read(), r"\.local|\.extern|\bcall\b")
            command = [find_ptxas(), f"-arch={arch}", "-v", ptx, "-o", os.path.join(folder, "model.cubin")]
            report = harness.check(command).stderr
            kernels = report.split("Compiling entry function '")[1:]
            self.assertGreaterEqual(len(kernels), least)
            for kernel in kernels:
                found = re.findall(r"(\d+) bytes (stack frame|spill stores|spill loads)", kernel)
                self.assertEqual([("0", what) for _, what in found], found, kernel)
                self.assertEqual(3, len(found), kernel)

    def test_digits(self):
        self.check_kernels("digits", 7)

    def test_mobilenetv2(self):
        self.check_kernels("mobilenetv2", 30, architectures=["sm_75", "sm_80"])

    def test_digits_in_float(self):
        self.check_kernels("digits", 5, ["--float"])


if __name__ == "__main__":
    unittest.main()
