"""An ONNX image network as a fully quantized .tflite file, so that LiteRT can be measured on the same weights.

LiteRT's own converter needs TensorFlow. This one knows the ops of plain image networks: convolutions,
pools, sums, concatenations, matrix products, clamps, softmax. Activations are int8, asymmetric, from the
ranges that onnxruntime's float run of the calibration samples shows; weights int8 per output channel.
"""
import os
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

from models import Unavailable


# The first version of each op that takes int8.
VERSIONS = dict(CONV_2D=3, DEPTHWISE_CONV_2D=3, FULLY_CONNECTED=5, RESHAPE=1, QUANTIZE=1)


class Writer:
    """Builds the flatbuffer of one subgraph. Tensors are NHWC."""

    def __init__(self, schema):
        self.s = schema
        self.tensors, self.operators, self.buffers, self.codes = [], [], [schema.BufferT()], {}

    def tensor(self, name, shape, kind, data=None, scale=None, zero=None, axis=0):
        s, t = self.s, self.s.TensorT()
        t.name, t.shape, t.type, t.buffer = name, [int(d) for d in shape], kind, 0
        if data is not None:
            buffer = s.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(buffer)
            t.buffer = len(self.buffers) - 1
        if scale is not None:
            q = s.QuantizationParametersT()
            q.scale = np.atleast_1d(np.float32(scale)).tolist()
            q.zeroPoint = np.atleast_1d(np.int64(zero)).tolist()
            q.quantizedDimension = axis
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def op(self, kind, inputs, outputs, options=None):
        s, op = self.s, self.s.OperatorT()
        op.opcodeIndex = self.codes.setdefault(kind, len(self.codes))
        op.inputs, op.outputs = list(inputs), list(outputs)
        if options is not None:
            name, values = options
            op.builtinOptions = getattr(s, name + "T")()
            op.builtinOptionsType = getattr(s.BuiltinOptions, name)
            for key, value in values.items():
                setattr(op.builtinOptions, key, value)
        self.operators.append(op)

    def save(self, path, inputs, outputs):
        import flatbuffers

        s, graph, model = self.s, self.s.SubGraphT(), self.s.ModelT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, inputs, outputs
        model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], self.buffers, []
        for kind in self.codes:
            entry, code = s.OperatorCodeT(), getattr(s.BuiltinOperator, kind)
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), VERSIONS.get(kind, 2)
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        with open(path, "wb") as f:
            f.write(builder.Output())


