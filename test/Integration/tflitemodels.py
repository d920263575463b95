"""Small TensorFlow Lite models, written with flatc from the importer's own schema, and LiteRT's reference to judge them."""
import json
import os
import shutil
import subprocess

import numpy as np

from models import ROOT, Unavailable

SCHEMA = os.path.join(ROOT, "lib/Import/TFLite/model.fbs")
TYPES = {"float32": "FLOAT32", "int8": "INT8", "uint8": "UINT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "bool": "BOOL"}
# What LiteRT asks of an operator's version, where the first doesn't take int8.
VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "SUB": 3, "MUL": 2, "SOFTMAX": 2, "AVERAGE_POOL_2D": 2,
            "MAX_POOL_2D": 2, "LOGISTIC": 2, "TANH": 2, "MEAN": 2, "RESHAPE": 1, "CONCATENATION": 2, "PAD": 2, "QUANTIZE": 2, "DEQUANTIZE": 2,
            "TRANSPOSE": 2, "STRIDED_SLICE": 2, "RELU": 2, "RELU6": 2, "LEAKY_RELU": 2, "RESIZE_BILINEAR": 3, "RESIZE_NEAREST_NEIGHBOR": 3,
            "SPACE_TO_BATCH_ND": 2, "BATCH_TO_SPACE_ND": 2, "SPLIT": 2, "SLICE": 2, "PACK": 2, "MAXIMUM": 2, "MINIMUM": 2, "ARG_MAX": 2,
            "DEPTH_TO_SPACE": 1, "SPACE_TO_DEPTH": 2, "GATHER": 2, "HARD_SWISH": 1}  # fmt: skip


class Graph:
    """Tensors and operators by name; write() makes the file."""

    def __init__(self, rng=None):
        self.tensors, self.operators, self.codes, self.buffers = [], [], [], [{}]
        self.inputs, self.outputs = [], []
        self.rng = rng or np.random.default_rng(0)

    def tensor(self, shape, dtype, scale=None, zero_point=0, dimension=0, data=None, name=None):
        """The number of a new tensor; `scale` may be one a channel."""
        table = {"shape": list(map(int, shape)), "type": TYPES[np.dtype(dtype).name], "name": name or f"t{len(self.tensors)}"}
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            points = np.broadcast_to(np.asarray(zero_point), scales.shape)
            table["quantization"] = {"scale": [float(s) for s in scales], "zero_point": [int(z) for z in points], "quantized_dimension": dimension}
        table["buffer"] = 0
        if data is not None:
            table["buffer"] = len(self.buffers)
            raw = np.ascontiguousarray(data, dtype).tobytes()
            self.buffers.append({"data": list(raw)})
        self.tensors.append(table)
        return len(self.tensors) - 1

    def input(self, *args, **kwargs):
        self.inputs.append(self.tensor(*args, **kwargs))
        return self.inputs[-1]

    def constant(self, data, **kwargs):
        data = np.asarray(data)
        return self.tensor(data.shape, data.dtype, data=data, **kwargs)

    def op(self, kind, inputs, outputs, options=None, output=True, custom=None, version=None, **fields):
        """Adds an operator; `options` is (type, fields)."""
        code = {"builtin_code": kind, "version": version or VERSIONS.get(kind, 1)}
        if custom:
            code["custom_code"] = custom
        if code not in self.codes:
            self.codes.append(code)
        table = {"opcode_index": self.codes.index(code), "inputs": inputs, "outputs": outputs, **fields}
        if options:
            table["builtin_options_type"], table["builtin_options"] = options
        self.operators.append(table)
        if output:
            self.outputs.extend(outputs)
        return outputs[0]

    def model(self):
        """The model as flatc reads it."""
        graph = {"tensors": self.tensors, "inputs": self.inputs, "outputs": self.outputs, "operators": self.operators, "name": "main"}
        return {"version": 3, "operator_codes": self.codes, "subgraphs": [graph], "buffers": self.buffers}

    def write(self, path):
        """Writes the model; raises Unavailable without flatc."""
        if not shutil.which("flatc"):
            raise Unavailable("flatc is not installed")
        text = os.path.splitext(path)[0] + ".json"
        with open(text, "w") as f:
            json.dump(self.model(), f)
        subprocess.run(["flatc", "-b", "--raw-binary", "-o", os.path.dirname(path), SCHEMA, text], check=True, capture_output=True)
        made = os.path.splitext(path)[0] + ".bin"
        os.replace(made, path)
        return path


def interpreter(path):
    """LiteRT with its reference kernels, ready to run."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as e:
        raise Unavailable(f"LiteRT isn't installed: {e}")
    found = Interpreter(path, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
    found.allocate_tensors()
    return found


def reference(path, samples):
    """The outputs of LiteRT's reference kernels: for each sample (a list of inputs), a list of arrays."""
    runner = interpreter(path)
    results = []
    for sample in samples:
        runner.reset_all_variables()
        for detail, array in zip(runner.get_input_details(), sample):
            runner.set_tensor(detail["index"], array)
        runner.invoke()
        results.append([runner.get_tensor(d["index"]) for d in runner.get_output_details()])
    return results
