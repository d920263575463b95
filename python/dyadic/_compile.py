"""dyadic.compile: checks what it is given and compiles, by default in a child process."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _child, _native
from ._errors import CompileError, CompileWarning, Diagnostic, explain
from ._module import (
    Array,
    FloatOp,
    Module,
    Path,
    Summary,
    copy_library,
    native_diagnostics,
    tensor_infos,
)

# What numpy calls the element types that samples may have; all become float32.
_SAMPLE_TYPES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
)  # fmt: skip

Samples = Union[Mapping[str, Any], Any]
"""Arrays by the names of the inputs, or one array for a model with one input."""


class ImageOptions(NamedTuple):
    """How image files become samples: (pixel · scale − mean) / std."""

    layout: str = "auto"
    """Of the model's input: "nchw", "nhwc" or "auto"."""
    resize: str = "none"
    """For images of another size than the model's: "none" refuses them, "stretch" scales,
    "crop" scales the shorter side and cuts the longer."""
    scale: float = 1 / 255
    """Multiplies pixels of 0 to 255."""
    mean: Sequence[float] = ()
    """One value or one per channel; none: 0."""
    std: Sequence[float] = ()
    """One value or one per channel; none: 1."""
    bgr: bool = False
    """Blue is the first channel."""


@dataclass
class Request:
    """What the compiler is asked for, as plain values that JSON can hold."""

    model: str
    """The file; or the name in messages of a model in memory."""
    name: str
    triple: str
    cpu: str
    cpu_fallback: bool
    opt_level: int
    threads: int
    shapes: list[tuple[str, list[int]]]
    open: list[tuple[str, int, int, int]]
    """Input, dimension, shortest extent, step."""
    values: list[tuple[str, str, list[int], list[Any]]]
    """Name, element type, shape and elements."""
    keep_float: list[str]
    weights: list[str]
    activations: list[str]
    overrides: str
    round_weights: str
    integer_only: bool
    scheme: str
    observer: str
    calibration: Optional[str]
    images: Optional[tuple[int, int, float, list[float], list[float], bool]]

    def compile(self, data: Optional[bytes], arrays: Sequence[tuple[str, Array]] = ()) -> _native.Model:
        values = [(key, np.array(elements, kind).reshape(shape)) for key, kind, shape, elements in self.values]
        return _native.compile(
            self.model, data, self.name, self.triple, self.cpu, self.cpu_fallback, self.opt_level,
            self.threads, self.shapes, self.open, values, self.keep_float, self.weights, self.activations,
            self.overrides, self.round_weights, self.integer_only, self.scheme, self.observer, self.calibration, arrays,
            self.images,
        )  # fmt: skip


