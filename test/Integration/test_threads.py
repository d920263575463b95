"""Several threads: the same bytes whatever their number, in any order, with fewer than asked for or one processor."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

import harness
import smallnets
from harness import DYADIC
from models import ROOT

DIGITS = os.path.join(ROOT, "examples/digits")
# Every kind of kernel, in extents that no number of threads divides.
NETS = """conv_1x1 conv_1x1_wide conv_3x3 conv_3x3_first_layer conv_grouped conv_dilated depthwise_3x3 depthwise_3x3_stride2
    depthwise_5x5 residual squeeze_and_excite inverted_residual_relu6 layer_norm attention unary_erf add_per_channel
    max_pool_3x3_padded avg_pool_3x3_pads_out global_average global_max reduce_mean gemm matmul_rows
    matmul_of_two_activations concat_channels concat_rows slice_channels slice_strided split pad_constant resize_nearest
    conv_transpose_4x4_s2 transpose_and_reshape softmax lstm gru""".split()
# Kinds whose loops divide in more than one way, with all numbers of threads.
THOROUGH = {"conv_1x1_wide", "conv_3x3", "depthwise_3x3", "attention", "concat_channels", "pad_constant", "softmax"}

# Stands in for the OpenMP runtime: one thread at a time runs until it waits for another, then the next of an
# order does, so that parts of a kernel run one after another in that order.
ONE_AT_A_TIME = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "digits.h"
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn, team, step, done[64];
static __thread int me;
static void (*region)(void *);
static void *region_data;
int omp_get_thread_num(void) { return me; }
int omp_get_num_threads(void) { return team; }
static void pass(void) {
  for (int i = 0; i < team; ++i) {
    turn = (turn + step + team) % team;
    if (!done[turn])
      break;
  }
  pthread_cond_broadcast(&changed);
}
static void await(void) {
  while (turn != me)
    pthread_cond_wait(&changed, &mutex);
}
int sched_yield(void) {
  pthread_mutex_lock(&mutex);
  pass();
  await();
  pthread_mutex_unlock(&mutex);
  return 0;
}
static void *run(void *number) {
  me = (int)(long)number;
  pthread_mutex_lock(&mutex);
  await();
  pthread_mutex_unlock(&mutex);
  region(region_data);
  pthread_mutex_lock(&mutex);
  done[me] = 1;
  pass();
  pthread_mutex_unlock(&mutex);
  return 0;
}
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags) {
  pthread_t thread[64];
  (void)flags;
  if (team > (int)threads)
    abort();
  region = body, region_data = data;
  turn = step > 0 ? 0 : team - 1;
  for (int i = 0; i < team; ++i)
    done[i] = 0;
  for (long i = 0; i < team; ++i)
    pthread_create(&thread[i], 0, run, (void *)i);
  for (int i = 0; i < team; ++i)
    pthread_join(thread[i], 0);
}
static float in[10][64], out[10][10];
static _Alignas(64) char arena[DIGITS_ARENA_BYTES + 64];
int main(int argc, char **argv) {
  team = atoi(argv[1]), step = atoi(argv[2]);
  if (fread(in, sizeof in, 1, stdin) != 1) return 1;
  for (int i = 0; i < 10; ++i)
    digits_run(in[i], out[i], arena);
  return fwrite(out, sizeof out, 1, stdout) != 1 || argc != 3;
}
"""


