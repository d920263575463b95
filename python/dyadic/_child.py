"""Compiling in a process of its own: what crashes there is an exception here."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Optional

from ._errors import CompileError, CompilerCrash, Diagnostic, explain

if TYPE_CHECKING:
    from ._compile import Request

# The package may be found in another way than a fresh interpreter would.
_START = "import sys; sys.path.append(sys.argv.pop(1)); from dyadic._worker import main; main()"


@dataclasses.dataclass
class Answer:
    """What the child tells of a model; the names are those of _native.Model."""

    name: str
    inputs: list[tuple[str, list[int], str, float, int, int, list[int]]]
    outputs: list[tuple[str, list[int], str, float, int, int, list[int]]]
    arena_bytes: int
    weight_bytes: int
    triple: str
    cpu: str
    level: str
    integer_ops: int
    samples: int
    float_ops: list[tuple[str, str, str]]
    diagnostics: list[Diagnostic]
    library_fault: list[Diagnostic]
    """Why there is no library to run."""


def _diagnostics(triples: Any) -> list[Diagnostic]:
    return [Diagnostic(*triple) for triple in triples]


def run(
    request: Request,
    model_file: Optional[str],
    output: Optional[str],
    library: Optional[str],
    folder: str,
    cwd: str,
) -> Answer:
    """Compiles `request` and writes `output` and `library`, where given.

    `model_file` holds the bytes of a model that was given in memory; `folder` is for
    the answer; names in the request are relative to `cwd`.
    """
    if not sys.executable:
        raise CompileError("there is no Python executable to start a child process with: pass in_process=True")
    answer_file = os.path.join(folder, "answer.json")
    task = {
        "request": dataclasses.asdict(request),
        "model_file": model_file,
        "output": output,
        "library": library,
        "answer": answer_file,
    }
    package_root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    done = subprocess.run(
        [sys.executable, "-c", _START, package_root],
        input=json.dumps(task).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=cwd,
        # No module of the current folder gets in the way.
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    if done.returncode != 0:
        raise CompilerCrash(_describe_end(done.returncode, done.stderr.decode(errors="replace")))
    with open(answer_file, encoding="utf-8") as file:
        answer = json.load(file)
    os.remove(answer_file)
    diagnostics = _diagnostics(answer["diagnostics"])
    if answer["result"] != 0:
        raise CompileError(explain(diagnostics), diagnostics)
    answer.pop("result")
    answer["diagnostics"] = diagnostics
    answer["library_fault"] = _diagnostics(answer["library_fault"])
    return Answer(**answer)


def _describe_end(status: int, log: str) -> str:
    """How the child ended, and the last that it said."""
    how = f"exit status {status}"
    if status < 0:
        try:
            how = signal.Signals(-status).name
        except ValueError:
            how = f"signal {-status}"
    text = f"the compiler crashed ({how}). This is a fault of dyadic, not of the model: please report it with the model"
    if -status == getattr(signal, "SIGKILL", 9):
        text = "the compiler was killed (SIGKILL): the machine may be out of memory"
    tail = log.strip()[-4000:]
    return f"{text}\n{tail}" if tail else text
