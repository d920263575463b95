#!/usr/bin/env python3
"""Runs the cases of onnx.backend.test through compiled code: onnxsuite.py [--update] [-k PATTERN] [-v]

A case passes when every output agrees with the case's own within its tolerance (LOOSER has the few exceptions), integers
exactly. One that doesn't pass must be refused with errors that name their place and an unsupported feature. --update
writes the list of what passes."""
import argparse
import collections
import fnmatch
import io
import multiprocessing
import multiprocessing.connection
import os
import re
import resource
import sys
import time
import warnings

import numpy as np

import capi

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnxsuite.txt")
KINDS = ["node", "simple", "pytorch-converted", "pytorch-operator", "light"]
WORKERS = 2
LIMIT_S, LIMIT_BYTES = 120, 6 << 30
# What the importer says of an input that decides which code is made.
ASKS_FOR_VALUE = re.compile(r"--value (\S+)=")
UNSUPPORTED = re.compile(
    r"(is|are) not supported|expected opset|names no version of the ONNX operators|expected (input|output) \S+ to be |"
    + ASKS_FOR_VALUE.pattern
)

# Cases whose expected values are further from the exact ones than ours are: pattern, relative and absolute tolerance.
LOOSER = [
    # NumPy rounds to bfloat16 after every step, we do once: a step of bfloat16 apart.
    ("test_attention_*_bf16*", 2**-7, 1e-3),
    # Rounding errors of 2e-7 of NumPy's float32 FFT where zeros are exact.
    ("test_dft_inverse*", 1e-3, 1e-6),
]

Verdict = collections.namedtuple("Verdict", "kind why fixed")
PASS, REFUSED, FAIL = "pass", "refused", "FAIL"


class Case:
    """One case; what it computes is read when it runs, for some are large files."""

    def __init__(self, kind, name, model, data_sets, rtol, atol, folder=None):
        self.kind, self.name, self.model, self.data_sets = kind, name, model, data_sets
        self.rtol, self.atol, self.folder = rtol, atol, folder

    def load(self):
        import onnx
        import onnx.numpy_helper

        if self.model is None:
            self.model = onnx.load(os.path.join(self.folder, "model.onnx"))
        if self.data_sets is None:
            self.data_sets = list(self.read_data_sets())

        def as_array(value):
            """Some tensors are messages, some scalars numbers of NumPy's."""
            if isinstance(value, onnx.TensorProto):
                return onnx.numpy_helper.to_array(value)
            return value if isinstance(value, (np.ndarray, list, str, type(None))) else np.asarray(value)

        self.data_sets = [[[as_array(x) for x in part] for part in pair] for pair in self.data_sets]

    def read_data_sets(self):
        """Those in the folders test_data_set_*; None stands for what is no tensor."""
        import onnx
        from onnx import numpy_helper

        def read(folder, stem, infos):
            for i, info in enumerate(infos):
                tensor = onnx.TensorProto()
                with open(os.path.join(folder, f"{stem}_{i}.pb"), "rb") as f:
                    data = f.read()
                if info.type.HasField("tensor_type"):
                    tensor.ParseFromString(data)
                    yield numpy_helper.to_array(tensor)
                else:
                    yield None

        for entry in sorted(os.listdir(self.folder)):
            folder = os.path.join(self.folder, entry)
            if entry.startswith("test_data_set_"):
                given = sum(name.startswith("input_") for name in os.listdir(folder))
                yield (
                    list(read(folder, "input", list(self.model.graph.input)[:given])),
                    list(read(folder, "output", self.model.graph.output)),
                )


