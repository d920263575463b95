"""Tensors inside of others and buffers used again: outputs like the interpreter's.

The other tests compare what --keep-all keeps, where no two tensors share bytes
but those of views; here memory is planned as tightly as it is for users.
"""
import os
import shutil
import tempfile
import unittest

import numpy as np

import harness
import smallnets
import test_models
from harness import CPUS, DYADIC
from models import MODELS


class Views(unittest.TestCase):
    def same(self, expected, out):
        self.assertEqual(sorted(expected), sorted(out))
        for key in out:
            # Float work behind the last integer tensor may contract differently.
            tolerance = 0 if out[key].dtype.kind in "iu" else 1e-5 * np.abs(expected[key]).max()
            np.testing.assert_allclose(expected[key], out[key], rtol=0, atol=tolerance)

    def compare(self, name):
        folder = tempfile.mkdtemp(prefix="dyadic-view-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        at = lambda f: os.path.join(folder, f)
        shape = smallnets.write(name, at("net.onnx"))
        rng = np.random.default_rng(1)
        np.savez(at("x.npz"), x=rng.normal(0, 1, (4 * shape[0], *shape[1:])).astype(np.float32))
        how = ["--calibrate", at("x.npz")]
        harness.check([DYADIC, "run", at("net.onnx"), *how, "--interpret", "--input", at("x.npz"), "--output", at("expected.npz")])
        fused = harness.check([DYADIC, "compile", at("net.onnx"), *how, "--emit=fused", "-o", at("fused.mlir")])
        with open(at("fused.mlir")) as f:
            self.assertIn("in_place", f.read(), "expected a net with views")
        for cpu in [c for c in CPUS if harness.this_machine_has(c)]:
            harness.check([DYADIC, "compile", at("net.onnx"), "-o", at(cpu), *how, "--cpu", cpu])
            self.same(harness.load(at("expected.npz")), harness.execute(at(cpu), at("x.npz"), folder))

    def compare_model(self, name):
        model, folder = MODELS[name], test_models.folder(name)

        def outputs(out, *flags):
            binary = os.path.join(folder, out)
            harness.compile_model(model, binary, os.path.join(folder, "calib.npz"), "native", flags)
            return harness.execute(binary, os.path.join(folder, "test.npz"), folder)

        # Behind float ops that elements may be between two integers: what the interpreter makes of those is
        # test_models.py's matter, here the same kernels on memory of their own are right.
        ties = name in test_models.BEHIND_TIES
        expected = outputs(f"{name}-kept", "--keep-all") if ties else test_models.interpreted(name)[0]
        self.same(expected, outputs(f"{name}-views"))


for _name in smallnets.NETS:
    if _name.startswith("view_"):
        setattr(Views, "test_" + _name, lambda self, n=_name: self.compare(n))
for _name in MODELS:
    setattr(Views, "test_outputs_of_" + _name, lambda self, n=_name: self.compare_model(n))

if __name__ == "__main__":
    unittest.main()
