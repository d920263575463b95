"""Compiled models as Python calls them."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np
import numpy.typing as npt

from . import _native
from ._errors import CompileError, Diagnostic, LoadError, explain

Array = npt.NDArray[Any]
Path = Union[str, "os.PathLike[str]"]


class TensorInfo(NamedTuple):
    """An input or output of a compiled model."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: Optional[float]
    """Real value = (stored − zero_point) · scale. Of a float tensor: the steps in which
    the model holds it inside. None: it isn't quantized at all."""
    zero_point: int
    open_dim: Optional[int] = None
    """The dimension that varies with the length of a run; `shape` has the longest."""
    extents: tuple[int, ...] = ()
    """Its extent for each length that the model takes."""

    def at_length(self, index: int) -> tuple[int, ...]:
        """The shape for the length of this index."""
        if self.open_dim is None:
            return self.shape
        return self.shape[: self.open_dim] + (self.extents[index],) + self.shape[self.open_dim + 1 :]


class FloatOp(NamedTuple):
    """An op that computes in float32 although the model was quantized."""

    name: str
    kind: str
    reason: str
    """Why it isn't quantized; empty: its neighbours aren't."""


class Summary(NamedTuple):
    """What a compile tells."""

    integer_ops: int
    """How many ops compute in integers."""
    float_ops: tuple[FloatOp, ...]
    samples: int
    """How many calibration samples were read."""
    weight_bytes: int
    """Constants in the code."""
    arena_bytes: int
    """Working memory of one run."""
    triple: str
    cpu: str
    level: str
    """The kernels that were chosen for the CPU, as "avx512vnni"."""


def _dtype(name: str) -> np.dtype[Any]:
    """NumPy's type; it has no bfloat16: that is ml_dtypes', or its bits where there is none."""
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        return np.dtype("uint16")
    bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return bfloat16


def _plain(array: Array) -> Array:
    """The array as bits where its type isn't NumPy's own."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def tensor_infos(tensors: Sequence[tuple[str, list[int], str, float, int, int, list[int]]]) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(
            name, tuple(shape), _dtype(dtype), scale or None, zero_point, None if dim < 0 else dim, tuple(extents)
        )
        for name, shape, dtype, scale, zero_point, dim, extents in tensors
    )


def native_diagnostics(error: _native.NativeError) -> list[Diagnostic]:
    return [Diagnostic(*diagnostic) for diagnostic in error.args[1]]


def _print(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) if shape else "a scalar"


def _length_index(info: TensorInfo, value: Any) -> int:
    """Which of the model's lengths an input has; 0 if it has none of them."""
    shape = np.shape(value)
    extent = shape[info.open_dim] if info.open_dim is not None and len(shape) == len(info.shape) else None
    return info.extents.index(extent) if extent in info.extents else 0


def _checked(info: TensorInfo, value: Any, length: int) -> Array:
    """`value` as the compiled code reads it. Only its memory layout is changed, by a copy."""
    array = np.asarray(value)
    if array.dtype != info.dtype:
        raise TypeError(f'input "{info.name}": expected an array of {info.dtype}, but got {array.dtype}')
    if array.shape != info.at_length(length):
        shapes = _print(info.at_length(length))
        if info.open_dim is not None:
            shapes += f" to {_print(info.shape)} (one of {len(info.extents)} lengths, the same for all inputs)"
        raise ValueError(f'input "{info.name}": expected shape {shapes}, but got {_print(array.shape)}')
    return np.require(array, requirements=["C", "A"])


