#!/usr/bin/env python3
"""Dyadic beside the engines that people use, in one run.

    benchmarks/run.py [--models resnet50,rec] [--peers onnxruntime,openvino,litert,iree] [--rounds 40] [--write]

Every system answers the same inputs. "Interleaved" takes turns, one inference of
each system a round, as in a program that does other work too; "back to back"
repeats one system, so that its weights stay in the caches; "cold" reads other
memory before each inference until nothing of the system is left in any cache. All are
medians. The fastest peer of a model, whatever its precision, is the base of the
ratios. --write builds, puts the tables into docs/Results.md and README.md, and draws
docs/speed.svg. AMX is kept from peers by ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI in the
environment, from Dyadic by --cpu avx512vnni.
"""
import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(ROOT, "test/Integration")]
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

import harness
import kernels
import peers
import report
import tiny
from models import MODELS as TESTED, Unavailable
from native import Native

CALIBRATION = 32
MODELS = {**TESTED, **tiny.MODELS}
RESULTS = os.path.join(ROOT, "docs/Results.md")
OURS = ("Dyadic int8", "Dyadic float")
FIRST_ANSWER = """
import sys, time, numpy
feeds = dict(numpy.load(sys.argv[2]))
resident = lambda: int(open("/proc/self/statm").read().split()[1]) / 256
before = resident()
start = time.perf_counter()
import onnxruntime
o = onnxruntime.SessionOptions(); o.intra_op_num_threads = o.inter_op_num_threads = 1; o.log_severity_level = 3
s = onnxruntime.InferenceSession(sys.argv[1], o, providers=["CPUExecutionProvider"])
s.run(None, feeds)
print(1e3 * (time.perf_counter() - start), resident() - before)
"""


def once(call):
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


class Cold:
    """Reads more than any cache holds."""

    def __init__(self):
        self.other = np.ones(96 << 20, np.uint8)

    def __call__(self):
        self.other[::64].sum()


def compile_dyadic(model, folder, calib, options):
    """int8 and float shared libraries, the int8 executable, and what compiling it cost."""
    at = lambda name: os.path.join(folder, name)
    flags = ["--cpu", options.cpu]
    threads = ["--threads", str(options.threads)] if options.threads > 1 else []
    harness.compile_model(model, at(f"{model.name}_int8.so"), calib, options.cpu, threads)
    harness.compile_model(model, at(f"{model.name}_float.so"), None, options.cpu, threads)
    command = [harness.DYADIC, "compile", model.path, "-o", at(f"{model.name}_int8"), "--calibrate", calib]
    done, seconds, peak = harness.measured(command + flags + model.shape_flags())
    if done.returncode:
        raise harness.Failed(done.stdout + done.stderr)
    return dict(compile_s=seconds, compile_mib=peak, file_kb=os.path.getsize(at(f"{model.name}_int8")) / 1e3)


def systems_of(model, folder, feeds, calibration, options):
    """{name: callable without arguments}; each already computed one answer."""
    found, threads = {}, options.threads
    wanted = options.peers.split(",")

    def add(name, make):
        try:
            call = make()
            call()
            found[name] = call
        except Unavailable as e:
            print(f"  {name}: skipped, {e}", flush=True)

    def ours(kind):
        native = Native(os.path.join(folder, f"{model.name}_{kind}.so"))
        for buffer, x in zip(native.inputs, feeds.values()):
            np.copyto(buffer, x)

        def answer():
            native.invoke()
            return native.outputs[0]

        return answer

    def bound(session):
        return lambda: session(feeds)

    add("Dyadic int8", lambda: ours("int8"))
    add("Dyadic float", lambda: ours("float"))
    quantized = lambda: peers.onnxruntime_int8(model, folder, calibration)
    if "onnxruntime" in wanted:
        add("onnxruntime int8", lambda: bound(peers.onnxruntime_session(quantized(), threads)))
        add("onnxruntime float", lambda: bound(peers.onnxruntime_session(model.path, threads)))
    if "openvino" in wanted:
        path = lambda: peers.openvino_int8(model, folder, calibration)
        add("OpenVINO int8", lambda: bound(peers.openvino_session(path(), feeds, threads)))
        add("OpenVINO float", lambda: bound(peers.openvino_session(model.path, feeds, threads)))
        add("OpenVINO bf16", lambda: bound(peers.openvino_session(model.path, feeds, threads, "bf16")))
    if "litert" in wanted:
        add("LiteRT int8", lambda: bound(peers.litert_session(peers.litert_int8(model, folder, calibration), threads)))
    if "iree" in wanted:
        add("IREE int8", lambda: bound(peers.iree_session(quantized(), folder, model.name, threads)))
    return found


