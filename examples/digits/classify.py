#!/usr/bin/env python3
"""Compiles digits.onnx into an executable and classifies the held-out digits with it."""
import argparse
import os
import subprocess

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def sh(*command):
    print("$", " ".join(os.path.relpath(c) if c.startswith("/") else c for c in command), flush=True)
    subprocess.run(command, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dyadic", default=os.path.join(ROOT, "build/release/bin/dyadic"))
    parser.add_argument("--out", default=os.path.join(ROOT, "build/demo"), help="folder for what is made")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    at = lambda name: os.path.join(HERE, name)
    binary, scores = os.path.join(options.out, "digits"), os.path.join(options.out, "scores.npz")

    sh(options.dyadic, "compile", at("digits.onnx"), "-o", binary, "--calibrate", at("calib.npz"))
    sh(binary, at("test.npz"), "--output", scores)

    test, answer = np.load(at("test.npz")), np.load(scores)["scores"].argmax(-1)
    for row in test["image"][:3, 0].transpose(1, 0, 2).reshape(8, 24):
        print("   ", "".join(" .:*#"[int(4 * v)] * 2 for v in row))
    print("read:", *answer[:3], " truth:", *test["label"][:3])
    right = int((answer == test["label"]).sum())
    print(f"{right} of {len(answer)} held-out digits are right ({right / len(answer):.1%}); the executable has {os.path.getsize(binary):,} bytes")


if __name__ == "__main__":
    main()
