"""libDyadicC through ctypes: compiles models in memory and runs them in this process."""
import ctypes
import os

import numpy as np

from harness import DYADIC

LIBRARY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(DYADIC))), "lib", "libDyadicC.so.1")
DONE, INPUT_ERROR, USAGE_ERROR, INTERNAL_ERROR = range(4)
ERROR = 2  # DyadicSeverityError


class Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class Handle(ctypes.Structure):
    _fields_ = [("ptr", ctypes.c_void_p)]


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class TensorInfo(ctypes.Structure):
    _fields_ = [
        ("name_", Text),
        ("type", ctypes.c_int),
        ("rank", ctypes.c_size_t),
        ("shape_", ctypes.POINTER(ctypes.c_int64)),
        ("bytes", ctypes.c_size_t),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
    ]


Callback = ctypes.CFUNCTYPE(None, ctypes.c_int, Text, Text, ctypes.c_void_p)


class Reporter(ctypes.Structure):
    _fields_ = [("report", Callback), ("data", ctypes.c_void_p)]


def text(string):
    data = string.encode()
    return Text(data, len(data))


def read(text):
    return ctypes.string_at(text.data, text.length).decode(errors="replace") if text.length else ""


def dtype(name):
    """NumPy's type for what the C API calls an element type."""
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))


class CompileError(Exception):
    """`errors` is a list of (location, message); `result` says whose fault it is."""

    def __init__(self, result, errors):
        super().__init__("; ".join(f"{where}: {what}" if where else what for where, what in errors))
        self.result, self.errors = result, errors


class Library:
    def __init__(self, path=LIBRARY):
        self.dll = ctypes.CDLL(path)
        for name, result in {
            "OptionsCreate": Handle,
            "ProgramGetInterface": Handle,
            "InterfaceGetInput": TensorInfo,
            "InterfaceGetOutput": TensorInfo,
            "InterfaceGetNumInputs": ctypes.c_size_t,
            "InterfaceGetNumOutputs": ctypes.c_size_t,
            "ElementTypeGetName": Text,
        }.items():
            getattr(self.dll, "dyadic" + name).restype = result
        self.types = {}
        for kind in range(64):
            name = read(self.dll.dyadicElementTypeGetName(kind))
            if name:
                self.types[kind] = dtype(name)

    def check(self, call, *arguments):
        """Calls a function whose last argument is a reporter, or the one before its results."""
        errors = []

        def report(severity, location, message, _):
            if severity == ERROR:
                errors.append((read(location), read(message)))

        callback = Callback(report)
        reporter = Reporter(callback, None)
        result = call(*[reporter if a is Reporter else a for a in arguments])
        if result != DONE:
            raise CompileError(result, errors)

    def compile(self, model, shapes=None, values=None, level=1):
        """The program of an ONNX model's bytes. `shapes` are those of inputs that the model leaves open, where an extent
        may be a range, `values` what inputs are fixed to, by name."""
        options = self.dll.dyadicOptionsCreate()
        compiled, program = Handle(), Handle()
        try:
            self.dll.dyadicOptionsSetOptimizationLevel(options, level)
            for name, shape in (shapes or {}).items():
                extents = (ctypes.c_int64 * len(shape))(*(e[-1] if isinstance(e, range) else e for e in shape))
                self.dll.dyadicOptionsSetShape(options, text(name), ctypes.c_size_t(len(shape)), extents)
                for dim, extent in enumerate(shape):
                    if isinstance(extent, range):
                        least, step = ctypes.c_int64(extent[0]), ctypes.c_int64(extent.step)
                        self.dll.dyadicOptionsSetOpenDimension(options, text(name), ctypes.c_size_t(dim), least, step)
            kinds = {t: kind for kind, t in self.types.items()}
            kept = []
            for name, array in (values or {}).items():
                array = np.ascontiguousarray(array).reshape(array.shape)
                kept.append(array)
                shape = (ctypes.c_int64 * array.ndim)(*array.shape)
                data = ctypes.c_void_p(array.ctypes.data)
                size = ctypes.c_size_t(array.nbytes)
                rank = ctypes.c_size_t(array.ndim)
                self.dll.dyadicOptionsSetValue(options, text(name), kinds[array.dtype], rank, shape, data, size)
            size = ctypes.c_size_t(len(model))
            self.check(self.dll.dyadicCompileMemory, model, size, text("model"), options, Reporter, ctypes.byref(compiled))
            self.check(self.dll.dyadicModelLoad, compiled, Reporter, ctypes.byref(program))
        finally:
            if compiled.ptr:
                self.dll.dyadicModelDestroy(compiled)
            self.dll.dyadicOptionsDestroy(options)
        return Program(self, program)


class Program:
    def __init__(self, library, handle):
        self.library, self.handle, dll = library, handle, library.dll
        interface = dll.dyadicProgramGetInterface(handle)

        def tensors(count, get):
            infos = [get(interface, ctypes.c_size_t(i)) for i in range(count(interface))]
            return [(read(i.name_), [i.shape_[d] for d in range(i.rank)], library.types[i.type]) for i in infos]

        self.inputs = tensors(dll.dyadicInterfaceGetNumInputs, dll.dyadicInterfaceGetInput)
        self.outputs = tensors(dll.dyadicInterfaceGetNumOutputs, dll.dyadicInterfaceGetOutput)

    def __del__(self):
        self.library.dll.dyadicProgramDestroy(self.handle)

    def __call__(self, arrays, shapes=None):
        """The outputs for arrays that have the inputs' shapes and types; `shapes` are the outputs' where a length is open."""
        results = [np.empty(shape, kind) for shape, (_, _, kind) in zip(shapes or [o[1] for o in self.outputs], self.outputs)]

        def buffers(arrays):
            pairs = [(ctypes.c_void_p(a.ctypes.data), a.nbytes) for a in arrays]
            return ctypes.c_size_t(len(pairs)), (Buffer * max(1, len(pairs)))(*pairs)

        self.library.check(
            self.library.dll.dyadicProgramRun, self.handle, *buffers(arrays), *buffers(results), Buffer(None, 0), Reporter
        )
        return results
