"""Runs the dyadic tool and what it compiles, for the integration tests and benchmarks."""
import functools
import os
import re
import resource
import subprocess
import time

import numpy as np

from models import MODELS, ROOT, Unavailable

DYADIC = os.environ.get("DYADIC", os.path.join(ROOT, "build/release/bin/dyadic"))
# What a CPU must offer for each --cpu of ours, as /proc/cpuinfo spells it.
CPUS = {"scalar": set(), "avx2": {"avx2", "fma"}, "avx512vnni": {"avx512f", "avx512bw", "avx512vl", "avx512_vnni"}}


@functools.lru_cache(None)
def cpu_flags():
    with open("/proc/cpuinfo") as f:
        found = re.search(r"^flags\s*:(.*)$", f.read(), re.M)
    return set(found.group(1).split()) if found else set()


def this_machine_has(cpu):
    return cpu == "native" or CPUS[cpu] <= cpu_flags()


class Failed(Exception):
    """A command that was expected to succeed didn't."""


def run(command, limit=600, cwd=None, memory=None, **kwargs):
    """The finished process, its output captured as text; never raises for its exit status."""

    def restrict():
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    # Not a terminal, so no progress lines; a limit, so that a hang is a failure.
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, errors="replace", timeout=limit, cwd=cwd, preexec_fn=restrict, **kwargs
    )


def check(command, **kwargs):
    done = run(command, **kwargs)
    if done.returncode != 0:
        tail = (done.stdout + done.stderr)[-3000:]
        raise Failed(f"exit {done.returncode}: {' '.join(map(str, command))}\n{tail}")
    return done


def measured(command, limit=600, pin=True):
    """Runs a command on one core: (process, seconds, peak memory in MiB)."""
    out = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"dyadic-time-{os.getpid()}")
    prefix = ["taskset", "-c", "0"] if pin else []
    start = time.monotonic()
    code = (
        "import resource,subprocess,sys;"
        "p=subprocess.run(sys.argv[2:]);"
        "open(sys.argv[1],'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));"
        "sys.exit(p.returncode if p.returncode>=0 else 128-p.returncode)"
    )
    done = run([*prefix, "python3", "-c", code, out, *command], limit=limit)
    seconds = time.monotonic() - start
    with open(out) as f:
        peak = int(f.read()) / 1024
    os.unlink(out)
    return done, seconds, peak


def compile_model(model, out, calib=None, cpu="native", flags=()):
    """dyadic compile with calibration samples, or --float without."""
    how = ["--calibrate", calib] if calib else ["--float"]
    return check([DYADIC, "compile", model.path, "-o", out, "--cpu", cpu, *how, *model.shape_flags(), *flags])


def load(path):
    with np.load(path) as z:
        return {k: z[k] for k in z.files}


def execute(binary, samples, folder, keep=False):
    """Runs an executable on an .npz: its outputs, and the kept tensors if asked."""
    out, kept = os.path.join(folder, "out.npz"), os.path.join(folder, "kept.npz")
    check([binary, samples, "--output", out, *(["--keep-all", kept] if keep else [])])
    return (load(out), load(kept)) if keep else load(out)


def float_reference(model, arrays):
    """onnxruntime's first output for each sample of the inputs' arrays, stacked."""
    try:
        import onnxruntime
    except ImportError as e:
        raise Unavailable(str(e))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.path, options, providers=["CPUExecutionProvider"])
    b = model.shape[0]
    n = len(next(iter(arrays.values())))
    feeds = ({name: x[i : i + b] for name, x in arrays.items()} for i in range(0, n, b))
    return np.concatenate([session.run(None, feed)[0] for feed in feeds])