def compile(
    model: Any,
    *,
    calibration: Union[Path, Samples, Iterable[Samples], None],
    target: str = "native",
    cpu: str = "",
    fallback: Optional[str] = None,
    keep_float: Sequence[str] = (),
    scheme: str = "static",
    observer: str = "percentile=99.999",
    weights: Sequence[str] = (),
    activations: Sequence[str] = (),
    overrides: Optional[Path] = None,
    round_weights: str = "best",
    integer_only: bool = False,
    output: Optional[Path] = None,
    shapes: Optional[Mapping[str, Sequence[Union[int, range]]]] = None,
    values: Optional[Mapping[str, Any]] = None,
    images: Optional[ImageOptions] = None,
    name: Optional[str] = None,
    opt_level: int = 3,
    threads: int = 1,
    in_process: bool = False,
) -> Module:
    """Compiles an ONNX model.

    model        a path, the bytes of an ONNX file, or an onnx.ModelProto
    calibration  samples to learn value ranges from. Arrays have the input's shape with
                 any number of samples in the first dimension, in units of the float model:
                 a dict of arrays by input name, an array for a model with one input, any
                 iterable of such (read once), or the path of an .npz, .npy, .raw (float32)
                 or a folder of them or of images. None: all of the model stays float32,
                 unless the scheme needs no samples
    target       "native", or an LLVM triple as "aarch64-linux-gnu" or "nvptx64"
    cpu          "native", "scalar", "avx2", "dotprod", "sm_80", a CPU's name, …, each
                 optionally with features: "avx2,+avxvnni". Several are variants to choose
                 from when the model is loaded: "avx2,avx512vnni"
    fallback     "cpu": where there is no GPU, a model for one runs on the processor
    keep_float   names of ops, or patterns of names, that stay in float32
    scheme       where activations get their scales from: "static", from samples; "dynamic" or
                 "dynamic-tensor", at run time, one a row or one a tensor; or "weight-only",
                 where they stay in float32. All but the first need no samples
    observer     how ranges follow from values: "minmax", "moving-average[=momentum 0..1]",
                 "percentile[=percent 50..100]", "entropy" or "mse"; or "auto": for each tensor
                 what is best on the samples
    weights      what weights become: "int8", "int4", "int4:group=64" or "codebook4", or a
                 pattern of names and one of these, as "fc*=int4"; the last match decides. More
                 with the scheme "weight-only", as "nf4:group=64"
    activations  "int8" or "int16", or a pattern of names and one of these: the width of what
                 ops compute, with the scheme "static"
    overrides    a file with options of single layers, which decide before those for all
    round_weights  "nearest"; "gptq" or "adaround", with which a layer's errors make up for
                 each other on the samples; "awq", for weights alone, where what loud
                 channels read is rounded more finely; or "best"
    integer_only   refuse a model of which some op would stay float
    output       also write the model there: see `Module.save`
    shapes       of inputs whose dimensions the model leaves open, by name. One extent may
                 be a range: the code takes each of them, and memory is that of the largest;
                 where several inputs have one, they have the same extent in every run
    values       of inputs that are to be constants, by name: a number or an array
    images       for samples that are image files
    name         prefix of the C symbols; the output's or the model's name otherwise
    opt_level    0 to 3, as the option -O of compilers
    threads      how many threads share a run; the results are the same bytes
    in_process   compile in this process: without the child's start (about 0.2 s) and
                 without a C compiler to link with, but a crash takes Python with it

    Raises CompileError, with everything the compiler said in its `diagnostics`, if the
    model, the samples or an option can't be compiled; its subclass CompilerCrash if the
    compiler crashed; TypeError and ValueError if an argument is of the wrong kind.
    Warns with CompileWarning.
    """
    label, data = _read_model(model)
    path = None if output is None else os.path.abspath(os.fspath(output))
    request = Request(
        model=label,
        name=name if name is not None else _name_of(path) if path is not None else "",
        triple=target,
        cpu=cpu,
        cpu_fallback=_check_fallback(fallback),
        opt_level=opt_level,
        threads=threads,
        shapes=[(key, [_longest(extent) for extent in shape]) for key, shape in (shapes or {}).items()],
        open=[
            (key, dim, extent.start, extent.step)
            for key, shape in (shapes or {}).items()
            for dim, extent in enumerate(shape)
            if isinstance(extent, range)
        ],
        values=[(key, *_numbers(value)) for key, value in (values or {}).items()],
        keep_float=_names("keep_float", keep_float),
        weights=_names("weights", weights),
        activations=_names("activations", activations),
        overrides="" if overrides is None else os.path.abspath(os.fspath(overrides)),
        round_weights=round_weights,
        integer_only=integer_only,
        scheme=scheme,
        observer=observer,
        calibration=None,
        images=_check_images(images),
    )
    if isinstance(calibration, (str, os.PathLike)):
        request.calibration = os.fspath(calibration)
        calibration = None
    make = _compile_here if in_process else _compile_in_child
    module = make(request, data, calibration, path)
    for diagnostic in module.diagnostics:
        if diagnostic.severity == "warning":
            warnings.warn(CompileWarning(str(diagnostic)[len("warning: ") :]), stacklevel=2)
    return module


def _longest(extent: Union[int, range]) -> int:
    if not isinstance(extent, range):
        return int(extent)
    if len(extent) < 2 or extent.step < 0:
        raise ValueError(f"shapes: expected a range of ascending extents, but got {extent}")
    return extent[-1]


def _read_model(model: Any) -> tuple[str, Optional[bytes]]:
    """The path and nothing, or a name and the bytes."""
    if isinstance(model, (str, os.PathLike)):
        return os.fsdecode(model), None
    if isinstance(model, (bytes, bytearray, memoryview)):
        return "model", bytes(model)
    serialize = getattr(model, "SerializeToString", None)
    if serialize is None:
        raise TypeError(f"expected a path, bytes or an onnx.ModelProto, but got {type(model).__name__}")
    return "model", bytes(serialize())


def _name_of(output: str) -> str:
    """The name that symbols get from a path, as the tool has it."""
    stem, extension = os.path.splitext(os.path.basename(output))
    if extension not in (".o", ".a", ".so", ".s", ".ptx", ".cubin"):
        return stem + extension
    return stem[3:] if extension in (".a", ".so") and stem.startswith("lib") else stem


def _check_fallback(fallback: Optional[str]) -> bool:
    if fallback not in (None, "cpu"):
        raise ValueError(f'fallback: expected "cpu" or None, but got {fallback!r}')
    return fallback is not None


def _names(what: str, names: Sequence[str]) -> list[str]:
    if isinstance(names, str):
        raise TypeError(f'{what}: expected a list of names, but got the string "{names}"')
    return list(names)


def _numbers(value: Any) -> tuple[str, list[int], list[Any]]:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"values: expected numbers, but got {value!r}")
    return str(array.dtype), list(array.shape), array.ravel().tolist()


