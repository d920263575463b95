"""Small convolution networks, and inputs that they were made for, on which weights of
few bits are measured. All of it lives outside the project, in FOLDER/data of shared data."""
import glob
import io
import os
import subprocess
import wave

import numpy as np

from models import ROOT, Unavailable

DATA = os.environ.get("DYADIC_SHARED_DATA", os.path.join(ROOT, "../shared/data"))
SAMPLES = 64


def photographs(size, scale):
    """(calibration, test) images [n, size, size, 3], and the classes of the latter's."""
    from PIL import Image

    paths = sorted(glob.glob(os.path.join(DATA, "imagenet-sample/*.jpg")))
    if not paths:
        raise Unavailable(f"no photographs in {DATA}")
    order = np.random.default_rng(0).permutation(len(paths))
    load = lambda path: np.asarray(Image.open(path).convert("RGB").resize((size, size), Image.BILINEAR), np.float32)
    x = scale(np.stack([load(paths[i]) for i in order]))
    classes = np.array([int(os.path.basename(paths[i])[:4]) + 1 for i in order])
    return x[:SAMPLES], x[SAMPLES:], classes[SAMPLES:]


def visual_wake_words():
    c, t, _ = photographs(96, lambda x: x / 255)
    return os.path.join(DATA, "mlperf-tiny/vww_96_float.tflite"), c, t, None


KEYWORDS = "down go left no off on right stop up yes".split()
OTHERS = "bed bird cat dog five happy house marvin nine sheila".split()
SILENCE, UNKNOWN = 10, 11


def speak(word, voice, speed, pitch):
    """A word at 16 kHz, without silence around it, its largest sample one."""
    from scipy.signal import resample_poly

    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", word]
    found = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(found)) as file:
        rate = file.getframerate()
    audio = np.frombuffer(found[44:], np.int16).astype(np.float64)
    loud = np.flatnonzero(np.abs(audio) > 300)
    audio = resample_poly(audio[loud[0] : loud[-1] + 1], 16000, rate)[:15000]
    return audio / np.abs(audio).max()


def features(audio):
    """The ten MFCCs of each of 49 windows that MLPerf Tiny's keyword spotting reads."""
    mel = lambda f: 1127 * np.log(1 + f / 700)
    edges = np.linspace(mel(20.0), mel(4000.0), 42)
    at = mel(np.linspace(0, 8000, 257)[1:, None])
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0, np.minimum((at - low) / (centre - low), (high - at) / (high - centre)))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480)
    frames = np.stack([audio[i * 320 :][:480] for i in range(49)]) * window
    logs = np.log(np.abs(np.fft.rfft(frames, 512))[:, 1:] @ weights + 1e-6)
    cosines = 2 * np.cos(np.pi * np.arange(10)[:, None] * (2 * np.arange(40) + 1) / 80)
    return logs @ cosines.T / np.sqrt(80)


def keyword_spotting(count=SAMPLES + 600):
    """Words that espeak-ng says in thirty voices, with noise."""
    import shutil

    path = os.path.join(DATA, "mlperf-tiny/kws_ref_model_float32.tflite")
    if not os.path.exists(path) or not shutil.which("espeak-ng"):
        raise Unavailable(f"no {path}, or no espeak-ng")
    random = np.random.default_rng(11)
    voices = [a + b for a in ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029") for b in ("", "+m3", "+f2", "+f4", "+m7", "+croak")]
    x, y = [], []
    for _ in range(count):
        word = random.integers(12)
        audio = np.zeros(16000)
        if word != SILENCE:
            text = OTHERS[random.integers(10)] if word == UNKNOWN else KEYWORDS[word]
            said = speak(text, voices[random.integers(len(voices))], random.integers(120, 190), random.integers(20, 80))
            room = len(audio) - len(said)
            begin = int(np.clip(room / 2 + random.normal(0, 1000), 0, room))
            audio[begin : begin + len(said)] = said
        hum = np.cumsum(random.normal(size=16000))
        hum -= np.convolve(hum, np.ones(400) / 400, "same")
        audio += hum / np.abs(hum).max() * random.uniform(0, 0.1) + random.normal(size=16000) * random.uniform(0, 0.01)
        x.append(features(audio / np.abs(audio).max()))
        y.append(word)
    x = np.array(x, np.float32)[..., None]
    return path, x[:SAMPLES], x[SAMPLES:], np.array(y)[SAMPLES:]


def mobilenet_v2(folder):
    """The float network that the quantized MobileNetV2's weights stand for."""
    import onnx
    from ai_edge_litert.interpreter import Interpreter
    from onnx import TensorProto, helper, numpy_helper

    path = os.path.join(DATA, "mobilenet-v2-quant/mobilenet_v2_1.0_224_quant.tflite")
    if not os.path.exists(path):
        raise Unavailable(f"no {path}")
    model = Interpreter(path)
    model.allocate_tensors()
    details = {t["index"]: t for t in model.get_tensor_details()}
    nodes, constants = [], []

    def constant(name, values):
        constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def real(index, axes):
        found = details[index]["quantization_parameters"]
        values = (model.get_tensor(index).astype(np.float64) - found["zero_points"][0]) * found["scales"][0]
        return constant(f"c{index}", values.transpose(axes))

    limits = [constant("zero", 0), constant("six", 6)]
    names = {model.get_input_details()[0]["index"]: "x"}
    kinds = {"ADD": "Add", "AVERAGE_POOL_2D": "GlobalAveragePool", "RESHAPE": "Flatten", "SOFTMAX": "Softmax"}
    for op in model._get_ops_details():
        kind, inputs, out = op["op_name"], [int(i) for i in op["inputs"]], int(op["outputs"][0])
        if kind == "DELEGATE":
            continue
        name = names[out] = f"t{out}"
        if kind in kinds:
            count = 2 if kind == "ADD" else 1
            nodes.append(helper.make_node(kinds[kind], [names[i] for i in inputs[:count]], [name]))
            continue
        isDepthwise = kind == "DEPTHWISE_CONV_2D"
        (_, height, _, _), (_, k, _, _) = details[inputs[0]]["shape"], details[inputs[1]]["shape"]
        stride = 1 if details[out]["shape"][1] == height else 2
        pad = int(max((details[out]["shape"][1] - 1) * stride + k - height, 0))
        pads = [pad // 2] * 2 + [pad - pad // 2] * 2
        clipped = "Relu6" in details[out]["name"].split(";")[0]
        operands = [names[inputs[0]], real(inputs[1], (3, 0, 1, 2) if isDepthwise else (0, 3, 1, 2)), real(inputs[2], (0,))]
        groups = int(details[inputs[1]]["shape"][3]) if isDepthwise else 1
        nodes.append(helper.make_node("Conv", operands, [name + "_sums" if clipped else name], name=f"conv{out}", pads=pads, strides=[stride] * 2, group=groups))
        if clipped:
            nodes.append(helper.make_node("Clip", [name + "_sums", *limits], [name]))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "mobilenet_v2", [value("x", [1, 3, 224, 224])], [value(name, [1, 1001])], constants)
    saved = os.path.join(folder, "mobilenet_v2.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), saved)
    c, t, classes = photographs(224, lambda x: (x - 128) / 128)
    swap = lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return saved, swap(c), swap(t), classes