def time_systems(systems, rounds):
    for call in systems.values():
        for _ in range(3):
            call()
    taken = {name: [] for name in systems}
    for _ in range(rounds):
        for name, call in systems.items():
            taken[name].append(once(call))
    ways = {"interleaved": {name: statistics.median(t) for name, t in taken.items()}, "alone": {}, "cold": {}}
    empty = Cold()
    for name, call in systems.items():
        call()
        ways["alone"][name] = statistics.median(once(call) for _ in range(rounds))
        if "float" in name or "bf16" in name:
            continue
        cold = []
        for _ in range(max(10, rounds // 3)):
            empty()
            cold.append(once(call))
        ways["cold"][name] = statistics.median(cold)
    return ways


def start_up(model, folder, feeds, inference):
    """Milliseconds from process start to the first output, less the inference, and resident MiB; onnxruntime's load and first answer."""
    at = lambda name: os.path.join(folder, name)
    np.savez(at("one.npz"), **feeds)
    line = [at(f"{model.name}_int8"), at("one.npz"), "--output", at("first.npz")]
    taken = [once(lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL)) for _ in range(21)]
    found = dict(start_ms=max(0.0, statistics.median(taken) - inference), resident_mib=harness.measured(line)[2])
    if os.path.exists(at(f"{model.name}.int8.onnx")):
        loads = []
        for _ in range(5):
            done = harness.check([sys.executable, "-c", FIRST_ANSWER, at(f"{model.name}.int8.onnx"), at("one.npz")])
            loads.append([float(x) for x in done.stdout.split()[-2:]])
        found["peer_load_ms"], found["peer_mib"] = (statistics.median(x) for x in zip(*loads))
    return found


def multiply_adds(model):
    """Of one batch, in millions."""
    done = harness.check([harness.DYADIC, "inspect", model.path, *model.shape_flags()])
    return float(re.search(r"([\d.]+) M multiply-adds", done.stdout)[1])


@contextlib.contextmanager
def kept_or_temporary(folder):
    if folder:
        os.makedirs(folder, exist_ok=True)
        yield os.path.abspath(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="dyadic-bench-") as made:
            yield made


def measure(model, options):
    with kept_or_temporary(options.folder) as folder:
        calib = model.write_samples(os.path.join(folder, "calib.npz"), CALIBRATION, 1)
        arrays = dict(np.load(calib))
        batch = model.shape[0]
        calibration = [{k: v[i : i + batch] for k, v in arrays.items()} for i in range(0, len(next(iter(arrays.values()))), batch)]
        feeds = dict(np.load(model.write_samples(os.path.join(folder, "test.npz"), 1, 2)))
        found = compile_dyadic(model, folder, calib, options)
        systems = systems_of(model, folder, feeds, calibration, options)
        exact = np.array(peers.onnxruntime_session(model.path)(feeds))
        found["cosine"] = {name: peers.same_answer(np.array(call()), exact) for name, call in systems.items()}
        found.update(time_systems(systems, options.rounds))
        found["mmac"] = multiply_adds(model)
        if options.threads == 1:
            found.update(start_up(model, folder, feeds, found["alone"]["Dyadic int8"]))
        native = Native(os.path.join(folder, f"{model.name}_int8.so"))
        found["arena_kb"], found["weights_kb"] = native.info.arena_bytes / 1e3, native.info.weight_bytes / 1e3
    return found


def fastest_peer(times):
    others = {name: t for name, t in times.items() if name not in OURS}
    name = min(others, key=others.get)
    return name, others[name]


def tables(results, peak, threads):
    names = [n for n in dict.fromkeys(n for r in results.values() for n in r["interleaved"])]
    n = report.number

    def times(way, systems, ratio=True):
        rows = []
        for model, r in results.items():
            row = [model, *(n(r[way].get(s)) for s in systems)]
            if ratio and any(s not in OURS for s in r[way]):
                peer, t = fastest_peer(r[way])
                row.append(f"{n(t / r[way]['Dyadic int8'])}× ({peer})")
            if way == "alone" and peak:
                row.append(f"{200 * r['mmac'] / r[way]['Dyadic int8'] / (peak * threads):.0f} %")
            rows.append(row)
        return rows

    last = "than the fastest peer"
    integers = [s for s in names if "float" not in s and "bf16" not in s]
    found = {
        "interleaved": report.table(["ms, interleaved", *names, last], times("interleaved", names)),
        "alone": report.table(["ms, back to back", *names, last, *(["of the peak"] if peak else [])], times("alone", names)),
        "cold": report.table(["ms, cold", *integers, last], times("cold", integers)),
    }
    if threads > 1:
        return found
    cosines = [[m, *(f"{r['cosine'][s]:.5f}" if s in r["cosine"] else "–" for s in names)] for m, r in results.items()]
    artefacts = [
        [m, n(r["weights_kb"], 5), n(r["file_kb"], 5), n(r["arena_kb"], 5), n(r["start_ms"]), n(r["resident_mib"]), n(r.get("peer_load_ms")), n(r.get("peer_mib")), n(r["compile_s"]), n(r["compile_mib"], 4)]
        for m, r in results.items()
    ]
    found["cosine"] = report.table(["cosine with onnxruntime float", *names], cosines)
    found["artefacts"] = report.table(
        ["int8 executable", "weights kB", "file kB", "arena kB", "start-up ms", "resident MiB", "onnxruntime load + first answer ms", "and MiB", "compile s", "compile peak MiB"],
        artefacts,
    )
    return found


def draw(results, path):
    """Bars of the interleaved times, each model's by its own fastest peer."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "dyadic"
    from matplotlib import pyplot

    names = [n for n in dict.fromkeys(n for r in results.values() for n in r["interleaved"]) if "IREE" not in n]
    figure, axes = pyplot.subplots(figsize=(9, 4))
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        heights = [r["interleaved"].get(name, 0) / r["interleaved"]["Dyadic int8"] for r in results.values()]
        axes.bar(np.arange(len(results)) + (i - len(names) / 2 + 0.5) * width, heights, width, label=name)
    axes.set_xticks(range(len(results)), list(results), rotation=20)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}×")
    axes.set_ylabel("time; Dyadic int8 is 1")
    axes.legend(fontsize="small", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="squeezenet,mobilenetv2,resnet50,minilm,cls,det,rec,tiny-resnet8,tiny-kws,tiny-vww,tiny-ad")
    parser.add_argument("--peers", default="onnxruntime,openvino,litert", help="of onnxruntime, openvino, litert, iree")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpu", default="native", help="what Dyadic compiles for")
    parser.add_argument("--core", type=int, default=0, help="the first core to run on")
    parser.add_argument("--folder", help="keep here what peers quantize, which takes minutes, for the next run")
    parser.add_argument("--json", help="write what was measured here, too")
    parser.add_argument("--write", action="store_true", help="write docs/Results.md and README.md")
    options = parser.parse_args()
    unknown = [name for name in options.models.split(",") if name not in MODELS]
    if unknown:
        parser.error(f"expected models of {', '.join(MODELS)}, but got {', '.join(unknown)}")
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    if options.write:
        import matplotlib  # missing it is said now, not when all is measured
        report.build_first(ROOT, "dyadic", "dyadic-benchmark")
    os.sched_setaffinity(0, set(range(options.core, options.core + options.threads)))
    peak = kernels.peak(options.cpu)
    results = {}
    for name in options.models.split(","):
        print(f"{name} …", flush=True)
        try:
            results[name] = measure(MODELS[name], options)
        except Unavailable as e:
            print(f"  skipped: {e}", flush=True)
            continue
        print("  " + ", ".join(f"{s} {t:.3f} ms" for s, t in results[name]["interleaved"].items()), flush=True)
    if not results:
        return 1
    if options.json:
        with open(options.json, "w") as f:
            json.dump(results, f, indent=1)
    found = tables(results, peak, options.threads)
    about = report.heading(ROOT, "onnxruntime", "openvino", "nncf", "ai-edge-litert", "iree-base-compiler", "numpy")
    about += f" {'One thread' if options.threads == 1 else f'{options.threads} threads'}, batch 1, median of {options.rounds}."
    if peak:
        about += f" One core's peak: {peak:.0f} GOP/s."
    print("\n" + "\n\n".join([about, *found.values()]))
    if options.write:
        marker = "speed" if options.threads == 1 else f"speed with {options.threads} threads"
        report.write(RESULTS, marker, "\n\n".join([about, *found.values()]))
        if options.threads == 1:
            report.write(os.path.join(ROOT, "README.md"), "speed", "\n\n".join([about, found["interleaved"]]))
            draw(results, os.path.join(ROOT, "docs/speed.svg"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
