#!/usr/bin/env python3
"""Accuracy of schemes and of ways to round weights, the tables `schemes` and `rounding`
of docs/Results.md: evaluate_schemes.py [--write] [--rows PATTERN …]

MiniLM on the sets of evaluate_accuracy.py, and the networks of fewbitnets.py, whose
inputs come from shared data. Rows that no PATTERN matches stay as they are written.
"""
import argparse
import fnmatch
import os
import re
import tempfile

import numpy as np

import evaluate_accuracy
import fewbitnets
import harness
from models import ROOT, Unavailable
from native import Native

import report  # evaluate_accuracy has put benchmarks/ into the path

RESULTS = os.path.join(ROOT, "docs/Results.md")
GROUPS = ["int4:group=64:asymmetric", "nf4:group=64", "codebook4:group=64"]
# With 8-bit activations, whose ranges need samples.
STATIC = ["int4", "int4:group=64", "int4:group=32"]
WEIGHTS = ["int8", "int4:group=64", *GROUPS, "int3:group=32"]
# Row: flags of dyadic compile, and whether it has samples.
SCHEMES = {
    "dynamic": (["--scheme", "dynamic"], False),
    "dynamic, 64 samples": (["--scheme", "dynamic"], True),
    **{w: (["--scheme", "weight-only", "--weights", w], False) for w in WEIGHTS},
    **{f"{w}, 64 samples": (["--scheme", "weight-only", "--weights", w], True) for w in GROUPS},
    **{f"int4:group=64, 64 samples, {r}": (["--scheme", "weight-only", "--weights", "int4:group=64", "--round-weights", r], True) for r in ("nearest", "awq", "gptq")},
    **{f"static {w}, to nearest": (["--weights", w, "--recover", "none"], True) for w in STATIC},
    **{f"static {w}, gptq": (["--weights", w, "--round-weights", "gptq"], True) for w in STATIC},
}
# Depthwise filters have eight bits with every --weights.
FEW = ["--weights", "int4"]
ROUNDINGS = {
    "8 bits": ["--recover", "none"],
    "nearest": [*FEW, "--recover", "none"],
    "gptq": [*FEW, "--round-weights", "gptq"],
    "adaround": [*FEW, "--round-weights", "adaround"],
    "default": FEW,
    "int4:group=32, gptq": ["--weights", "int4:group=32", "--round-weights", "gptq"],
}
NETWORKS = {
    "vww": lambda folder: fewbitnets.visual_wake_words(),
    "kws": lambda folder: fewbitnets.keyword_spotting(),
    "mobilenet_v2": fewbitnets.mobilenet_v2,
}


def compile_to(path, out, *flags):
    harness.check([harness.DYADIC, "compile", path, "-o", out, *flags], limit=3600)
    return Native(out)


def scheme_rows(wanted, folder, sets, home):
    """{row: [MB, cosine, nearest neighbour kept]} of MiniLM, test split."""
    rows = [row for row in SCHEMES if wanted(row)]
    if not rows:
        return {}
    P = evaluate_accuracy.metrics_module(sets, home)
    if not os.path.exists(P.PATHS["minilm"]):
        evaluate_accuracy.make_sets("import evalset as e; e.make_minilm_set(); e.build_minilm()")
    evaluate_accuracy.write_references(P, "minilm")
    calib, z = os.path.join(folder, "minilm.npz"), P.S("minilm_calib")
    np.savez(calib, input_ids=z["ids"], attention_mask=z["mask"])
    shapes = ["--shape", "input_ids=1x32", "--shape", "attention_mask=1x32"]
    found = {}
    for row in rows:
        flags, hasSamples = SCHEMES[row]
        out = os.path.join(folder, "minilm" + re.sub(r"\W", "_", row) + ".so")
        native = compile_to(P.PATHS["minilm"], out, *shapes, *flags, *(["--calibrate", calib] if hasSamples else []))
        got = P.EVAL["minilm"](evaluate_accuracy.call_native(native, "minilm"), "test")
        found[row] = [f"{os.path.getsize(out) / 1e6:.1f}", f"{got['cos']:.4f}", f"{got['nn_agree']:.3f}"]
        print(row, found[row], flush=True)
    return found


def rounding_rows(wanted, folder):
    """{network, rounding: [KL from float, agreement, accuracy]}."""
    found = {}
    for key, make in NETWORKS.items():
        rows = [row for row in ROUNDINGS if wanted(f"{key}, {row}")]
        if not rows:
            continue
        try:
            path, samples, tested, classes = make(folder)
        except (Unavailable, ImportError) as e:
            print(f"{key} skipped: {e}")
            continue
        calib = os.path.join(folder, key + ".npy")
        np.save(calib, samples)

        def probabilities(name, *flags):
            out = os.path.join(folder, key + "_" + re.sub(r"\W", "_", name) + ".so")
            native = compile_to(path, out, *flags)
            return np.stack([native(x[None]).reshape(-1).astype(np.float64) for x in tested])

        p = probabilities("float", "--float")
        right = lambda q: "" if classes is None else f"{(q.argmax(1) == classes).mean():.4f}"
        found[f"{key}, float"] = ["0", "1", right(p)]
        for row in rows:
            q = probabilities(row, "--calibrate", calib, *ROUNDINGS[row])
            kl = (p * np.log(np.maximum(p, 1e-6) / np.maximum(q, 1e-6))).sum(1).mean()
            found[f"{key}, {row}"] = [f"{kl:.4f}", f"{(p.argmax(1) == q.argmax(1)).mean():.4f}", right(q)]
            print(key, row, found[f"{key}, {row}"], flush=True)
    return found


def merged(marker, found):
    """The rows of the document's table, those that were measured replaced or added."""
    with open(RESULTS) as f:
        document = f.read()
    lines = re.search(f"<!-- {marker} -->(.*?)<!-- /{marker} -->", document, re.S)
    old = [[c.strip() for c in line.split("|")[1:-1]] for line in lines[1].splitlines() if line.startswith("| ")] if lines else []
    rows = {row[0]: row[1:] for row in old[1:]}
    rows.update(found)
    return [[name, *values] for name, values in rows.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=evaluate_accuracy.SETS)
    parser.add_argument("--home", default=evaluate_accuracy.HOME)
    parser.add_argument("--write", action="store_true", help="write docs/Results.md")
    parser.add_argument("--rows", nargs="*", default=["*"], help="patterns of the rows to measure")
    options = parser.parse_args()
    wanted = lambda row: any(fnmatch.fnmatchcase(row, pattern) for pattern in options.rows)
    if options.write:
        report.build_first(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        tables = {}
        try:
            found = scheme_rows(wanted, folder, options.sets, os.path.abspath(options.home))
            tables["schemes"] = (["MiniLM", "MB", "cosine", "nearest neighbour kept"], found)
        except Unavailable as e:
            print(f"skipped: {e}")
        found = rounding_rows(wanted, folder)
        tables["rounding"] = (["network, rounding", "KL from float", "agreement with float", "accuracy"], found)
    for marker, (header, found) in tables.items():
        if not found:
            continue
        text = report.heading(ROOT) + "\n\n" + report.table(header, merged(marker, found))
        print("\n" + text)
        if options.write:
            report.write(RESULTS, marker, text)


if __name__ == "__main__":
    main()
