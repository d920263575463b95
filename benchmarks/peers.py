"""The engines that Dyadic is measured beside, each as a callable of one input on one thread.

Each constructor raises models.Unavailable where its package isn't installed.
"""
import os

import numpy as np
import onnx

from models import Unavailable


def onnxruntime_session(path):
    try:
        import onnxruntime
    except ImportError as e:
        raise Unavailable(str(e))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def static_shape(model, path):
    """A copy of the model with the benchmark's shape, at an opset that QDQ needs."""
    loaded = onnx.load(model.path)
    for value in loaded.graph.input:
        if value.name == model.input:
            for dim, size in zip(value.type.tensor_type.shape.dim, model.shape):
                dim.dim_value = size
    if max(o.version for o in loaded.opset_import if o.domain in ("", "ai.onnx")) < 13:
        loaded = onnx.version_converter.convert_version(loaded, 13)
    onnx.save(loaded, path)
    return path


def onnxruntime_int8(model, folder, calibration):
    """onnxruntime's static quantizer at its best: QDQ, u8 activations, s8 weights per channel.

    Restricted to contractions where the network has attention: quantizing every op
    there costs most of the accuracy.
    """
    try:
        from onnxruntime import quantization as q
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as e:
        raise Unavailable(str(e))

    class Reader(q.CalibrationDataReader):
        def __init__(self):
            b = model.shape[0]
            self.batches = iter([calibration[i : i + b] for i in range(0, len(calibration), b)])

        def get_next(self):
            x = next(self.batches, None)
            return None if x is None else {model.input: x}

    fixed, ready, out = (os.path.join(folder, f"{model.name}.{s}.onnx") for s in ("fixed", "ready", "int8"))
    static_shape(model, fixed)
    quant_pre_process(fixed, ready, skip_symbolic_shape=True)
    kinds = {n.op_type for n in onnx.load(ready).graph.node}
    attention = "MatMul" in kinds and ("LayerNormalization" in kinds or "ReduceMean" in kinds)
    q.quantize_static(
        ready,
        out,
        Reader(),
        quant_format=q.QuantFormat.QDQ,
        per_channel=True,
        reduce_range=False,
        activation_type=q.QuantType.QUInt8,
        weight_type=q.QuantType.QInt8,
        calibrate_method=q.CalibrationMethod.MinMax,
        op_types_to_quantize=["Conv", "MatMul", "Gemm"] if attention else None,
    )
    return out


def openvino_session(path, shape, bf16=False):
    try:
        import openvino
    except ImportError as e:
        raise Unavailable(str(e))
    core = openvino.Core()
    network = core.read_model(path)
    network.reshape(list(shape))
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if not bf16:
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    return lambda x: request.infer([x])[0]


def openvino_int8(model, folder, calibration):
    try:
        import nncf
        import openvino
    except ImportError as e:
        raise Unavailable(str(e))
    network = openvino.Core().read_model(model.path)
    network.reshape(list(model.shape))
    b = model.shape[0]
    batches = [calibration[i : i + b] for i in range(0, len(calibration), b)]
    out = os.path.join(folder, f"{model.name}.openvino.xml")
    openvino.save_model(nncf.quantize(network, nncf.Dataset(batches), preset=nncf.QuantizationPreset.MIXED), out)
    return out


def same_answer(a, b):
    """Cosine of two outputs: tells an engine that computes nonsense quickly."""
    a, b = np.ravel(a).astype(np.float64), np.ravel(b).astype(np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30))
