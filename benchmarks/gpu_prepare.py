"""What scripts/gpu does before it needs a GPU: compiles the test models for one, and writes
samples and the bytes that the CPU's program computes from them."""
import argparse
import json
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "test", "Integration"))

MAX_SAMPLES, MAX_BYTES = 8, 2 << 20  # of a model's inputs: what is prepared travels


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["prepare", "ptxas"])
    parser.add_argument("--arch", default="sm_80", help="for ptxas: several, separated by commas")
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build/release"))
    parser.add_argument("--out", default=os.path.join(ROOT, "build/gpu"))
    parser.add_argument("--models", default="", help="some of them: digits,cls,…")
    parser.add_argument("--interpret", action="store_true", help="also compare the first sample with the interpreter (slow)")
    return parser.parse_args()


def chosen(options, models):
    names = [n for n in options.models.split(",") if n] or list(models.MODELS)
    for name in names:
        if name not in models.MODELS:
            sys.exit(f"expected models among {', '.join(models.MODELS)}, but got '{name}'")
        try:
            models.MODELS[name].path
            yield models.MODELS[name]
        except models.Unavailable as e:
            print(f"{name}: left out: {e}", file=sys.stderr)


def count_macs(harness, model):
    text = harness.check([harness.DYADIC, "inspect", model.path, *model.shape_flags()]).stdout
    return float(re.search(r"([0-9.]+) M multiply-adds", text).group(1)) * 1e6


def prepare(options, harness, models):
    import numpy as np

    shutil.rmtree(options.out, ignore_errors=True)
    os.makedirs(options.out)
    manifest = {"arch": options.arch, "models": []}
    for model in chosen(options, models):
        at = lambda suffix: os.path.join(options.out, model.name + suffix)
        calib = model.write_samples(at(".calib.npz"), 16, 1)
        target = ["--target", "nvptx64", "--arch", options.arch]
        compile = [harness.DYADIC, "compile", model.path, "--calibrate", calib, *model.shape_flags()]
        harness.check([*compile, *target, "-o", at(".so")])
        harness.check([*compile, "-o", at(".cpu")])
        samples = max(2, min(MAX_SAMPLES, MAX_BYTES // (4 * int(np.prod(model.shape)))))
        x = model.samples(samples, 7)
        np.savez(at(".x.npz"), **{model.input: x})
        expected = harness.execute(at(".cpu"), at(".x.npz"), options.out)
        if options.interpret:
            np.savez(at(".x1.npz"), **{model.input: x[: model.shape[0]]})
            run = [harness.DYADIC, "run", model.path, "--calibrate", calib, *model.shape_flags()]
            harness.check([*run, "--interpret", "--input", at(".x1.npz"), "-o", at(".y1.npz")])
            for name, value in harness.load(at(".y1.npz")).items():
                if value.tobytes() != expected[name][: len(value)].tobytes():
                    sys.exit(f"{model.name}: the CPU's program and the interpreter differ in '{name}'")
        x.tofile(at(".x.bin"))
        for number, name in enumerate(expected):
            np.ascontiguousarray(expected[name]).tofile(at(f".y{number}.bin"))
        for suffix in (".calib.npz", ".x.npz", ".x1.npz", ".y1.npz", ".cpu"):
            if os.path.exists(at(suffix)):
                os.unlink(at(suffix))
        manifest["models"].append(
            {"name": model.name, "samples": samples, "outputs": list(expected), "macs": count_macs(harness, model)}
        )
        print(f"{model.name}: prepared for {options.arch}", flush=True)
    for name in ("out.npz", "kept.npz"):
        if os.path.exists(os.path.join(options.out, name)):
            os.unlink(os.path.join(options.out, name))
    with open(os.path.join(options.out, "manifest.json"), "w") as f:
        json.dump(manifest, f, indent=1)
    print(f"now: scripts/gpu run --out {os.path.relpath(options.out)}")


def usage_of(report):
    """(kernel, registers, shared bytes, bytes of spill stores and loads) for each kernel in ptxas -v's text."""
    for part in report.split("Compiling entry function '")[1:]:
        name = part.split("'")[0]
        number = lambda pattern: int((re.search(pattern, part) or [0, 0])[1])
        spills = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
        yield name, number(r"Used (\d+) registers"), number(r"(\d+) bytes smem"), spills


def ptxas(options, harness, models):
    import tempfile

    from test_gpu_artifacts import find_ptxas

    program = find_ptxas()
    if not program:
        sys.exit("ptxas, of NVIDIA's CUDA toolkit, is neither on PATH nor in CUDA_HOME nor in /usr/local/cuda")
    print("| model | arch | kernels | most registers | most shared memory | with spills |\n|---|---|---:|---:|---:|---|")
    spilled = False
    with tempfile.TemporaryDirectory() as folder:
        for model in chosen(options, models):
            calib = model.write_samples(os.path.join(folder, "calib.npz"), 2, 1)
            for arch in options.arch.split(","):
                ptx = os.path.join(folder, "model.ptx")
                harness.check([harness.DYADIC, "compile", model.path, "--calibrate", calib, *model.shape_flags(), "--target", "nvptx64", "--arch", arch, "-o", ptx])
                done = harness.check([program, f"-arch={arch}", "-v", ptx, "-o", os.path.join(folder, "model.cubin")])
                kernels = list(usage_of(done.stdout + done.stderr))
                spills = [f"{name} ({spill} bytes)" for name, _, _, spill in kernels if spill]
                spilled |= bool(spills)
                print(f"| {model.name} | {arch} | {len(kernels)} | {max(k[1] for k in kernels)} | {max(k[2] for k in kernels)} | {', '.join(spills) or 'none'} |", flush=True)
    return 1 if spilled else 0


def main():
    options = parse()
    os.environ["DYADIC"] = os.path.abspath(os.path.join(options.build_dir, "bin/dyadic"))
    import harness
    import models

    if not os.access(harness.DYADIC, os.X_OK):
        sys.exit(f"expected the compiler at {harness.DYADIC}: scripts/build, or --build-dir DIR")
    options.out = os.path.abspath(options.out)
    if options.what == "ptxas":
        return ptxas(options, harness, models)
    return prepare(options, harness, models)


if __name__ == "__main__":
    sys.exit(main())
