"""dyadic explain: the report's schema, its ranking and remedies, its page, and what it refuses."""
import json
import os
import re
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
HOSTILE = '</script><b title="x">\'&<!--'
SQNR_OR_EXACT = (int, float, type(None))
LAYER = dict(name=str, kind=str, shape=list, inputs=list, integer=bool, movement=bool, macs=int, weightBytes=int,
             activationBytes=int, picojoules=(int, float), floatPicojoules=(int, float), seconds=(int, float), floatSeconds=(int, float))  # fmt: skip
MEASURED = dict(own=dict, inherited=dict, total=dict, ownParts=dict, clipped=(int, float), seen=list, histogram=dict,
                trials=list)  # fmt: skip


def save_outlier(path, name="outlier"):
    """Three products in a row; the second has huge weights that no input reaches, beside which its others are nothing."""
    rng = np.random.default_rng(3)
    weights = [rng.normal(0, 0.5, (8, 8)).astype(np.float32) for _ in range(3)]
    weights[0][:, 7] = weights[0][7] = 0
    weights[1][7] = 1000
    tensors = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["a"], "first"),
        helper.make_node("MatMul", ["a", "w1"], ["b"], name),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
        helper.make_node("MatMul", ["c", "w2"], ["y"], "last"),
    ]
    border = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 8]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", border[:1], border[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


