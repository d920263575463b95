#!/usr/bin/env python3
"""Dyadic beside the engines that people use, in one run on one core.

    benchmarks/run.py [--models resnet50,rec] [--peers openvino] [--rounds 50] [--write]

Every system answers the same warm inputs. "Interleaved" takes turns, one inference
of each system a round, as in a program that does other work too; "back to back"
repeats one system, so that its weights stay in the caches. Both are medians.
--write builds, and puts the tables into docs/Results.md and README.md.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(ROOT, "test/Integration")]
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np

import harness
import peers
import report
from models import MODELS, Unavailable
from native import Native

CALIBRATION = 32
RESULTS = os.path.join(ROOT, "docs/Results.md")
FIRST_ANSWER = """
import sys, time, numpy
x = numpy.load(sys.argv[2])
start = time.perf_counter()
import onnxruntime
o = onnxruntime.SessionOptions(); o.intra_op_num_threads = o.inter_op_num_threads = 1; o.log_severity_level = 3
s = onnxruntime.InferenceSession(sys.argv[1], o, providers=["CPUExecutionProvider"])
s.run(None, {s.get_inputs()[0].name: x})
print(1e3 * (time.perf_counter() - start))
"""


def once(call):
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def compile_dyadic(model, folder, calib):
    """int8 and float shared libraries, the int8 executable, and what compiling it cost."""
    at = lambda name: os.path.join(folder, name)
    harness.compile_model(model, at(f"{model.name}_int8.so"), calib)
    harness.compile_model(model, at(f"{model.name}_float.so"))
    command = [harness.DYADIC, "compile", model.path, "-o", at(f"{model.name}_int8"), "--calibrate", calib]
    done, seconds, peak = harness.measured(command + model.shape_flags())
    if done.returncode:
        raise harness.Failed(done.stdout + done.stderr)
    return dict(compile_s=seconds, compile_mib=peak, file_kb=os.path.getsize(at(f"{model.name}_int8")) / 1e3)


def systems_of(model, folder, x, wanted):
    """{name: callable without arguments}; each already computed one answer."""
    found, skipped = {}, {}
    calibration = model.samples(CALIBRATION, 1)

    def add(name, make):
        try:
            found[name] = make()
        except Unavailable as e:
            skipped[name] = str(e)

    def ours(kind):
        native = Native(os.path.join(folder, f"{model.name}_{kind}.so"))
        np.copyto(native.inputs[0], x)

        def answer():
            native.invoke()
            return native.outputs[0]

        return answer

    def other(session):
        return lambda: session(x)

    add("Dyadic int8", lambda: ours("int8"))
    add("Dyadic float", lambda: ours("float"))
    add("onnxruntime int8", lambda: other(peers.onnxruntime_session(peers.onnxruntime_int8(model, folder, calibration))))
    add("onnxruntime float", lambda: other(peers.onnxruntime_session(model.path)))
    if "openvino" in wanted:
        path = lambda: peers.openvino_int8(model, folder, calibration)
        add("OpenVINO int8", lambda: other(peers.openvino_session(path(), model.shape)))
        add("OpenVINO float", lambda: other(peers.openvino_session(model.path, model.shape)))
    for name, why in skipped.items():
        print(f"  {name}: skipped, {why}", flush=True)
    return found


def time_systems(systems, rounds):
    for call in systems.values():
        for _ in range(3):
            call()
    taken = {name: [] for name in systems}
    for _ in range(rounds):
        for name, call in systems.items():
            taken[name].append(once(call))
    interleaved = {name: statistics.median(t) for name, t in taken.items()}
    alone = {}
    for name, call in systems.items():
        call()
        alone[name] = statistics.median(once(call) for _ in range(rounds))
    return interleaved, alone


def start_up(model, folder, x, inference):
    """Milliseconds from process start to the first output, less the inference; onnxruntime's load and first answer."""
    at = lambda name: os.path.join(folder, name)
    np.savez(at("one.npz"), **{model.input: x})
    np.save(at("one.npy"), x)
    line = [at(f"{model.name}_int8"), at("one.npz"), "--output", at("first.npz")]
    taken = [once(lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL)) for _ in range(21)]
    loads = []
    for _ in range(5):
        done = harness.check([sys.executable, "-c", FIRST_ANSWER, at(f"{model.name}.int8.onnx"), at("one.npy")])
        loads.append(float(done.stdout.split()[-1]))
    return max(0.0, statistics.median(taken) - inference), statistics.median(loads)


