"""The Python package: built as a wheel from the build tree, installed into an empty environment, and tried there.

The cases are in cases.py; one process runs all of them, and each is a test here.
"""
import ast
import functools
import glob
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import DYADIC
from models import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases.py")
BUILD = os.path.dirname(os.path.dirname(os.path.abspath(DYADIC)))
WHEELS = os.path.join(ROOT, "build/wheels")
NEEDED = ("nanobind", "scikit_build_core")


def tail(done):
    return (done.stdout + done.stderr)[-4000:]


@functools.lru_cache(None)
def scratch():
    folder = tempfile.TemporaryDirectory(prefix="dyadic-wheel-")
    unittest.addModuleCleanup(folder.cleanup)
    return folder.name


@functools.lru_cache(None)
def build_wheel():
    """The wheel's path; raises what pip said."""
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-build-isolation", "--no-deps"]
    command += ["-w", scratch(), "--config-settings", f"cmake.define.Dyadic_DIR={BUILD}/lib/cmake/Dyadic"]
    launcher = shutil.which("ccache")
    if launcher:
        command += ["--config-settings", f"cmake.define.CMAKE_CXX_COMPILER_LAUNCHER={launcher}"]
    done = subprocess.run([*command, ROOT], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"the wheel can't be built:\n{tail(done)}")
    return glob.glob(os.path.join(scratch(), "dyadic-*.whl"))[0]


@functools.lru_cache(None)
def environment():
    """The Python of an environment with the wheel and what it depends on, numpy."""
    folder = os.path.join(scratch(), "venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = os.path.join(folder, "bin/python")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", "--no-index"]
    done = subprocess.run([*command, "--find-links", WHEELS, build_wheel()], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"the wheel can't be installed:\n{tail(done)}")
    return python


def run(command, cwd):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_LIBRARY"))}
    given = {
        "DYADIC": DYADIC,
        "DYADIC_DIGITS": os.path.join(ROOT, "examples/digits"),
        "DYADIC_ONNX_INPUTS": os.path.join(ROOT, "test/Inputs/onnx"),
    }
    return subprocess.run(command, cwd=cwd, env={**kept, **given}, capture_output=True, text=True, timeout=300)


@functools.lru_cache(None)
def case_results():
    done = run([environment(), CASES], scratch())
    results = {}
    for line in done.stdout.splitlines():
        name, text = json.loads(line)
        results[name] = text
    return results, done


def python_block(path):
    """The page's first Python example, None if it has none."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        found = re.search(r"^```python\n(.*?)^```$", file.read(), re.M | re.S)
    return found and found.group(1)


class PythonPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for module in NEEDED:
            if importlib.util.find_spec(module) is None:
                raise unittest.SkipTest(f"the Python package {module} is not installed")
        if not glob.glob(os.path.join(WHEELS, "numpy-*.whl")):
            raise unittest.SkipTest("scripts/setup has not put numpy's wheel into build/wheels")

    def run_example(self, page):
        code = python_block(page)
        if code is None:
            self.skipTest(f"{page} has no Python example")
        with tempfile.TemporaryDirectory(dir=scratch()) as folder:
            shutil.copytree(os.path.join(ROOT, "examples/digits"), os.path.join(folder, "examples/digits"))
            with open(os.path.join(folder, "example.py"), "w") as file:
                file.write(code)
            done = run([environment(), "example.py"], folder)
        self.assertEqual(done.returncode, 0, tail(done))
        return done.stdout

    def test_example_of_the_readme(self):
        self.run_example("README.md")

    def test_example_of_the_page(self):
        self.assertIn("it is a ", self.run_example("docs/Python.md"))

    def test_wheel_has_what_it_needs(self):
        from zipfile import ZipFile

        names = ZipFile(build_wheel()).namelist()
        for name in ("__init__.py", "py.typed", "_native.pyi", "libDyadicC.so.1", "bin/dyadic"):
            self.assertIn("dyadic/" + name, names)
        self.assertFalse([name for name in names if not name.startswith("dyadic")])

    def test_libraries_are_not_looked_for_in_the_current_folder(self):
        if shutil.which("readelf") is None:
            self.skipTest("there is no readelf")
        folder = os.path.join(os.path.dirname(environment()), "../lib/python*/site-packages/dyadic")
        files = [path for name in ("*.so*", "bin/dyadic") for path in glob.glob(os.path.join(folder, name))]
        self.assertEqual(len(files), 3)
        for path in files:
            text = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
            entries = re.search(r"R(?:UN)?PATH\).*\[(.*)\]", text).group(1).split(":")
            self.assertTrue(all(entry.startswith(("/", "$ORIGIN")) for entry in entries), (path, entries))

    def test_annotations_are_strict(self):
        if importlib.util.find_spec("mypy") is None:
            self.skipTest("the Python package mypy is not installed")
        command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", scratch() + "/mypy"]
        done = subprocess.run([*command, os.path.join(ROOT, "python/dyadic")], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), tail(done))

    def test_stub_names_what_the_module_has(self):
        with open(os.path.join(ROOT, "python/dyadic/_native.pyi")) as file:
            stub = ast.parse(file.read())
        described = {node.name: node for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        code = "import json, dyadic._native as n; print(json.dumps({k: sorted(vars(v)) if isinstance(v, type) else []"
        code += " for k, v in vars(n).items()}))"
        done = run([environment(), "-c", code], scratch())
        self.assertEqual(done.returncode, 0, tail(done))
        real = {k: v for k, v in json.loads(done.stdout).items() if not k.startswith("__")}
        self.assertEqual(set(described), set(real))
        for name in ("Model", "Program"):
            members = {node.name for node in described[name].body}
            self.assertEqual(members, {member for member in real[name] if not member.startswith("_")})


def add_cases():
    with open(CASES) as file:
        classes = [node for node in ast.parse(file.read()).body if isinstance(node, ast.ClassDef)]

    def make(name):
        def test(self):
            results, done = case_results()
            self.assertIn(name, results, "the process ended before:\n" + tail(done))
            if results[name]:
                self.fail(results[name])

        return test

    for node in classes:
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and member.name.startswith("test_"):
                title = f"test_{node.name}_{member.name[5:]}"
                setattr(PythonPackage, title, make(f"{node.name}.{member.name}"))


add_cases()

if __name__ == "__main__":
    unittest.main()
