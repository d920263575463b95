"""The conformance tests of TOSA that the package tosa-tools generates, run through this compiler.

The package can't share an environment with onnx: it lies in one of its own, whose folder TOSA_TOOLS names, by default
build/venv-tosa, which scripts/setup makes. All functions of a batch become one program, so that the tools start once a
batch and not once a test.
"""
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from harness import DYADIC, check, run
from models import ROOT
from native import aligned

TOOLS = os.environ.get("TOSA_TOOLS", os.path.join(ROOT, "build/venv-tosa"))
LLVM = os.environ.get("LLVM_PREFIX", "/usr/lib/llvm-22")
OPT = os.path.join(os.path.dirname(DYADIC), "dyadic-opt")


def tool(name):
    return os.path.join(TOOLS, "bin", name)


def available():
    return os.path.exists(tool("tosa_verif_build_tests"))


class Case:
    """One generated test: its function as MLIR, its input files, what the reference model makes of them."""

    def __init__(self, folder):
        self.folder, self.name = folder, os.path.basename(folder)
        with open(os.path.join(folder, "desc.json")) as file:
            self.description = json.load(file)

    def prepare(self):
        """Reads the flatbuffer with tosa-tools' own reader and runs its reference model."""
        answer = os.path.join(self.folder, self.description["ofm_file"][0])
        if not os.path.exists(answer):
            check([tool("tosa_reference_model"), f"--test_desc={self.folder}/desc.json", "--tosa_level=NONE"])
        text = os.path.join(self.folder, "test.mlir")
        if not os.path.exists(text):
            flatbuffer = os.path.join(self.folder, self.description["tosa_file"])
            check([tool("tosa-opt"), "/dev/null", "--tosa-deserialize", f"--tosa-deserialize-filename={flatbuffer}", "-o", text])
        with open(text) as file:
            self.text = re.sub(r"( attributes)? \{tosa\.[^}]*\}", "", file.read())
        self.inputs = [np.load(os.path.join(self.folder, name)) for name in self.description["ifm_file"]]
        self.expected = [np.load(os.path.join(self.folder, name)) for name in self.description["ofm_file"]]
        return self


def generate(folder, *arguments, stride=1):
    """The positive tests that tosa_verif_build_tests makes, every stride-th of them prepared."""
    if not os.path.isdir(folder):
        check([tool("tosa_verif_build_tests"), "-o", folder, "--test-type", "positive", *arguments])
    found = sorted(path for path, _, files in os.walk(folder) if "desc.json" in files)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda path: Case(path).prepare(), found[::stride]))


FUNCTION = re.compile(r"func\.func @main\((.*?)\) -> (.*?) \{\n(.*?)    return (.*?) : (.*?)\n", re.S)


def function(case, number):
    """The case's (arguments, result types, body, results), with names of its own."""
    arguments, results, body, returned, _ = FUNCTION.search(case.text).groups()
    rename = lambda text: re.sub(r"%(\w+)", rf"%v\1_{number}", text)
    return rename(arguments), results.strip("()"), rename(body), rename(returned)


def pipeline(cpu):
    """TOSA → loops."""
    return (
        "func.func(tosa-to-qnn),dyadic-simplify-pipeline,dyadic-fuse-pipeline,"
        f"dyadic-generate-pipeline{{model-name=batch cpu={cpu}}}"
    )


def convert(cases, cpu):
    """The cases that the compiler takes, and for the others what it says of them first."""
    text = "\n// -----\n".join(case.text for case in cases)
    starts = np.cumsum([0] + [case.text.count("\n") + 2 for case in cases])
    done = run([OPT, f"--pass-pipeline=builtin.module({pipeline(cpu)})", "--split-input-file", "-o", "/dev/null", "-"], input=text)
    refused = {}
    for line, message in re.findall(r"^<stdin>:(\d+):\d+: error: (.*)$", done.stderr, re.M):
        case = cases[int(np.searchsorted(starts, int(line), side="right")) - 1]
        refused.setdefault(case.name, message)
    return [case for case in cases if case.name not in refused], refused


def merge(cases):
    """One function of all of them."""
    parts = [function(case, i) for i, case in enumerate(cases)]
    arguments, types, _, returned = (", ".join(part[i] for part in parts if part[i]) for i in range(4))
    body = "".join(part[2] for part in parts)
    return f"func.func @main({arguments}) -> ({types}) {{\n{body}    return {returned} : {types}\n}}\n"


def compile_batch(cases, folder, cpu):
    """Runs the cases as one native program; their outputs, case by case."""
    import ctypes

    base = os.path.join(folder, "batch")
    with open(base + ".mlir", "w") as file:
        file.write(merge(cases))
    passes = f"--pass-pipeline=builtin.module({pipeline(cpu)},emit-lower-to-llvm)"
    check([OPT, base + ".mlir", passes, "-o", base + ".llvm.mlir"])
    check([LLVM + "/bin/mlir-translate", "--mlir-to-llvmir", base + ".llvm.mlir", "-o", base + ".ll"])
    check([LLVM + "/bin/llc", "-O2", f"-mcpu={'native' if cpu == 'native' else 'x86-64'}", "-filetype=obj", "-relocation-model=pic", base + ".ll", "-o", base + ".o"])
    library = f"{base}-{os.urandom(4).hex()}.so"
    check([LLVM + "/bin/clang", "-shared", base + ".o", "-lm", "-o", library])
    with open(base + ".llvm.mlir") as file:
        arena = re.search(r"dyadic\.arena_bytes = (\d+)", file.read())
    inputs, outputs = [], []
    for case in cases:
        for array in case.inputs:
            buffer = aligned(array.shape, array.dtype)
            np.copyto(buffer, array)
            inputs.append(buffer)
        outputs.append([aligned(array.shape, array.dtype) for array in case.expected])
    buffers = inputs + [buffer for each in outputs for buffer in each]
    buffers.append(aligned([int(arena.group(1)) if arena else 1 << 26], np.uint8))
    entry = ctypes.CDLL(library).batch_run
    entry.restype = None
    entry(*[ctypes.c_void_p(buffer.ctypes.data) for buffer in buffers])
    os.remove(library)
    return outputs


def agrees(case, got):
    """To the byte; INEXACT_ROUND leaves a neighbour open, and the reference model rounds to float32 there."""
    inexact = "INEXACT_ROUND" in case.text
    near = lambda a, b: (np.abs(a.astype(np.int64) - b) <= 1 + np.abs(a.astype(np.float64)) * 2.0**-22).all()
    return all(np.array_equal(a, b) or inexact and near(a, b) for a, b in zip(case.expected, got))


def differing(cases, outputs):
    """The names of the cases whose outputs aren't the reference model's."""
    return [case.name for case, got in zip(cases, outputs) if not agrees(case, got)]