def measure(model, rounds, wanted):
    with tempfile.TemporaryDirectory(prefix="dyadic-bench-") as folder:
        calib = model.write_samples(os.path.join(folder, "calib.npz"), CALIBRATION, 1)
        found = compile_dyadic(model, folder, calib)
        x = model.samples(1, 2)
        systems = systems_of(model, folder, x, wanted)
        exact = np.array(systems["onnxruntime float"]())
        found["cosine"] = {name: peers.same_answer(np.array(call()), exact) for name, call in systems.items()}
        found["interleaved"], found["alone"] = time_systems(systems, rounds)
        found["start_ms"], found["peer_load_ms"] = start_up(model, folder, x, found["alone"]["Dyadic int8"])
        native = Native(os.path.join(folder, f"{model.name}_int8.so"))
        found["arena_kb"], found["weights_kb"] = native.info.arena_bytes / 1e3, native.info.weight_bytes / 1e3
    return found


def tables(results):
    names = list(next(iter(results.values()))["interleaved"])
    n = report.number
    ratio = lambda r: n(r["interleaved"]["onnxruntime int8"] / r["interleaved"]["Dyadic int8"]) + "×"
    times = lambda way: [
        [model, *(n(r[way].get(s)) for s in names), *([ratio(r)] if way == "interleaved" else [])]
        for model, r in results.items()
    ]
    artefacts = [
        [m, n(r["weights_kb"], 5), n(r["file_kb"], 5), n(r["arena_kb"], 5), n(r["start_ms"]), n(r["peer_load_ms"]), n(r["compile_s"]), n(r["compile_mib"], 4)]
        for m, r in results.items()
    ]
    cosines = [[m, *(f"{r['cosine'][s]:.5f}" if s in r["cosine"] else "–" for s in names)] for m, r in results.items()]
    return {
        "interleaved": report.table(["ms, interleaved", *names, "faster than onnxruntime int8"], times("interleaved")),
        "alone": report.table(["ms, back to back", *names], times("alone")),
        "cosine": report.table(["cosine with onnxruntime float", *names], cosines),
        "artefacts": report.table(
            ["int8 executable", "weights kB", "file kB", "arena kB", "start-up ms", "onnxruntime load + first answer ms", "compile s", "compile peak MiB"],
            artefacts,
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="squeezenet,mobilenetv2,resnet50,cls,det,rec")
    parser.add_argument("--peers", default="", help="further peers: openvino")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write docs/Results.md and README.md")
    options = parser.parse_args()
    if options.write:
        report.build_first(ROOT)
    os.sched_setaffinity(0, {options.core})
    results = {}
    for name in options.models.split(","):
        print(f"{name} …", flush=True)
        try:
            results[name] = measure(MODELS[name], options.rounds, options.peers.split(","))
        except Unavailable as e:
            print(f"  skipped: {e}", flush=True)
            continue
        print("  " + ", ".join(f"{s} {t:.3f} ms" for s, t in results[name]["interleaved"].items()), flush=True)
    if not results:
        return 1
    found = tables(results)
    about = report.heading(ROOT, "onnxruntime", "openvino", "nncf", "numpy")
    about += f" One thread, batch 1, median of {options.rounds}."
    print("\n" + "\n\n".join([about, *found.values()]))
    if options.write and options.peers:
        report.write(RESULTS, "speed beside " + options.peers, "\n\n".join([about, found["interleaved"], found["alone"]]))
    elif options.write:
        report.write(RESULTS, "speed", "\n\n".join([about, *found.values()]))
        report.write(os.path.join(ROOT, "README.md"), "speed", "\n\n".join([about, found["interleaved"]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
