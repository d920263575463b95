#!/usr/bin/env python3
"""Layers that are slower in int8 than in our own float: dyadic profile of both, kernel by kernel.

    benchmarks/layers.py [--models cls,rec] [--rounds 3] [--margin 1.05] [--write]

A layer is what one op of the model begins; its time is that of all kernels that bear its name. Of several rounds, which
take turns, the fastest counts. The last line counts the layers; the exit code is 1 where one is slower than the margin
and the clock's grain allow, so that a script can ask. What has no name in the float program (reading pixels as bytes)
is told, but not compared.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(ROOT, "test/Integration")]

import harness
import report
import tiny
from models import MODELS, Unavailable

MODELS = {**MODELS, **tiny.MODELS}
RESULTS = os.path.join(ROOT, "docs/Results.md")
CALIBRATION = 8
GRAIN_US = 0.1  # of the clock that dyadic profile reads between kernels


def profile(model, flags, path, runs):
    """{layer: [µs, types of its results]}"""
    command = [harness.DYADIC, "profile", model.path, *model.shape_flags(), *flags, "--runs", str(runs), "--json", path]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise harness.Failed(done.stdout + done.stderr)
    layers = {}
    with open(path) as f:
        for kernel in json.load(f):
            layer = layers.setdefault(kernel["name"], [0, []])
            layer[0] += 1e6 * kernel["seconds"]
            layer[1].append(kernel["type"])
    return layers


def fastest(into, found):
    for name, (us, types) in found.items():
        into[name] = [min(us, into.get(name, [us])[0]), types]


def compare(model, options):
    """Both programs' layers."""
    int8, real = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        calib = model.write_samples(at("calib.npz"), CALIBRATION, 1)
        for _ in range(options.rounds):
            fastest(int8, profile(model, ["--calibrate", calib], at("int8.json"), options.runs))
            fastest(real, profile(model, ["--float"], at("float.json"), options.runs))
    return int8, real


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="cls,det,rec,minilm,squeezenet,mobilenetv2,resnet50")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--margin", type=float, default=1.05, help="how much slower isn't told from noise (1.05)")
    parser.add_argument("--core", type=int, default=0, help="the core to run on")
    parser.add_argument("--write", action="store_true", help="write docs/Results.md")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    rows, layers, extra = [], 0, []
    for name in options.models.split(","):
        try:
            int8, real = compare(MODELS[name], options)
        except Unavailable as e:
            print(f"{name}: skipped, {e}", flush=True)
            continue
        for layer, (us, types) in int8.items():
            if layer not in real:
                extra.append(f"{name} {layer} {us:.1f} µs")
                continue
            layers += 1
            if us > options.margin * real[layer][0] + GRAIN_US:
                rows.append([name, layer, types[-1], f"{us:.2f}", f"{real[layer][0]:.2f}"])
        total = lambda found: sum(us for us, _ in found.values())
        print(f"{name}: int8 {total(int8) / 1e3:.3f} ms, float {total(real) / 1e3:.3f} ms", flush=True)
    table = report.table(["model", "layer", "result", "int8, µs", "float, µs"], rows)
    about = f"{len(rows)} of {layers} layers are slower in int8 than in our own float."
    if extra:
        about += f" Without a counterpart: {', '.join(extra)}."
    print("\n".join([table, about]))
    if options.write:
        report.write(RESULTS, "layers", "\n\n".join([report.heading(ROOT), about, table]))
    return 1 if rows else 0


if __name__ == "__main__":
    sys.exit(main())
