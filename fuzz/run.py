#!/usr/bin/env python3
"""Fuzzes the importers: run.py [--seconds N] [--build FOLDER] [TARGET …].

The corpora are made here from the models of the tests (and, where onnx is installed, from those of its backend
tests); what a longer run finds new is kept under BUILD/fuzz/TARGET/corpus. First the inputs of regressions/TARGET,
which once broke an importer, are run, each of which is a test, then the fuzzer for the time given, another test for
each target. A finding lies in BUILD/fuzz/TARGET/found and is run again by `BUILD/bin/fuzz-TARGET FILE`. The last line
counts.
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
MOST_BYTES = 1 << 16  # larger files only slow a run down
# No input may take longer, nor need more than Accounting.cpp allows; the limit of the process is there for sanitizers.
LIMITS = ["-timeout=5", "-rss_limit_mb=4096", "-verbosity=1"]


def files_of(folder, pattern, **kwargs):
    return sorted(glob.glob(os.path.join(folder, pattern), **kwargs))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def onnx_seeds():
    yield from map(read, files_of(ROOT, "test/Inputs/onnx/*.onnx"))
    try:
        import onnx
    except ImportError:
        print("fuzz: no onnx here: its backend tests are no seeds")
        return
    # One for each operator and each real network, the "light" ones.
    data = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    yield from map(read, files_of(data, "**/*.onnx", recursive=True))


def tosa_seeds():
    for path in files_of(ROOT, "test/Import/TOSA/*.mlir"):
        text = read(path).decode()
        for part in re.split(r"^// -----$|^(?=func\.func)", text, flags=re.M):
            part = re.sub(r"^\s*//.*\n", "", part, flags=re.M).strip()
            if "tosa." in part:
                yield part.encode()


def tflite_seeds():
    schema = os.path.join(ROOT, "lib/Import/TFLite/model.fbs")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["flatc", "-b", "-o", folder, schema, *files_of(ROOT, "test/Inputs/tflite/*.json")], check=True)
        yield from map(read, files_of(folder, "*.bin"))


SEEDS = {"onnx": onnx_seeds, "tflite": tflite_seeds, "tosa": tosa_seeds}


class Runs:
    """One target: what passed and what failed."""

    def __init__(self, target, program, folder):
        self.target, self.program, self.folder = target, program, folder
        self.passed = self.failed = 0

    def count(self, what, passed, output):
        self.passed, self.failed = self.passed + passed, self.failed + (not passed)
        if not passed:
            print(f"fuzz: {self.target}: FAIL: {what}\n{output[-4000:]}")

    def execute(self, arguments):
        done = subprocess.run(
            [self.program, *arguments, *LIMITS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        return done.returncode, done.stdout

    def regressions(self):
        for path in files_of(HERE, f"regressions/{self.target}/*"):
            status, output = self.execute([path])
            self.count(os.path.relpath(path, ROOT), status == 0, output)

    def fuzz(self, seconds, seed):
        corpus, found = os.path.join(self.folder, "corpus"), os.path.join(self.folder, "found")
        os.makedirs(corpus, exist_ok=True)
        os.makedirs(found, exist_ok=True)
        seeds = 0
        for content in SEEDS[self.target]():
            if len(content) <= MOST_BYTES:
                with open(os.path.join(corpus, f"seed-{seeds}"), "wb") as file:
                    file.write(content)
                seeds += 1
        # Without coverage no input is found interesting: all seeds are kept.
        options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MOST_BYTES}", "-keep_seed=1", "-len_control=0"]
        status, output = self.execute([corpus, f"-artifact_prefix={found}/", "-print_final_stats=1", *options])
        runs = re.search(r"number_of_executed_units:\s*(\d+)", output)
        print(f"fuzz: {self.target}: {seeds} seeds, {runs.group(1) if runs else 'no'} runs in {seconds} s", flush=True)
        self.count(f"exit {status}", status == 0 and runs and int(runs.group(1)) > seeds, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"))
    options = parser.parse_args()
    passed = failed = skipped = 0
    for target in options.targets or sorted(SEEDS):
        program = os.path.join(options.build, "bin", "fuzz-" + target)
        if not os.path.exists(program):
            print(f"fuzz: {target}: SKIP: there is no {program}: it needs clang, libclang-rt-22-dev and `ninja fuzzers`")
            skipped += 1
            continue
        runs = Runs(target, program, os.path.join(options.build, "fuzz", target))
        runs.regressions()
        runs.fuzz(options.seconds, options.seed)
        passed, failed = passed + runs.passed, failed + runs.failed
    print(f"fuzz: {passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


main()
