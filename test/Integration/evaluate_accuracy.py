#!/usr/bin/env python3
"""Accuracy of models compiled with plain defaults, on labelled sets that live outside
the project: evaluate_accuracy.py [--sets FOLDER] [--home FOLDER] [KEY …]

FOLDER holds evalset.py and metrics.py. Calibrated on the calib split, reported on
the test split, next to onnxruntime's float results.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

import harness
from models import ROOT, Unavailable
from native import Native

sys.path.append(os.path.join(ROOT, "benchmarks"))
import report

SETS = os.environ.get("DYADIC_EVALUATION", os.path.join(ROOT, "../shared/evaluation"))
HOME = os.environ.get("EVAL_HOME", os.path.join(ROOT, "build/eval-data"))
# Networks of several inputs: the arrays of their sets, in order.
INPUTS = {"minilm": ["ids", "mask"]}
STATE = (1, 1, 128)
SHAPES = {"cls": (1, 3, 48, 192), "det": (1, 3, 480, 640), "rec": (1, 3, 48, 320), "h": STATE, "c": STATE}
# A recording of the voice detector's set in calls of so many frames: the state goes from one to the next.
FRAMES = 40
# The metrics that are reported, of those that metrics.py computes.
NAMES = {
    "acc": "accuracy",
    "agree": "agreement with float",
    "auc": "area under the curve",
    "f1": "F1",
    "f1_iou70": "F1 at IoU .7",
    "map_iou_fp32": "map IoU with float",
    "exact": "exact",
    "exact_nosp": "exact without spaces",
    "cer": "character error rate",
    "str_agree": "same string as float",
    "kl": "KL from float",
    "cos": "mean cosine with float",
    "nn_agree": "nearest neighbour kept",
    "spear_all": "rank correlation with float",
}
KEYS = ["cls", "det", "rec", "digits_base", "minilm", "vad"]


def metrics_module(sets=SETS, home=HOME):
    """The sets' metrics.py, with the sets made. Raises Unavailable."""
    if not os.path.exists(os.path.join(sets, "metrics.py")):
        raise Unavailable(f"no evaluation sets in {sets}")
    os.environ["EVAL_HOME"] = home
    os.makedirs(home, exist_ok=True)
    if not os.path.exists(os.path.join(home, "sets/rec_test.npz")) or not os.path.exists(os.path.join(home, "models/digits_base.onnx")):
        make = "import evalset as e; e.make_rec(); e.make_cls(); e.make_det(); e.build_digits()"
        make_sets(make, sets)
    sys.path.insert(0, sets)
    import metrics

    return metrics


def make_sets(code, sets=SETS):
    """Runs Python beside evalset.py. Raises Unavailable."""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": sets}, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable("can't make the evaluation sets: " + done.stderr.strip().splitlines()[-1])


def write_references(P, key):
    """Float results that agreement is measured against; metrics.py reads them from its cache."""
    path = f"{P.REF}/{key}_test.npz"
    if os.path.exists(path):
        return
    saved = []
    found = P.EVAL[key](P.ort_fn(P.PATHS[key], key), "test", save=saved)
    if key == "rec":
        tops = dict(idx=found["_idx"], topi=np.array([a for a, _ in saved]), topp=np.array([b for _, b in saved]))
        np.savez_compressed(path, **tops)
    elif key == "det":
        np.savez_compressed(path, pm=np.array(saved))
    elif key == "minilm":
        np.savez_compressed(path, **saved[0])
    else:
        np.savez_compressed(path, **{"p" if key == "vad" else "o": saved[0]})


def voice_samples(P):
    """The calibration set in calls of FRAMES, each with the float network's state before it."""
    samples = []

    def run(frames, h, c):
        real = P.ort_fn(P.PATHS["vad"], "vad")
        for i in range(0, len(frames), FRAMES):
            samples.append((frames[i : i + FRAMES], h, c))
            found, h, c = real(*samples[-1])
        return np.zeros(len(frames)), h, c

    for audio in P.S("vad_calib")["audio"]:
        P.vad_probs(run, audio)
    return [np.stack(arrays) for arrays in zip(*samples)]


