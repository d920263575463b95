"""A compiled .so as a Python callable, through the table that every object carries
(lib/Emit/Runtime/dyadic_model.h)."""
import ctypes
import os

import numpy as np

KINDS = [np.bool_, np.uint8, np.int8, np.int16, np.int32, np.int64, np.float32, np.float64, np.uint16, np.uint32, np.uint64, np.float16, np.uint16]
VERSION = 3


class TensorInfo(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("bytes", ctypes.c_int64),
        ("arena_offset", ctypes.c_int64),
        ("rank", ctypes.c_int32),
        ("kind", ctypes.c_int32),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
        ("extents", ctypes.POINTER(ctypes.c_int64)),
        ("open_dim", ctypes.c_int64),
    ]

    def empty(self):
        return aligned([self.shape[i] for i in range(self.rank)], KINDS[self.kind])


class ModelInfo(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("inputs", ctypes.POINTER(TensorInfo)),
        ("outputs", ctypes.POINTER(TensorInfo)),
        ("kept", ctypes.POINTER(TensorInfo)),
        ("num_inputs", ctypes.c_int32),
        ("num_outputs", ctypes.c_int32),
        ("num_kept", ctypes.c_int32),
        ("version", ctypes.c_int32),
        ("arena_bytes", ctypes.c_int64),
        ("weight_bytes", ctypes.c_int64),
        ("features", ctypes.c_char_p),
        ("invoke", ctypes.c_void_p),
    ]


def aligned(shape, dtype):
    """An uninitialized array that starts at a multiple of 64 bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


class Native:
    """native(x, …) returns the first output; native.outputs has them all."""

    def __init__(self, path):
        self.library = ctypes.CDLL(os.path.abspath(path))
        name = os.path.basename(path).rsplit(".", 1)[0]
        name = "".join(c if c.isalnum() else "_" for c in name)
        self.info = ModelInfo.in_dll(self.library, name + "_info")
        if self.info.version != VERSION:
            raise ImportError(f"{path}: expected a table of version {VERSION}, but got {self.info.version}")
        self.run = getattr(self.library, name + "_run")
        self.run.restype = None
        self.inputs = [self.info.inputs[i].empty() for i in range(self.info.num_inputs)]
        self.outputs = [self.info.outputs[i].empty() for i in range(self.info.num_outputs)]
        self.arena = aligned([max(1, self.info.arena_bytes)], np.uint8)
        buffers = [*self.inputs, *self.outputs, self.arena]
        self.arguments = [ctypes.c_void_p(b.ctypes.data) for b in buffers]

    def invoke(self):
        """One inference on what `inputs` holds: what a benchmark times."""
        self.run(*self.arguments)

    def __call__(self, *arrays):
        for buffer, array in zip(self.inputs, arrays):
            np.copyto(buffer, array)
        self.invoke()
        return self.outputs[0].copy()
