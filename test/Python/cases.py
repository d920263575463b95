"""What the installed package does, run in an environment with nothing else (test_package.py).

    python cases.py [NAME…]     prints a line of JSON per test: [name, "", or what failed]
"""
import gc
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

import numpy as np

import dyadic

DIGITS = os.environ["DYADIC_DIGITS"]
MODEL, CALIB = os.path.join(DIGITS, "digits.onnx"), os.path.join(DIGITS, "calib.npz")
INPUTS = os.environ["DYADIC_ONNX_INPUTS"]
TOOL = os.environ["DYADIC"]


def images():
    with np.load(CALIB) as file:
        return file["image"]


class Package(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dyadic-python-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def at(self, name):
        return os.path.join(self.folder, name)


class Compiles(Package):
    def test_bytes_equal_the_tool(self):
        module = dyadic.compile(MODEL, calibration=CALIB)
        subprocess.run([TOOL, "run", MODEL, "--calibrate", CALIB, "--input", CALIB, "-o", self.at("y.npz")], check=True)
        with np.load(self.at("y.npz")) as file:
            expected = file[module.outputs[0].name]
        got = np.concatenate([module(image[None]) for image in images()])
        self.assertEqual(got.tobytes(), expected.tobytes())

    def test_every_way_to_give_model_and_samples(self):
        x = images()
        with open(MODEL, "rb") as file:
            data = file.read()

        class Proto:
            def SerializeToString(self):
                return data

        np.save(self.at("x.npy"), x)
        models = {"path": MODEL, "bytes": data, "bytearray": bytearray(data), "proto": Proto()}
        samples = {
            "array": x,
            "dict": {"image": x},
            "list of dicts": [{"image": x[:5]}, {"image": x[5:]}],
            "generator of arrays": lambda: (image for image in x),
            "doubles": x.astype(np.float64),
            "not contiguous": np.asfortranarray(x),
            "npy": self.at("x.npy"),
        }
        want = dyadic.compile(MODEL, calibration=CALIB)(x[:1]).tobytes()
        for in_process in (True, False):
            for name, calibration in samples.items():
                for kind, model in models.items():
                    if (name == "array") == (kind == "path") and not (name == "array" and not in_process):
                        continue  # each once, not all pairs
                    with self.subTest(model=kind, samples=name, in_process=in_process):
                        given = calibration() if callable(calibration) else calibration
                        module = dyadic.compile(model, calibration=given, in_process=in_process)
                        self.assertEqual(module.summary.samples, len(x))
                        self.assertEqual(module(x[:1]).tobytes(), want)
                if not in_process:
                    break

    def test_interface_and_summary(self):
        for in_process in (False, True):
            module = dyadic.compile(MODEL, calibration=CALIB, in_process=in_process)
            self.assertEqual(module.name, "digits")
            (image,) = module.inputs
            self.assertEqual((image.name, image.shape, image.dtype), ("image", (1, 1, 8, 8), np.float32))
            self.assertGreater(image.scale, 0)
            self.assertEqual(module.outputs[0].shape, (1, 10))
            summary = module.summary
            self.assertGreater(summary.integer_ops, 5)
            self.assertEqual(summary.float_ops, ())
            self.assertEqual(summary.weight_bytes, module.weight_bytes)
            self.assertGreater(module.weight_bytes, 1000)
            self.assertGreater(module.arena_bytes, 0)
            self.assertTrue(summary.triple and summary.cpu and summary.level)
            self.assertIn("digits (image: 1x1x8x8xfloat32)", repr(module))
            self.assertEqual(module.diagnostics, [])

    def test_options_reach_the_compiler(self):
        module = dyadic.compile(MODEL, calibration=None)
        self.assertEqual(module.summary.integer_ops, 0)
        self.assertEqual(module.summary.samples, 0)
        kept = [op.name for op in module.summary.float_ops][0]
        module = dyadic.compile(
            MODEL, calibration=CALIB, keep_float=[kept], cpu="scalar", name="my_model", observer="minmax", opt_level=1
        )
        self.assertEqual({op.name for op in module.summary.float_ops}, {kept, "relu1"})  # and what reads it
        self.assertTrue(module.summary.float_ops[0].reason)
        self.assertEqual((module.name, module.summary.level), ("my_model", "scalar"))
        self.assertGreater(dyadic.compile(MODEL, calibration=None, scheme="dynamic").summary.integer_ops, 2)
        dyadic.compile(MODEL, calibration=None, threads=2, output=self.at("threads.o"))
        with open(self.at("threads.h")) as header:
            self.assertIn("OpenMP", header.read())

    def test_options_of_layers(self):
        plain = dyadic.compile(MODEL, calibration=CALIB)
        called = dyadic.compile(MODEL, calibration=CALIB, activations=["conv*=int16"], round_weights="nearest")
        with open(self.at("overrides.json"), "w") as file:
            file.write('{"conv*": {"activations": "int16"}}')
        read = dyadic.compile(
            MODEL, calibration=CALIB, overrides=self.at("overrides.json"), round_weights="nearest"
        )
        self.assertGreater(called.arena_bytes, plain.arena_bytes)
        self.assertEqual(read.arena_bytes, called.arena_bytes)
        small = dyadic.compile(MODEL, calibration=CALIB, weights=["int4"], observer="auto")
        self.assertLess(small.weight_bytes, plain.weight_bytes)

    def test_shapes_of_open_dimensions(self):
        path = os.path.join(INPUTS, "open-shape.onnx")
        with self.assertRaisesRegex(dyadic.CompileError, r"'x' is \[n, 3, \?\]"):
            dyadic.compile(path, calibration=None)
        module = dyadic.compile(path, calibration=None, shapes={"x": (2, 3, 4), "z": np.array([2, 3, 4])})
        x, z = (np.arange(24, dtype=np.float32).reshape(2, 3, 4) * k for k in (1, 3))
        np.testing.assert_array_equal(module(x, z=z), x + z)
        np.testing.assert_array_equal(module(z=z, x=x), x + z)
        with self.assertRaisesRegex(TypeError, 'input "z" is missing'):
            module(x)

    def test_extents_that_stay_open(self):
        path = os.path.join(INPUTS, "open-shape.onnx")
        module = dyadic.compile(path, calibration=None, shapes={"x": (range(2, 9, 3), 3, 4), "z": (range(2, 9, 3), 3, 4)})
        self.assertEqual(module.inputs[0].shape, (8, 3, 4))
        for length in (8, 2, 5):
            x = np.arange(length * 12, dtype=np.float32).reshape(length, 3, 4)
            np.testing.assert_array_equal(module(x, 3 * x), 4 * x)
        with self.assertRaisesRegex(ValueError, "3 lengths"):
            module(x[:4], x[:4])
        with self.assertRaisesRegex(ValueError, "3 lengths"):
            module(x, x[:2])

    def test_output_of_every_kind(self):
        for name in ("digits.so", "libdigits.a", "digits.o", "digits.s", "digits"):
            module = dyadic.compile(MODEL, calibration=CALIB, output=self.at(name))
            self.assertGreater(os.path.getsize(self.at(name)), 1000, name)
            self.assertEqual(module.name, "digits")
        self.assertEqual(
            subprocess.run([self.at("digits"), CALIB, "--output", self.at("y.npz")], capture_output=True).returncode, 0
        )
        x = images()
        with np.load(self.at("y.npz")) as file:
            self.assertEqual(file[module.outputs[0].name][:1].tobytes(), module(x[:1]).tobytes())

    def test_compiles_in_threads_at_once(self):
        x, wrong = images(), []
        want = dyadic.compile(MODEL, calibration=CALIB)(x[:1]).tobytes()

        def work(in_process):
            if dyadic.compile(MODEL, calibration=CALIB, in_process=in_process)(x[:1]).tobytes() != want:
                wrong.append(in_process)

        threads = [threading.Thread(target=work, args=[i != 0]) for i in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_code_for_another_machine(self):
        module = dyadic.compile(
            MODEL, calibration=CALIB, target="aarch64-linux-gnu", cpu="dotprod", output=self.at("digits.o")
        )
        with open(self.at("digits.o"), "rb") as file:
            self.assertEqual(file.read(20)[18], 183)
        self.assertEqual(module.summary.level, "dotprod")
        with self.assertRaisesRegex(dyadic.LoadError, "aarch64.*can't run"):
            module(images()[:1])
        module.save(self.at("again.o"))
        with open(self.at("digits.o"), "rb") as one, open(self.at("again.o"), "rb") as two:
            self.assertEqual(len(one.read()), len(two.read()))


    def test_code_for_a_gpu(self):
        x = images()[:1]
        want = dyadic.compile(MODEL, calibration=CALIB)(x).tobytes()
        gpu = {"calibration": CALIB, "target": "nvptx64", "cpu": "sm_80"}
        module = dyadic.compile(MODEL, output=self.at("digits.ptx"), **gpu)
        self.assertEqual(module.summary.level, "sm_80")
        with open(self.at("digits.ptx")) as file:
            self.assertIn(".target sm_80", file.read())
        try:
            self.assertEqual(module(x).tobytes(), want)  # there is a GPU
        except dyadic.LoadError as error:
            self.assertIn("libcuda", str(error))
        module = dyadic.compile(MODEL, fallback="cpu", **gpu)
        self.assertEqual(module(x).tobytes(), want)
        with self.assertRaisesRegex(ValueError, "fallback"):
            dyadic.compile(MODEL, fallback="gpu", **gpu)


class Modules(Package):
    @classmethod
    def setUpClass(cls):
        cls.module = dyadic.compile(MODEL, calibration=CALIB, in_process=True)
        cls.x = images()[:1]
        cls.y = cls.module(cls.x)

    def test_by_position_name_and_mapping(self):
        self.assertEqual(self.y.shape, (1, 10))
        self.assertEqual(self.y.dtype, np.float32)
        self.assertEqual(self.module(image=self.x).tobytes(), self.y.tobytes())
        results = self.module.run({"image": self.x})
        self.assertEqual(list(results), [self.module.outputs[0].name])
        self.assertEqual(results[self.module.outputs[0].name].tobytes(), self.y.tobytes())

    def test_layout_is_handled_by_a_copy(self):
        wide = np.zeros((1, 1, 8, 16), np.float32)
        wide[..., ::2] = self.x
        raw = np.zeros(257, np.uint8)
        unaligned = raw[1:].view(np.float32).reshape(1, 1, 8, 8)
        unaligned[...] = self.x
        readonly = self.x.copy()
        readonly.flags.writeable = False
        for array in (wide[..., ::2], np.asfortranarray(self.x), unaligned, readonly):
            self.assertEqual(self.module(array).tobytes(), self.y.tobytes())

    def test_wrong_arrays(self):
        for error, message, args, kwargs in [
            (TypeError, 'input "image": expected an array of float32, but got float64', [self.x.astype(np.float64)], {}),
            (TypeError, 'input "image": expected an array of float32, but got >f4', [self.x.astype(">f4")], {}),
            (TypeError, "expected an array of float32, but got object", [None], {}),
            (ValueError, 'input "image": expected shape 1x1x8x8, but got 8x8', [self.x[0, 0]], {}),
            (ValueError, "but got 2x1x8x8", [np.concatenate([self.x, self.x])], {}),
            (ValueError, "but got a scalar", [np.float32(1)], {}),
            (TypeError, 'digits: input "image" is missing', [], {}),
            (TypeError, "digits: expected 1 inputs, but got 2", [self.x, self.x], {}),
            (TypeError, 'digits: input "image" is given twice', [self.x], {"image": self.x}),
            (TypeError, 'there is no input "picture", only "image"', [self.x], {"picture": self.x}),
        ]:
            with self.subTest(message), self.assertRaises(error) as caught:
                self.module(*args, **kwargs)
            self.assertIn(message, str(caught.exception))

    def test_save_and_load(self):
        self.module.save(self.at("other.so"))
        loaded = dyadic.load(self.at("other.so"))
        self.assertEqual(loaded(self.x).tobytes(), self.y.tobytes())
        self.assertEqual(loaded.inputs, self.module.inputs)
        self.assertEqual(loaded.outputs, self.module.outputs)
        self.assertEqual((loaded.name, loaded.summary), ("digits", None))
        loaded.save(self.at("copy.so"))
        os.remove(self.at("other.so"))
        self.assertEqual(dyadic.load(self.at("copy.so"))(self.x).tobytes(), self.y.tobytes())
        with self.assertRaisesRegex(dyadic.CompileError, "can only be saved as .so"):
            loaded.save(self.at("copy.o"))

    def test_save_after_a_child(self):
        module = dyadic.compile({"x": 0} and MODEL, calibration=iter([images()]))
        for name in ("a.so", "a.o", "a.s", "a"):
            module.save(self.at(name))
            self.assertGreater(os.path.getsize(self.at(name)), 1000)
        self.assertEqual(dyadic.load(self.at("a.so"))(self.x).tobytes(), self.y.tobytes())
        with self.assertRaisesRegex(dyadic.CompileError, "/nonexistent"):
            module.save("/nonexistent/a.o")

    def test_the_temporary_folder_goes_with_the_module(self):
        tempfile.tempdir = self.folder
        self.addCleanup(setattr, tempfile, "tempdir", None)
        module = dyadic.compile(MODEL, calibration=images())
        self.assertEqual(len(os.listdir(self.folder)), 1)
        del module
        gc.collect()
        self.assertEqual(os.listdir(self.folder), [])
        with self.assertRaises(dyadic.CompileError):
            dyadic.compile(MODEL, calibration=CALIB, cpu="no such CPU")
        gc.collect()
        self.assertEqual(os.listdir(self.folder), [])

    def test_threads_run_at_once(self):
        x = images()
        expected = [self.module(image[None]).tobytes() for image in x[:16]]
        wrong = []

        def work(start):
            for i in range(300):
                n = (start + i) % 16
                if self.module(x[n : n + 1]).tobytes() != expected[n]:
                    wrong.append(n)

        threads = [threading.Thread(target=work, args=[t]) for t in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Refusals(Package):
    def refused(self, message, model=MODEL, calibration=CALIB, error=dyadic.CompileError, **options):
        """In a child and here, the same."""
        texts = []
        for in_process in (False, True):
            with self.subTest(message, in_process=in_process), self.assertRaises(error) as caught:
                dyadic.compile(model, calibration=calibration, in_process=in_process, **options)
            texts.append(str(caught.exception))
            self.assertIn(message, texts[-1])
            if issubclass(error, dyadic.Error):
                self.assertIn(message, "\n".join(d.message for d in caught.exception.diagnostics) or texts[-1])
        self.assertEqual(texts[0], texts[1])
        return caught.exception

    def test_models(self):
        error = self.refused("cannot read the model: No such file", "/nonexistent.onnx")
        self.assertEqual(error.diagnostics[0].location, "/nonexistent.onnx")
        self.refused("not an ONNX model", b"junk")
        error = self.refused("", os.path.join(INPUTS, "unsupported.onnx"))
        self.assertTrue(error.diagnostics[0].location)
        self.assertEqual(error.diagnostics[0].severity, "error")
        self.assertIn(error.diagnostics[0].location + ": " + error.diagnostics[0].message, str(error))
        for model in (7, None, ["a.onnx"]):
            self.refused("expected a path, bytes or an onnx.ModelProto, but got", model, error=TypeError)

    def test_samples(self):
        x = images()
        bad = x.copy()
        bad[3, 0, 0, 2] = np.nan
        self.refused("expected finite values, but got NaN at [0, 0, 0, 2]", calibration=self.here_or_there(bad))
        self.refused("No such file", calibration="/nonexistent.npz")
        self.refused("there are no samples", calibration=[])
        self.refused("expected samples of 1x1x8x8", calibration=self.here_or_there(x.reshape(len(x), 64)))
        self.refused("but got complex64", calibration=x.astype(np.complex64), error=TypeError)
        self.refused("but got <U", calibration={"image": "text"}, error=TypeError)
        self.refused("calibration: expected arrays", calibration=7, error=TypeError)
        for in_process in (False, True):
            with self.assertRaises(dyadic.CompileError):
                dyadic.compile(MODEL, calibration={"picture": x}, in_process=in_process)
        with self.assertRaises(TypeError):
            dyadic.compile(MODEL)  # to calibrate or not has to be said

    def here_or_there(self, x):
        """The same file's name in both messages."""
        path = self.at("samples.npz")
        np.savez(path, image=x)
        return path

    def test_options(self):
        self.refused("z80", target="z80-unknown-cpm")
        self.refused("skylake", cpu="skylale")
        self.refused("median", observer="median")
        self.refused("scheme: expected one of static, dynamic, dynamic-tensor, weight-only", scheme="dynamite")
        self.refused("there is no op named", keep_float=["nothing"])
        self.assertTrue(dyadic.compile(MODEL, calibration=CALIB, integer_only=True).weight_bytes)
        self.refused(
            "'qnn.conv2d' stays in float because it was asked to", keep_float=["conv1"], integer_only=True
        )
        self.refused("there is no op or input named", activations=["nothing=int16"])
        self.refused("expected activations of int8 or int16, but got int32", activations=["int32"])
        self.refused("expected one of nearest, gptq, adaround, awq, best", round_weights="up")
        self.refused('keep_float: expected a list of names, but got the string "conv1"', keep_float="conv1", error=TypeError)
        self.refused("expected an optimization level of 0 to 3, but got 4", opt_level=4)
        self.refused("threads: expected 1 to 256, but got 257", threads=257)
        self.refused("expected extents of at least 0", shapes={"image": (-1, 1, 8, 8)})
        self.refused("images.layout", images=dyadic.ImageOptions(layout="chw"), error=ValueError)
        self.refused("/nonexistent/x.o", output="/nonexistent/x.o")

    def test_libraries(self):
        with open(self.at("text.so"), "w") as file:
            file.write("text")
        for path in ("/nonexistent.so", self.at("text.so"), "libm.so.6"):
            with self.assertRaisesRegex(dyadic.LoadError, "cannot load .*" + os.path.basename(path)) as caught:
                dyadic.load(path)
            self.assertEqual(len(caught.exception.diagnostics), 1)

    def test_a_crash_of_the_child_is_an_exception(self):
        """Kills the compiler in the middle of its work, as a fault of its own would."""
        for signal_number, what in ((signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, "out of memory")):
            stop = threading.Event()
            killer = threading.Thread(target=kill_a_child, args=[signal_number, stop])
            killer.start()
            try:
                with self.assertRaisesRegex(dyadic.CompilerCrash, what):
                    while True:  # until it was fast enough
                        dyadic.compile(MODEL, calibration=CALIB)
            finally:
                stop.set()
                killer.join()
        self.assertTrue(dyadic.compile(MODEL, calibration=CALIB)(images()[:1]).size)

    def test_a_child_that_cannot_start(self):
        executable, sys.executable = sys.executable, ""
        try:
            with self.assertRaisesRegex(dyadic.CompileError, "in_process=True"):
                dyadic.compile(MODEL, calibration=CALIB)
        finally:
            sys.executable = executable

    def test_modules_of_the_current_folder_stay_out(self):
        with open(self.at("json.py"), "w") as file:
            file.write("raise SystemExit('the wrong json')")
        cwd = os.getcwd()
        os.chdir(self.folder)
        try:
            dyadic.compile(MODEL, calibration=CALIB)
        finally:
            os.chdir(cwd)


def kill_a_child(signal_number, stop):
    while not stop.is_set():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{pid}/maps") as file:
                    loaded = parent == os.getpid() and "libDyadicC" in file.read()
                if loaded:
                    os.kill(int(pid), signal_number)
                    return
            except (OSError, ValueError):
                pass
        time.sleep(0.005)


class CommandLine(unittest.TestCase):
    def test_the_tool_is_in_the_package(self):
        done = subprocess.run([sys.executable, "-m", "dyadic", "--version"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "dyadic " + dyadic.__version__))


def main():
    warnings.simplefilter("error", dyadic.CompileWarning)
    for test in flatten(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])):
        name = test.id().split(".", 1)[1]
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        result = unittest.TextTestRunner(io.StringIO(), verbosity=0).run(unittest.TestSuite([test]))
        texts = [text for _, text in result.errors + result.failures]
        print(json.dumps([name, "\n".join(texts)]), flush=True)


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


if __name__ == "__main__":
    main()
