from typing import Any, Optional, Sequence

import numpy as np
import numpy.typing as npt

# Name, shape, element type, scale (0: none), zero point.
_Tensor = tuple[str, list[int], str, float, int, int, list[int]]
_Triple = tuple[str, str, str]

class NativeError(Exception):
    # result, diagnostics
    args: tuple[int, list[_Triple]]

def version() -> str: ...

class Program:
    @staticmethod
    def open(path: str) -> Program: ...
    def run(self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[npt.NDArray[Any]]) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> list[_Tensor]: ...
    @property
    def outputs(self) -> list[_Tensor]: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def weight_bytes(self) -> int: ...

class Model:
    def write(self, path: str) -> None: ...
    def load(self) -> Program: ...
    @property
    def diagnostics(self) -> list[_Triple]: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> list[_Tensor]: ...
    @property
    def outputs(self) -> list[_Tensor]: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def weight_bytes(self) -> int: ...
    @property
    def triple(self) -> str: ...
    @property
    def cpu(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def integer_ops(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def float_ops(self) -> list[_Triple]: ...

def compile(
    model: str,
    bytes: Optional[bytes],
    name: str,
    triple: str,
    cpu: str,
    cpu_fallback: bool,
    opt_level: int,
    threads: int,
    shapes: Sequence[tuple[str, Sequence[int]]],
    open: Sequence[tuple[str, int, int, int]],
    values: Sequence[tuple[str, npt.NDArray[Any]]],
    keep_float: Sequence[str],
    weights: Sequence[str],
    activations: Sequence[str],
    overrides: str,
    round_weights: str,
    integer_only: bool,
    scheme: str,
    observer: str,
    calibration_path: Optional[str],
    arrays: Sequence[tuple[str, npt.NDArray[Any]]],
    images: Optional[tuple[int, int, float, Sequence[float], Sequence[float], bool]],
) -> Model: ...