def _check_images(images: Optional[ImageOptions]) -> Optional[tuple[int, int, float, list[float], list[float], bool]]:
    if images is None:
        return None
    layouts, resizes = ("auto", "nchw", "nhwc"), ("none", "stretch", "crop")
    for what, value, choices in (("layout", images.layout, layouts), ("resize", images.resize, resizes)):
        if value not in choices:
            raise ValueError(f'images.{what}: expected one of {", ".join(choices)}, but got "{value}"')
    return (
        layouts.index(images.layout),
        resizes.index(images.resize),
        float(images.scale),
        [float(value) for value in images.mean],
        [float(value) for value in images.std],
        bool(images.bgr),
    )


def _batches(calibration: Union[Samples, Iterable[Samples]]) -> Iterator[dict[str, Array]]:
    """Each batch's arrays by name; the name is empty where none was given."""
    if isinstance(calibration, Mapping) or hasattr(calibration, "__array__"):
        calibration = [calibration]
    try:
        iterator = iter(calibration)
    except TypeError:
        raise TypeError(
            "calibration: expected arrays, dicts of arrays, an iterable of such, or a path, "
            f"but got {type(calibration).__name__}"
        ) from None
    for number, batch in enumerate(iterator):
        named = batch if isinstance(batch, Mapping) else {"": batch}
        arrays = {}
        for name, value in named.items():
            array = np.asarray(value)
            if array.dtype.name not in _SAMPLE_TYPES or not array.dtype.isnative:
                where = f'"{name}"' if name else f"batch {number}"
                raise TypeError(
                    f"calibration {where}: expected elements of {', '.join(_SAMPLE_TYPES)}, but got {array.dtype}"
                )
            arrays[str(name)] = np.ascontiguousarray(array).reshape(array.shape)
        yield arrays


def _write_batches(batches: Iterator[dict[str, Array]], folder: str) -> str:
    """Writes the samples for another process, a file for each batch; the folder."""
    os.mkdir(folder)
    for number, arrays in enumerate(batches):
        path = os.path.join(folder, f"{number:08}")
        if list(arrays) == [""]:
            np.save(path + ".npy", arrays[""])
        else:
            np.savez(path + ".npz", **arrays)  # type: ignore[arg-type]
    return folder


def _summary(model: Any) -> Summary:
    return Summary(
        model.integer_ops,
        tuple(FloatOp(*op) for op in model.float_ops),
        model.samples,
        model.weight_bytes,
        model.arena_bytes,
        model.triple,
        model.cpu,
        model.level,
    )


def _module(program: Union[_native.Program, str], model: Any, diagnostics: Sequence[Diagnostic], write: Any) -> Module:
    return Module(
        program,
        model.name,
        tensor_infos(model.inputs),
        tensor_infos(model.outputs),
        model.arena_bytes,
        model.weight_bytes,
        _summary(model),
        diagnostics,
        write,
    )


def _compile_here(request: Request, data: Optional[bytes], samples: Any, output: Optional[str]) -> Module:
    arrays = [] if samples is None else [item for batch in _batches(samples) for item in batch.items()]
    if samples is not None and not arrays:
        raise CompileError("calibration: there are no samples")
    try:
        model = request.compile(data, arrays)
        if output is not None:
            model.write(output)
    except _native.NativeError as error:
        diagnostics = native_diagnostics(error)
        raise CompileError(explain(diagnostics), diagnostics) from None
    program: Union[_native.Program, str]
    try:
        program = model.load()
    except _native.NativeError as error:
        program = explain(native_diagnostics(error))

    def write(target: str) -> None:
        try:
            model.write(target)
        except _native.NativeError as error:
            diagnostics = native_diagnostics(error)
            raise CompileError(explain(diagnostics), diagnostics) from None

    return _module(program, model, [Diagnostic(*d) for d in model.diagnostics], write)


def _compile_in_child(request: Request, data: Optional[bytes], samples: Any, output: Optional[str]) -> Module:
    # Lives as long as the module, which may have to compile again.
    folder = tempfile.TemporaryDirectory(prefix="dyadic-")
    cwd = os.getcwd()
    model_file = None
    if data is not None:
        model_file = os.path.join(folder.name, "model.onnx")
        with open(model_file, "wb") as file:
            file.write(data)
    if samples is not None:
        request.calibration = _write_batches(_batches(samples), os.path.join(folder.name, "samples"))
        if not os.listdir(request.calibration):
            raise CompileError("calibration: there are no samples")
    library = os.path.join(folder.name, "module.so")
    answer = _child.run(request, model_file, output, library, folder.name, cwd)

    program: Union[_native.Program, str]
    if answer.library_fault:
        program = explain(answer.library_fault)
    else:
        try:
            program = _native.Program.open(library)
        except _native.NativeError as error:
            program = explain(native_diagnostics(error))

    def write(target: str) -> None:
        if os.path.splitext(target)[1] == ".so" and os.path.exists(library):
            copy_library(library, target)
        else:
            _child.run(request, model_file, os.path.abspath(target), None, folder.name, cwd)

    return _module(program, answer, answer.diagnostics, write)


