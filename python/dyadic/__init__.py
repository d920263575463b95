"""Dyadic: float ONNX networks as small, fast, integer-only native code.

    import dyadic
    module = dyadic.compile("model.onnx", calibration={"image": samples})
    scores = module(image)
    module.save("model.so")
    module = dyadic.load("model.so")

docs/Python.md in Dyadic's sources says more.
"""

from __future__ import annotations

from . import _native
from ._compile import ImageOptions, compile
from ._errors import CompileError, CompilerCrash, CompileWarning, Diagnostic, Error, LoadError
from ._module import FloatOp, Module, Summary, TensorInfo, load

__version__: str = _native.version()

__all__ = [
    "CompileError",
    "CompileWarning",
    "CompilerCrash",
    "Diagnostic",
    "Error",
    "FloatOp",
    "ImageOptions",
    "LoadError",
    "Module",
    "Summary",
    "TensorInfo",
    "compile",
    "load",
]

# Known by where users find them, in tracebacks as in pickles.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
