"""Programs that leave a length open: at each length they give what a program compiled for it alone gives."""
import ctypes
import json
import os
import shutil
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import capi
import harness
from harness import DYADIC
from models import MODELS, Unavailable

STEP = 8


# Runs the program for a length on x.bin.
MAIN = """
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
static float x[1 << 16], y[1 << 16];
static _Alignas(64) char arena[1 << 22];
int main(int argc, char **argv) {
  FILE *in = fopen("x.bin", "rb"), *out = fopen("y.bin", "wb");
  fread(x, 4, 1 << 16, in);
  int refused = net_run(x, y, arena, atoi(argv[1]));
  fwrite(y, 4, atoi(argv[2]), out);
  fclose(out);
  return refused;
}
"""


class Net:
    """Nodes and random weights, collected."""

    def __init__(self, seed):
        self.rng, self.nodes, self.tensors = np.random.default_rng(seed), [], []

    def const(self, value):
        self.tensors.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.tensors)}"))
        return self.tensors[-1].name

    def weight(self, *shape):
        fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        return self.const(self.rng.normal(0, fan_in**-0.5, shape).astype(np.float32))

    def node(self, kind, *inputs, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [f"{kind}_{len(self.nodes)}"], f"{kind}_{len(self.nodes)}", **attributes))
        return self.nodes[-1].output[0]

    def save(self, path, inputs, output, shape):
        graph = helper.make_graph(
            self.nodes, "net", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], self.tensors
        )
        graph.node[-1].output[0] = "y"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def write_image_net(path):
    """Convolutions with borders and strides along the width, a depthwise one, squeeze and excitation, a pool."""
    net = Net(3)
    conv = lambda x, cin, cout, k, **a: net.node("Relu", net.node("Conv", x, net.weight(cout, cin, k, k), pads=[k // 2] * 4, **a))
    x = conv("x", 3, 16, 3, strides=[2, 2])
    x = net.node("Relu", net.node("Conv", x, net.weight(16, 1, 5, 5), pads=[2] * 4, group=16))
    squeezed = net.node("GlobalAveragePool", x)
    gate = net.node("Sigmoid", net.node("Conv", squeezed, net.weight(16, 16, 1, 1)))
    x = conv(net.node("Mul", x, gate), 16, 24, 3)
    x = net.node("MaxPool", x, kernel_shape=[3, 2], strides=[3, 2], pads=[0, 0, 0, 0])
    net.node("Conv", x, net.weight(10, 24, 2, 1), strides=[2, 1])
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 12, "width"])]
    net.save(path, inputs, "y", [1, 10, 1, "out"])


