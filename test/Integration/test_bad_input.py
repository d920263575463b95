"""Bad input is answered by exit 1, a message that says where, and nothing left behind."""
import os
import shutil
import subprocess
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness
from harness import DYADIC
from models import ROOT

DIGITS = os.path.join(ROOT, "examples/digits")
NEGATIVE_SHAPE = ["compile", "x.onnx", "-o", "x", "--float", "--shape", "x=-1x3x8x8"]
FLOAT, GIB = TensorProto.FLOAT, 1 << 30


def tensor(name, shape):
    return helper.make_tensor_value_info(name, FLOAT, shape)


def write_graph(path, nodes, shape, weights=(), out_shape=None, check=False, **save):
    graph = helper.make_graph(nodes, "g", [tensor("x", shape)], [tensor("y", out_shape)], list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path, **save)
    return path


def conv_weights(cin=3, cout=4):
    return numpy_helper.from_array(np.ones((cout, cin, 3, 3), np.float32), "w")


class Refusal(unittest.TestCase):
    """A scratch folder, and the check that a command refuses its input."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-bad-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.model = self.at("model.onnx")

    def at(self, name):
        return os.path.join(self.folder, name)

    def files(self, folder):
        return sorted(os.path.join(d, f) for d, _, names in os.walk(folder) for f in names)

    def refused(self, *message, command="compile", model=None, calib=None, flags=(), out=None, limit=60):
        """The command must exit with 1, say each of `message`, and leave no file behind."""
        before = self.files(self.folder)
        if command == "compile":
            how = ["--calibrate", calib] if calib else ["--float"]
            line = [DYADIC, "compile", model or self.model, "-o", out or self.at("out"), *how, *flags]
        else:
            line = [*command, *flags]
        try:
            done = harness.run(line, limit=limit, memory=16 * GIB)
        except subprocess.TimeoutExpired:
            self.fail(f"hangs: {' '.join(line)}")
        said = done.stdout + done.stderr
        self.assertEqual(1, done.returncode, f"{' '.join(line)}\n{said[-2000:]}")
        self.assertIn("error:", said)
        for word in message:
            self.assertIn(word, said)
        for crash in ("Stack dump", "PLEASE submit", "Assertion", "terminate called"):
            self.assertNotIn(crash, said)
        self.assertEqual(before, self.files(self.folder), "left something behind")


class BadInput(Refusal):
    # Models.

    def test_missing_file(self):
        self.refused("model.onnx")

    def test_truncated(self):
        with open(os.path.join(DIGITS, "digits.onnx"), "rb") as f:
            whole = f.read()
        for size in (1, 100, 20000, len(whole) - 7):
            with self.subTest(size=size):
                with open(self.model, "wb") as f:
                    f.write(whole[:size])
                self.refused("model.onnx")

    def test_corrupt(self):
        with open(self.model, "wb") as f:
            f.write(np.random.default_rng(1).bytes(5000))
        self.refused("model.onnx")

    def test_empty_file(self):
        open(self.model, "wb").close()
        self.refused("model.onnx")

    def test_missing_external_data(self):
        node = helper.make_node("Conv", ["x", "w"], ["y"], "conv")
        save = dict(save_as_external_data=True, location="weights.bin", size_threshold=0)
        write_graph(self.model, [node], [1, 3, 8, 8], [conv_weights()], **save)
        os.unlink(self.at("weights.bin"))
        self.refused("weights.bin")

    def test_short_external_data(self):
        node = helper.make_node("Conv", ["x", "w"], ["y"], "conv")
        save = dict(save_as_external_data=True, location="weights.bin", size_threshold=0)
        write_graph(self.model, [node], [1, 3, 8, 8], [conv_weights()], **save)
        os.truncate(self.at("weights.bin"), 100)
        self.refused("weights.bin")

    def test_unknown_op(self):
        write_graph(self.model, [helper.make_node("Frobnicate", ["x"], ["y"], "strange")], [1, 8])
        self.refused("Frobnicate", "strange")

    def test_ops_that_gpus_have_no_kernel_for(self):
        nodes = [helper.make_node("Sin", ["x"], ["s"], "wave"), helper.make_node("Cos", ["s"], ["y"], "other_wave")]
        write_graph(self.model, nodes, [1, 8])
        self.refused("wave", "other_wave", "on this target", flags=["--target", "nvptx64"], out=self.at("out.ptx"))

    def test_unsupported_attribute_value(self):
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "odd_conv", auto_pad="SIDEWAYS")]
        write_graph(self.model, nodes, [1, 3, 8, 8], [conv_weights()])
        self.refused("odd_conv", "auto_pad")

    def test_unknown_attribute(self):
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "odd_conv", sparsity=3)]
        write_graph(self.model, nodes, [1, 3, 8, 8], [conv_weights()])
        self.refused("odd_conv", "sparsity")

    def test_undefined_value(self):
        write_graph(self.model, [helper.make_node("Relu", ["nowhere"], ["y"], "lost")], [1, 8])
        self.refused("nowhere")

    def test_cycle(self):
        nodes = [helper.make_node("Add", ["x", "b"], ["a"], "first"), helper.make_node("Relu", ["a"], ["b"], "second"),
                 helper.make_node("Relu", ["b"], ["y"], "third")]  # fmt: skip
        write_graph(self.model, nodes, [1, 8])
        self.refused("cycle")

    def test_weights_of_2_to_the_40_elements(self):
        huge = TensorProto(name="w", data_type=FLOAT, dims=[1 << 20, 1 << 20])
        write_graph(self.model, [helper.make_node("MatMul", ["x", "w"], ["y"], "mm")], [1, 1 << 20], [huge])
        self.refused("w")

    def test_input_of_2_to_the_40_elements(self):
        write_graph(self.model, [helper.make_node("Relu", ["x"], ["y"], "relu")], [1, 1, 1 << 20, 1 << 20])
        self.refused("x")

    def test_weights_shorter_than_their_shape(self):
        short = TensorProto(name="w", data_type=FLOAT, dims=[4, 3, 3, 3], raw_data=b"\0" * 100)
        write_graph(self.model, [helper.make_node("Conv", ["x", "w"], ["y"], "conv")], [1, 3, 8, 8], [short])
        self.refused("w")

    # Shapes.

    def symbolic(self):
        node = helper.make_node("Conv", ["x", "w"], ["y"], "conv")
        return write_graph(self.model, [node], ["n", 3, "h", "w"], [conv_weights()], ["n", 4, "a", "b"])

    def test_missing_shape(self):
        self.symbolic()
        self.refused("x", "--shape")

    def test_impossible_shape(self):
        self.symbolic()
        for shape, where in (("1x5x8x8", "x"), ("1x3x2x2", "conv"), ("1x3x8", "x")):
            with self.subTest(shape=shape):
                self.refused(where, flags=["--shape", f"x={shape}"])

    def test_shape_of_an_unknown_input(self):
        self.symbolic()
        self.refused("nothing", flags=["--shape", "x=1x3x8x8", "--shape", "nothing=1x1"])

    # Samples.

    def samples_refused(self, *message, **arrays):
        np.savez(self.at("calib.npz"), **arrays)
        self.refused(*message, model=os.path.join(DIGITS, "digits.onnx"), calib=self.at("calib.npz"))

    def test_samples_of_the_wrong_shape(self):
        self.samples_refused("image", image=np.zeros((4, 1, 8, 9), np.float32))

    def test_samples_of_the_wrong_type(self):
        self.samples_refused("image", image=np.zeros((4, 1, 8, 8), np.complex64))

    def test_samples_of_the_wrong_name(self):
        self.samples_refused("image", picture=np.zeros((4, 1, 8, 8), np.float32))

    def test_samples_with_nan(self):
        x = np.zeros((4, 1, 8, 8), np.float32)
        x[2, 0, 3, 3] = np.nan
        self.samples_refused("image", image=x)

    def test_samples_with_infinity(self):
        x = np.zeros((4, 1, 8, 8), np.float32)
        x[1, 0, 3, 3] = np.inf
        self.samples_refused("image", image=x)

    def test_no_samples(self):
        self.samples_refused(image=np.zeros((0, 1, 8, 8), np.float32))

    def test_samples_that_are_no_npz(self):
        with open(self.at("calib.npz"), "w") as f:
            f.write("not an archive\n" * 50)
        self.refused("calib.npz", model=os.path.join(DIGITS, "digits.onnx"), calib=self.at("calib.npz"))

    def test_truncated_samples(self):
        with open(os.path.join(DIGITS, "calib.npz"), "rb") as f:
            whole = f.read()
        with open(self.at("calib.npz"), "wb") as f:
            f.write(whole[: len(whole) // 2])
        self.refused("calib.npz", model=os.path.join(DIGITS, "digits.onnx"), calib=self.at("calib.npz"))

    def test_missing_samples(self):
        self.refused("calib.npz", model=os.path.join(DIGITS, "digits.onnx"), calib=self.at("calib.npz"))

    def test_empty_image_folder(self):
        os.mkdir(self.at("images"))
        self.refused("images", model=os.path.join(DIGITS, "digits.onnx"), calib=self.at("images"))

    # Output.

    def digits_refused(self, *message, out):
        self.refused(*message, model=os.path.join(DIGITS, "digits.onnx"), calib=os.path.join(DIGITS, "calib.npz"), out=out)

    def test_results_without_elements(self):
        """Aren't bad, and nothing is divided by their number."""
        weights = numpy_helper.from_array(np.ones((3, 0), np.float32), "w")
        write_graph(self.model, [helper.make_node("MatMul", ["x", "w"], ["m"], "mm"), helper.make_node("Relu", ["m"], ["y"])], [2, 3], [weights], [2, 0])
        np.savez(self.at("x.npz"), x=np.ones((8, 2, 3), np.float32))
        done = harness.run([DYADIC, "run", self.model, "--calibrate", self.at("x.npz"), "--input", self.at("x.npz"), "--output", self.at("y.npz")])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("NaN", done.stderr)
        self.assertEqual(0, harness.load(self.at("y.npz"))["y"].size)

    def test_unwritable_output(self):
        self.digits_refused("no/such/folder", out=self.at("no/such/folder/digits"))

    def test_output_is_a_folder(self):
        os.mkdir(self.at("taken"))
        self.digits_refused("taken", out=self.at("taken"))

    def test_full_disk(self):
        disk = self.at("disk")
        os.mkdir(disk)
        done = harness.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk])
        if done.returncode:
            self.skipTest("needs root and mount to make a small disk")
        try:
            for name in ("digits", "digits.o", "digits.so", "digits.a"):
                with self.subTest(output=name):
                    self.digits_refused(name.split(".")[0], out=os.path.join(disk, name))
        finally:
            harness.check(["umount", disk])

    def test_bad_cpu(self):
        flags = ["--cpu", "no-such-cpu"]
        done = harness.run([DYADIC, "compile", os.path.join(DIGITS, "digits.onnx"), "-o", self.at("out"), "--float", *flags])
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn("no-such-cpu", done.stderr + done.stdout)
        self.assertEqual([], self.files(self.folder))

    def test_bad_command_line(self):
        for line in ([], ["frobnicate"], ["compile"], ["compile", "--no-such-flag"], NEGATIVE_SHAPE):
            with self.subTest(line=line):
                done = harness.run([DYADIC, *line])
                self.assertEqual(2, done.returncode, done.stdout + done.stderr)


