#!/usr/bin/env python3
"""Compiles PP-OCRv4's text recognition into an executable and reads rendered lines with it.

The model file is that of the rapidocr-onnxruntime package. Calibration lines and
test lines are rendered here. onnxruntime reads the same lines in the same run.
"""
import argparse
import importlib.util
import os
import re
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

import textlines

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHAPE = "1x3x48x320"


def sh(*command, quiet=False):
    print("$", " ".join(os.path.relpath(c) if c.startswith("/") else c for c in command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    if not quiet:
        print(done.stdout, end="", flush=True)
    return done.stdout


def milliseconds(call):
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def onnxruntime_reader(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def score(texts, truth):
    """Share of lines read exactly, spaces aside."""
    bare = lambda s: s.replace(" ", "")
    return sum(bare(a) == bare(b) for a, b in zip(texts, truth)) / len(truth)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dyadic", default=os.path.join(ROOT, "build/release/bin/dyadic"))
    parser.add_argument("--out", default=os.path.join(ROOT, "build/demo"), help="folder for what is made")
    parser.add_argument("--lines", type=int, default=200, help="how many lines to read")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core for everyone
    package = importlib.util.find_spec("rapidocr_onnxruntime")
    if package is None:
        sys.exit("the Python package rapidocr-onnxruntime is not installed: run scripts/setup")
    model = os.path.join(list(package.submodule_search_locations)[0], "models/ch_PP-OCRv4_rec_infer.onnx")
    os.makedirs(options.out, exist_ok=True)
    at = lambda name: os.path.join(options.out, name)

    np.savez(at("calib-lines.npz"), x=textlines.batch(np.random.default_rng(1), 64)[0])
    lines, truth = textlines.batch(np.random.default_rng(2), options.lines)
    np.savez(at("lines.npz"), x=lines)
    np.savez(at("line.npz"), x=lines[:1])

    sh(options.dyadic, "compile", model, "-o", at("read_text"), "--shape", "x=" + SHAPE, "--calibrate", at("calib-lines.npz"))
    sh(at("read_text"), at("lines.npz"), "--output", at("texts.npz"))
    (scores,) = np.load(at("texts.npz")).values()

    alphabet = textlines.charset(model)
    reader = onnxruntime_reader(model)
    exact = np.concatenate([reader(lines[i : i + 1]) for i in range(len(lines))])
    read, read_float = textlines.decode(scores, alphabet), textlines.decode(exact, alphabet)
    print("\n  rendered               read by the executable")
    for a, b in list(zip(truth, read))[:12]:
        print(f"  {a:22} {b.strip():22} {'' if a.replace(' ', '') == b.replace(' ', '') else '<- differs'}")
    print(f"\nread exactly, spaces aside: float (onnxruntime) {score(read_float, truth):.3f}, int8 (Dyadic) {score(read, truth):.3f} of {len(truth)} lines")

    # Time: the two take turns.
    reader(lines[:1])
    ours, theirs = [], []
    for _ in range(5):
        text = subprocess.run([at("read_text"), at("line.npz"), "--benchmark", "20"], stdout=subprocess.PIPE, text=True, check=True).stdout
        ours.append(float(re.search(r"median ([0-9.]+) ms", text).group(1)))
        theirs += [milliseconds(lambda: reader(lines[:1])) for _ in range(20)]
    mine, peer = statistics.median(ours), statistics.median(theirs)
    whole = lambda: subprocess.run([at("read_text"), at("line.npz"), "--output", at("one.npz")], check=True, stdout=subprocess.DEVNULL)
    start = max(0.0, statistics.median(milliseconds(whole) for _ in range(15)) - mine)
    load = statistics.median(milliseconds(lambda: onnxruntime_reader(model)(lines[:1])) for _ in range(3)) - peer
    arena = re.search(r"([0-9]+) bytes of arena", subprocess.run([at("read_text"), "--help"], stdout=subprocess.PIPE, text=True).stdout)

    print(f"file size    {os.path.getsize(at('read_text')):,} bytes, weights included (the model file alone has {os.path.getsize(model):,})")
    print(f"arena        {int(arena.group(1)):,} bytes")
    print(f"start-up     {start:.1f} ms from process start to the first output, less the inference; onnxruntime loads the model in {load:.0f} ms")
    print(f"inference    {mine:.2f} ms; onnxruntime float {peer:.2f} ms (one core, medians)")


if __name__ == "__main__":
    main()
