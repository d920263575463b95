"""Small networks, each around one op in the forms that exporters write it.

Channel counts and extents are odd on purpose: kernels must get their tails right.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Builds one ONNX graph: net(op, inputs, attributes) appends a node and names its result."""

    def __init__(self, shape, seed=0, opset=17):
        self.rng = np.random.default_rng(seed)
        self.shape, self.opset, self.nodes, self.tensors = list(shape), opset, [], []

    def __call__(self, op, *inputs, outputs=1, **attributes):
        names = [f"t{len(self.nodes)}" if i == 0 else f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, f"{op}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def const(self, value, dtype=np.float32):
        name = f"c{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values):
        return self.const(values, np.int64)

    def random(self, *shape, scale=None):
        fan_in = max(1, int(np.prod(shape[1:])))
        return self.const(self.rng.normal(0, scale or np.sqrt(2 / fan_in), shape))

    def conv(self, x, cin, cout, k=3, **attributes):
        kh, kw = (k, k) if isinstance(k, int) else k
        group = attributes.get("group", 1)
        w, b = self.random(cout, cin // group, kh, kw), self.random(cout, scale=0.2)
        return self("Conv", x, w, b, kernel_shape=[kh, kw], **attributes)

    def finish(self, y, path):
        graph = helper.make_graph(
            self.nodes + [helper.make_node("Identity", [y], ["y"], "out")],
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            self.tensors,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


NETS = {}
# Of ops that GPUs have no kernel for.
CPU_ONLY = {"lstm", "lstm_bidirectional", "gru", "gru_bidirectional"}


def net(*shape, **options):
    """Registers a function that takes a Net and returns the name of the result."""

    def register(build):
        NETS[build.__name__] = (shape, options, build)
        return build

    return register


def write(name, path):
    shape, options, build = NETS[name]
    network = Net(shape, **options)
    network.finish(build(network), path)
    return shape


# Convolutions: (name, input, output channels, kernel, attributes).
for _name, _shape, _cout, _k, _attributes in [
    ("conv_1x1", (1, 19, 7, 9), 37, 1, {}),
    ("conv_1x1_wide", (1, 64, 13, 13), 130, 1, {}),
    ("conv_1x1_stride2", (1, 16, 13, 13), 24, 1, dict(strides=[2, 2])),
    ("conv_3x3", (1, 5, 13, 11), 21, 3, dict(pads=[1, 1, 1, 1])),
    ("conv_3x3_first_layer", (1, 3, 33, 35), 32, 3, dict(pads=[1, 1, 1, 1], strides=[2, 2])),
    ("conv_7x7_stride2", (1, 3, 41, 39), 64, 7, dict(pads=[3, 3, 3, 3], strides=[2, 2])),
    ("conv_valid", (1, 8, 9, 9), 8, 3, {}),
    ("conv_uneven_pads", (1, 6, 9, 10), 9, 3, dict(pads=[0, 1, 2, 0], strides=[1, 2])),
    ("conv_dilated", (1, 7, 15, 15), 11, 3, dict(pads=[2, 2, 2, 2], dilations=[2, 2])),
    ("conv_1x7", (1, 12, 8, 17), 12, (1, 7), dict(pads=[0, 3, 0, 3])),
    ("conv_grouped", (1, 12, 9, 9), 18, 3, dict(pads=[1, 1, 1, 1], group=3)),
    ("conv_same_upper", (1, 4, 12, 13), 6, 3, dict(auto_pad="SAME_UPPER", strides=[2, 2])),
    ("depthwise_3x3", (1, 37, 11, 13), 37, 3, dict(pads=[1, 1, 1, 1], group=37)),
    ("depthwise_3x3_stride2", (1, 64, 14, 15), 64, 3, dict(pads=[1, 1, 1, 1], strides=[2, 2], group=64)),
    ("depthwise_5x5", (1, 20, 12, 12), 20, 5, dict(pads=[2, 2, 2, 2], group=20)),
    ("depthwise_stride_2_1", (1, 33, 12, 12), 33, 3, dict(pads=[1, 1, 1, 1], strides=[2, 1], group=33)),
    ("depthwise_multiplier", (1, 10, 9, 9), 30, 3, dict(pads=[1, 1, 1, 1], group=10)),
]:
    NETS[_name] = (_shape, {}, lambda n, s=_shape, o=_cout, k=_k, a=_attributes: n.conv("x", s[1], o, k, **a))


@net(1, 8, 13, 13)
def conv_batch_norm_relu(n):
    y = n.conv("x", 8, 24, pads=[1, 1, 1, 1])
    positive = lambda: n.const(n.rng.uniform(0.5, 1.5, 24))
    return n("Relu", n("BatchNormalization", y, positive(), n.random(24, scale=0.3), n.random(24, scale=0.3), positive()))


@net(1, 8, 9, 9)
def conv_scale_bias(n):
    y = n("Mul", n.conv("x", 8, 12), n.const(n.rng.uniform(0.5, 1.5, (1, 12, 1, 1))))
    return n("Add", y, n.random(12, 1, 1, scale=0.3))


@net(1, 16, 12, 12)
def residual(n):
    y = n.conv(n("Relu", n.conv("x", 16, 24, pads=[1, 1, 1, 1])), 24, 16, pads=[1, 1, 1, 1])
    return n("Relu", n("Add", y, "x"))


@net(1, 24, 12, 12)
def squeeze_and_excite(n):
    y = n.conv("x", 24, 24, pads=[1, 1, 1, 1])
    g = n("Relu", n.conv(n("GlobalAveragePool", y), 24, 6, 1))
    return n("Mul", y, n("HardSigmoid", n.conv(g, 6, 24, 1), alpha=0.2, beta=0.5))


@net(1, 16, 8, 8)
def inverted_residual_relu6(n):
    clip = lambda x: n("Clip", x, n.const(0.0), n.const(6.0))
    y = clip(n.conv("x", 16, 48, 1))
    y = clip(n.conv(y, 48, 48, pads=[1, 1, 1, 1], group=48))
    return n("Add", "x", n.conv(y, 48, 16, 1))


@net(1, 12, 9, 9)
def hard_swish_in_primitives(n):
    y = n.conv("x", 12, 12)
    return n("Div", n("Mul", y, n("Clip", n("Add", y, n.const(3.0)), n.const(0.0), n.const(6.0))), n.const(6.0))


@net(1, 12, 9, 9)
def hard_swish_by_hard_sigmoid(n):
    y = n.conv("x", 12, 12)
    return n("Mul", y, n("HardSigmoid", y, alpha=1 / 6, beta=0.5))


@net(1, 12, 9, 9)
def swish_in_primitives(n):
    y = n.conv("x", 12, 12)
    return n("Mul", y, n("Sigmoid", y))


@net(1, 10, 32)
def gelu_in_primitives(n):
    y = n("MatMul", "x", n.random(32, 48))
    g = n("Add", n("Erf", n("Div", y, n.const(np.sqrt(2)))), n.const(1.0))
    return n("Mul", n("Mul", y, g), n.const(0.5))


@net(1, 10, 40)
def layer_norm_in_primitives(n):
    y = n("MatMul", "x", n.random(40, 40))
    d = n("Sub", y, n("ReduceMean", y, axes=[-1]))
    v = n("ReduceMean", n("Pow", d, n.const(2.0)), axes=[-1])
    z = n("Div", d, n("Sqrt", n("Add", v, n.const(1e-5))))
    return n("Add", n("Mul", z, n.const(n.rng.uniform(0.5, 1.5, 40))), n.random(40, scale=0.2))


@net(1, 10, 40)
def layer_norm(n):
    y = n("MatMul", "x", n.random(40, 40))
    return n("LayerNormalization", y, n.const(n.rng.uniform(0.5, 1.5, 40)), n.random(40, scale=0.2), axis=-1)


@net(1, 12, 36)
def attention(n):
    heads = lambda: n("Transpose", n("Reshape", n("MatMul", "x", n.random(36, 36)), n.ints(1, 12, 3, 12)), perm=[0, 2, 1, 3])
    q, k, v = heads(), heads(), heads()
    s = n("MatMul", n("Mul", q, n.const(12**-0.5)), n("Transpose", k, perm=[0, 1, 3, 2]))
    y = n("MatMul", n("Softmax", s, axis=-1), v)
    return n("Reshape", n("Transpose", y, perm=[0, 2, 1, 3]), n.ints(1, 12, 36))


# Functions of one value, behind a convolution that spreads the input.
for _op, _attributes in [
    ("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("HardSwish", {}), ("HardSigmoid", dict(alpha=0.3, beta=0.4)),
    ("LeakyRelu", dict(alpha=0.1)), ("Exp", {}), ("Abs", {}), ("Neg", {}), ("Erf", {}),
]:  # fmt: skip
    NETS["unary_" + _op.lower()] = ((1, 6, 7, 7), {}, lambda n, o=_op, a=_attributes: n(o, n.conv("x", 6, 9), **a))


@net(1, 6, 7, 7)
def unary_sqrt(n):
    return n("Sqrt", n("Relu", n.conv("x", 6, 9)))


@net(1, 6, 7, 7)
def unary_prelu(n):
    return n("PRelu", n.conv("x", 6, 9), n.const(n.rng.uniform(0, 0.5, (9, 1, 1))))


# Two operands, of equal shapes and broadcast.
for _op in ("Add", "Sub", "Mul", "Div", "Max", "Min"):

    def _equal(n, op=_op):
        b = n.conv("x", 6, 9)
        b = n("Add", n("Abs", b), n.const(0.5)) if op == "Div" else b
        return n(op, n.conv("x", 6, 9), b)

    def _per_channel(n, op=_op):
        b = n("GlobalAveragePool", n("Sigmoid", n.conv("x", 6, 9)))
        return n(op, n.conv("x", 6, 9), b)

    NETS[f"{_op.lower()}_equal"] = ((1, 6, 9, 9), {}, _equal)
    NETS[f"{_op.lower()}_per_channel"] = ((1, 6, 9, 9), {}, _per_channel)


@net(1, 6, 7, 7)
def pow_constant(n):
    return n("Pow", n.conv("x", 6, 9), n.const(2.0))


# Pooling.
for _name, _op, _attributes in [
    ("max_pool_2x2", "MaxPool", dict(kernel_shape=[2, 2], strides=[2, 2])),
    ("max_pool_3x3_padded", "MaxPool", dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
    ("max_pool_ceil", "MaxPool", dict(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)),
    ("avg_pool_2x2", "AveragePool", dict(kernel_shape=[2, 2], strides=[2, 2])),
    ("avg_pool_3x3", "AveragePool", dict(kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1], count_include_pad=1)),
    ("avg_pool_3x3_pads_out", "AveragePool", dict(kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])),
    ("avg_pool_3x2", "AveragePool", dict(kernel_shape=[3, 2], strides=[3, 2])),
    ("global_average", "GlobalAveragePool", {}),
    ("global_max", "GlobalMaxPool", {}),
    ("reduce_mean", "ReduceMean", dict(axes=[2, 3], keepdims=0)),
]:
    NETS[_name] = ((1, 6, 14, 14), {}, lambda n, o=_op, a=_attributes: n(o, n.conv("x", 6, 21, pads=[1, 1, 1, 1]), **a))


@net(1, 45)
def gemm(n):
    return n("Gemm", "x", n.random(45, 33), n.random(33, scale=0.2))


@net(1, 45)
def gemm_transposed_and_scaled(n):
    return n("Gemm", "x", n.random(33, 45), n.random(33, scale=0.2), transB=1, alpha=0.5, beta=2.0)


@net(7, 45)
def matmul_rows(n):
    return n("Add", n("MatMul", "x", n.random(45, 70)), n.random(70, scale=0.2))


@net(1, 3, 11, 16)
def matmul_of_two_activations(n):
    return n("MatMul", n("Relu", "x"), n("Transpose", "x", perm=[0, 1, 3, 2]))


@net(1, 12, 8, 8)
def concat_channels(n):
    return n("Concat", n.conv("x", 12, 5, 1), n("Relu", n.conv("x", 12, 7, 1)), "x", axis=1)


@net(1, 12, 8, 8)
def concat_rows(n):
    return n("Concat", n.conv("x", 12, 5, 1), n("Sigmoid", n.conv("x", 12, 5, 1)), axis=2)


@net(1, 12, 9, 9)
def slice_channels(n):
    y = n.conv("x", 12, 10)
    return n("Relu", n("Slice", y, n.ints(2), n.ints(9), n.ints(1)))


@net(1, 12, 9, 9)
def slice_strided(n):
    return n("Slice", n.conv("x", 12, 10), n.ints(1, 0), n.ints(7, 6), n.ints(2, 3), n.ints(2, 3))


@net(1, 12, 9, 9)
def split(n):
    a, b = n("Split", n.conv("x", 12, 10), n.ints(4, 6), outputs=2, axis=1)
    return n("Concat", b, a, axis=1)


# Tensors that lie inside of others: see lib/Fuse/PlaceViews.cpp.


@net(1, 10, 13, 11)
def view_inception(n):
    x = n("Relu", n.conv("x", 10, 24, pads=[1, 1, 1, 1]))
    a = n("Relu", n.conv(x, 24, 17, 1))
    b = n("Relu", n.conv(n("Relu", n.conv(x, 24, 9, 1)), 9, 33, pads=[1, 1, 1, 1]))
    c = n("Relu", n.conv(n("Relu", n.conv(x, 24, 5, 1)), 5, 16, 5, pads=[2, 2, 2, 2]))
    d = n.conv(n("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), 24, 7, 1)
    return n.conv(n("Concat", a, b, c, n("Relu", d), axis=1), 73, 20, 1)


@net(1, 8, 9, 10)
def view_dense(n):
    x = n("Relu", n.conv("x", 8, 16, pads=[1, 1, 1, 1]))
    for _ in range(3):
        y = n("Relu", n.conv(x, 8 + 8 * (_ + 1), 12, 1))
        x = n("Concat", x, n("Relu", n.conv(y, 12, 8, pads=[1, 1, 1, 1])), axis=1)
    return n.conv(x, 40, 11, 1)


@net(1, 21, 9, 8)
def view_split(n):
    x = n("Relu", n.conv("x", 21, 21, 1))
    a, b, c = n("Split", x, n.ints(3, 13, 5), outputs=3, axis=1)
    b = n("Relu", n.conv(b, 13, 13, pads=[1, 1, 1, 1], group=13))
    return n.conv(n("Concat", n("Relu", n.conv(c, 5, 5, 1)), b, a, axis=1), 21, 10, pads=[1, 1, 1, 1])


@net(1, 16, 14, 14)
def view_pads_of_one_tensor(n):
    x = n("Relu", n.conv("x", 16, 32, 1))
    y = n("Add", n.conv(x, 32, 32, pads=[1, 1, 1, 1]), n.conv(x, 32, 32, 5, pads=[2, 2, 2, 2]))
    y = n("Add", x, n("Relu", y))
    z = n("Mul", y, n("Sigmoid", n.conv(n("GlobalAveragePool", y), 32, 32, 1)))
    return n.conv(z, 32, 19, pads=[1, 1, 1, 1], strides=[2, 2])


@net(2, 16, 7, 7)
def view_batch(n):
    x = n("Relu", n.conv("x", 16, 48, 1))
    x = n("Relu", n.conv(x, 48, 48, pads=[1, 1, 1, 1], group=48))
    y = n("Add", x, n.conv(n("Relu", n.conv(x, 48, 40, pads=[1, 1, 1, 1])), 40, 48, 1))
    return n.conv(n("Concat", x, y, axis=1), 96, 9, pads=[1, 1, 1, 1])


@net(1, 12, 9, 11)
def view_upsampled(n):
    up = lambda t, k: n("Resize", t, "", n.const([1, 1, k, k]), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    a = n("Relu", n.conv("x", 12, 24, pads=[1, 1, 1, 1]))
    b = n("Relu", n.conv(a, 24, 24, pads=[1, 1, 1, 1]))
    y = n("Concat", up(a, 4), up(up(b, 2), 2), up(n.conv(a, 24, 7, 1), 4), axis=1)
    return n.conv(n("Relu", y), 55, 8, pads=[1, 1, 1, 1])


@net(1, 6, 5, 7)
def depth_to_space_scaled(n):
    y = n("Relu", n("DepthToSpace", n.conv("x", 6, 32, 1), blocksize=2, mode="CRD"))
    y = n("ConvTranspose", y, n.random(8, 12, 2, 2), n.random(12, scale=0.1), strides=[2, 2])
    return n("Relu", n("Mul", y, n.const(n.rng.uniform(0.5, 1.5, (1, 12, 1, 1)))))


@net(1, 6, 9, 9)
def pad_constant(n):
    return n("Pad", n.conv("x", 6, 8), n.ints(0, 0, 1, 2, 0, 0, 0, 3), n.const(0.25))


@net(1, 6, 7, 5)
def resize_nearest(n):
    scales = n.const([1, 1, 2, 2])
    return n("Resize", n.conv("x", 6, 8), "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")


@net(1, 6, 5, 7)
def conv_transpose_2x2(n):
    y = n.conv("x", 6, 8)
    return n("ConvTranspose", y, n.random(8, 5, 2, 2), n.random(5, scale=0.2), kernel_shape=[2, 2], strides=[2, 2])


@net(1, 6, 5, 7)
def conv_transpose_4x4_s2(n):
    y = n.conv("x", 6, 8)
    return n("ConvTranspose", y, n.random(8, 5, 4, 4, scale=0.2), n.random(5, scale=0.2), strides=[2, 2], pads=[1, 1, 1, 1])


@net(1, 6, 5, 7)
def conv_transpose_3x3_s2(n):
    # Phases of one, two and four taps, in groups, and a row and column more.
    y = n.conv("x", 6, 8)
    return n("ConvTranspose", y, n.random(8, 3, 3, 3, scale=0.2), n.random(6, scale=0.2), strides=[2, 2], pads=[1, 1, 1, 1],
             output_padding=[1, 1], group=2)


@net(1, 6, 5, 7)
def conv_transpose_same_dilated(n):
    y = n("ConvTranspose", n.conv("x", 6, 8), n.random(8, 4, 3, 4, scale=0.2), strides=[1, 3], dilations=[2, 1], auto_pad="SAME_UPPER")
    return n("ConvTranspose", y, n.random(4, 5, 2, 2, scale=0.3), strides=[3, 3], output_shape=[7, 43])


@net(1, 6, 9)
def conv_transpose_1d(n):
    y = n("Conv", "x", n.random(8, 6, 3), kernel_shape=[3])
    return n("ConvTranspose", y, n.random(8, 5, 5, scale=0.2), strides=[2], pads=[2, 1])


@net(7, 2, 12)
def lstm(n):
    y, *_ = n("LSTM", "x", n.random(1, 80, 12, scale=0.3), n.random(1, 80, 20, scale=0.3), n.random(1, 160, scale=0.2), outputs=3, hidden_size=20)
    return n("MatMul", n("Squeeze", y, n.ints(1)), n.random(20, 9))


@net(5, 1, 12)
def lstm_bidirectional(n):
    # Two layers, an initial state, and what is left at the end of both directions.
    h, c = n.random(2, 1, 24, scale=0.5), n.random(2, 1, 24, scale=0.5)
    y, *_ = n("LSTM", "x", n.random(2, 96, 12, scale=0.3), n.random(2, 96, 24, scale=0.2), "", "", h, c, outputs=3,
              hidden_size=24, direction="bidirectional")
    y = n("Reshape", n("Transpose", y, perm=[0, 2, 1, 3]), n.ints(5, 1, 48))
    _, h, c = n("LSTM", y, n.random(1, 64, 48, scale=0.2), n.random(1, 64, 16, scale=0.2), n.random(1, 128, scale=0.2), n.const([5], np.int32),
                outputs=3, hidden_size=16, direction="reverse")
    return n("Concat", h, c, axis=2)


@net(7, 2, 12)
def gru(n):
    y, _ = n("GRU", "x", n.random(1, 60, 12, scale=0.3), n.random(1, 60, 20, scale=0.3), n.random(1, 120, scale=0.2), outputs=2, hidden_size=20,
             linear_before_reset=1)
    return n("MatMul", n("Squeeze", y, n.ints(1)), n.random(20, 9))


@net(5, 1, 12)
def gru_bidirectional(n):
    # Two layers in both forms, an initial state, and what is left at the end of one direction.
    h = n.random(2, 1, 24, scale=0.5)
    y, _ = n("GRU", "x", n.random(2, 72, 12, scale=0.3), n.random(2, 72, 24, scale=0.2), n.random(2, 144, scale=0.2), "", h, outputs=2, hidden_size=24,
             direction="bidirectional", linear_before_reset=1)
    y = n("Reshape", n("Transpose", y, perm=[0, 2, 1, 3]), n.ints(5, 1, 48))
    _, h = n("GRU", y, n.random(1, 48, 48, scale=0.2), n.random(1, 48, 16, scale=0.2), n.random(1, 96, scale=0.2), n.const([5], np.int32), outputs=2,
             hidden_size=16, direction="reverse")
    return h


@net(1, 6, 4, 5)
def transpose_and_reshape(n):
    y = n("Transpose", n.conv("x", 6, 8, 1), perm=[0, 2, 3, 1])
    return n("MatMul", n("Reshape", y, n.ints(0, -1, 8)), n.random(8, 9))


@net(1, 6, 4, 5)
def flatten_and_gemm(n):
    return n("Gemm", n("Flatten", n("Relu", n.conv("x", 6, 8, 1))), n.random(160, 10), n.random(10))


@net(1, 6, 4, 5)
def shape_arithmetic(n):
    y = n.conv("x", 6, 8, 1)
    s = n("Shape", y)
    batch = n("Slice", s, n.ints(0), n.ints(1), n.ints(0))
    return n("Reshape", y, n("Concat", batch, n.ints(-1), axis=0))


@net(1, 8, 1, 16)
def squeeze_and_unsqueeze(n):
    y = n("Squeeze", n.conv("x", 8, 12, 1), n.ints(2))
    return n("Unsqueeze", n("Transpose", y, perm=[0, 2, 1]), n.ints(0))


@net(1, 6, 33)
def softmax(n):
    return n("Softmax", n("MatMul", "x", n.random(33, 19, scale=0.5)), axis=-1)


@net(1, 6, 8, 8)
def two_branches_of_one_input(n):
    a, b = n.conv("x", 6, 8, 1), n.conv("x", 6, 8, pads=[1, 1, 1, 1])
    return n("Mul", n("Sigmoid", a), n("Tanh", b))


@net(1, 1, 8, 8)
def constant_weights_of_one_channel_zero(n):
    w = n.rng.normal(0, 0.5, (4, 1, 3, 3))
    w[2] = 0
    return n("Conv", "x", n.const(w), n.const([0.5, -0.5, 0.25, 0]), kernel_shape=[3, 3])


@net(1, 4, 8, 8)
def channels_of_very_different_scales(n):
    w = n.rng.normal(0, 0.5, (16, 4, 1, 1)) * np.logspace(-4, 2, 16).reshape(-1, 1, 1, 1)
    return n("Conv", "x", n.const(w), kernel_shape=[1, 1])
