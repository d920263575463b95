"""silero-vad: all six exports in float against onnxruntime, over a run of chunks whose state is fed back."""
import os
import tempfile
import unittest

import numpy as np

import harness
from harness import DYADIC
from models import Unavailable, package_folder
from native import Native

TOLERANCE = 1e-4
CHUNKS = 8
STATE = {"state": (2, 1, 128)}
# Name: file, shapes of the inputs, sampling rate where that is an input.
EXPORTS = {
    "16k": ("silero_vad", {"input": (1, 576), **STATE}, 16000),
    "8k": ("silero_vad", {"input": (1, 288), **STATE}, 8000),
    "batch": ("silero_vad", {"input": (3, 576), "state": (2, 3, 128)}, 16000),
    "16k_op15": ("silero_vad_16k_op15", {"input": (1, 576), **STATE}, 16000),
    "half": ("silero_vad_half", {"input": (1, 576), **STATE}, None),
    "ifless": ("silero_vad_op18_ifless", {"input": (1, 576), **STATE}, 16000),
    "ifless_8k": ("silero_vad_op18_ifless", {"input": (1, 288), **STATE}, 8000),
    "openvino_16k": ("silero_vad_openvino_16k", {"input": (1, 576), **STATE}, None),
    "sequence": ("silero_vad_16k_sequence", {"input": (5, 576), "h": (1, 1, 128), "c": (1, 1, 128)}, None),
}


def speech_like(rng, shape):
    """Tones that come and go, and noise: the network's output moves between 0 and 1."""
    batch, samples = shape
    t = np.arange(batch * samples).reshape(shape) / 16000
    tone = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) / i for i, f in enumerate((140, 280, 420, 1100, 2300), 1))
    return (0.3 * tone * rng.uniform(0, 1) + rng.normal(0, 0.02, shape)).astype(np.float32)


class Silero(unittest.TestCase):
    def compare(self, name):
        file, shapes, rate = EXPORTS[name]
        try:
            path = os.path.join(package_folder("silero_vad"), "data", file + ".onnx")
            import onnxruntime
        except (Unavailable, ImportError) as e:
            self.skipTest(str(e))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.assertEqual([o.name for o in session.get_outputs()][1:], list({"state": ["stateN"], "h": ["hn", "cn"]}[list(shapes)[1]]))
        given = {} if rate is None else {"sr": np.array(rate, np.int64)}
        rng = np.random.default_rng(5)
        state = {k: np.zeros(s, np.float32) for k, s in list(shapes.items())[1:]}
        ours = dict(state)
        with tempfile.TemporaryDirectory() as at:
            out = os.path.join(at, "vad.so")
            flags = [f"--shape={k}={'x'.join(map(str, s))}" for k, s in shapes.items()]
            flags += [f"--value={k}={v}" for k, v in given.items()]
            harness.check([DYADIC, "compile", path, "--float", "-o", out, *flags])
            native = Native(out)
            names = [native.info.inputs[i].name.decode() for i in range(native.info.num_inputs)]
            self.assertEqual(sorted(shapes), sorted(names))
            for _ in range(CHUNKS):
                chunk = speech_like(rng, shapes["input"])
                expected = session.run(None, {"input": chunk, **state, **given})
                feed = {"input": chunk, **ours}
                native(*(feed[n] for n in names))
                for want, got in zip(expected, native.outputs):
                    self.assertEqual(want.shape, got.shape)
                    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE)
                state = dict(zip(state, expected[1:]))
                ours = {k: v.copy() for k, v in zip(ours, native.outputs[1:])}


for _name in EXPORTS:
    setattr(Silero, f"test_{_name}", lambda self, n=_name: self.compare(n))

if __name__ == "__main__":
    unittest.main()
