"""TOSA's own conformance tests and reference model against what is compiled here; skipped without tosa-tools."""
import os
import tempfile
import unittest

import numpy as np

import tosasuite
from harness import DYADIC, check
from models import ROOT
from native import Native

BATCH = 40
# Every case of every op, the hundreds of convolutions too, by DYADIC_TOSA_ALL=1: an hour, most of it tosa-tools' own.
ALL = os.environ.get("DYADIC_TOSA_ALL") == "1"
WITHOUT = f"no tosa-tools in {tosasuite.TOOLS}: scripts/setup puts it there, or TOSA_TOOLS names another environment"


@unittest.skipUnless(tosasuite.available(), WITHOUT)
class Conformance(unittest.TestCase):
    """Every case is taken and gives what TOSA's reference model gives, to the byte, in native code."""

    def conform(self, filter, stride, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            tests = os.path.join(folder, "tests")
            cases = tosasuite.generate(tests, "--filter", filter, *arguments, stride=1 if ALL else stride)
            taken, refused = tosasuite.convert(cases, "native")
            wrong = []
            for i in range(0, len(taken), BATCH):
                batch = taken[i : i + BATCH]
                wrong += tosasuite.differing(batch, tosasuite.compile_batch(batch, folder, "native"))
        print(f"tosa: {filter}: {len(cases)} cases, {len(taken)} taken, {len(wrong)} wrong")
        for message in sorted(set(refused.values())):
            print(f"tosa: {sum(m == message for m in refused.values())} refused: {message}")
        self.assertEqual(wrong, [])
        self.assertEqual(refused, {})
        self.assertGreater(len(taken), 3)

    def test_rescale(self):
        self.conform("^rescale$", 2, *([] if ALL else ["--target-rank", "2"]))

    def test_elementwise(self):
        self.conform("^(add|sub|mul|matmul|table|clamp)$", 4, "--profile", "tosa-pro-int")

    def test_windows(self):
        # tosa-tools would generate thousands.
        fewer = "--target-shape 1,5,6,3 --conv-kernel 2,2 --max-pooling-kernel 2".split()
        for limit in ("conv-padding", "conv-stride", "conv-dilation", "pooling-padding", "pooling-stride"):
            fewer += [f"--max-{limit}", "1"]
        self.conform("^(conv2d|depthwise_conv2d|avg_pool2d|max_pool2d)$", 4, "--profile", "tosa-pro-int", *([] if ALL else fewer))


@unittest.skipUnless(tosasuite.available(), WITHOUT)
class Export(unittest.TestCase):
    """A network quantized here, written as TOSA, gives the same bytes in TOSA's reference model."""

    def test_reference_model(self):
        model = os.path.join(ROOT, "test/Inputs/onnx/conv.onnx")
        with tempfile.TemporaryDirectory() as folder:
            at = lambda name: os.path.join(folder, name)
            import onnx

            inputs = onnx.load(model).graph.input
            shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
            samples = np.random.default_rng(3).normal(size=[8, *shape[1:]]).astype(np.float32)
            np.savez(at("samples.npz"), **{inputs[0].name: samples})
            common = [DYADIC, "compile", model, "--calibrate", at("samples.npz"), "--requantize", "half_up"]
            check([*common, "--emit", "tosa", "-o", at("net.mlir")])
            check([*common, "-o", at("net.so")])
            # Strictly what TOSA 1.0 has, says upstream; Arm's own tool writes the file.
            check([tosasuite.LLVM + "/bin/mlir-opt", at("net.mlir"), "--tosa-attach-target=profiles=pro_int,pro_fp", "--tosa-validate=strict-op-spec-alignment", "-o", "/dev/null"])
            check([tosasuite.tool("tosa-opt"), at("net.mlir"), "--tosa-serialize", f"--tosa-flatbuffer-filename={at('net.tosa')}", "-o", "/dev/null"])
            native = Native(at("net.so"))
            for i in range(4):
                np.save(at("in.npy"), samples[i : i + 1])
                check([tosasuite.tool("tosa_reference_model"), "--tosa_file=net.tosa", f"--flatbuffer_dir={folder}", "--ifm_name=TosaInput_0", "--ifm_file=in.npy", "--ofm_name=TosaOutput_0", "--ofm_file=out.npy", f"--output_dir={folder}"])
                np.testing.assert_array_equal(native(samples[i : i + 1]), np.load(at("out.npy")))


if __name__ == "__main__":
    unittest.main()
