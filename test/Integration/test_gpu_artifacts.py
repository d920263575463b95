"""Programs for a GPU, run on a driver without one (fakecuda.c): what they load, copy, launch and
report. What the kernels compute is checked by the emulator's tests."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

import harness
from harness import DYADIC
from models import ROOT

DIGITS = os.path.join(ROOT, "examples/digits")
HERE = os.path.dirname(os.path.abspath(__file__))
INPUT_BYTES, OUTPUT_BYTES = 64 * 4, 10 * 4


def find_ptxas():
    homes = [os.environ.get(v) for v in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
    paths = [shutil.which("ptxas")] + [os.path.join(h, "bin/ptxas") for h in homes if h]
    return next((p for p in paths if p and os.path.exists(p)), None)


def has_driver():
    return subprocess.run(["python3", "-c", "import ctypes; ctypes.CDLL('libcuda.so.1')"], capture_output=True).returncode == 0


CUDA_HEADERS = os.path.join(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "include")


class DriverInterface(unittest.TestCase):
    @unittest.skipUnless(os.path.exists(os.path.join(CUDA_HEADERS, "cuda.h")), "cuda.h, of NVIDIA's CUDA toolkit, is not installed")
    def test_declarations_are_those_of_the_toolkit(self):
        harness.check(["cc", "-fsyntax-only", "-I", CUDA_HEADERS, os.path.join(HERE, "cuda_abi.c")])


class GPUArtifacts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dyadic-gpu-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        os.mkdir(cls.at("driver"))
        fake = os.path.join(HERE, "fakecuda.c")
        harness.check(["cc", "-std=c11", "-O1", "-Wall", "-shared", "-fPIC", fake, "-o", cls.at("driver/libcuda.so.1")])
        for name in ("digits.ptx", "digits.o", "digits.a", "digits.so", "digits"):
            cls.compile(name)
        cls.images = harness.load(os.path.join(DIGITS, "test.npz"))["image"][:3]
        np.savez(cls.at("images.npz"), image=cls.images)
        with open(cls.at("digits.ptx")) as f:
            cls.ptx = f.read()

    @classmethod
    def at(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def compile(cls, name, *flags, arch="sm_80", model="digits"):
        calib = os.path.join(DIGITS, "calib.npz")
        target = ["--target", "nvptx64", "--arch", arch] if arch else []
        return harness.check([DYADIC, "compile", os.path.join(DIGITS, model + ".onnx"), "-o", cls.at(name), "--calibrate", calib, *target, *flags])

    def write(self, name, text):
        with open(self.at(name), "w") as f:
            f.write(text)
        return self.at(name)

    def run_with(self, command, settings=None, driver=True):
        """The process and the driver's log."""
        log = self.at("log")
        if os.path.exists(log):
            os.unlink(log)
        env = dict(os.environ, FAKECUDA_LOG=log, **(settings or {}))
        if driver:
            env["LD_LIBRARY_PATH"] = self.at("driver")
        done = harness.run(command, env=env, limit=60)
        self.assertNotIn("fakecuda:", done.stderr)
        if not os.path.exists(log):
            return done, []
        with open(log) as f:
            return done, f.read().splitlines()

    def run_binary(self, settings=None, driver=True, binary="digits"):
        return self.run_with([self.at(binary), self.at("images.npz"), "--output", self.at("out.npz")], settings, driver)

    def test_ptx_calls_nothing_and_asks_for_no_more_than_needed(self):
        self.assertEqual(["7.0"], re.findall(r"(?m)^\.version (.*)$", self.ptx))
        self.assertEqual(["sm_80"], re.findall(r"(?m)^\.target (.*)$", self.ptx))
        self.assertEqual(0, self.ptx.count(".extern"))
        self.assertLessEqual(6, self.ptx.count(".visible .entry k"))
        # A product and a sum are one rounding only where the program says fma.
        self.assertEqual([], re.findall(r"(?m)^\s*(?:mul|add|sub)\.f32", self.ptx))

    def test_run_is_one_graph_recorded_once(self):
        done, log = self.run_binary()
        self.assertEqual(0, done.returncode, done.stderr)
        launches = [line for line in log if line.startswith("launch")]
        ran = [line for line in log if line.startswith("run ")]
        kernels = len(launches) // 2  # recorded with the copies and without
        self.assertEqual(launches[:kernels], launches[kernels:])
        self.assertEqual(3 * kernels, len(ran))
        self.assertIn(f"graph of {kernels + 2}", log)
        self.assertIn(f"graph of {kernels}", log)
        self.assertEqual(3, log.count("graph runs"))
        self.assertEqual(3, log.count(f"copy in {INPUT_BYTES}"))
        self.assertEqual(3, log.count(f"copy out {OUTPUT_BYTES}"))
        self.assertEqual(1, sum(line.startswith("module ptx sm_80") for line in log))
        self.assertLess(log.index("init"), log.index("module ptx sm_80"))

    def result_is_64(self):
        """The setting by which the last kernel fills the result with bytes of 64."""
        _, log = self.run_binary()
        # Allocations 0, 1, 2: weights, arena, inputs and outputs.
        last = [line for line in log if line.startswith("launch")][-1].split("arguments")[1].split()
        result = [i for i, a in enumerate(last) if a.startswith("2+") and a != "2+0"]
        self.assertEqual(1, len(result), last)
        return {"FAKECUDA_WRITE": f"-1:{result[0]}:{OUTPUT_BYTES}:64"}

    def test_what_the_last_kernel_writes_is_the_output(self):
        done, _ = self.run_binary(self.result_is_64())
        self.assertEqual(0, done.returncode, done.stderr)
        scores = harness.load(self.at("out.npz"))["scores"]
        self.assertEqual((3, 10), scores.shape)
        np.testing.assert_array_equal(scores.view(np.uint32), 0x40404040)

    def expect_error(self, text, settings, driver=True):
        if os.path.exists(self.at("out.npz")):
            os.unlink(self.at("out.npz"))
        done, log = self.run_binary(settings, driver)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, "digits: error: " + text)
        self.assertFalse(os.path.exists(self.at("out.npz")))
        return log

    def test_faults_are_named(self):
        self.expect_error("the NVIDIA driver cannot be initialized: no CUDA-capable device", {"FAKECUDA_DEVICES": "0"})
        self.expect_error(r"expected a GPU of compute capability 8\.0 or higher, but Fake GPU has 7\.5: compile with --arch sm_75", {"FAKECUDA_CC": "7.5"})
        self.expect_error("no GPU memory for the weights of [0-9]+ bytes: out of memory", {"FAKECUDA_MEMORY": "1000"})
        self.expect_error("the GPU code cannot be loaded: a PTX JIT compilation failed.*ptxas: the fake log", {"FAKECUDA_FAIL": "cuModuleLoadDataEx:218"})
        self.expect_error(r"the GPU code cannot be loaded.*the driver is of CUDA 11\.4: update it", {"FAKECUDA_FAIL": "cuModuleLoadDataEx:222"})
        self.expect_error("the model failed: an illegal memory access", {"FAKECUDA_FAIL": "cuStreamSynchronize:700:3"})

    def test_every_call_that_fails_is_an_error(self):
        calls = "cuDevicePrimaryCtxRetain cuCtxPushCurrent_v2 cuDeviceGetAttribute cuModuleGetFunction cuMemAlloc_v2:2:2 cuMemAlloc_v2:2:3 cuMemHostAlloc cuStreamCreate cuEventCreate cuMemcpyHtoDAsync_v2 cuStreamBeginCapture_v2 cuLaunchKernel cuLaunchKernel:1:2 cuMemcpyDtoHAsync_v2 cuStreamEndCapture cuGraphInstantiateWithFlags cuGraphInstantiateWithFlags:2:2 cuStreamWaitEvent cuGraphLaunch cuGraphLaunch:1:3"
        for call in calls.split():
            with self.subTest(call):
                log = self.expect_error(".+", {"FAKECUDA_FAIL": call if ":" in call else call + ":1"})
                for line in log:  # set-up that fails gives everything back
                    if line.startswith("released"):
                        self.assertRegex(line, "0 allocations, 0 modules, 0 streams, 0 events, 0 graphs left")

    @unittest.skipIf(has_driver(), "this machine has an NVIDIA driver")
    def test_no_driver(self):
        self.expect_error("no NVIDIA driver: libcuda.so.1", {}, driver=False)

    def test_newer_devices_run_the_code(self):
        done, log = self.run_binary({"FAKECUDA_CC": "9.0"})
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("module ptx sm_80", log)

    def test_fallback_is_the_cpu_program(self):
        self.compile("cpu", arch=None)
        expected = harness.execute(self.at("cpu"), self.at("images.npz"), self.folder)["scores"]
        self.compile("either", "--fallback", "cpu")
        done, _ = self.run_binary({"FAKECUDA_DEVICES": "0"}, binary="either")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stderr, "note: on the processor instead of a GPU: .*no CUDA-capable device")
        np.testing.assert_array_equal(expected, harness.load(self.at("out.npz"))["scores"])
        done, log = self.run_binary(binary="either")
        self.assertEqual("", done.stderr)
        self.assertEqual(3, log.count("graph runs"))

    PROGRAM = """
    #include "digits.h"
    #include <pthread.h>
    #include <stdio.h>
    #include <string.h>
    static float in[DIGITS_IMAGE_SIZE], out[2][DIGITS_SCORES_SIZE];
    static void failed(const char *error) { printf("handler: %s\\n", error); }
    static void *work(void *to) {
      for (int i = 0; i < 100; ++i) digits_run(in, to, 0);
      return 0;
    }
    int main(void) {
      pthread_t thread[2];
      if (digits_gpu_init()) return puts(digits_gpu_error()), 1;
      for (int t = 0; t < 2; ++t) pthread_create(&thread[t], 0, work, out[t]);
      for (int t = 0; t < 2; ++t) pthread_join(thread[t], 0);
      if (digits_run_async(in, out[0], 0)) return 2;
      digits_gpu_close();
      digits_gpu_close();
      if (digits_run_async(in, out[0], 0)) return 3; /* starts anew */
      digits_gpu_on_failure(failed);
      digits_run(in, out[0], 0);
      digits_gpu_close();
      return 0;
    }
    """

    def test_c_interface_from_objects_and_archives(self):
        source = self.write("main.c", self.PROGRAM)
        flags = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
        for library in ("digits.o", "digits.a"):
            harness.check(["cc", *flags, source, self.at(library), "-ldl", "-lpthread", "-o", self.at("program")])
            done, log = self.run_with([self.at("program")])
            self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
            self.assertEqual(203, log.count("graph runs"))
            released = [line for line in log if line.startswith("released")]
            self.assertEqual(["released: 0 allocations, 0 modules, 0 streams, 0 events, 0 graphs left"] * 2, released)
            done, _ = self.run_with([self.at("program")], {"FAKECUDA_FAIL": "cuGraphLaunch:700:203"})
            self.assertIn("handler: cannot launch the model: an illegal memory access", done.stdout)

    def test_the_example_of_the_documentation(self):
        with open(os.path.join(ROOT, "docs/GPU.md")) as f:
            program = re.search(r"```c\n(.*?)```", f.read(), re.S).group(1)
        source = self.write("example.c", program)
        harness.check(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", source, self.at("digits.o"), "-ldl", "-lpthread", "-o", self.at("example")])
        done, log = self.run_with([self.at("example")])
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual(2, log.count("graph runs"))
        done, _ = self.run_with([self.at("example")], {"FAKECUDA_DEVICES": "0"})
        self.assertEqual(1, done.returncode)
        self.assertIn("no CUDA-capable device", done.stderr)

    def test_failure_without_a_handler_ends_the_program(self):
        source = self.write("abort.c", '#include "digits.h"\nstatic float in[64], out[10];\nint main(void) { digits_run(in, out, 0); return 0; }\n')
        harness.check(["cc", source, self.at("digits.o"), "-ldl", "-lpthread", "-o", self.at("abort")])
        done, _ = self.run_with([self.at("abort")], {"FAKECUDA_DEVICES": "0"})
        self.assertEqual(-6, done.returncode)
        self.assertIn("digits: error: the NVIDIA driver cannot be initialized", done.stderr)

    def test_two_models_in_one_program(self):
        self.compile("other.o", "--name", "other")
        text = '#include "digits.h"\n#include "other.h"\nstatic float in[64], out[10];\nint main(void) { digits_run(in, out, 0); other_run(in, out, 0); return digits_gpu_error()[0] || other_gpu_error()[0]; }\n'
        source = self.write("two.c", text)
        harness.check(["cc", source, self.at("digits.o"), self.at("other.o"), "-ldl", "-lpthread", "-o", self.at("two")])
        done, log = self.run_with([self.at("two")])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(2, log.count("module ptx sm_80"))

    def test_header_is_c99_and_cpp(self):
        source = self.write("header.c", '#include "digits.h"\nint unused;\n')
        harness.check(["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", source, "-o", self.at("h.o")])
        harness.check(["c++", "-x", "c++", "-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", source, "-o", self.at("h.o")])

    def test_only_the_interface_is_visible(self):
        names = {line.split()[-1] for line in harness.check(["nm", "-g", "--defined-only", self.at("digits.o")]).stdout.splitlines() if line.strip()}
        self.assertEqual({"digits_" + s for s in "run run_async invoke info gpu_init gpu_error gpu_on_failure gpu_close".split()}, names)
        needed = {line.split()[-1] for line in harness.check(["nm", "-u", self.at("digits.o")]).stdout.splitlines()}
        self.assertLessEqual(needed, set("dlopen dlsym dlclose dlerror pthread_mutex_lock pthread_mutex_unlock snprintf fprintf fputs fwrite stderr strlen memcpy memset abort".split()))

    def test_shared_library_from_python(self):
        script = self.write("async.py", f"""
import ctypes, sys
model = ctypes.CDLL({self.at("digits.so")!r})
model.digits_gpu_error.restype = ctypes.c_char_p
x, y = (ctypes.c_float * 64)(*range(64)), (ctypes.c_float * 10)()
status = model.digits_run_async(x, y, None)
print(status, model.digits_gpu_error().decode())
""")
        done, log = self.run_with(["python3", script])
        self.assertEqual("0 \n", done.stdout)
        # Not the recorded copies: those of the caller's own memory.
        self.assertLess(log.index(f"copy in {INPUT_BYTES}"), log.index("graph runs"))
        self.assertLess(log.index("graph runs"), log.index(f"copy out {OUTPUT_BYTES}"))
        self.assertLess(log.index(f"copy out {OUTPUT_BYTES}"), log.index("event"))
        done, _ = self.run_with(["python3", script], {"FAKECUDA_CC": "6.1"})
        self.assertRegex(done.stdout, r"^-1 expected a GPU of compute capability 8\.0")

    def test_kept_tensors_come_back(self):
        self.compile("keep", "--keep-all")
        done, log = self.run_with([self.at("keep"), self.at("images.npz"), "--output", self.at("out.npz"), "--keep-all", self.at("kept.npz")])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(6, sum(line.startswith("copy out") for line in log))

    @unittest.skipUnless(find_ptxas(), "ptxas, of NVIDIA's CUDA toolkit, is not installed")
    def test_cubins(self):
        self.compile("digits.cubin")
        with open(self.at("digits.cubin"), "rb") as f:
            self.assertEqual(b"\x7fELF", f.read(4))
        self.compile("multi", "--cubin", "sm_80", "--cubin", "sm_90")
        _, log = self.run_binary({"FAKECUDA_CC": "9.0"}, binary="multi")
        self.assertIn("module cubin", log)
        # A driver that refuses the cubin gets the PTX.
        done, log = self.run_binary({"FAKECUDA_CC": "9.0", "FAKECUDA_FAIL": "cuModuleLoadDataEx:209"}, binary="multi")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("module ptx sm_80", log)

    def test_missing_ptxas_and_wrong_kinds(self):
        calib = ["--calibrate", os.path.join(DIGITS, "calib.npz")]
        model = os.path.join(DIGITS, "digits.onnx")
        gpu = ["--target", "nvptx64", "--arch", "sm_80"]
        done = harness.run([DYADIC, "compile", model, "-o", self.at("x.cubin"), *calib, *gpu, "--ptxas", "/nonexistent/ptxas"])
        self.assertNotEqual(0, done.returncode)
        self.assertIn("cannot run '/nonexistent/ptxas': expected the path of ptxas", done.stderr)
        for name in ("x.cubin", "x.ptx"):
            done = harness.run([DYADIC, "compile", model, "-o", self.at(name), *calib])
            self.assertNotEqual(0, done.returncode, name)
            self.assertIn("nvptx64", done.stderr)
            self.assertFalse(os.path.exists(self.at(name)))

    @unittest.skipUnless(shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"), "aarch64-linux-gnu-gcc or qemu-aarch64 is not installed")
    def test_a_gpu_in_an_arm_machine(self):
        os.makedirs(self.at("arm-driver"))
        fake = os.path.join(HERE, "fakecuda.c")
        harness.check(["aarch64-linux-gnu-gcc", "-std=c11", "-O1", "-shared", "-fPIC", fake, "-o", self.at("arm-driver/libcuda.so.1")])
        self.compile("arm", "--host", "aarch64-linux-gnu", "--fallback", "cpu")
        qemu = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
        files = [self.at("arm"), self.at("images.npz"), "--output", self.at("out.npz")]
        log = self.at("arm.log")
        harness.check([*qemu, "-E", f"LD_LIBRARY_PATH={self.at('arm-driver')}", "-E", f"FAKECUDA_LOG={log}", *files])
        with open(log) as f:
            self.assertEqual(3, f.read().split("\n").count("graph runs"))
        done = harness.check([*qemu, *files])
        self.assertIn("note: on the processor instead of a GPU: no NVIDIA driver", done.stderr)
        scores = harness.load(self.at("out.npz"))["scores"]
        self.compile("cpu", arch=None)
        expected = harness.execute(self.at("cpu"), self.at("images.npz"), self.folder)["scores"]
        np.testing.assert_array_equal(expected, scores)

    def test_script_compares_and_times(self):
        build = self.at("build/bin")
        os.makedirs(build)
        os.symlink(os.path.abspath(DYADIC), os.path.join(build, "dyadic"))
        out, script = self.at("prepared"), os.path.join(ROOT, "scripts/gpu")
        where = ["--out", out, "--build-dir", self.at("build"), "--models", "digits"]
        harness.check([script, "prepare", "--arch", "sm_80", *where])
        done, _ = self.run_with([script, "run", "--out", out, "--runs", "50"])
        self.assertRegex(done.stdout, r"\| digits \| 3\d\d of 320 \|")  # no kernel ran
        self.assertEqual(1, done.returncode, done.stderr)
        # What the last kernel is made to write is what is expected: 8 samples of 40 bytes.
        with open(os.path.join(out, "digits.y0.bin"), "wb") as f:
            f.write(b"\x40" * 8 * OUTPUT_BYTES)
        done, log = self.run_with([script, "run", "--out", out, "--runs", "50"], self.result_is_64())
        self.assertIn("| digits | 0 of 320 |", done.stdout)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("copy on device 256", log)
        done, _ = self.run_with([script, "run", "--out", out], {"FAKECUDA_CC": "7.5"})
        self.assertIn("prepared for sm_80, but the device is sm_75", done.stderr)

    @unittest.skipUnless(find_ptxas(), "ptxas, of NVIDIA's CUDA toolkit, is not installed")
    def test_script_reports_what_ptxas_says(self):
        build = self.at("other/bin")
        os.makedirs(build)
        os.symlink(os.path.abspath(DYADIC), os.path.join(build, "dyadic"))
        script = os.path.join(ROOT, "scripts/gpu")
        text = harness.check([script, "ptxas", "--build-dir", self.at("other"), "--models", "digits", "--arch", "sm_80,sm_90"]).stdout
        self.assertRegex(text, r"\| digits \| sm_80 \| [67] \| \d+ \| \d+ \| none \|")
        self.assertRegex(text, r"\| digits \| sm_90 \|")


if __name__ == "__main__":
    unittest.main()