def write_token_net(path):
    """Embeddings with positions, one layer of attention, and the mean over the tokens."""
    width, heads, longest = 16, 2, 24
    net = Net(4)
    x = net.node("Gather", net.const(net.rng.normal(0, 1, (50, width)).astype(np.float32)), "ids")
    length = net.node("Slice", net.node("Shape", "ids"), *(net.const(np.array([i])) for i in (1, 2, 0)))
    positions = net.rng.normal(0, 1, (1, longest, width)).clip(-2, 2).astype(np.float32)
    positions[0, 0, :2] = -2, 2  # all beginnings have the same range
    table = net.const(positions)
    zero, one = net.const(np.array([0])), net.const(np.array([1]))
    x = net.node("Add", x, net.node("Slice", table, zero, length, one))
    full = net.node("Concat", net.const(np.array([1])), length, net.const(np.array([heads, width // heads])), axis=0)
    split = lambda: net.node("Reshape", net.node("MatMul", x, net.weight(width, width)), full)
    q = net.node("Transpose", split(), perm=[0, 2, 1, 3])
    k = net.node("Transpose", split(), perm=[0, 2, 3, 1])
    v = net.node("Transpose", split(), perm=[0, 2, 1, 3])
    mixed = net.node("MatMul", net.node("Softmax", net.node("MatMul", q, k), axis=-1), v)
    mixed = net.node("Transpose", mixed, perm=[0, 2, 1, 3])
    flat = net.node("Concat", net.const(np.array([1])), length, net.const(np.array([width])), axis=0)
    x = net.node("Add", x, net.node("MatMul", net.node("Reshape", mixed, flat), net.weight(width, width)))
    x = net.node("MatMul", x, net.weight(width, 8))
    mean = net.node("ReduceMean", x, axes=[1], keepdims=1)
    net.node("Sub", x, mean)
    net.save(path, [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "length"])], "y", [1, "length", 8])


def images(length, count, seed):
    rng = np.random.default_rng(seed + length)
    return {"x": rng.normal(0, 1, (count, 3, 12, length)).astype(np.float32)}


def tokens(length, count, seed):
    rng = np.random.default_rng(seed + length)
    return {"ids": rng.integers(0, 50, (count, length))}


class Dynamic(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def outputs(self, model, shapes, samples, how):
        np.savez(self.path("in.npz"), **samples)
        harness.check(
            [DYADIC, "run", model, "--input", self.path("in.npz"), "-o", self.path("out.npz"), *how]
            + [word for shape in shapes for word in ("--shape", shape)]
        )
        return harness.load(self.path("out.npz"))

    def statistics(self, model, shapes, calib, out):
        harness.check(
            [DYADIC, "calibrate", model, "--calibrate", calib, "-o", out] + [word for shape in shapes for word in ("--shape", shape)]
        )
        with open(out) as file:
            return json.load(file)

    def with_same_statistics(self, model, fixed, bounded, length, samples):
        """Options that give both programs the same ranges: calibration by each would differ by roundings of float sums."""
        calib, alone, among = self.path("calib.npz"), self.path("alone.json"), self.path("among.json")
        np.savez(calib, **samples(length, 8, 100))
        counted = self.statistics(model, fixed, calib, alone)
        longest = self.statistics(model, bounded, calib, among)
        for tensor, like in zip(counted["tensors"], longest["tensors"]):
            self.assertEqual(tensor["name"], like["name"])
            tensor["shape"] = like["shape"]
            if tensor["statistics"]["channels"] != like["statistics"]["channels"]:  # it varies: nothing is corrected by them
                for key in [key for key in like["statistics"] if key == "rows" or key.startswith("channel")]:
                    tensor["statistics"][key] = like["statistics"][key]
        with open(among, "w") as file:
            json.dump(counted, file)
        # Channels are only equalized where all of a network's tensors have statistics of them.
        return ["--recover", "none", "--statistics", alone], ["--recover", "none", "--statistics", among]

    def compare(self, model, shapes, open_extent, lengths, samples, tolerance=0):
        """`shapes` have {} for the length. Quantized, within `tolerance` of the largest, and in float."""
        bounded = [shape.format(open_extent) for shape in shapes]
        for length in lengths:
            fixed = [shape.format(length) for shape in shapes]
            data = samples(length, 3, 0)
            for kind in ("quantized", "float"):
                with self.subTest(length=length, kind=kind):
                    alone, among = (["--float"], ["--float"])
                    if kind == "quantized":
                        alone, among = self.with_same_statistics(model, fixed, bounded, length, samples)
                    expected = self.outputs(model, fixed, data, alone)
                    got = self.outputs(model, bounded, data, among)
                    for name, values in expected.items():
                        self.assertEqual(got[name].shape, values.shape)
                        most = 1e-4 if kind == "float" else tolerance
                        np.testing.assert_allclose(got[name], values, rtol=0, atol=most * np.abs(values).max())

    def test_image_net(self):
        write_image_net(self.path("net.onnx"))
        self.compare(self.path("net.onnx"), ["x=1x3x12x{}"], "16..72:8", (16, 40, 72), images)

    def test_token_net(self):
        write_token_net(self.path("net.onnx"))
        self.compare(self.path("net.onnx"), ["ids=1x{}"], "3..24", (3, 10, 23), tokens)

    def test_one_library_for_all_lengths(self):
        """Samples of several lengths calibrate it; its C function checks the length."""
        write_image_net(self.path("net.onnx"))
        os.mkdir(self.path("calib"))
        for length in (16, 32, 72):
            np.savez(self.path(f"calib/{length}.npz"), **images(length, 4, 100))
        library = self.path("libnet.so")
        harness.check(
            [DYADIC, "compile", self.path("net.onnx"), "--calibrate", self.path("calib"), "--shape", "x=1x3x12x16..72:8", "-o", library]
        )
        header = open(self.path("libnet.h")).read()
        self.assertIn("int net_run(const float *x, float *y, void *arena, int64_t length);", header)
        run = ctypes.CDLL(library).net_run
        arena = np.zeros(1 << 20, np.uint8)
        start = -arena.ctypes.data % 64
        pointer = lambda a: ctypes.c_void_p(a.ctypes.data)
        for length in (16, 24, 72):
            x = images(length, 1, 0)["x"]
            y = np.zeros((1, 10, 1, length // 4), np.float32)
            self.assertEqual(run(pointer(x), pointer(y), ctypes.c_void_p(arena.ctypes.data + start), ctypes.c_int64(length)), 0)
            np.savez(self.path("in.npz"), x=x)
            harness.check([DYADIC, "run", library, "--input", self.path("in.npz"), "-o", self.path("out.npz")])
            np.testing.assert_array_equal(harness.load(self.path("out.npz"))["y"], y)
        for length in (8, 20, 80, -16):
            self.assertEqual(run(pointer(x), pointer(y), ctypes.c_void_p(arena.ctypes.data + start), ctypes.c_int64(length)), 1)

    def test_threads_and_processors(self):
        """The bytes of one thread's native code at each length, whatever computes them."""
        write_image_net(self.path("net.onnx"))
        shapes, lengths = ["x=1x3x12x16..72:8"], (16, 56)
        np.savez(self.path("calib.npz"), **images(72, 8, 100))
        self.statistics(self.path("net.onnx"), shapes, self.path("calib.npz"), self.path("ranges.json"))
        same = ["--statistics", self.path("ranges.json")]
        ways = [["--threads", n] for n in ("2", "3")] + [["--cpu", cpu] for cpu in harness.CPUS if harness.this_machine_has(cpu)]
        for length in lengths:
            data = images(length, 2, 0)
            expected = self.outputs(self.path("net.onnx"), shapes, data, same)["y"]
            for way in ways:
                with self.subTest(way=way, length=length):
                    np.testing.assert_array_equal(self.outputs(self.path("net.onnx"), shapes, data, same + way)["y"], expected)

    def test_library(self):
        """C's library interface: one program in this process, at several lengths, as the float model alone."""
        write_image_net(self.path("net.onnx"))
        with open(self.path("net.onnx"), "rb") as file:
            program = capi.Library().compile(file.read(), {"x": (1, 3, 12, range(16, 73, 8))})
        for length in (72, 16, 40):
            data = images(length, 1, 0)
            expected = self.outputs(self.path("net.onnx"), [f"x=1x3x12x{length}"], data, ["--float"])["y"]
            got = program([data["x"]], [expected.shape])[0]
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
        with self.assertRaisesRegex(capi.CompileError, "expected [0-9]+ bytes, but got 2880"):
            program([images(20, 1, 0)["x"]], [(1, 10, 1, 5)])

    @unittest.skipUnless(shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"), "needs qemu-user and gcc-aarch64-linux-gnu")
    def test_arm(self):
        """An object for ARM64 at several lengths under QEMU: the bytes of this machine's code."""
        write_image_net(self.path("net.onnx"))
        shapes = ["x=1x3x12x16..72:8"]
        np.savez(self.path("calib.npz"), **images(72, 8, 100))
        self.statistics(self.path("net.onnx"), shapes, self.path("calib.npz"), self.path("ranges.json"))
        same = ["--statistics", self.path("ranges.json")]
        with open(self.path("main.c"), "w") as file:
            file.write(MAIN)
        for cpu in ("neon", "i8mm"):
            target = ["--target", "aarch64-linux-gnu", "--cpu", cpu, "--shape", *shapes]
            harness.check([DYADIC, "compile", self.path("net.onnx"), *same, *target, "-o", self.path("net.o")])
            harness.check(["aarch64-linux-gnu-gcc", "main.c", "net.o", "-lm", "-o", "net"], cwd=self.folder)
            for length in (16, 56, 72):
                data = images(length, 1, 0)
                data["x"].tofile(self.path("x.bin"))
                emulator = ["qemu-aarch64", "-cpu", "max", "-L", "/usr/aarch64-linux-gnu"]
                harness.check([*emulator, "./net", length, length // 4 * 10], cwd=self.folder)
                expected = self.outputs(self.path("net.onnx"), shapes, data, same)["y"]
                np.testing.assert_array_equal(np.fromfile(self.path("y.bin"), np.float32), expected.ravel())

    def test_wrong_lengths_are_refused(self):
        write_image_net(self.path("net.onnx"))
        for length, message in ((20, "expected 16 to 72 in steps of 8 as dimension 3"), (80, "expected 16 to 72 in steps of 8")):
            np.savez(self.path("in.npz"), **images(length, 2, 0))
            done = harness.run(
                [DYADIC, "run", self.path("net.onnx"), "--float", "--shape", "x=1x3x12x16..72:8", "--input", self.path("in.npz")]
            )
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stderr)
        for shape in ("x=1x3x12x72..16", "x=1x3x8..12x16..72", "x=1x3x12x16..70:8"):
            done = harness.run([DYADIC, "run", self.path("net.onnx"), "--float", "--shape", shape, "--input", self.path("in.npz")])
            self.assertIn("one of which may be open", done.stderr)
        done = harness.run(
            [DYADIC, "compile", self.path("net.onnx"), "--float", "--shape", "x=1x3x12x16..72:8", "-o", self.path("net")]
        )
        self.assertIn("expected fixed shapes for an executable", done.stderr)

    def real(self, name):
        try:
            return MODELS[name].path
        except (Unavailable, KeyError) as error:
            self.skipTest(str(error))

    def test_text_recognition(self):
        """PP-OCRv4's, whose width is open."""
        wide = lambda length, count, seed: {"x": np.tanh(images(length * 4, count, seed)["x"].reshape(count, 3, 48, length))}
        self.compare(self.real("rec"), ["x=1x3x48x{}"], "32..640:8", (96,), wide)

    def open_minilm(self):
        """The model of 128 tokens with their number open: reshapes keep the extent, as exporters write it."""
        model = onnx.load(self.real("minilm"))
        for value in model.graph.input:
            value.type.tensor_type.shape.dim[1].dim_param = "length"
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.INT64 and list(tensor.dims) in ([3], [4]):
                shape = numpy_helper.to_array(tensor).copy()
                if shape[1] == 128:
                    shape[1] = 0
                    tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))
        onnx.save(model, self.path("minilm.onnx"))
        return self.path("minilm.onnx")

    def test_sentences(self):
        """MiniLM, whose number of tokens is open."""

        def sentences(length, count, seed):
            ids = np.random.default_rng(seed).integers(1000, 20000, (count, length))
            return {"input_ids": ids, "attention_mask": np.ones_like(ids)}

        shapes = ["input_ids=1x{}", "attention_mask=1x{}"]
        self.compare(self.open_minilm(), shapes, "4..64", (11,), sentences, tolerance=1e-3)


if __name__ == "__main__":
    unittest.main()