class Explain(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-explain-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        np.savez(self.at("x.npz"), x=np.random.default_rng(4).normal(0, 1, (24, 8)).astype(np.float32))

    def at(self, name):
        return os.path.join(self.folder, name)

    def command(self, model, calib, *flags):
        return [DYADIC, "explain", model, "--calibrate", calib, "--json", self.at("report.json"),
                "--html", self.at("report.html"), *flags]  # fmt: skip

    def explain(self, model, calib, *flags):
        """What was printed, and the report."""
        done = harness.check(self.command(model, calib, *flags))
        with open(self.at("report.json"), encoding="utf-8") as f:
            return done.stdout, json.load(f)

    def outlier(self, *flags, name="outlier"):
        """Of the net with nothing recovered: equalization would spread the outlier."""
        save_outlier(self.at("net.onnx"), name)
        return self.explain(self.at("net.onnx"), self.at("x.npz"), "--recover", "none", *flags)

    def test_schema(self):
        _, report = self.explain(os.path.join(DIGITS, "digits.onnx"), os.path.join(DIGITS, "calib.npz"))
        self.assertEqual(("dyadic-explain", 1, 16, 4), tuple(report[k] for k in ("format", "version", "samples", "effectSamples")))
        self.assertEqual(["scores"], [o["name"] for o in report["outputs"]])
        for i, layer in enumerate(report["layers"]):
            fields = {**LAYER, **(MEASURED if layer["type"] else {})}
            for field, kind in fields.items():
                self.assertIsInstance(layer[field], kind, f"{layer['name']}: {field}")
            self.assertTrue(all(0 <= j < i for j in layer["inputs"]))
            if not layer["type"]:
                continue
            for part in "own", "inherited", "total":
                self.assertIsInstance(layer[part]["sqnr"], SQNR_OR_EXACT)
                self.assertLessEqual(abs(layer[part]["cosine"]), 1 + 1e-9)
            self.assertEqual(report["samples"] * int(np.prod(layer["shape"])), sum(layer["histogram"]["counts"]))
            self.assertLessEqual(len(layer["histogram"]["counts"]), 64)
        names = [layer["name"] for layer in report["layers"]]
        for name in "image", "conv1", "conv2", "fc":
            self.assertIn(name, names)
        effects = [report["layers"][i]["effect"]["share"] for i in report["culprits"]]
        self.assertEqual(sorted(effects, reverse=True), effects)
        self.assertAlmostEqual(1, sum(effects), places=6)
        # The sum of what each error does by itself is about what all do together.
        alone = sum(10 ** (-report["layers"][i]["effect"]["sqnr"] / 10) for i in report["culprits"])
        self.assertAlmostEqual(report["outputSqnr"], -10 * np.log10(alone), delta=3)
        # 512×10 bytes of weights and ten biases, 512 bytes in and ten of 16 bits out: .3 pJ a multiply-add, 12.5 pJ a byte.
        fc = report["layers"][names.index("fc")]
        self.assertEqual((5120, 5160, 532, "i16"), tuple(fc[k] for k in ("macs", "weightBytes", "activationBytes", "type")))
        self.assertAlmostEqual(5120 * 0.3 + (5160 + 532) * 12.5, fc["picojoules"], places=3)
        self.assertAlmostEqual(5120 * 4.6 + 4 * (5120 + 10 + 522) * 12.5, fc["floatPicojoules"], places=3)
        totals = report["totals"]
        self.assertEqual(88064, totals["macs"])
        self.assertLess(totals["picojoules"], totals["floatPicojoules"] / 3)
        self.assertIn("Horowitz", totals["energySource"])
        # A kernel's time is that of the layer it begins with; the relus are done by the convolutions' kernels.
        for field in "seconds", "floatSeconds":
            self.assertGreater(fc[field], 0)
            self.assertAlmostEqual(sum(layer[field] for layer in report["layers"]), totals[field])
        for layer in report["layers"]:
            if layer["kind"] == "relu":
                self.assertEqual(0, layer["seconds"], layer["name"])

    def test_goal_says_what_was_tried(self):
        _, plain = self.explain(os.path.join(DIGITS, "digits.onnx"), os.path.join(DIGITS, "calib.npz"))
        self.assertIsNone(plain["goal"])
        printed, report = self.explain(os.path.join(DIGITS, "digits.onnx"), os.path.join(DIGITS, "calib.npz"), "--sqnr", str(plain["outputSqnr"] + 2))
        goal = report["goal"]
        chosen = goal["candidates"][goal["chosen"]]
        self.assertEqual("sqnr", goal["metric"])
        self.assertTrue(chosen["reaches"])
        self.assertTrue(chosen["onFront"])
        self.assertIn(chosen["flags"], printed)
        self.assertIn("=int16", chosen["flags"])
        self.assertTrue(any("--round-weights adaround" in c["flags"] for c in goal["candidates"]))
        # What is explained is what was taken.
        self.assertIn("i16", [layer["type"] for layer in report["layers"] if layer["name"].startswith("conv")])
        self.assertGreater(report["outputSqnr"], plain["outputSqnr"])

    def test_finds_the_culprit_and_its_remedy(self):
        printed, report = self.outlier("--try", "1")
        worst = report["layers"][report["culprits"][0]]
        self.assertEqual("outlier", worst["name"])
        self.assertGreater(worst["effect"]["share"], 0.99)
        flag = "--keep-float outlier --keep-float relu"  # the relu behind it, too: it was done by the same kernel
        self.assertEqual(flag, worst["remedy"]["flag"])
        last = [layer for layer in report["layers"] if layer["name"] == "last"][0]
        self.assertLess(last["inherited"]["sqnr"], 20)
        self.assertGreater(last["own"]["sqnr"], 35)
        # What was tried helps, and is what compiling with it gives.
        (trial,) = worst["trials"]
        self.assertEqual((report["outputSqnr"], flag), (trial["before"], trial["flag"]))
        self.assertGreater(trial["after"], trial["before"] + 15)
        self.assertIn("tried " + flag, printed)
        _, kept = self.outlier(*flag.split())
        self.assertAlmostEqual(trial["after"], kept["outputSqnr"], places=6)

    def test_low_bits_are_blamed_for_themselves(self):
        save_outlier(self.at("net.onnx"))
        _, report = self.explain(self.at("net.onnx"), self.at("x.npz"), "--weights", "last=int4", "--input", self.at("x.npz"), "--samples", "24")
        self.assertEqual(24, report["samples"])
        last = [layer for layer in report["layers"] if layer["name"] == "last"][0]
        self.assertEqual(4, last["weights"]["bits"])
        self.assertEqual("--weights last=int8", last["remedy"]["flag"])
        self.assertGreater(last["ownParts"]["weights"], 10 * last["ownParts"]["rounding"])

    def test_sure_probabilities_are_measured_before_their_softmax(self):
        w = np.random.default_rng(5).normal(0, 20, (8, 4)).astype(np.float32)
        nodes = [helper.make_node("MatMul", ["x", "w"], ["a"], "scores"), helper.make_node("Softmax", ["a"], ["y"], "softmax")]
        graph = helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])], [numpy_helper.from_array(w, "w")],
        )  # fmt: skip
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), self.at("net.onnx"))
        printed, report = self.explain(self.at("net.onnx"), self.at("x.npz"))
        (output,) = report["outputs"]
        scores = [layer for layer in report["layers"] if layer["name"] == "scores"][0]
        self.assertAlmostEqual(scores["total"]["sqnr"], output["beforeSoftmax"]["sqnr"], places=6)
        self.assertIn("softmax's input", printed)

    def test_outputs_of_integers_have_no_effects(self):
        w = np.random.default_rng(5).normal(0, 1, (8, 8)).astype(np.float32)
        nodes = [helper.make_node("MatMul", ["x", "w"], ["a"], "scores"), helper.make_node("ArgMax", ["a"], ["y"], "class", axis=1)]
        graph = helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
            [helper.make_tensor_value_info("y", TensorProto.INT64, [1, 1])], [numpy_helper.from_array(w, "w")],
        )  # fmt: skip
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), self.at("net.onnx"))
        printed, report = self.explain(self.at("net.onnx"), self.at("x.npz"), "--try", "1")
        self.assertIn("ranked by their own error", printed)
        self.assertEqual([], report["outputs"])
        own = [report["layers"][i]["own"]["sqnr"] for i in report["culprits"]]
        self.assertEqual(sorted(own), own)

    def test_markup_in_names_stays_text(self):
        _, report = self.outlier(name=HOSTILE)
        self.assertEqual(HOSTILE, report["layers"][report["culprits"][0]]["name"])
        with open(self.at("report.html"), encoding="utf-8") as f:
            html = f.read()
        self.assertNotIn("<b", html.replace("<body", ""))
        self.assertNotIn("<!--", html)
        data = re.search(r'id="explanation">(.*?)</script>', html, re.S).group(1)
        self.assertEqual(report, json.loads(data))
        for network in "http://", "https://", "src=", "@import", "url(":
            self.assertNotIn(network, html.replace("http://www.w3.org/2000/svg", ""))

    def test_page_in_a_browser(self):
        browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if not browser:
            self.skipTest("there is no chromium")
        self.outlier(name=HOSTILE)
        page = subprocess.run(
            [browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.at('profile')}", "--dump-dom",
             "file://" + self.at("report.html")], capture_output=True, text=True, timeout=120)  # fmt: skip
        self.assertIn('data-ready="true"', page.stdout, page.stderr[-2000:])  # set behind the last line of the script
        shown = re.sub(r'<script type="application/json".*?</script>', "", page.stdout, flags=re.S)
        self.assertIn("&lt;/script&gt;&lt;b title", shown)
        self.assertNotIn("<b title", shown)
        self.assertEqual(5, len(re.findall(r'<g class="node[^"]*"', shown)))  # an input and four ops

    # What is refused.

    def refused(self, code, message, *flags, calib=None):
        save_outlier(self.at("net.onnx"))
        for name in "report.json", "report.html":
            with open(self.at(name), "w") as f:
                f.write("before")
        calib = ["--calibrate", calib] if calib else []
        done = harness.run([DYADIC, "explain", self.at("net.onnx"), *calib, "--json", self.at("report.json"),
                            "--html", self.at("report.html"), *flags], limit=60)  # fmt: skip
        self.assertEqual(code, done.returncode, done.stderr)
        self.assertIn("error:", done.stderr)
        self.assertIn(message, done.stderr)
        for name in "report.json", "report.html":
            with open(self.at(name)) as f:
                self.assertEqual("before", f.read())

    def test_bad_input(self):
        np.savez(self.at("wrong.npz"), x=np.zeros((4, 9), np.float32))
        np.savez(self.at("nan.npz"), x=np.full((4, 8), np.nan, np.float32))
        self.refused(2, "--calibrate")
        self.refused(2, "--samples", "--samples", "0", calib=self.at("x.npz"))
        self.refused(1, "missing.npz", calib=self.at("missing.npz"))
        self.refused(1, "wrong.npz", "--input", self.at("wrong.npz"), calib=self.at("x.npz"))
        self.refused(1, "nan.npz", "--input", self.at("nan.npz"), calib=self.at("x.npz"))
        self.refused(1, "no op named", "--keep-float", "nothing", calib=self.at("x.npz"))

    def test_integers_only_are_what_is_timed(self):
        """A layer that is integers there alone has a time; what would be refused is."""

        def save(op):
            nodes = [helper.make_node("MatMul", ["x", "w"], ["a"], "first"), helper.make_node(op, ["a"], ["y"], "last")]
            border = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 8]) for n in "xy"]
            weights = numpy_helper.from_array(np.eye(8, dtype=np.float32), "w")
            graph = helper.make_graph(nodes, "g", border[:1], border[1:], [weights])
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), self.at("net.onnx"))

        save("Softmax")
        _, report = self.explain(self.at("net.onnx"), self.at("x.npz"), "--integer-only")
        self.assertGreater(next(layer for layer in report["layers"] if layer["name"] == "last")["seconds"], 0)
        save("Cos")
        done = harness.run(self.command(self.at("net.onnx"), self.at("x.npz"), "--integer-only"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, "last.*expected integers only, but 'Cos' stays in float")

    def test_statistics_alone_have_no_samples(self):
        save_outlier(self.at("net.onnx"))
        harness.check([DYADIC, "calibrate", self.at("net.onnx"), "--calibrate", self.at("x.npz"), "-o", self.at("s.json")])
        self.refused(2, "--input", "--statistics", self.at("s.json"))
        done = harness.check([DYADIC, "explain", self.at("net.onnx"), "--statistics", self.at("s.json"), "--input", self.at("x.npz")])
        self.assertIn("outlier", done.stdout)

    def test_unwritable_report(self):
        save_outlier(self.at("net.onnx"))
        done = harness.run([DYADIC, "explain", self.at("net.onnx"), "--calibrate", self.at("x.npz"), "--html", self.at("no/such/report.html")])
        self.assertEqual(1, done.returncode)
        self.assertIn("no/such/report.html", done.stderr)


if __name__ == "__main__":
    unittest.main()
