#!/usr/bin/env python3
"""Fuzzes the importers: run.py [--seconds N] [--build FOLDER] [TARGET …].

The corpora are made here from the models of the tests (and, where onnx is installed, from those of its backend
tests); what a longer run finds is kept under BUILD/fuzz/TARGET/corpus. A finding lies in BUILD/fuzz/TARGET/found
and is run again by `BUILD/bin/fuzz-TARGET FILE`. The last line counts the targets.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MOST_BYTES = 1 << 16  # larger files only slow a short run down


def files_of(folder, pattern, **kwargs):
    return sorted(glob.glob(os.path.join(ROOT, folder, pattern), **kwargs))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def onnx_seeds():
    for path in files_of("test/Inputs/onnx", "*.onnx"):
        yield read(path)
    try:
        import onnx
    except ImportError:
        print("fuzz: no onnx here: its backend tests are no seeds")
        return
    data = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    for path in sorted(glob.glob(data + "/**/model.onnx", recursive=True)):
        yield read(path)


def tflite_seeds():
    for path in files_of("test/Inputs/tflite", "*.tflite"):
        yield read(path)


def tosa_seeds():
    opt = shutil.which("mlir-opt-22") or "/usr/lib/llvm-22/bin/mlir-opt"
    for path in files_of("test/Import/TOSA", "*.mlir"):
        with open(path) as file:
            parts = re.split(r"^// -----$|^(?=func\.func)", file.read(), flags=re.M)
        for part in parts:
            text = re.sub(r"^\s*//.*\n", "", part, flags=re.M).strip()
            if "tosa." not in text:
                continue
            yield text.encode()
            done = subprocess.run([opt, "--emit-bytecode"], input=text.encode(), capture_output=True)
            if done.returncode == 0:
                yield done.stdout


SEEDS = {"onnx": onnx_seeds, "tflite": tflite_seeds, "tosa": tosa_seeds}


def make_corpus(target, folder):
    os.makedirs(folder, exist_ok=True)
    for i, seed in enumerate(SEEDS[target]()):
        if len(seed) <= MOST_BYTES:
            with open(os.path.join(folder, f"seed-{i}"), "wb") as file:
                file.write(seed)


def fuzz(target, program, folder, seconds, seed):
    corpus, found = os.path.join(folder, "corpus"), os.path.join(folder, "found")
    make_corpus(target, corpus)
    os.makedirs(found, exist_ok=True)
    command = [program, corpus, f"-max_total_time={seconds}", f"-artifact_prefix={found}/", f"-seed={seed}"]
    # 5 s is a hang; Accounting.cpp knows how much memory a file may cost.
    command += ["-timeout=5", "-rss_limit_mb=2048", f"-max_len={MOST_BYTES}", "-print_final_stats=1", "-verbosity=1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stdout)
    print(f"fuzz: {target}: {runs.group(1) if runs else 'no'} runs in {seconds} s, exit {done.returncode}", flush=True)
    if done.returncode or not runs:
        print(done.stdout[-4000:])
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"))
    options = parser.parse_args()
    passed = failed = skipped = 0
    for target in options.targets or sorted(SEEDS):
        program = os.path.join(options.build, "bin", "fuzz-" + target)
        if not os.path.exists(program):
            print(f"fuzz: {target}: SKIP: there is no {program}: it needs clang and libclang-rt-22-dev, and `ninja fuzzers`")
            skipped += 1
        elif fuzz(target, program, os.path.join(options.build, "fuzz", target), options.seconds, options.seed):
            passed += 1
        else:
            failed += 1
    print(f"fuzz: {passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


main()
