"""What scripts/gpu does on the machine with the GPU: runs each prepared model, compares its bytes
with those of the CPU's program and times it. Needs nothing but Python and the driver."""
import argparse
import ctypes
import json
import os
import re
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WARM_UP = 20


class TensorInfo(ctypes.Structure):  # lib/Emit/Runtime/dyadic_model.h
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("bytes", ctypes.c_int64),
        ("arena_offset", ctypes.c_int64),
        ("rank", ctypes.c_int32),
        ("kind", ctypes.c_int32),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
        ("extents", ctypes.POINTER(ctypes.c_int64)),
        ("open_dim", ctypes.c_int64),
    ]


class ModelInfo(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("inputs", ctypes.POINTER(TensorInfo)),
        ("outputs", ctypes.POINTER(TensorInfo)),
        ("kept", ctypes.POINTER(TensorInfo)),
        ("num_inputs", ctypes.c_int32),
        ("num_outputs", ctypes.c_int32),
    ]


class Driver:
    """The few calls of libcuda that timing on the device needs."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as e:
            sys.exit(f"no NVIDIA driver: {e}")
        self.call("cuInit", 0)
        self.device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(self.device), 0)

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status:
            sys.exit(f"{name} fails with {status}")

    def enter(self):
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxPushCurrent_v2", context)

    def name(self):
        text = ctypes.create_string_buffer(128)
        self.call("cuDeviceGetName", text, 128, self.device)
        return text.value.decode()

    def arch(self):
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(major), 75, self.device)
        self.call("cuDeviceGetAttribute", ctypes.byref(minor), 76, self.device)
        return 10 * major.value + minor.value

    def version(self):
        number = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(number))
        return f"CUDA {number.value // 1000}.{number.value % 1000 // 10}"

    def allocate(self, size):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def make(self, function, flags):
        handle = ctypes.c_void_p()
        self.call(function, ctypes.byref(handle), flags)
        return handle


class Model:
    def __init__(self, folder, entry):
        self.name, self.entry, self.folder = entry["name"], entry, folder
        path = os.path.join(folder, self.name + ".so")
        self.library = ctypes.CDLL(path)
        self.info = ModelInfo.in_dll(self.library, self.name + "_info")
        self.run = self.symbol("_run", None)
        self.run_async = self.symbol("_run_async", ctypes.c_int)
        self.error = self.symbol("_gpu_error", ctypes.c_char_p)
        self.inputs = [self.info.inputs[i] for i in range(self.info.num_inputs)]
        self.outputs = [self.info.outputs[i] for i in range(self.info.num_outputs)]
        self.x = [ctypes.create_string_buffer(t.bytes) for t in self.inputs]
        self.y = [ctypes.create_string_buffer(t.bytes) for t in self.outputs]

    def symbol(self, suffix, result):
        function = getattr(self.library, self.name + suffix)
        function.restype = result
        return function

    def check(self, status):
        if status:
            sys.exit(f"{self.name}: {self.error().decode()}")

    def read(self, suffix):
        with open(os.path.join(self.folder, self.name + suffix), "rb") as f:
            return f.read()

    def compare(self):
        """Bytes that differ from the CPU's, and bytes in all."""
        samples, given = self.entry["samples"], self.read(".x.bin")
        expected = [self.read(f".y{i}.bin") for i in range(len(self.outputs))]
        arguments = [*self.x, *self.y, None]
        different = total = 0
        for sample in range(samples):
            size = self.inputs[0].bytes
            ctypes.memmove(self.x[0], given[sample * size : (sample + 1) * size], size)
            for y in self.y:
                ctypes.memset(y, 0xA5, len(y))
            self.run(*arguments)
            for y, all_of_it in zip(self.y, expected):
                part = all_of_it[sample * len(y) : (sample + 1) * len(y)]
                total += len(part)
                different += sum(a != b for a, b in zip(y.raw, part)) if y.raw != part else 0
        return different, total

    def time_host(self, runs):
        """Milliseconds from host memory to host memory, each run by itself."""
        arguments, times = [*self.x, *self.y, None], []
        for i in range(WARM_UP + runs):
            start = time.perf_counter()
            self.run(*arguments)
            if i >= WARM_UP:
                times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times)

    def time_device(self, driver, runs):
        """Milliseconds on the device, one run alone and many in a row; data stays there."""
        driver.enter()
        arguments = [ctypes.c_uint64(driver.allocate(t.bytes)) for t in [*self.inputs, *self.outputs]]
        stream = driver.make("cuStreamCreate", 1)
        before, after = driver.make("cuEventCreate", 0), driver.make("cuEventCreate", 0)

        def elapsed(count):
            driver.call("cuEventRecord", before, stream)
            for _ in range(count):
                self.check(self.run_async(*arguments, stream))
            driver.call("cuEventRecord", after, stream)
            driver.call("cuEventSynchronize", after)
            time = ctypes.c_float()
            driver.call("cuEventElapsedTime", ctypes.byref(time), before, after)
            return time.value / count

        for _ in range(WARM_UP):
            elapsed(1)
        alone = statistics.median(elapsed(1) for _ in range(runs))
        return alone, min(elapsed(runs) for _ in range(3))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(ROOT, "build/gpu"), help="what scripts/gpu prepare wrote")
    parser.add_argument("--runs", type=int, default=200, help="timed runs, at least 50")
    parser.add_argument("--print-arch", action="store_true", help="print the device's architecture: sm_90")
    options = parser.parse_args()
    driver = Driver()
    if options.print_arch:
        print(f"sm_{driver.arch()}")
        return 0
    if options.runs < 50:
        parser.error("expected at least 50 runs")
    with open(os.path.join(options.out, "manifest.json")) as f:
        manifest = json.load(f)
    wanted = int(re.search(r"\d+", manifest["arch"]).group())
    if driver.arch() < wanted:
        sys.exit(f"prepared for {manifest['arch']}, but the device is sm_{driver.arch()}: scripts/gpu prepare --arch sm_{driver.arch()}")
    print(f"{driver.name()} (sm_{driver.arch()}), driver of {driver.version()}, code for {manifest['arch']}\n")
    print("| model | differing bytes | host to host, ms | on the device, ms | in a row, ms | 10¹² multiply-adds/s |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    broken = False
    for entry in manifest["models"]:
        model = Model(os.path.abspath(options.out), entry)
        model.check(model.symbol("_gpu_init", ctypes.c_int)())
        different, total = model.compare()
        host = model.time_host(options.runs)
        alone, row = model.time_device(driver, options.runs)
        broken |= different != 0
        rate = entry["macs"] / row / 1e9 if row else float("inf")
        print(f"| {model.name} | {different} of {total} | {host:.3f} | {alone:.3f} | {row:.3f} | {rate:.2f} |", flush=True)
        model.symbol("_gpu_close", None)()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
