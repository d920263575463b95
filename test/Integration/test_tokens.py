"""Networks that read integers: tokens, masks of every type, indices out of range."""
import os
import shutil
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import harness
from harness import CPUS, DYADIC

TOKENS, WIDTH, HEADS, WORDS = 6, 16, 2, 11
MASKS = {"bool": TensorProto.BOOL, "uint8": TensorProto.UINT8, "int32": TensorProto.INT32, "int64": TensorProto.INT64}


def write_attention(path, mask_type):
    """An embedding, a layer of attention with a mask, a layer norm and a feed-forward part."""
    rng = np.random.default_rng(5)
    nodes, tensors = [], []

    def const(value):
        tensors.append(numpy_helper.from_array(np.asarray(value), f"c{len(tensors)}"))
        return tensors[-1].name

    def node(kind, *inputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, [f"{kind}_{len(nodes)}"], f"{kind}_{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    def normal(*shape):
        return rng.normal(0, shape[0] ** -0.5, shape).astype(np.float32)

    def linear(x, rows, columns):
        return node("Add", node("MatMul", x, const(normal(rows, columns))), const(normal(columns)))

    x = node("Gather", const(rng.normal(0, 1, (WORDS, WIDTH)).astype(np.float32)), "ids")
    # Booleans choose, numbers are multiplied and subtracted.
    if mask_type == TensorProto.BOOL:
        hidden = node("Unsqueeze", node("Not", "mask"), const(np.array([1, 2])))
    else:
        seen = node("Cast", node("Unsqueeze", "mask", const(np.array([1, 2]))), to=TensorProto.FLOAT)
        offset = node("Mul", node("Sub", const(np.float32(1)), seen), const(np.finfo(np.float32).min))
    split = lambda: node("Reshape", linear(x, WIDTH, WIDTH), const(np.array([1, TOKENS, HEADS, WIDTH // HEADS])))
    q = node("Transpose", split(), perm=[0, 2, 1, 3])
    k = node("Transpose", split(), perm=[0, 2, 3, 1])
    v = node("Transpose", split(), perm=[0, 2, 1, 3])
    scores = node("Div", node("MatMul", q, k), const(np.float32(np.sqrt(WIDTH // HEADS))))
    if mask_type == TensorProto.BOOL:
        scores = node("Where", hidden, const(np.float32(-1e9)), scores)
    else:
        scores = node("Add", scores, offset)
    mixed = node("Transpose", node("MatMul", node("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
    mixed = linear(node("Reshape", mixed, const(np.array([1, TOKENS, WIDTH]))), WIDTH, WIDTH)
    ones, zeros = const(np.ones(WIDTH, np.float32)), const(np.zeros(WIDTH, np.float32))
    x = node("LayerNormalization", node("Add", mixed, x), ones, zeros)
    y = linear(x, WIDTH, 2 * WIDTH)
    erf = node("Erf", node("Div", y, const(np.float32(np.sqrt(2)))))
    y = node("Mul", node("Mul", y, node("Add", erf, const(np.float32(1)))), const(np.float32(0.5)))
    y = node("Add", linear(y, 2 * WIDTH, WIDTH), x)
    nodes.append(helper.make_node("LayerNormalization", [y, ones, zeros], ["y"], "y"))
    graph = helper.make_graph(
        nodes,
        "attention",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, [1, TOKENS]),
            helper.make_tensor_value_info("mask", mask_type, [1, TOKENS]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, TOKENS, WIDTH])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def draw(rng, n, dtype):
    mask = np.arange(TOKENS)[None] < rng.integers(1, TOKENS + 1, (n, 1))
    return {"ids": rng.integers(0, WORDS, (n, TOKENS)), "mask": mask.astype(dtype)}


class Tokens(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-tokens-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def interpret(self, samples):
        run = [DYADIC, "run", self.at("net.onnx"), "--calibrate", self.at("calib.npz"), "--interpret"]
        harness.check([*run, "--input", samples, "--output", self.at("expected.npz"), "--keep-all", self.at("expected-kept.npz")])
        return harness.load(self.at("expected.npz")), harness.load(self.at("expected-kept.npz"))

    def compare(self, mask_name):
        rng = np.random.default_rng(7)
        write_attention(self.at("net.onnx"), MASKS[mask_name])
        np.savez(self.at("calib.npz"), **draw(rng, 16, mask_name))
        samples = draw(rng, 3, mask_name)
        np.savez(self.at("x.npz"), **samples)
        model = type("Net", (), {"path": self.at("net.onnx"), "shape": (1, TOKENS)})
        exact = harness.float_reference(model, samples)
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("float"), "--float"])
        got = harness.execute(self.at("float"), self.at("x.npz"), self.folder)["y"]
        np.testing.assert_allclose(exact, got, rtol=0, atol=1e-4 * np.abs(exact).max())

        _, expected = self.interpret(self.at("x.npz"))
        for cpu in [c for c in CPUS if harness.this_machine_has(c)]:
            harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at(cpu), "--calibrate", self.at("calib.npz"), "--cpu", cpu, "--keep-all"])
            out, kept = harness.execute(self.at(cpu), self.at("x.npz"), self.folder, keep=True)
            self.assertEqual(sorted(expected), sorted(kept))
            integers = [key for key in kept if kept[key].dtype.kind in "iu"]
            # The two products of attention among them.
            self.assertGreaterEqual(len(integers), 8)
            for key in integers:
                np.testing.assert_array_equal(expected[key], kept[key], f"{key}, {cpu}")
        noise = ((out["y"] - exact) ** 2).sum()
        self.assertGreater(10 * np.log10((exact**2).sum() / noise), 25, "signal to noise in dB")

    def test_indices_out_of_range_are_wrapped_and_clamped(self):
        rng = np.random.default_rng(7)
        write_attention(self.at("net.onnx"), TensorProto.INT64)
        np.savez(self.at("calib.npz"), **draw(rng, 16, "int64"))
        wild = draw(rng, 1, "int64")
        wild["ids"][0] = [-1, -WORDS, -WORDS - 1, WORDS, 2**62, -(2**62)]
        tame = dict(wild, ids=np.array([[WORDS - 1, 0, 0, WORDS - 1, WORDS - 1, 0]]))
        np.savez(self.at("x.npz"), **wild)
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("net"), "--calibrate", self.at("calib.npz")])
        got = harness.execute(self.at("net"), self.at("x.npz"), self.folder)["y"]
        np.savez(self.at("x.npz"), **tame)
        np.testing.assert_array_equal(got, harness.execute(self.at("net"), self.at("x.npz"), self.folder)["y"])
        interpreted, _ = self.interpret(self.at("x.npz"))
        np.testing.assert_allclose(interpreted["y"], got, rtol=0, atol=1e-4 * np.abs(got).max())

    def test_types_are_checked(self):
        rng = np.random.default_rng(7)
        write_attention(self.at("net.onnx"), TensorProto.UINT8)
        samples = draw(rng, 4, "uint8")
        np.savez(self.at("calib.npz"), **samples)
        np.savez(self.at("reals.npz"), **dict(samples, ids=samples["ids"].astype(np.float32)))
        np.savez(self.at("wide.npz"), **dict(samples, mask=samples["mask"].astype(np.int64) * 300))
        for name, message in [("reals.npz", 'expected integers for input "ids", but got'), ("wide.npz", 'expected elements of type uint8 for input "mask", but got 300')]:
            done = harness.run([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("net.o"), "--calibrate", self.at(name)])
            self.assertNotEqual(0, done.returncode)
            self.assertIn(message, done.stderr)
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("net.o"), "--calibrate", self.at("calib.npz")])
        with open(self.at("net.h")) as f:
            self.assertIn("void net_run(const int64_t *ids, const uint8_t *mask, float *y, void *arena);", f.read())
        harness.check([DYADIC, "compile", self.at("net.onnx"), "-o", self.at("net"), "--calibrate", self.at("calib.npz")])
        done = harness.run([self.at("net"), self.at("reals.npz")])
        self.assertNotEqual(0, done.returncode)
        self.assertIn("expected elements of type int64 for the input 'ids'", done.stderr)


for _name in MASKS:
    setattr(Tokens, f"test_attention_{_name}", lambda self, n=_name: self.compare(n))

if __name__ == "__main__":
    unittest.main()
