"""AMX: this code runs in the emulator, its assembly is read, and machines without AMX are told so."""
import os
import re
import shutil
import tempfile
import unittest

import numpy as np

import harness
from harness import DYADIC
from models import MODELS, Unavailable

TOLERANCE = 1e-4  # of floats behind the last integer tensor, relative to the largest


class AMX(unittest.TestCase):
    def prepare(self, name, samples=1):
        """The command that runs a model, and a folder."""
        model, folder = MODELS[name], tempfile.mkdtemp(prefix="dyadic-amx-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        try:
            model.path
        except Unavailable as e:
            raise unittest.SkipTest(str(e))
        self.calib, self.samples = os.path.join(folder, "calib.npz"), os.path.join(folder, "test.npz")
        model.write_samples(self.calib, 2, 1)
        model.write_samples(self.samples, samples, 2)
        self.compile = [DYADIC, "compile", model.path, "--calibrate", self.calib, *model.shape_flags()]
        self.run_flags = [DYADIC, "run", model.path, "--calibrate", self.calib, "--input", self.samples, *model.shape_flags()]
        return folder

    def compare(self, name, cpu, against, samples=1):
        """Fails where bytes differ; the number of integers that were compared."""
        folder = self.prepare(name, samples)
        results = {}
        for who, flags in (("expected", against), ("emulated", ["--target", "x86", "--cpu", cpu, "--emulate"])):
            out, kept = (os.path.join(folder, who + suffix) for suffix in ("-out.npz", "-kept.npz"))
            harness.check([*self.run_flags, *flags, "--output", out, "--keep-all", kept])
            results[who] = {**harness.load(out), **harness.load(kept)}
        want, got = results["expected"], results["emulated"]
        self.assertEqual(sorted(want), sorted(got))
        for key in got:
            if got[key].dtype.kind in "iu":
                np.testing.assert_array_equal(want[key], got[key], f"{name}, {cpu}: {key}")
            else:
                limit = TOLERANCE * np.abs(want[key]).max()
                np.testing.assert_allclose(want[key], got[key], rtol=0, atol=limit, err_msg=key)
        return sum(tensor.size for tensor in got.values() if tensor.dtype.kind in "iu")

    def test_digits(self):
        self.assertGreater(self.compare("digits", "amx", ["--interpret"], samples=4), 10000)

    def test_digits_avxvnni(self):
        """Another level that few machines have."""
        self.assertGreater(self.compare("digits", "avxvnni", ["--interpret"], samples=4), 10000)

    def test_bf16(self):
        """Products of rounded floats: near those of floats, and the emulator's on a machine that has them."""
        folder = self.prepare("digits")
        model = MODELS["digits"]
        results = {}
        for who, flags in (
            ("f32", []),
            ("emulated", ["--float-type", "bf16", "--target", "x86", "--cpu", "avx512vnni,+avx512bf16", "--emulate"]),
            ("tiles", ["--float-type", "bf16", "--target", "x86", "--cpu", "amx,+avx512bf16,+amx-bf16", "--emulate"]),
            ("machine", ["--float-type", "bf16", "--cpu", "avx512vnni,+avx512bf16"]),
        ):
            if who == "machine" and "avx512_bf16" not in open("/proc/cpuinfo").read():
                continue
            out = os.path.join(folder, who + ".npz")
            harness.check([DYADIC, "run", model.path, "--float", *model.shape_flags(), "--input", self.samples, *flags, "--output", out])
            (results[who],) = harness.load(out).values()
        largest = np.abs(results["f32"]).max()
        for who in results:
            np.testing.assert_allclose(results["f32"], results[who], rtol=0, atol=0.02 * largest, err_msg=who)
        self.assertGreater(np.abs(results["f32"] - results["emulated"]).max(), 0)
        if "machine" in results:  # beside bf16, floats are summed in another order here and there
            np.testing.assert_allclose(results["machine"], results["emulated"], rtol=0, atol=TOLERANCE * largest)

    def compare_whole(self, name):
        """Against machine code, which test_models.py compares with the interpreter."""
        self.assertGreater(self.compare(name, "amx", []), 1_000_000)

    def text(self, level, cpu="amx"):
        return harness.check([*self.compile, "--target", "x86", "--cpu", cpu, "--emit", level]).stdout

    def test_strategy(self):
        """Products of tiles where they pay: not with one pixel, nor one filter a channel."""
        self.prepare("squeezenet")
        lines = self.text("strategy").splitlines()
        self.assertTrue(any(re.search(r"\dx\d of \d+ rows", line) for line in lines), lines)
        self.assertNotIn("rows", self.text("strategy", "avx512vnni"))

    def test_assembly(self):
        """One configuration a function, and no tile spilt: whatever LLVM copies of a loop has as many loads and
        stores for each product as the kernel says."""
        self.prepare("squeezenet")
        kernels = {
            match[1]: [match[0].count("amx.tile_" + op) for op in ("mul", "load", "store")]
            for match in re.finditer(r"func.func private @(\w+)\(.*?\n  \}", self.text("linalg"), flags=re.S)
        }
        parts = re.split(r"^(\w[\w.]*):", self.text("asm"), flags=re.M)
        functions = dict(zip(parts[1::2], parts[2::2]))
        compared = 0
        for name, (products, *moves) in kernels.items():
            code = functions[name]
            self.assertEqual(min(products, 1), code.count("\tldtilecfg"), name)
            found, *found_moves = [len(re.findall(rf"\t{op}", code)) for op in ("tdpbusd", "tileload", "tilestored")]
            for move, found_move in zip(moves, found_moves):
                self.assertEqual(move * found, found_move * products, name)
            compared += bool(products)
        self.assertGreater(compared, 5)

    def test_lacking(self):
        """Without AMX: the program says so, `dyadic run` too, and another variant is taken."""
        if "amx_tile" in open("/proc/cpuinfo").read():
            self.skipTest("this machine has AMX")
        folder = self.prepare("digits")
        done = harness.run([*self.run_flags, "--cpu", "amx"])
        self.assertNotEqual(0, done.returncode)
        self.assertIn("this machine has no amx-", done.stderr)
        program = os.path.join(folder, "digits")
        harness.check([*self.compile, "--cpu", "amx", "-o", program])
        done = harness.run([program, self.samples])
        self.assertNotEqual(0, done.returncode)
        self.assertIn("needs a processor with amx-", done.stderr)
        both = os.path.join(folder, "both")
        harness.check([*self.compile, "--cpu", "avx2,amx", "-o", both])
        out, expected = os.path.join(folder, "out.npz"), os.path.join(folder, "expected.npz")
        harness.check([both, self.samples, "--output", out])
        harness.check([*self.run_flags, "--interpret", "--output", expected])
        for key, tensor in harness.load(expected).items():
            np.testing.assert_allclose(tensor, harness.load(out)[key], rtol=0, atol=TOLERANCE * np.abs(tensor).max())


for _name in ("cls", "squeezenet", "mobilenetv2", "resnet50"):
    setattr(AMX, "test_whole_" + _name, lambda self, n=_name: self.compare_whole(n))

if __name__ == "__main__":
    unittest.main()
