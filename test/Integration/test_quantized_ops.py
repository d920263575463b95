"""Quantized operators of ONNX and com.microsoft, one by one, with values against onnxruntime's kernels."""
import unittest

import numpy as np

import capi

RNG = np.random.default_rng(7)
ABSENT = None


class Arg:
    """An input that is known when the program runs: its shape, its element type, and the range of its values."""

    def __init__(self, shape, dtype=np.uint8, low=None, high=None):
        self.shape, self.dtype = shape, np.dtype(dtype)
        bounds = np.iinfo(dtype) if self.dtype.kind in "iu" else None
        self.low, self.high = low if low is not None else bounds and bounds.min, high if high is not None else bounds and bounds.max

    def make(self, rng):
        if self.dtype == bool:
            return rng.random(self.shape) < 0.5
        if self.dtype.kind == "f":
            return rng.normal(0, 1, self.shape).astype(self.dtype)
        return rng.integers(self.low, self.high + 1, self.shape).astype(self.dtype)


def ints(*shape, dtype=np.int8, low=-127, high=127):
    return RNG.integers(low, high + 1, shape).astype(dtype)


def real(*values):
    return np.array(values if len(values) > 1 else values[0], np.float32)


def zero(value, dtype=np.uint8):
    return np.array(value, dtype)


def scales(count, low=0.001, high=0.01):
    return RNG.uniform(low, high, count).astype(np.float32)


def packed(columns, blocks, size):
    return RNG.integers(0, 256, (columns, blocks, size)).astype(np.uint8)


X, Y = Arg((2, 6, 5, 7)), Arg((2, 6, 5, 7))
S, I8 = Arg((2, 6, 5, 7), np.int8), np.int8
IMAGE = (X, real(0.02), zero(120))
CONV = dict(pads=[1, 0, 2, 1], strides=[2, 1], group=2)
FILTER, BIAS = ints(4, 3, 3, 2), ints(4, dtype=np.int32, low=-2000, high=2000)

