"""The engines that Dyadic is measured beside, each as a callable of {input name: array} on some threads.

Each constructor raises models.Unavailable where its package isn't installed or knows no such model. Each is
set up as its makers advise: U8S8 with weights per channel for onnxruntime, one stream and latency for
OpenVINO, XNNPACK for LiteRT, data tiling and the host's CPU for IREE.
"""
import os
import subprocess
import sys

import numpy as np
import onnx

from models import Unavailable


def onnxruntime_session(path, threads=1):
    try:
        import onnxruntime
    except ImportError as e:
        raise Unavailable(str(e))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, feeds)[0]


def shapes_of(feeds):
    return {name: list(x.shape) for name, x in feeds.items()}


def static_shape(model, feeds, path):
    """A copy of the model with the benchmark's shapes, at an opset that QDQ needs."""
    loaded = onnx.load(model.path)
    for value in loaded.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, feeds.get(value.name, np.empty(())).shape):
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
            self.feeds = iter(calibration)

        def get_next(self):
            return next(self.feeds, None)

    fixed, ready, out = (os.path.join(folder, f"{model.name}.{s}.onnx") for s in ("fixed", "ready", "int8"))
    if os.path.exists(out):
        return out
    static_shape(model, calibration[0], fixed)
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


def openvino_session(path, feeds, threads=1, precision="f32"):
    """`precision` None: its own choice, bf16 where the machine has it."""
    try:
        import openvino
    except ImportError as e:
        raise Unavailable(str(e))
    core = openvino.Core()
    network = core.read_model(path)
    network.reshape(shapes_of(feeds))
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        settings["INFERENCE_PRECISION_HINT"] = precision
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    return lambda x: request.infer(x)[0]


def openvino_int8(model, folder, calibration):
    try:
        import nncf
        import openvino
    except ImportError as e:
        raise Unavailable(str(e))
    out = os.path.join(folder, f"{model.name}.openvino.xml")
    if os.path.exists(out):
        return out
    network = openvino.Core().read_model(model.path)
    network.reshape(shapes_of(calibration[0]))
    attention = sum(op.get_type_name() == "Softmax" for op in network.get_ops()) > 1
    kind = {"model_type": nncf.ModelType.TRANSFORMER} if attention else {}
    quantized = nncf.quantize(network, nncf.Dataset(calibration), preset=nncf.QuantizationPreset.MIXED, **kind)
    openvino.save_model(quantized, out)
    return out


def litert_session(path, threads=1):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as e:
        raise Unavailable(str(e))
    try:
        interpreter = Interpreter(path, num_threads=threads)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as e:
        raise Unavailable(str(e).strip().splitlines()[0])
    inputs, out = interpreter.get_input_details(), interpreter.get_output_details()[0]["index"]

    def run(feeds):
        for detail, x in zip(inputs, feeds.values()):
            channels_last = np.transpose(x, (0, 2, 3, 1)) if x.ndim == 4 and tuple(detail["shape"]) != x.shape else x
            interpreter.set_tensor(detail["index"], np.ascontiguousarray(channels_last, detail["dtype"]))
        interpreter.invoke()
        return interpreter.get_tensor(out)

    return run


def litert_int8(model, folder, calibration):
    import litert_model

    out = os.path.join(folder, f"{model.name}.tflite")
    if os.path.exists(out):
        return out
    if len(calibration[0]) != 1:
        raise Unavailable("only networks of one input are converted")
    fixed = static_shape(model, calibration[0], os.path.join(folder, f"{model.name}.litert.onnx"))
    name = next(iter(calibration[0]))
    samples = np.concatenate([feeds[name] for feeds in calibration])
    return litert_model.convert(fixed, name, samples, len(calibration[0][name]), out)


def iree_session(path, folder, name, threads=1):
    try:
        import iree.compiler
        import iree.runtime
    except ImportError as e:
        raise Unavailable(str(e))
    at = lambda extension: os.path.join(folder, f"{name}.iree.{extension}")
    if not os.path.exists(at("vmfb")):
        loaded = onnx.load(path)
        if loaded.opset_import[0].version < 17:
            loaded = onnx.version_converter.convert_version(loaded, 17)
        onnx.save(loaded, at("onnx"))
        tools = os.path.dirname(sys.executable)
        flags = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host"]
        flags += ["--iree-opt-level=O3", "--iree-opt-data-tiling", "--iree-global-opt-use-im2col-for-convs"]
        for command in (["iree-import-onnx", at("onnx"), "-o", at("mlir")], ["iree-compile", at("mlir"), "-o", at("vmfb"), *flags]):
            done = subprocess.run([os.path.join(tools, command[0]), *command[1:]], capture_output=True, text=True)
            if done.returncode:
                raise Unavailable(f"{command[0]}: {done.stderr.strip().splitlines()[0] if done.stderr.strip() else 'failed'}")
    module = iree.runtime.load_vm_flatbuffer_file(at("vmfb"), driver="local-sync" if threads == 1 else "local-task")
    function = module[[f for f in module.vm_module.function_names if not f.startswith("__") and "$" not in f][0]]
    return lambda feeds: function(*feeds.values()).to_host()


def same_answer(a, b):
    """Cosine of two outputs: tells an engine that computes nonsense quickly."""
    a, b = np.ravel(a).astype(np.float64), np.ravel(b).astype(np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30))