class LightCase(Case):
    """A network whose weights are shapes and a number each, on the ramp that onnx's own runner makes for it."""

    def __init__(self, path):
        name = os.path.basename(path)[len("light_") : -len(".onnx")]
        super().__init__("light", "light/test_" + name, None, None, 2e-3 if name == "densenet121" else 1e-3, 1e-7)
        self.path = path

    def load(self):
        import onnx

        self.model = onnx.load(self.path)
        weights = {w.name for w in self.model.graph.initializer}
        (x,) = [i for i in self.model.graph.input if i.name not in weights]
        del self.model.graph.input[:]  # weights among them, and not always behind
        self.model.graph.input.append(x)
        shape = [d.dim_value or 1 for d in x.type.tensor_type.shape.dim]
        ramp = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / np.float32(np.prod(shape))
        expected = onnx.load_tensor(self.path[: -len(".onnx")] + "_output_0.pb")
        self.data_sets = [[[ramp], [onnx.numpy_helper.to_array(expected)]]]


def light_cases():
    import onnx.backend.test

    folder = os.path.join(os.path.dirname(onnx.backend.test.__file__), "data", "light")
    return [LightCase(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".onnx")]


def collect(kinds=KINDS):
    """The cases, sorted by name."""
    from onnx.backend.test.loader import load_model_tests

    cases = light_cases() if "light" in kinds else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in set(kinds) - {"light"}:
            for case in load_model_tests(kind=kind):
                prefix = "" if kind == "node" else kind + "/"
                cases.append(Case(kind, prefix + case.name, case.model, case.data_sets, case.rtol, case.atol, case.model_dir))
    return sorted(cases, key=lambda case: case.name)


# ===--- One case ---=== #


class Mismatch(Exception):
    pass


NARROW = ("int4", "uint4", "int2", "uint2")


def bits_of_floats(array):
    """Floats of at most 8 bits as what stores them: programs have no other form of them."""
    return array.view(np.uint8) if array.dtype.name.startswith(("float8", "float4")) else array


def as_input(name, array, shape, kind):
    """The array as the program takes it. Elements narrower than a byte have one each there."""
    if not isinstance(array, np.ndarray) or array.dtype == object:
        raise Mismatch(f"input '{name}' is no tensor of numbers, but the model was compiled")
    array = bits_of_floats(array)
    narrow = array.dtype != kind and array.dtype.name in NARROW
    array = array.astype(kind) if narrow else array
    if array.dtype != kind or list(array.shape) != shape:
        raise Mismatch(f"input '{name}': the case has {array.dtype} {list(array.shape)}, the program {kind} {shape}")
    return np.ascontiguousarray(array).reshape(shape)


def compare(name, expected, got, rtol, atol):
    expected = np.asarray(expected)
    if expected.dtype.name.startswith(("float8", "float4")) and got.dtype == np.uint8:
        got = got.view(expected.dtype)
    if list(expected.shape) != list(got.shape):
        raise Mismatch(f"output '{name}': expected shape {list(expected.shape)}, but got {list(got.shape)}")
    if expected.dtype != got.dtype and expected.dtype.name not in NARROW:
        raise Mismatch(f"output '{name}': expected {expected.dtype}, but got {got.dtype}")
    if expected.dtype.kind in "biu" or expected.dtype.name in NARROW:
        differ = expected.astype(np.object_ if expected.dtype == np.uint64 else np.int64) != got.astype(
            np.object_ if expected.dtype == np.uint64 else np.int64
        )
    else:
        differ = ~np.isclose(got.astype(np.float64), expected.astype(np.float64), rtol, atol, equal_nan=True)
    if np.any(differ):
        i = np.unravel_index(np.argmax(differ), differ.shape) if differ.ndim else ()
        raise Mismatch(
            f"output '{name}': {np.count_nonzero(differ)} of {differ.size} elements differ, first at {list(map(int, i))}: "
            f"expected {expected[i]}, but got {got[i]}"
        )


def tolerance(case):
    looser = [bounds for pattern, *bounds in LOOSER if fnmatch.fnmatch(case.name, pattern)]
    return np.max([(case.rtol, case.atol), *looser], axis=0)


def is_open(info):
    """Whether the model leaves an extent of an input open."""
    kind = info.type.tensor_type
    return info.type.HasField("tensor_type") and not all(d.dim_value > 0 for d in kind.shape.dim)