# Name: the operator, its inputs, its attributes; the result may be a step away, or this many.
CASES = {
    "conv_per_tensor": ("QLinearConv", [*IMAGE, FILTER, real(0.01), zero(0, I8), real(0.05), zero(100), BIAS], CONV),
    "conv_per_channel": ("QLinearConv", [*IMAGE, FILTER, scales(4), np.zeros(4, I8), real(0.02), zero(100), BIAS], CONV),
    "conv_signed": ("QLinearConv", [S, real(0.02), zero(-7, I8), FILTER, scales(4), np.zeros(4, I8), real(0.02), zero(3, I8)], CONV),
    "conv_unsigned_weights": ("QLinearConv", [*IMAGE, ints(4, 3, 3, 2, dtype=np.uint8, low=0, high=255), real(0.01), zero(131), real(0.05), zero(100)], CONV),
    "conv_depthwise": ("QLinearConv", [*IMAGE, ints(6, 1, 3, 3), scales(6), np.zeros(6, I8), real(0.02), zero(100)], dict(pads=[1] * 4, group=6)),
    "matmul": ("QLinearMatMul", [Arg((3, 33)), real(0.02), zero(120), ints(33, 10), real(0.01), zero(0, I8), real(0.1), zero(128)], {}),
    "matmul_of_two": ("QLinearMatMul", [Arg((2, 4, 9)), real(0.02), zero(120), Arg((2, 9, 5)), real(0.02), zero(99), real(0.1), zero(128)], {}),
    "matmul_integer": ("MatMulInteger", [Arg((3, 33)), ints(33, 10), zero(7)], {}),
    "conv_integer": ("ConvInteger", [X, ints(4, 6, 3, 3, dtype=np.uint8, low=0, high=255), zero(100), zero(3)], dict(pads=[1] * 4)),
    "add": ("QLinearAdd", [*IMAGE, Y, real(0.03), zero(90), real(0.035), zero(110)], {}),
    "add_signed": ("QLinearAdd", [S, real(0.02), zero(-7, I8), S, real(0.03), zero(9, I8), real(0.05), zero(3, I8)], {}),
    "add_broadcast": ("QLinearAdd", [*IMAGE, Arg((6, 1, 1)), real(0.03), zero(90), real(0.035), zero(110)], {}),
    "add_constant": ("QLinearAdd", [*IMAGE, ints(6, 1, 1, dtype=np.uint8, low=0, high=255), real(0.03), zero(90), real(0.035), zero(110)], {}),
    "mul": ("QLinearMul", [*IMAGE, Y, real(0.03), zero(90), real(0.05), zero(110)], {}),
    "mul_broadcast": ("QLinearMul", [*IMAGE, Arg((2, 6, 1, 1)), real(0.004), zero(0), real(0.02), zero(110)], {}),
    "concat": ("QLinearConcat", [real(0.03), zero(100), *IMAGE, Arg((2, 3, 5, 7)), real(0.03), zero(90), Arg((2, 1, 5, 7)), real(0.03), zero(100)], dict(axis=1)),
    "global_average_pool": ("QLinearGlobalAveragePool", [*IMAGE, real(0.01), zero(110)], {}),
    "global_average_pool_signed": ("QLinearGlobalAveragePool", [S, real(0.02), zero(-7, I8), real(0.01), zero(0, I8)], {}),
    "average_pool": ("QLinearAveragePool", [*IMAGE, real(0.015), zero(110)], dict(kernel_shape=[2, 3], strides=[1, 2], pads=[1, 1, 0, 1])),
    "average_pool_counting_pads": ("QLinearAveragePool", [*IMAGE, real(0.015), zero(110)], dict(kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)),
    "sigmoid": ("QLinearSigmoid", [*IMAGE, real(1 / 256), zero(0)], {}),
    "sigmoid_signed": ("QLinearSigmoid", [S, real(0.05), zero(-7, I8), real(1 / 256), zero(-128, I8)], {}),
    "leaky_relu": ("QLinearLeakyRelu", [*IMAGE, real(0.015), zero(60)], dict(alpha=0.1)),
    "softmax": ("QLinearSoftmax", [Arg((4, 21)), real(0.05), zero(120), real(1 / 256), zero(0)], dict(axis=-1, opset=13)),
    "softmax_of_rows": ("QLinearSoftmax", [X, real(0.05), zero(120), real(1 / 256), zero(0)], dict(axis=2, opset=13)),
    "where": ("QLinearWhere", [Arg((2, 6, 5, 7), bool), *IMAGE, Y, real(0.03), zero(90), real(0.035), zero(110)], {}),
    "gemm": ("QGemm", [Arg((3, 33)), real(0.02), zero(120), ints(33, 10), real(0.01), zero(0, I8), ints(10, dtype=np.int32), real(0.1), zero(128)], {}),
    "gemm_per_channel": ("QGemm", [Arg((3, 33)), real(0.02), zero(120), ints(10, 33), scales(10), np.zeros(10, I8), ints(10, dtype=np.int32), real(0.1), zero(128)], dict(transB=1, alpha=0.5)),
    "gemm_to_float": ("QGemm", [Arg((3, 33)), real(0.02), zero(120), ints(33, 10), real(0.01), zero(0, I8)], {}),
    "dynamic_matmul": ("DynamicQuantizeMatMul", [Arg((3, 33), np.float32), ints(33, 10), real(0.01), zero(0, I8), scales(10)], {}),
    "dynamic_matmul_per_column": ("DynamicQuantizeMatMul", [Arg((2, 3, 33), np.float32), ints(33, 10), scales(10), np.zeros(10, I8)], {}),
    "matmul_integer_to_float": ("MatMulIntegerToFloat", [Arg((3, 33)), ints(33, 10), real(0.02), real(0.01), zero(120), zero(0, I8), scales(10)], {}),
    "matmul_integer_to_float_per_column": ("MatMulIntegerToFloat", [Arg((3, 33)), ints(33, 10), real(0.02), scales(10), zero(120)], {}),
    "matmul_4_bits": ("MatMulNBits", [Arg((3, 70), np.float32), packed(9, 3, 16), scales(27)], dict(K=70, N=9, bits=4, block_size=32)),
    "matmul_4_bits_zero_points": ("MatMulNBits", [Arg((3, 70), np.float32), packed(9, 5, 8), scales(45), packed(9, 3, 1).reshape(-1)], dict(K=70, N=9, bits=4, block_size=16)),
    "matmul_4_bits_bias": ("MatMulNBits", [Arg((2, 3, 128), np.float32), packed(9, 2, 32), scales(18), ABSENT, ABSENT, scales(9)], dict(K=128, N=9, bits=4, block_size=64)),
    "matmul_8_bits": ("MatMulNBits", [Arg((3, 64), np.float32), packed(9, 2, 32), scales(18)], dict(K=64, N=9, bits=8, block_size=32)),
    "matmul_8_bits_zero_points": ("MatMulNBits", [Arg((3, 70), np.float32), packed(9, 3, 32), scales(27), packed(9, 3, 1).reshape(-1)], dict(K=70, N=9, bits=8, block_size=32)),
}
STANDARD = {"QLinearConv", "QLinearMatMul", "MatMulInteger", "ConvInteger"}
# Their results are the sums themselves.
EXACT = {"MatMulInteger", "ConvInteger"}


