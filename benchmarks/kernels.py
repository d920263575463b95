#!/usr/bin/env python3
"""Kernels alone against the machine's limits: runs dyadic-benchmark and writes its tables.

    benchmarks/kernels.py [--cpus avx512vnni,avx2] [--write]
"""
import argparse
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(ROOT, "test/Integration")]

import harness
import report

RESULTS = os.path.join(ROOT, "docs/Results.md")
PROGRAM = os.path.join(os.path.dirname(harness.DYADIC), "dyadic-benchmark")


def benchmark(cpu, *flags):
    """Google Benchmark's JSON, or None where there is no dyadic-benchmark."""
    if not os.path.exists(PROGRAM):
        return None
    command = [PROGRAM, f"--cpu={cpu}", "--benchmark_format=json", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


def limits(found):
    """{instruction: GOP/s} and {level of memory: GB/s}."""
    context = found["context"]
    take = lambda prefix, unit: {
        k[len(prefix) :]: float(v.split()[0]) for k, v in context.items() if k.startswith(prefix) and v.endswith(unit)
    }
    return take("peak of ", " GOP/s"), take("reading from ", " GB/s")


INSTRUCTION = {"amx": "tdpbusd", "avx512vnni": "vpdpbusd zmm", "avxvnni": "vpdpbusd ymm", "avx2": "vpmaddwd, vpaddd ymm"}


def peak(cpu):
    """GOP/s of the widest integer instruction that the kernels for `cpu` use; None where it can't be told."""
    found = benchmark(cpu, "--benchmark_filter=depthwise 3x3 28x28", "--benchmark_min_time=0.01")
    if not found:
        return None
    return limits(found)[0].get(INSTRUCTION.get(found["context"]["kernels"]))


def rows_of(found):
    rows = {}
    for b in found["benchmarks"]:
        name = re.sub(r"/iterations:.*$", "", b["name"])
        rows[name] = b
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpus", default="amx,avx512vnni,avxvnni,avx2", help="those that the machine lacks are left out")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write:
        report.build_first(ROOT, "dyadic", "dyadic-benchmark")
    measured = {}
    for cpu in options.cpus.split(","):
        found = benchmark(cpu, "--benchmark_min_time=0.2")
        if found:
            measured[cpu] = found
        else:
            print(f"{cpu}: not on this machine", flush=True)
    if not measured:
        return 1
    instructions, memory = limits(next(iter(measured.values())))
    n = report.number
    limit = report.table(
        ["limit of one core", "measured"],
        [[k, f"{n(v)} GOP/s"] for k, v in instructions.items()] + [[f"reading from {k}", f"{n(v)} GB/s"] for k, v in memory.items()],
    )
    names = list(rows_of(next(iter(measured.values()))))
    rows = []
    for name in names:
        row = [name]
        for found in measured.values():
            b = rows_of(found)[name]
            row.append(n(b["real_time"]))
            row.append(f"{100 * b['bandwidth']:.0f} % of reading" if "bandwidth" in b else f"{100 * b.get('peak', 0):.0f} %")
        rows.append(row)
    header = ["kernel (rows×columns×depth, or image and channels)"]
    for cpu in measured:
        header += [f"{cpu}, µs", "of its peak"]
    table = report.table(header, rows)
    about = report.heading(ROOT) + " One thread, caches warm unless it says cold."
    print("\n\n".join([about, limit, table]))
    if options.write:
        report.write(RESULTS, "kernels", "\n\n".join([about, limit, table]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