def build(P, key, folder, quantized=True, flags=()):
    """Compiles a set's model into a callable."""
    import onnx

    path = P.PATHS[key]
    names = [i.name for i in onnx.load(path).graph.input]
    z = P.S("digits_calib" if key.startswith("digits") else key + "_calib")
    if key == "vad":
        arrays = dict(zip(names, voice_samples(P)))
    elif key in INPUTS:
        arrays = dict(zip(names, (np.asarray(z[k]) for k in INPUTS[key])))
    else:
        arrays = {names[0]: np.asarray(z["x"], np.float32)}
    out = os.path.join(folder, f"{key}{'' if quantized else '_float'}.so")
    how = ["--float"]
    if quantized:
        calib = os.path.join(folder, key + ".npz")
        np.savez(calib, **arrays)
        how = ["--calibrate", calib]
    shape = []
    for name, x in arrays.items():
        extents = SHAPES.get(name) or SHAPES.get(key) or ((FRAMES, *x.shape[2:]) if key == "vad" else (1, *x.shape[1:]))
        shape += ["--shape", f"{name}={'x'.join(map(str, extents))}"]
    harness.check([harness.DYADIC, "compile", path, "-o", out, *how, *shape, *flags])
    return call_native(Native(out), key)


def call_native(native, key):
    """The function that metrics.py expects of a compiled network."""
    if key == "vad":

        def detect(frames, h, c):
            found = []
            for i in range(0, len(frames), FRAMES):
                native(frames[i : i + FRAMES], h, c)
                probabilities, h, c = (x.copy() for x in native.outputs)
                found.append(probabilities)
            return np.concatenate(found), h, c

        return detect
    if key != "minilm":
        return native

    def embed(ids, mask):
        native(ids, mask)
        return native.outputs[1].copy()

    return embed


def evaluate(P, key, folder, flags=()):
    """{system: {metric: value}} for float onnxruntime and Dyadic int8."""
    if key == "minilm" and not os.path.exists(P.PATHS[key]):
        make_sets("import evalset as e; e.make_minilm_set(); e.build_minilm()")
    if key == "vad":
        if not os.path.exists(P.PATHS[key]):
            raise Unavailable("the silero-vad package isn't installed")
        if not os.path.exists(os.path.join(P.ACC, "sets/vad_test.npz")):
            make_sets("import evalset as e; e.make_vad()")
    write_references(P, key)
    clean = lambda r: {k: v for k, v in r.items() if not k.startswith("_")}
    return {
        "float": clean(P.EVAL[key](P.ort_fn(P.PATHS[key], key), "test")),
        "int8": clean(P.EVAL[key](build(P, key, folder, flags=flags), "test")),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--home", default=HOME)
    parser.add_argument("--flags", default="", help="further flags of dyadic compile, in one argument")
    parser.add_argument("--write", action="store_true", help="write docs/Results.md")
    parser.add_argument("keys", nargs="*", default=KEYS)
    options = parser.parse_args()
    try:
        P = metrics_module(options.sets, os.path.abspath(options.home))
    except Unavailable as e:
        print(f"skipped: {e}")
        return
    if options.write:
        report.build_first(ROOT)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for key in options.keys or KEYS:
            try:
                found = evaluate(P, key, folder, options.flags.split())
            except Unavailable as e:
                print(f"{key} skipped: {e}")
                continue
            print(key, found, flush=True)
            rows += [[key, NAMES[m], f"{found['float'][m]:.4f}", f"{v:.4f}"] for m, v in found["int8"].items() if m in NAMES]
    text = report.table(["model", "metric", "float (onnxruntime)", "Dyadic int8"], rows)
    text = report.heading(ROOT, "onnxruntime") + "\n\n" + text
    print("\n" + text)
    if options.write:
        report.write(os.path.join(ROOT, "docs/Results.md"), "accuracy", text)


if __name__ == "__main__":
    main()