class Module:
    """A compiled model. Made by `dyadic.compile` and `dyadic.load`.

    Call it with arrays, in the order of `inputs` or by name; several threads may do so
    at once, and other Python threads run meanwhile:

        scores = module(image)
        boxes, scores = module(image=x, size=s)
        results = module.run({"image": x})      # {"boxes": …, "scores": …}
    """

    def __init__(
        self,
        program: Union[_native.Program, str],
        name: str,
        inputs: tuple[TensorInfo, ...],
        outputs: tuple[TensorInfo, ...],
        arena_bytes: int,
        weight_bytes: int,
        summary: Optional[Summary],
        diagnostics: Sequence[Diagnostic],
        write: Callable[[str], None],
    ) -> None:
        # A program, or why there is none.
        self._program = program
        self._write = write
        self.name: str = name
        """The prefix of the C symbols."""
        self.inputs: tuple[TensorInfo, ...] = inputs
        self.outputs: tuple[TensorInfo, ...] = outputs
        self.arena_bytes: int = arena_bytes
        """Working memory of one run, in bytes."""
        self.weight_bytes: int = weight_bytes
        """Constants in the code, in bytes."""
        self.summary: Optional[Summary] = summary
        """What the compile told; None for a model that was loaded."""
        self.diagnostics: list[Diagnostic] = list(diagnostics)
        """Warnings and remarks of the compile."""

    def __repr__(self) -> str:
        inputs = ", ".join(f"{t.name}: {_print(t.shape)}x{t.dtype}" for t in self.inputs)
        outputs = ", ".join(f"{t.name}: {_print(t.shape)}x{t.dtype}" for t in self.outputs)
        return f"<dyadic.Module {self.name} ({inputs}) -> ({outputs})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the model once.

        Arrays are as `inputs` says, by position or name; what isn't contiguous is copied.
        Returns the output's array, or a tuple of them if there are several.

        Raises TypeError for a missing, unknown or doubly given input and for another
        element type, ValueError for another shape, and `dyadic.LoadError` if the model
        was compiled for another machine.
        """
        if len(args) > len(self.inputs):
            raise TypeError(f"{self.name}: expected {len(self.inputs)} inputs, but got {len(args)}")
        given = dict(zip((info.name for info in self.inputs), args))
        for name, value in kwargs.items():
            if name in given:
                raise TypeError(f'{self.name}: input "{name}" is given twice')
            given[name] = value
        results = self._run(given)
        return results[0] if len(results) == 1 else tuple(results)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """As a call, but from a mapping of names to arrays to a dict of all outputs."""
        results = self._run(inputs)
        return {info.name: array for info, array in zip(self.outputs, results)}

    def _run(self, given: Mapping[str, Any]) -> list[Array]:
        if isinstance(self._program, str):
            raise LoadError(self._program)
        arrays: list[Array] = []
        open_inputs = [info for info in self.inputs if info.open_dim is not None and info.name in given]
        length = _length_index(open_inputs[0], given[open_inputs[0].name]) if open_inputs else 0
        for info in self.inputs:
            if info.name not in given:
                raise TypeError(f'{self.name}: input "{info.name}" is missing')
            arrays.append(_checked(info, given[info.name], length))
        if len(given) != len(arrays):
            unknown = next(name for name in given if name not in {info.name for info in self.inputs})
            names = ", ".join(f'"{info.name}"' for info in self.inputs)
            raise TypeError(f'{self.name}: there is no input "{unknown}", only {names}')
        results = [np.empty(info.at_length(length), info.dtype) for info in self.outputs]
        try:
            self._program.run([_plain(a) for a in arrays], [_plain(a) for a in results])
        except _native.NativeError as error:
            diagnostics = native_diagnostics(error)
            raise LoadError(explain(diagnostics), diagnostics) from None
        return results

    def save(self, path: Path) -> None:
        """Writes the model: .o, .a or .so with a C header beside it, .s, else an executable.

        A module that was loaded can only be written as .so again. A model compiled in a
        child process is compiled once more, with the samples it was compiled with.
        Raises `dyadic.CompileError`.
        """
        self._write(os.fspath(path))


def load(path: Path) -> Module:
    """Loads a shared library that `dyadic.compile`, `Module.save` or the tool wrote.

    Raises `dyadic.LoadError` if it is none, or if this machine lacks an instruction
    set that its code uses. Like any library, load it only from whom you trust.
    """
    text = os.fspath(path)
    try:
        program = _native.Program.open(text)
    except _native.NativeError as error:
        diagnostics = native_diagnostics(error)
        raise LoadError(explain(diagnostics), diagnostics) from None

    def write(target: str) -> None:
        copy_library(text, target)

    return from_program(program, None, (), write)


def copy_library(source: str, target: str) -> None:
    """Copies a library and the header beside it, which appear whole or not at all."""
    if os.path.splitext(target)[1] != ".so":
        raise CompileError(f"{target}: a model that was loaded can only be saved as .so")
    for extension in (".h", ".so"):
        have, want = (os.path.splitext(path)[0] + extension for path in (source, target))
        if not os.path.exists(have) or os.path.exists(want) and os.path.samefile(have, want):
            continue
        try:
            with open(have, "rb") as file, open(want + ".part", "wb") as copy:
                copy.write(file.read())
            os.replace(want + ".part", want)
        except OSError as error:
            raise CompileError(f"cannot write {want}: {error.strerror}") from error


def from_program(
    program: _native.Program,
    summary: Optional[Summary],
    diagnostics: Sequence[Diagnostic],
    write: Callable[[str], None],
) -> Module:
    return Module(
        program,
        program.name,
        tensor_infos(program.inputs),
        tensor_infos(program.outputs),
        program.arena_bytes,
        program.weight_bytes,
        summary,
        diagnostics,
        write,
    )