def compile_case(library, case, inputs):
    """The program, and the inputs whose values it was compiled with because the compiler asked for them."""
    model = case.model.SerializeToString()
    arrays = dict(zip([i.name for i in case.model.graph.input], inputs))
    # An array without elements is as good as known.
    fixed = {n: a for n, a in arrays.items() if isinstance(a, np.ndarray) and a.dtype.kind != "O" and not a.size and bits_of_floats(a) is a and a.dtype.name not in NARROW}
    shapes = {i.name: arrays[i.name].shape for i in case.model.graph.input if is_open(i) and isinstance(arrays.get(i.name), np.ndarray)}
    while True:
        try:
            return library.compile(model, {n: s for n, s in shapes.items() if n not in fixed}, fixed), fixed
        except capi.CompileError as error:
            asked = {name for _, message in error.errors for name in ASKS_FOR_VALUE.findall(message)}
            new = {n: arrays[n] for n in asked if isinstance(arrays.get(n), np.ndarray) and arrays[n].dtype.kind != "O"}
            if error.result != capi.INPUT_ERROR or not new or new.keys() <= fixed.keys():
                raise
            fixed.update(new)


def run_case(library, case):
    case.load()
    fixed = {}
    try:
        for number, (inputs, outputs) in enumerate(case.data_sets):
            if number == 0 or fixed:
                program, fixed = compile_case(library, case, inputs)
            arrays = dict(zip([i.name for i in case.model.graph.input], inputs))
            results = program([as_input(name, arrays[name], shape, kind) for name, shape, kind in program.inputs])
            if len(results) != len(outputs):
                raise Mismatch(f"expected {len(outputs)} outputs, but got {len(results)}")
            for (name, _, _), expected, got in zip(program.outputs, outputs, results):
                compare(name, expected, got, *tolerance(case))
    except capi.CompileError as error:
        fine = error.result == capi.INPUT_ERROR and error.errors
        fine = fine and all(where and "\n" not in what and UNSUPPORTED.search(what) for where, what in error.errors)
        return Verdict(REFUSED if fine else FAIL, f"exit {error.result}: {error}" if not fine else str(error), sorted(fixed))
    except Mismatch as error:
        return Verdict(FAIL, str(error), sorted(fixed))
    return Verdict(PASS, "", sorted(fixed))


# ===--- All cases ---=== #


def work(cases, channel):
    """A worker: verdicts for the numbers that come through the channel."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What LLVM prints before it ends the process is the reason of the failure.
    errors = os.memfd_create("stderr")
    os.dup2(errors, 2)
    channel.send(errors)
    warnings.simplefilter("ignore")
    library = capi.Library()
    while True:
        number = channel.recv()
        if number is None:
            return
        os.ftruncate(errors, 0)
        os.lseek(errors, 0, os.SEEK_SET)
        try:
            verdict = run_case(library, cases[number])
        except Exception as error:  # a case must not take those behind it along
            verdict = Verdict(FAIL, f"{type(error).__name__}: {error}", [])
        channel.send(verdict)


class Worker:
    def __init__(self, cases):
        context = multiprocessing.get_context("fork")
        self.channel, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(cases, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.errors = f"/proc/{self.process.pid}/fd/{self.channel.recv()}"
        self.log = open(self.errors, "rb")
        self.number = None

    def start(self, number):
        self.number, self.deadline = number, time.monotonic() + LIMIT_S
        self.channel.send(number)

    def verdict(self):
        """The answer that is there, or what became of the process."""
        try:
            if self.channel.poll():
                return self.channel.recv()
        except (EOFError, OSError):
            pass
        if self.process.is_alive() and time.monotonic() < self.deadline:
            return None
        hung = self.process.is_alive() and not self.channel.poll()
        self.stop()
        said = self.log.read().decode(errors="replace").strip().splitlines()[-1:]
        how = f"no answer in {LIMIT_S} s" if hung else f"the compiler or its code ended with {self.process.exitcode}"
        return Verdict(FAIL, ": ".join([how, *said]), [])

    def stop(self):
        self.process.kill()
        self.process.join()


def run_cases(cases, report=lambda case, verdict: None):
    """The verdict on each case, in WORKERS processes."""
    if not os.path.exists(capi.LIBRARY):
        raise FileNotFoundError(f"{capi.LIBRARY}: build it, or name the tool beside it in DYADIC")
    verdicts, queue = [None] * len(cases), collections.deque(range(len(cases)))
    workers = []
    while queue or any(w.number is not None for w in workers):
        while queue and len(workers) < WORKERS:
            workers.append(Worker(cases))
        for worker in workers:
            if worker.number is None and queue:
                worker.start(queue.popleft())
        busy = [w for w in workers if w.number is not None]
        multiprocessing.connection.wait([w.channel for w in busy], 1)
        for worker in busy:
            verdict = worker.verdict()
            if verdict is None:
                continue
            verdicts[worker.number] = verdict
            report(cases[worker.number], verdict)
            worker.number = None
            if not worker.process.is_alive():
                workers.remove(worker)
    for worker in workers:
        worker.stop()
    return verdicts


def read_list():
    with open(LIST) as f:
        return {line.strip() for line in f if line.strip()}


def compare_with_list(cases, verdicts):
    """What is wrong, a line each: cases that don't pass or are not refused as they should, and a list out of date."""
    listed = read_list()
    for case, verdict in zip(cases, verdicts):
        if verdict.kind == FAIL or (verdict.kind != PASS and case.name in listed):
            yield f"{case.name}: {verdict.why}"
        elif verdict.kind == PASS and case.name not in listed:
            yield f"{case.name} passes, but is not on the list: run onnxsuite.py --update"
    for name in sorted(listed - {case.name for case in cases}):
        yield f"{name} is on the list, but onnx.backend.test has no such case"


