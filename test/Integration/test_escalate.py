"""dyadic compile --sqnr and --accuracy-drop: what is tried, what is taken, what is refused."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from harness import DYADIC
from models import ROOT

DIGITS = os.path.join(ROOT, "examples/digits")
MODEL, CALIB, TEST = (os.path.join(DIGITS, name) for name in ("digits.onnx", "calib.npz", "test.npz"))
ROW = re.compile(r"^  ([* ]) +(exact|[\d.]+)(?: dB)? +([\d.]+) ms +(?:([\d.]+ \w+)  )? *(.*?)(   <- taken)?$")


class Escalate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dyadic-escalate-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.output = os.path.join(self.folder, "digits.o")

    def compile(self, *flags):
        return subprocess.run([DYADIC, "compile", MODEL, "--calibrate", CALIB, "-o", self.output, *flags],
                              capture_output=True, text=True)  # fmt: skip

    def rows(self, *flags):
        """(on the front, accuracy, milliseconds, flags, taken) of each line of the table."""
        done = self.compile(*flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = []
        for line in done.stdout.splitlines()[1:]:
            if not (match := ROW.match(line)):
                break
            front, accuracy, time, _, tried, taken = match.groups()
            number = float("inf") if accuracy == "exact" else float(accuracy)
            rows.append((front == "*", number, float(time), tried, bool(taken)))
        return rows

    def test_what_is_given_is_enough(self):
        rows = self.rows("--sqnr", "20")
        self.assertEqual([(row[3], row[4]) for row in rows], [("--float", False), ("as given", True)])

    def test_layers_of_16_bits_are_enough(self):
        self.reach(3, "=int16")

    def test_layers_in_float_until_it_is_reached(self):
        self.reach(10, "--keep-float")  # more than 16 bits are enough for

    def reach(self, decibels, remedy):
        saved = os.path.join(self.folder, "options.txt")
        goal = self.rows("--sqnr", "20")[1][1] + decibels
        rows = self.rows("--sqnr", str(goal), "--save-options", saved)
        taken = [row for row in rows if row[4]]
        self.assertEqual(len(taken), 1)
        self.assertGreaterEqual(taken[0][1], goal - 0.05)
        self.assertIn(remedy, taken[0][3])
        self.assertTrue(all(row[1] < goal for row in rows[1:] if remedy not in row[3]))
        tried = rows[1:]
        best = max(tried, key=lambda row: row[1])
        self.assertTrue(best[0], "nothing is as accurate")
        for row in tried:
            if any(o[1] > row[1] and o[2] < row[2] and o[3] in row[3] for o in tried):
                self.assertFalse(row[0], f"{row} isn't the best in anything")
        # The object is what those options make.
        with open(self.output, "rb") as f:
            made = f.read()
        os.remove(self.output)
        done = self.compile("@" + saved)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.output, "rb") as f:
            self.assertEqual(made, f.read())

    def test_labels_decide(self):
        labelled = os.path.join(self.folder, "some.npz")
        with np.load(TEST) as z:
            np.savez(labelled, image=z["image"][:200], label=z["label"][:200])
        rows = self.rows("--weights", "int4", "--accuracy-drop", "0%", "--goal-samples", labelled, "--labels", "label")
        best = rows[0][1]
        taken = [row for row in rows if row[4]]
        self.assertGreater(best, 0.9)
        self.assertGreaterEqual(taken[0][1], best)

    def test_a_command_decides(self):
        script = os.path.join(self.folder, "metric.py")
        with open(script, "w") as f:
            f.write("import sys, numpy as np\n(y,) = np.load(sys.argv[1]).values()\nprint('ten', y.shape[1])\nprint(len(y) / 128)\n")
        rows = self.rows("--accuracy-drop", "0.1", "--metric", f"command='{sys.executable}' '{script}'")
        self.assertEqual([row[1] for row in rows], [1.0, 1.0])

    def refused(self, expected, *flags, code=2):
        done = self.compile(*flags)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertRegex(done.stderr, expected)
        self.assertFalse(os.path.exists(self.output))

    def test_refused(self):
        self.refused("--accuracy-drop: expected a fraction or percentage", "--accuracy-drop", "much")
        self.refused("expected --labels NAME", "--accuracy-drop", "1%")
        self.refused("--metric: expected top1, f1, cosine or command=", "--accuracy-drop", "1%", "--metric", "bleu")
        self.refused("there is no array|expected.*nothing", "--accuracy-drop", "1%", "--labels", "nothing", code=1)
        self.refused("ended with code 7", "--accuracy-drop", "1%", "--metric", "command=exit 7;", code=1)
        self.refused("prints to be a number", "--accuracy-drop", "1%", "--metric", "command=echo well; :", code=1)
        self.refused("expected --sqnr or --accuracy-drop", "--save-options", os.path.join(self.folder, "o.txt"))
        self.refused("@nothing.txt", "@nothing.txt")
        with np.load(TEST) as z:
            np.savez(os.path.join(self.folder, "short.npz"), image=z["image"][:8], label=z["label"][:7])
        self.refused("expected a label for each row of the first output, 8, but got 7", "--accuracy-drop", "1%",
                     "--goal-samples", os.path.join(self.folder, "short.npz"), "--labels", "label", code=1)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
