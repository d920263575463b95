"""--observer auto: of several observers, for each tensor, the one with which the network errs least."""
import os

import numpy as np

import harness
from harness import DYADIC
from tflitecases import Scratch

DIGITS = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "digits")


class Observers(Scratch):
    def test_a_sample_out_of_range(self):
        # One sample of 129 is thirty times as bright: its values needn't be kept.
        model, calib = os.path.join(DIGITS, "digits.onnx"), harness.load(os.path.join(DIGITS, "calib.npz"))["image"]
        bright = np.concatenate([calib[:64], 30 * calib[:1], calib[64:]])
        np.savez(self.at("calib.npz"), image=bright)
        np.savez(self.at("x.npz"), image=harness.load(os.path.join(DIGITS, "test.npz"))["image"][:100])

        def outputs(*flags):
            harness.check([DYADIC, "run", model, "--input", self.at("x.npz"), "--output", self.at("y.npz"), *flags])
            return harness.load(self.at("y.npz"))["scores"]

        exact = outputs("--float")

        def loss(observer):
            y = outputs("--calibrate", self.at("calib.npz"), "--observer", observer)
            return ((y - exact) ** 2).sum() / (exact**2).sum()

        losses = {name: loss(name) for name in ("percentile=99.999", "minmax", "mse", "entropy", "moving-average", "auto")}
        print("digits and one bright sample:", " ".join(f"{name} {x:.6f}" for name, x in losses.items()))
        best = min(x for name, x in losses.items() if name != "auto")
        self.assertLess(losses["auto"], losses["percentile=99.999"] / 2)
        self.assertLess(losses["auto"], 1.3 * best)
