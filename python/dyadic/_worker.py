"""The child process that compiles: one task as JSON on standard input, one answer in a file."""

from __future__ import annotations

import faulthandler
import json
import os
import platform
import shutil
import sys
from typing import Any

from . import _native
from ._compile import Request


def _may_run_here(triple: str) -> bool:
    # A library for a GPU is one of the host's.
    return triple.startswith("nvptx") or triple.startswith(platform.machine() + "-") and "linux" in triple


def _write(model: _native.Model, output: str | None, library: str | None) -> list[tuple[str, str, str]]:
    """Writes both; returns why the library couldn't be written, for that is no error."""
    if output is not None:
        model.write(output)
    if library is None:
        return []
    if not _may_run_here(model.triple):
        return [("error", "", f"{model.name} was compiled for {model.triple} and can't run on this machine")]
    if output is not None and os.path.splitext(output)[1] == ".so":
        for extension in (".so", ".h"):
            shutil.copyfile(os.path.splitext(output)[0] + extension, os.path.splitext(library)[0] + extension)
        return []
    try:
        model.write(library)
    except _native.NativeError as error:
        return error.args[1]
    return []


def serve(task: dict[str, Any]) -> dict[str, Any]:
    data = None
    if task["model_file"] is not None:
        with open(task["model_file"], "rb") as file:
            data = file.read()
    try:
        model = Request(**task["request"]).compile(data)
        library_fault = _write(model, task["output"], task["library"])
    except _native.NativeError as error:
        return {"result": error.args[0], "diagnostics": error.args[1]}
    return {
        "result": 0,
        "name": model.name,
        "inputs": model.inputs,
        "outputs": model.outputs,
        "arena_bytes": model.arena_bytes,
        "weight_bytes": model.weight_bytes,
        "triple": model.triple,
        "cpu": model.cpu,
        "level": model.level,
        "integer_ops": model.integer_ops,
        "samples": model.samples,
        "float_ops": model.float_ops,
        "diagnostics": model.diagnostics,
        "library_fault": library_fault,
    }


def main() -> None:
    faulthandler.enable()
    task = json.load(sys.stdin)
    answer = serve(task)
    with open(task["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
