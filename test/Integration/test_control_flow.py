"""If, Loop and Scan that are decided at run time compute what onnxruntime computes.

Loops of more than 64 iterations, or of a number that isn't known, are loops of the generated code; If with a condition
that isn't known is a branch."""
import unittest

import numpy as np

import capi

HEADER = '<ir_version: 8, opset_import: ["" : 17]>\n'

# Name: the model, and the inputs of several runs. x, w are floats of which every run has others.
MODELS = {
    "if_of_an_input": (
        """g (bool c, float[2,3] x) => (float[2,3] y, float[3,2] z) {
          y, z = If (c) <
            then_branch = t () => (float[2,3] a, float[3,2] b) { a = Exp(x)  b = Transpose(x) },
            else_branch = e () => (float[2,3] d, float[3,2] f) { s = Constant<value_ints = [3, 2]>()  d = Neg(x)  f = Reshape(x, s) }>
        }""",
        [{"c": np.array(True)}, {"c": np.array(False)}],
    ),
    "if_of_a_sum": (
        """g (float[4] x) => (float[4] y) {
          zero = Constant<value_float = 0.0>()
          s = ReduceSum<keepdims = 0>(x)
          c = Greater(s, zero)
          u = Mul(x, s)
          v = If (c) <then_branch = t () => (float[4] a) { a = Sigmoid(u) }, else_branch = e () => (float[4] b) { b = Identity(x) }>
          y = Add(v, u)
        }""",
        [{}] * 6,
    ),
    "if_in_if": (
        """g (bool c, bool d, float[5] x) => (float[5] y) {
          y = If (c) <
            then_branch = t () => (float[5] a) {
              h = Tanh(x)
              a = If (d) <then_branch = t2 () => (float[5] p) { p = Mul(h, x) }, else_branch = e2 () => (float[5] q) { q = Sub(h, x) }>
            },
            else_branch = e () => (float[5] b) { b = Abs(x) }>
        }""",
        [{"c": np.array(c), "d": np.array(d)} for c in (True, False) for d in (True, False)],
    ),
    "loop_carried_and_collected": (
        """g (float[3] x, float[3,3] w) => (float[3] y, float[80,3] all, float[80] sums, int64[80] numbers) {
          n = Constant<value_int = 80>()
          t = Constant<value = bool {1}>()
          zero = Constant<value_float = 0.0>()
          y, last, all, sums, numbers = Loop (n, t, x, zero) <body = b (int64 i, bool c, float[3] h, float s)
              => (bool go, float[3] h2, float s2, float[3] part, float total, int64 number) {
            go = Identity(c)
            m = MatMul(w, h)
            h2 = Tanh(m)
            k = ReduceSum<keepdims = 0>(h2)
            s2 = Add(s, k)
            part = Identity(h2)
            total = Identity(s2)
            three = Constant<value_int = 3>()
            number = Mul(i, three)
          }>
        }""",
        [{}] * 3,
    ),
    "loop_of_an_input_number": (
        """g (int64 n, float[4] x) => (float[4] y, int64 last) {
          t = Constant<value = bool {1}>()
          none = Constant<value_int = -1>()
          y, last = Loop (n, t, x, none) <body = b (int64 i, bool c, float[4] h, int64 k) => (bool c2, float[4] h2, int64 k2) {
            c2 = Identity(c)
            half = Constant<value_float = 0.5>()
            f = Cast<to = 1>(i)
            g2 = Mul(h, half)
            h2 = Add(g2, f)
            k2 = Identity(i)
          }>
        }""",
        [{"n": np.array(n)} for n in (0, 1, 2, 7, 200)],
    ),
    "loop_until_a_value": (
        """g (bool begin, float limit, float[2] x) => (float[2] y, int64 count) {
          n = Constant<value_int = 1000>()
          zero = Constant<value_int = 0>()
          y, count = Loop (n, begin, x, zero) <body = b (int64 i, bool c, float[2] h, int64 k) => (bool c2, float[2] h2, int64 k2) {
            one = Constant<value_float = 1.0>()
            a = Abs(h)
            h2 = Add(a, one)
            s = ReduceSum<keepdims = 0>(h2)
            c2 = Less(s, limit)
            unit = Constant<value_int = 1>()
            k2 = Add(k, unit)
          }>
        }""",
        [{"begin": np.array(b), "limit": np.array(v, np.float32)} for b, v in [(True, 0), (True, 30), (True, 301.5), (False, 30)]],
    ),
    "loop_without_a_number": (
        """g (int64 x0) => (int64 y, int64 steps) {
          t = Constant<value = bool {1}>()
          zero = Constant<value_int = 0>()
          y, steps = Loop ("", t, x0, zero) <body = collatz (int64 i, bool c, int64 a, int64 k) => (bool c2, int64 a2, int64 k2) {
            one = Constant<value_int = 1>()
            two = Constant<value_int = 2>()
            three = Constant<value_int = 3>()
            half = Div(a, two)
            rest = Mod(a, two)
            odd = Equal(rest, one)
            a2 = If (odd) <
              then_branch = up () => (int64 p) { p1 = Mul(a, three)  p = Add(p1, one) },
              else_branch = down () => (int64 q) { q = Identity(half) }>
            k2 = Add(k, one)
            c2 = Greater(a2, one)
          }>
        }""",
        [{"x0": np.array(n)} for n in (2, 7, 27)],
    ),
    "loop_in_loop": (
        """g (int64 n, int64 m, float[3] x, float[3] w) => (float[3] y) {
          t = Constant<value = bool {1}>()
          y = Loop (n, t, x) <body = outer (int64 i, bool c, float[3] h) => (bool c2, float[3] h2) {
            c2 = Identity(c)
            f = Cast<to = 1>(i)
            s = Add(w, f)
            h2 = Loop (m, c, h) <body = inner (int64 j, bool d, float[3] k) => (bool d2, float[3] k2) {
              d2 = Identity(d)
              p = Mul(k, s)
              k2 = Sin(p)
            }>
          }>
        }""",
        [{"n": np.array(n), "m": np.array(m)} for n, m in [(0, 3), (2, 0), (3, 4), (5, 1)]],
    ),
    "loop_in_if": (
        """g (bool c, int64 n, float[3] x) => (float[3] y) {
          y = If (c) <
            then_branch = t () => (float[3] a) {
              a = Loop (n, c, x) <body = b (int64 i, bool d, float[3] h) => (bool d2, float[3] h2) { d2 = Identity(d)  h2 = Cos(h) }>
            },
            else_branch = e () => (float[3] z) { z = Neg(x) }>
        }""",
        [{"c": np.array(c), "n": np.array(n)} for c in (True, False) for n in (0, 1, 9)],
    ),
    "scan_of_two_states": (
        """g (float[2] x, float[3] s, float[90,2] u, float[3,90] v) => (float[2] x1, float[3] s1, float[90,2] xs, float[3,90] ss) {
          x1, s1, xs, ss = Scan (x, s, u, v) <num_scan_inputs = 2, scan_input_axes = [0, 1], scan_input_directions = [0, 1],
              scan_output_axes = [0, 1], scan_output_directions = [1, 0],
              body = b (float[2] h, float[3] k, float[2] p, float[3] q) => (float[2] h2, float[3] k2, float[2] a, float[3] z) {
            half = Constant<value_float = 0.5>()
            h1 = Mul(h, half)
            h2 = Add(h1, p)
            sum = ReduceSum<keepdims = 0>(h2)
            k1 = Mul(k, q)
            k3 = Add(k1, sum)
            k2 = Tanh(k3)
            a = Neg(h2)
            z = Identity(k2)
          }>
        }""",
        [{}] * 2,
    ),
    "scan_in_if": (
        """g (bool c, float[4] s, float[70,4] u) => (float[4] y, float[70,4] ys) {
          y, ys = If (c) <
            then_branch = t () => (float[4] a, float[70,4] b) {
              a, b = Scan (s, u) <num_scan_inputs = 1, body = k (float[4] h, float[4] p) => (float[4] h2, float[4] o) {
                h1 = Max(h, p)
                h2 = Mul(h1, s)
                o = Add(h2, p)
              }>
            },
            else_branch = e () => (float[4] d, float[70,4] f) { d = Identity(s)  f = Exp(u) }>
        }""",
        [{"c": np.array(c)} for c in (True, False)],
    ),
}


def judge(model, feeds):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)


class ControlFlow(unittest.TestCase):
    def check(self, name):
        import onnx.parser

        source, runs = MODELS[name]
        model = onnx.parser.parse_model(HEADER + source)
        onnx.checker.check_model(model)
        program = capi.Library().compile(model.SerializeToString())
        for number, given in enumerate(runs):
            rng = np.random.default_rng(number)
            feeds = {n: given[n] if n in given else rng.normal(0, 1, shape).astype(np.float32) for n, shape, _ in program.inputs}
            got = program([np.asarray(feeds[n], kind).reshape(shape) for n, shape, kind in program.inputs])
            for output, expected, values in zip(program.outputs, judge(model, feeds), got):
                np.testing.assert_allclose(values, expected, 1e-5, 1e-5, err_msg=f"{output[0]} of run {number}")
                self.assertEqual(expected.dtype, values.dtype)


for _name in MODELS:
    setattr(ControlFlow, f"test_{_name}", lambda self, n=_name: self.check(n))


if __name__ == "__main__":
    unittest.main()