def category(case):
    """The op of the case's node; for whole models, their folder."""
    if case.kind != "node":
        return case.kind
    parts = os.path.basename(case.name).split("_")
    return parts[1]


def summarize(cases, verdicts, out=sys.stdout):
    """Counts by operator, where not everything passes, and by kind."""
    groups = collections.defaultdict(collections.Counter)
    for case, verdict in zip(cases, verdicts):
        groups[category(case)][verdict.kind] += 1
    for name, counts in sorted(groups.items()):
        if counts[PASS] != counts.total():
            print(f"  {name}: {counts[PASS]} of {counts.total()} pass, {counts[REFUSED]} are refused, {counts[FAIL]} fail", file=out)
    for kind in KINDS:
        of_kind = [v for c, v in zip(cases, verdicts) if c.kind == kind]
        counts = collections.Counter(v.kind for v in of_kind)
        fixed = sum(bool(v.fixed) and v.kind == PASS for v in of_kind)
        if of_kind:
            print(
                f"{kind}: {counts[PASS]} of {len(of_kind)} pass ({fixed} of them with inputs that were made constants), "
                f"{counts[REFUSED]} are refused, {counts[FAIL]} fail",
                file=out,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the list of what passes")
    parser.add_argument("-k", metavar="PATTERN", help="only cases whose name matches")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this folder of cases")
    parser.add_argument("-v", "--verbose", action="store_true", help="say why cases are refused")
    options = parser.parse_args()
    cases = [c for c in collect(options.kind or KINDS) if not options.k or fnmatch.fnmatch(c.name, f"*{options.k}*")]
    start = time.monotonic()

    def report(case, verdict):
        if verdict.kind == FAIL or options.verbose or options.k:
            print(f"{verdict.kind} {case.name}: {verdict.why}", flush=True)

    verdicts = run_cases(cases, report)
    summarize(cases, verdicts)
    print(f"{time.monotonic() - start:.0f} s")
    if options.update:
        passing = {case.name for case, verdict in zip(cases, verdicts) if verdict.kind == PASS}
        others = read_list() - {case.name for case in cases} if os.path.exists(LIST) else set()
        with open(LIST, "w") as f:
            f.writelines(name + "\n" for name in sorted(passing | others))
    return any(verdict.kind == FAIL for verdict in verdicts)


if __name__ == "__main__":
    sys.exit(main())