class Threads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dyadic-threads-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.images = harness.load(os.path.join(DIGITS, "test.npz"))["image"][:10]
        np.savez(cls.at("images.npz"), image=cls.images)
        cls.compile("one")
        cls.expected = harness.execute(cls.at("one"), cls.at("images.npz"), cls.folder)["scores"]

    @classmethod
    def at(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def compile(cls, out, *flags):
        calib = os.path.join(DIGITS, "calib.npz")
        harness.check([DYADIC, "compile", os.path.join(DIGITS, "digits.onnx"), "-o", cls.at(out), "--calibrate", calib, *flags])
        return cls.at(out)

    def outputs(self, path, samples, how, threads):
        out = self.at("out.npz")
        flags = ["--threads", threads, "--thread-cost", 0] if threads > 1 else []
        harness.check([DYADIC, "run", path, *how, "--input", samples, "--output", out, *flags])
        return harness.load(out)

    def test_bytes_of_every_kind_of_kernel(self):
        for name in NETS:
            path, samples = self.at(name + ".onnx"), self.at(name + ".npz")
            shape = smallnets.write(name, path)
            np.savez(samples, x=np.random.default_rng(1).normal(0, 1, shape).astype(np.float32))
            for how in (["--calibrate", samples], ["--float"]) if name in THOROUGH else (["--calibrate", samples],):
                expected = self.outputs(path, samples, how, 1)
                for threads in (2, 3, 4) if name in THOROUGH else (3,):
                    with self.subTest(net=name, how=how[0], threads=threads):
                        got = self.outputs(path, samples, how, threads)
                        for key in expected:
                            np.testing.assert_array_equal(expected[key], got[key])

    def test_parts_in_any_order(self):
        """And with fewer threads than the kernels are divided for."""
        self.compile("digits.o", "--threads", 4, "--thread-cost", 0)
        source, program = self.at("order.c"), self.at("order")
        with open(source, "w") as f:
            f.write(ONE_AT_A_TIME)
        harness.check(["cc", "-std=gnu11", "-O1", source, self.at("digits.o"), "-lm", "-lpthread", "-o", program])
        for team in (1, 2, 3, 4):
            for step in (1, -1):
                with self.subTest(team=team, step=step):
                    done = subprocess.run([program, str(team), str(step)], input=self.images.tobytes(), capture_output=True, check=True)
                    np.testing.assert_array_equal(self.expected, np.frombuffer(done.stdout, np.float32).reshape(10, 10))

    def test_one_processor_for_four_threads(self):
        binary = self.compile("four", "--threads", 4, "--thread-cost", 0)
        out = self.at("pinned.npz")
        harness.check(["taskset", "-c", "0", binary, self.at("images.npz"), "--output", out], limit=60)
        np.testing.assert_array_equal(self.expected, harness.load(out)["scores"])

    def test_every_kind_of_file(self):
        """Needs an OpenMP runtime, and nothing of it with one thread."""
        for name in ("three", "three.so", "three.a"):
            self.compile(name, "--threads", 3, "--thread-cost", 0)
        np.testing.assert_array_equal(self.expected, harness.execute(self.at("three"), self.at("images.npz"), self.folder)["scores"])
        harness.check([DYADIC, "run", self.at("three.so"), "--input", self.at("images.npz"), "--output", self.at("out.npz")])
        np.testing.assert_array_equal(self.expected, harness.load(self.at("out.npz"))["scores"])
        for name, libraries in (("three", {"libgomp.so.1"}), ("three.so", {"libgomp.so.1"}), ("one", set())):
            needed = set(re.findall(r"NEEDED.*\[(.*omp.*)\]", harness.check(["readelf", "-d", self.at(name)]).stdout))
            self.assertEqual(libraries, needed, name)
        wanted = {line.split()[-1] for line in harness.check(["nm", "-u", self.at("three.a")]).stdout.splitlines() if " U " in line}
        self.assertIn("GOMP_parallel", wanted)
        with open(self.at("three.h")) as f:
            self.assertIn("-lgomp", f.read())

    def test_small_work_is_not_divided(self):
        """Such a program starts no threads: its code is that of one thread."""
        self.compile("small.o", "--threads", 8)
        self.assertNotIn("GOMP", harness.check(["nm", "-u", self.at("small.o")]).stdout)

    def test_several_processors_in_a_file(self):
        binary = self.compile("variants", "--threads", 2, "--thread-cost", 0, "--cpu", "scalar,avx2,avx512vnni")
        np.testing.assert_array_equal(self.expected, harness.execute(binary, self.at("images.npz"), self.folder)["scores"])

    def test_aarch64(self):
        for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        target = ["--target", "aarch64-linux-gnu", "--cpu", "dotprod", "--static"]
        binary = self.compile("arm", "--threads", 3, "--thread-cost", 0, *target)
        out = self.at("arm.npz")
        harness.check(["qemu-aarch64", "-cpu", "max", binary, self.at("images.npz"), "--output", out])
        np.testing.assert_array_equal(self.expected, harness.load(out)["scores"])

    def test_refused(self):
        for flags, message in [
            (["--threads", "0"], "threads: expected 1 to 256, but got 0"),
            (["--threads", "2", "--target", "riscv64-linux-gnu"], "threads: expected 1 for 'riscv64.*', but got 2"),
            (["--threads", "2", "--arch", "sm_80"], "threads: expected 1 for 'nvptx64.*', but got 2"),
        ]:
            done = harness.run([DYADIC, "compile", os.path.join(DIGITS, "digits.onnx"), "--float", "-o", self.at("no.o"), *flags])
            self.assertEqual(2, done.returncode)
            self.assertRegex(done.stderr, message)


if __name__ == "__main__":
    unittest.main()