class Converter:
    def __init__(self, model, ranges, schema):
        self.graph, self.ranges, self.s = model.graph, ranges, schema
        self.w = Writer(schema)
        self.weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.made, self.shapes, self.scales = {}, {}, {}
        self.uses = {}
        for node in self.graph.node:
            for name in node.input:
                self.uses.setdefault(name, []).append(node)
        # XNNPACK wants one scale for what it joins.
        for node in reversed(model.graph.node):
            if node.op_type == "Concat":
                for name in node.input:
                    ranges[name] = ranges[node.output[0]]

    def quantization(self, name):
        low, high = self.ranges[name]
        low, high = min(low, 0.0), max(high, 1e-6)
        scale = (high - low) / 255
        return scale, int(np.clip(round(-128 - low / scale), -128, 127))

    def activation(self, name, shape, like=None):
        scale, zero = self.scales[like] if like else self.quantization(name)
        self.scales[name], self.shapes[name] = (scale, zero), tuple(shape)
        self.made[name] = self.w.tensor(name, shape, self.s.TensorType.INT8, None, scale, zero)
        return self.made[name]

    def clamp(self, name):
        """The name behind the clamp that alone reads `name`, and the fused activation."""
        A = self.s.ActivationFunctionType
        users = self.uses.get(name, [])
        if len(users) == 1 and users[0].op_type == "Relu":
            return users[0].output[0], A.RELU
        if len(users) == 1 and users[0].op_type == "Clip":
            return users[0].output[0], A.RELU6
        return name, A.NONE

    def bias(self, values, scales):
        return np.round(values / scales).astype(np.int32)

    def padded(self, name, pads, low=None):
        top, left, bottom, right = pads
        n, h, w, c = self.shapes[name]
        out = self.activation(name + "/padded", (n, h + top + bottom, w + left + right, c), like=name)
        amounts = self.w.tensor(name + "/pads", (4, 2), self.s.TensorType.INT32, np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
        self.w.op("PAD", [self.made[name], amounts], [out], ("PadOptions", {}))
        return name + "/padded"

    def window(self, node, a):
        kernel, stride, pads = a["kernel_shape"], a.get("strides", [1, 1]), a.get("pads", [0, 0, 0, 0])
        x = node.input[0]
        n, h, w, c = self.shapes[x]
        out = [(size + pads[i] + pads[i + 2] - kernel[i]) // stride[i] + 1 for i, size in enumerate((h, w))]
        P = self.s.Padding
        if not any(pads):
            return x, out, stride, P.VALID
        total = [max((o - 1) * s + k - size, 0) for o, s, k, size in zip(out, stride, kernel, (h, w))]
        if out == [-(-h // stride[0]), -(-w // stride[1])] and [t // 2 for t in total] == pads[:2] and total == [pads[0] + pads[2], pads[1] + pads[3]]:
            return x, out, stride, P.SAME
        return self.padded(x, pads), out, stride, P.VALID

    def conv(self, node, a):
        x, (oh, ow), stride, padding = self.window(node, a)
        filters = self.weights[node.input[1]]
        groups, channels = a.get("group", 1), self.shapes[x][3]
        depthwise = groups == channels > 1 and filters.shape[1] == 1
        if groups != 1 and not depthwise:
            raise Unavailable("grouped convolutions aren't converted")
        scales = np.maximum(np.abs(filters).max((1, 2, 3)), 1e-9) / 127
        q = np.clip(np.round(filters / scales[:, None, None, None]), -127, 127).astype(np.int8)
        q = q.transpose(1, 2, 3, 0) if depthwise else q.transpose(0, 2, 3, 1)
        w = self.w.tensor(node.input[1], q.shape, self.s.TensorType.INT8, q, scales, np.zeros(len(scales)), 3 if depthwise else 0)
        together = self.scales[x][0] * scales
        values = self.weights[node.input[2]] if len(node.input) > 2 else np.zeros(len(scales), np.float32)
        b = self.w.tensor(node.name + node.output[0] + "/bias", (len(scales),), self.s.TensorType.INT32, self.bias(values, together), together, np.zeros(len(scales)))
        name, act = self.clamp(node.output[0])
        out = self.activation(name, (self.shapes[x][0], oh, ow, len(scales)))
        options = dict(padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=act)
        if depthwise:
            options["depthMultiplier"] = 1
        self.w.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [self.made[x], w, b], [out], ("DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", options))

    def pool(self, node, a, kind):
        x, (oh, ow), stride, padding = self.window(node, a)
        n, h, w, c = self.shapes[x]
        out = self.activation(node.output[0], (n, oh, ow, c), like=x)
        options = dict(padding=padding, strideH=stride[0], strideW=stride[1], filterHeight=a["kernel_shape"][0], filterWidth=a["kernel_shape"][1], fusedActivationFunction=0)
        self.w.op(kind, [self.made[x]], [out], ("Pool2DOptions", options))

    def product(self, node, a):
        x = node.input[0]
        weights = self.weights[node.input[1]]
        if not a.get("transB", 0):
            weights = weights.T
        scales = np.maximum(np.abs(weights).max(1), 1e-9) / 127
        q = np.clip(np.round(weights / scales[:, None]), -127, 127).astype(np.int8)
        w = self.w.tensor(node.input[1], q.shape, self.s.TensorType.INT8, q, scales, np.zeros(len(scales)))
        together = self.scales[x][0] * scales
        values = self.weights[node.input[2]] if len(node.input) > 2 else np.zeros(len(scales), np.float32)
        b = self.w.tensor(node.output[0] + "/bias", (len(scales),), self.s.TensorType.INT32, self.bias(values, together), together, np.zeros(len(scales)))
        name, act = self.clamp(node.output[0])
        out = self.activation(name, (*self.shapes[x][:-1], len(scales)))
        self.w.op("FULLY_CONNECTED", [self.made[x], w, b], [out], ("FullyConnectedOptions", dict(fusedActivationFunction=act, keepNumDims=len(self.shapes[x]) > 2)))

    def node(self, node):
        a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
        kind, x, y = node.op_type, node.input[0], node.output[0]
        if y in self.made:
            return  # a clamp that is fused
        if kind == "Conv":
            self.conv(node, a)
        elif kind in ("MaxPool", "AveragePool"):
            self.pool(node, a, "MAX_POOL_2D" if kind == "MaxPool" else "AVERAGE_POOL_2D")
        elif kind == "GlobalAveragePool":
            self.pool(node, {"kernel_shape": self.shapes[x][1:3]}, "AVERAGE_POOL_2D")
        elif kind in ("Add", "Sum") and len(node.input) == 2 and all(i in self.made for i in node.input):
            name, act = self.clamp(y)
            out = self.activation(name, self.shapes[x])
            self.w.op("ADD", [self.made[x], self.made[node.input[1]]], [out], ("AddOptions", dict(fusedActivationFunction=act)))
        elif kind == "Concat":
            shape = list(self.shapes[x])
            shape[3] = sum(self.shapes[i][3] for i in node.input)
            out = self.activation(y, shape)
            self.w.op("CONCATENATION", [self.made[i] for i in node.input], [out], ("ConcatenationOptions", dict(axis=3, fusedActivationFunction=0)))
        elif kind in ("Gemm", "MatMul"):
            self.product(node, a)
        elif kind in ("Relu", "Clip"):
            out = self.activation(y, self.shapes[x])
            self.w.op("RELU" if kind == "Relu" else "RELU6", [self.made[x]], [out])
        elif kind in ("Reshape", "Flatten", "Squeeze"):
            n, h, w, c = (*self.shapes[x], 1, 1, 1)[:4]
            if len(self.shapes[x]) == 4 and h * w != 1:
                raise Unavailable("a reshape of an image isn't converted")
            out = self.activation(y, (n, h * w * c), like=x)
            shape = self.w.tensor(y + "/shape", (2,), self.s.TensorType.INT32, np.array([n, h * w * c], np.int32))
            self.w.op("RESHAPE", [self.made[x], shape], [out], ("ReshapeOptions", dict(newShape=[n, h * w * c])))
        elif kind == "Softmax":
            self.scales[y], self.shapes[y] = (1 / 256, -128), self.shapes[x]
            self.made[y] = self.w.tensor(y, self.shapes[x], self.s.TensorType.INT8, None, 1 / 256, -128)
            self.w.op("SOFTMAX", [self.made[x]], [self.made[y]], ("SoftmaxOptions", dict(beta=1.0)))
        elif kind in ("Dropout", "Identity"):
            self.made[y], self.shapes[y], self.scales[y] = self.made[x], self.shapes[x], self.scales[x]
        else:
            raise Unavailable(f"{kind} isn't converted")

    def convert(self, path):
        """Float in and out, as the other engines have it."""
        source, sink = self.graph.input[0].name, self.graph.output[0].name
        dims = [d.dim_value for d in self.graph.input[0].type.tensor_type.shape.dim]
        shape = (dims[0], *dims[2:], dims[1]) if len(dims) == 4 else tuple(dims)
        given = self.w.tensor("input", shape, self.s.TensorType.FLOAT32)
        self.w.op("QUANTIZE", [given], [self.activation(source, shape)])
        for node in self.graph.node:
            self.node(node)
        out = self.w.tensor("output", self.shapes[sink], self.s.TensorType.FLOAT32)
        self.w.op("DEQUANTIZE", [self.made[sink]], [out])
        self.w.save(path, [given], [out])


def simplified(path, folder):
    """onnxruntime's basic optimizations: batch normalization folded, constants computed."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = os.path.join(folder, "basic.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return onnx.load(options.optimized_model_filepath)


def ranges_of(model, name, calibration, batch):
    import onnxruntime

    everything = onnx.ModelProto()
    everything.CopyFrom(model)
    del everything.graph.output[:]
    names = [o for n in model.graph.node for o in n.output if o]
    everything.graph.output.extend(onnx.helper.make_empty_tensor_value_info(o) for o in names)
    session = onnxruntime.InferenceSession(everything.SerializeToString(), providers=["CPUExecutionProvider"])
    found = {name: (float(calibration.min()), float(calibration.max()))}
    for i in range(0, len(calibration), batch):
        for o, value in zip(names, session.run(None, {name: calibration[i : i + batch]})):
            low, high = found.get(o, (np.inf, -np.inf))
            found[o] = (min(low, float(value.min())), max(high, float(value.max())))
    return found


def convert(onnx_path, name, calibration, batch, out):
    """Writes `out`; raises Unavailable where an op has no counterpart here."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as e:
        raise Unavailable(str(e))
    with tempfile.TemporaryDirectory() as folder:
        model = simplified(onnx_path, folder)
    Converter(model, ranges_of(model, name, calibration, batch), schema).convert(out)
    return out
