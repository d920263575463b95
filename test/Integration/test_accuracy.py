"""Accuracy floors on labelled sets; skipped where the sets aren't."""
import shutil
import tempfile
import unittest

import evaluate_accuracy
from models import Unavailable


class Accuracy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.metrics = evaluate_accuracy.metrics_module()
        except (Unavailable, ImportError) as e:
            raise unittest.SkipTest(str(e))
        cls.folder = tempfile.mkdtemp(prefix="dyadic-accuracy-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def evaluated(self, key):
        found = evaluate_accuracy.evaluate(self.metrics, key, self.folder)
        print(key, found, flush=True)
        return found["float"], found["int8"]

    def test_cls_agrees_with_float(self):
        _, int8 = self.evaluated("cls")
        self.assertGreaterEqual(int8["agree"], 0.985)

    def test_det_f1_is_that_of_float(self):
        exact, int8 = self.evaluated("det")
        self.assertGreaterEqual(int8["f1"], exact["f1"] - 0.01)

    def test_rec_reads_the_text(self):
        _, int8 = self.evaluated("rec")
        self.assertGreaterEqual(int8["exact_nosp"], 0.95)

    def test_digits(self):
        exact, int8 = self.evaluated("digits_base")
        self.assertGreaterEqual(int8["acc"], exact["acc"] - 0.02)


if __name__ == "__main__":
    unittest.main()