class BadInputOfTheExecutable(Refusal):
    """The same for what we compile: it reads files too."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="dyadic-exe-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.binary = os.path.join(cls.scratch, "digits")
        calib = os.path.join(DIGITS, "calib.npz")
        harness.check([DYADIC, "compile", os.path.join(DIGITS, "digits.onnx"), "-o", cls.binary, "--calibrate", calib])

    def exe_refused(self, *message, flags=None, **arrays):
        if arrays:
            np.savez(self.at("in.npz"), **arrays)
        flags = flags or [self.at("in.npz"), "--output", self.at("out.npz")]
        self.refused(*message, command=[self.binary], flags=flags)

    def test_wrong_shape(self):
        self.exe_refused("image", image=np.zeros((1, 1, 9, 8), np.float32))

    def test_wrong_type(self):
        self.exe_refused("in.npz", image=np.zeros((1, 1, 8, 8), np.complex64))

    def test_wrong_name(self):
        zeros = np.zeros((1, 1, 8, 8), np.float32)
        self.exe_refused("image", picture=zeros, photo=zeros)

    def test_no_samples(self):
        self.exe_refused(image=np.zeros((0, 1, 8, 8), np.float32))

    def test_missing_input(self):
        self.exe_refused("in.npz")

    def test_not_an_archive(self):
        with open(self.at("in.npz"), "w") as f:
            f.write("PK nonsense" * 100)
        self.exe_refused("in.npz")

    def test_truncated_at_every_tenth(self):
        with open(os.path.join(DIGITS, "test.npz"), "rb") as f:
            whole = f.read()
        for i in range(10):
            with self.subTest(tenth=i):
                with open(self.at("in.npz"), "wb") as f:
                    f.write(whole[: len(whole) * i // 10])
                self.exe_refused("in.npz")

    def test_unwritable_result(self):
        np.savez(self.at("in.npz"), image=np.zeros((1, 1, 8, 8), np.float32))
        self.exe_refused("no/such", flags=[self.at("in.npz"), "--output", self.at("no/such/out.npz")])

    def test_full_result_disk(self):
        if os.path.exists("/dev/full"):
            np.savez(self.at("in.npz"), image=np.zeros((1, 1, 8, 8), np.float32))
            self.exe_refused("/dev/full", flags=[self.at("in.npz"), "--output", "/dev/full"])


if __name__ == "__main__":
    unittest.main()
