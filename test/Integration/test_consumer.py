"""An outside project builds against an installed Dyadic and uses it (test/Consumer)."""
import os
import re
import shutil
import tempfile
import unittest

from harness import DYADIC, check, run
from models import ROOT

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(DYADIC)))
SOURCE = os.path.join(ROOT, "test/Consumer")
NETWORK = os.path.join(SOURCE, "network.mlir")


def cached(name):
    """An entry of the build's CMake cache."""
    with open(os.path.join(BUILD, "CMakeCache.txt")) as f:
        return re.search(rf"^{name}:\w+=(.*)$", f.read(), re.M).group(1)


class Consumer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dyadic-consumer-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        # Moved after the installation: nothing may point to where it was.
        installed, cls.prefix = os.path.join(cls.folder, "first"), os.path.join(cls.folder, "prefix")
        check(["cmake", "--install", BUILD, "--prefix", installed])
        os.rename(installed, cls.prefix)
        cls.build = os.path.join(cls.folder, "build")
        check(cls.configure(cls.build, f"-DCMAKE_PREFIX_PATH={cls.prefix}"))
        check(["cmake", "--build", cls.build, "-j2"])
        cls.opt = os.path.join(cls.build, "outside-opt")

    @staticmethod
    def configure(build, *flags):
        return ["cmake", "-G", "Ninja", "-S", SOURCE, "-B", build, f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}",
                f"-DCMAKE_C_COMPILER={cached('CMAKE_C_COMPILER')}", "-DCMAKE_BUILD_TYPE=Release", *flags]

    def outside(self, *flags):
        return check([self.opt, NETWORK, *flags]).stdout

    def test_its_pass_runs_between_ours(self):
        # The activation in front of the return stays in float, where it can be seen.
        ours = self.outside("--dyadic-simplify-pipeline", "--dyadic-quantize-pipeline", "--dyadic-lower-pipeline")
        both = self.outside("--outside-pipeline")
        for text in (ours, both):
            self.assertIn("dyadic.conv2d", text)
        self.assertRegex(both, r"qnn\.clamp .*max = 6\.0")
        self.assertNotIn("qnn.clamp", ours)

    def test_its_target_chooses_the_tiles(self):
        steps = ["--outside-pipeline", "--dyadic-fuse-pipeline"]
        tiny = self.outside(*steps, "--dyadic-generate-pipeline=triple=tiny")
        portable = self.outside(*steps, "--dyadic-generate-pipeline=triple=portable cpu=scalar")
        self.assertIn("func.func @model_run", tiny)
        self.assertNotEqual(tiny, portable)
        # One pixel and three channels of eight at a time: the last panel has two.
        sums = lambda text: {len(m.split(",")) for m in re.findall(r"iter_args\((.*?)\)", text)}
        self.assertIn(3, sums(tiny))
        lowered = self.outside(*steps, "--dyadic-generate-pipeline=triple=tiny", "--emit-lower-to-llvm")
        self.assertIn("llvm.func @model_run", lowered)

    def test_an_unknown_target_is_refused_with_the_known_ones(self):
        done = run([self.opt, NETWORK, "--outside-pipeline", "--dyadic-fuse-pipeline", "--dyadic-generate-kernels=triple=tinny"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("tiny", done.stderr)

    def test_installed_tools_run(self):
        for tool in ("dyadic-opt", "dyadic", "dyadic-reduce"):
            check([os.path.join(self.prefix, "bin", tool), "--help"])
        self.assertTrue(os.path.exists(os.path.join(self.prefix, "lib", "DyadicPlugin.so")))

    def test_the_build_folder_is_a_package_too(self):
        check(self.configure(os.path.join(self.folder, "from-build"), f"-DDyadic_DIR={BUILD}/lib/cmake/Dyadic"))

    def test_another_mlir_is_refused(self):
        other = os.path.join(self.folder, "mlir-21")
        os.makedirs(other)
        with open(os.path.join(other, "MLIRConfig.cmake"), "w") as f:
            f.write("set(LLVM_VERSION_MAJOR 21)\nset(LLVM_VERSION_MINOR 1)\n")
        done = run(self.configure(os.path.join(self.folder, "wrong"), f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DMLIR_DIR={other}"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("was built with MLIR 22.", done.stderr.replace("\n", " ").replace("  ", " "))
        self.assertIn("has 21.1", done.stderr.replace("\n", " ").replace("  ", " "))


if __name__ == "__main__":
    unittest.main()