def model_of(case):
    """The model, and the names of its inputs with what they are."""
    from onnx import TensorProto, helper, numpy_helper

    op, inputs, attributes = CASES[case]
    names, infos, tensors, arguments = [], [], [], {}
    for i, given in enumerate(inputs):
        name = "" if given is ABSENT else f"i{i}"
        names.append(name)
        if isinstance(given, Arg):
            arguments[name] = given
            infos.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(given.dtype), given.shape))
        elif given is not ABSENT:
            tensors.append(numpy_helper.from_array(given, name))
    zeros = [g for g in inputs if isinstance(g, np.ndarray) and g.dtype in (np.uint8, np.int8) and g.ndim == 0]
    kind = TensorProto.FLOAT
    if op in EXACT:
        kind = TensorProto.INT32
    elif "LinearConcat" in op:
        kind = helper.np_dtype_to_tensor_dtype(inputs[1].dtype)
    elif op.startswith("QLinear") or (op == "QGemm" and len(inputs) == 9):
        kind = helper.np_dtype_to_tensor_dtype(zeros[-1].dtype)
    domain = "" if op in STANDARD else "com.microsoft"
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], domain=domain, **attributes)],
        case,
        infos,
        [helper.make_tensor_value_info("y", kind, None)],
        tensors,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), arguments


def judge(model):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class QuantizedOps(unittest.TestCase):
    def check(self, case):
        model, arguments = model_of(case)
        session = judge(model)
        program = capi.Library().compile(model.SerializeToString())
        for seed in range(3):
            rng = np.random.default_rng(seed)
            feeds = {name: argument.make(rng) for name, argument in arguments.items()}
            expected = session.run(None, feeds)[0]
            got = program([feeds[name] for name, _, _ in program.inputs])[0]
            self.assertEqual((expected.dtype, expected.shape), (got.dtype, got.shape))
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(got, expected, 1e-4, 1e-4 * np.abs(expected).max())
                continue
            steps = np.abs(expected.astype(np.int64) - got)
            self.assertLessEqual(steps.max(), 0 if CASES[case][0] in EXACT else 1)
            # A step away is what is rounded another way, not what is computed another way.
            self.assertLess(np.count_nonzero(steps), 0.02 * steps.size + 2, f"of {steps.size}")


for _case in CASES:
    setattr(QuantizedOps, f"test_{_case}", lambda self, c=_case: self.check(c))


if __name__ == "__main__":
    unittest.main()
