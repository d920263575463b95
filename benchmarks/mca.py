"""What llvm-mca makes of the inner loops of kernels, as a markdown table. Not a timing of silicon: LLVM's
models of the cores (its cortex-a76 is that of the older cortex-a57), no cache misses, every branch predicted.

    python3 benchmarks/mca.py [--x86] [--dyadic build/release/bin/dyadic] [--keep FOLDER]

Each shape is compiled to assembly for each core. Of every function that multiplies, the innermost loop with most
products is taken. Bound: the cycles that llvm-mca gives for the loop's multiplications (and the sadalp of plain NEON)
alone, without dependencies (M = 1: and its loads); of a depthwise kernel, whose loop ends in
the requantization, the cycles of one smlal for four products.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRODUCTS = re.compile(r"(us|su|s|u)dot$|(us|s|u)mmla$|fmla$|smlal2?$|smull2?$|sadalp$|vpdpbusds?$|vpdpwssd$|vpmaddwd$|vfmadd\d+ps$")
NEON = ",-dotprod,-i8mm"
# Per kind of kernel, the cores it is looked at on.
DOT = ["cortex-a76", "neoverse-n1", "neoverse-v2"]
PLAIN = ["cortex-a53", "cortex-a55" + NEON, "neoverse-n1" + NEON]


def conv(size, channels, outputs, kernel, groups=1):
    return ("conv", (1, channels, size, size), (outputs, channels // groups, kernel, kernel), groups)


def matmul(rows, depth, columns):
    return ("matmul", (rows, depth), (depth, columns), 1)


ARM = {
    "1×1 conv 56×56×64→256": (conv(56, 64, 256, 1), DOT + PLAIN),
    "3×3 conv 28×28×128→128": (conv(30, 128, 128, 3), DOT + PLAIN),
    "GEMM 128×768×3072": (matmul(128, 768, 3072), DOT + PLAIN),
    "M=1 1×1024→1000": (matmul(1, 1024, 1000), DOT),
    "depthwise 3×3 112×112×32": (conv(114, 32, 32, 3, 32), DOT),
    "f32 GEMM 128×768×3072": (matmul(128, 768, 3072), DOT),
}

X86 = {
    "1×1 conv 56×56×64→256": (conv(56, 64, 256, 1), ["znver4", "avx2"]),
    "3×3 conv 28×28×128→128": (conv(30, 128, 128, 3), ["znver4", "avx2"]),
    "3×3 conv 7×7×512→512": (conv(9, 512, 512, 3), ["znver4"]),
    "7×7/2 conv 112×112×3→64": (("conv", (1, 3, 229, 229), (64, 3, 7, 7), 1, 2), ["znver4"]),
    "GEMM 128×768×3072": (matmul(128, 768, 3072), ["znver4", "avx2"]),
    "GEMM 1024³": (matmul(1024, 1024, 1024), ["znver4"]),
    "M=1 1×4096→4096": (matmul(1, 4096, 4096), ["znver4"]),
    "depthwise 3×3 112×112×96": (conv(114, 96, 96, 3, 96), ["znver4", "avx2"]),
    "depthwise 5×5 30×30×192": (conv(34, 192, 192, 5, 192), ["znver4"]),
    "f32 GEMM 128×768×3072": (matmul(128, 768, 3072), ["znver4"]),
}


def write_model(path, shape, rng):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    op, x, w, groups, *stride = shape
    weights = numpy_helper.from_array(rng.normal(0, 1, w).astype(np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=groups, strides=2 * (stride or [1])) if op == "conv" else helper.make_node("MatMul", ["x", "w"], ["y"])
    info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x if name == "x" else None)
    graph = helper.make_graph([node], "g", [info("x")], [info("y")], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)


def loops(assembly):
    """(function, instructions) of each innermost loop."""
    lines, labels, function, found = assembly.split("\n"), {}, None, []
    for i, line in enumerate(lines):
        if match := re.match(r"([\w.$]+):", line):
            labels[match[1]] = i
            function = function if match[1].startswith(".") else match[1]
        elif (match := re.match(r"\s+(?:b\.\w+|b|t?bn?z|cbn?z|j\w+)\s.*?(\.L\w+)$", line)) and match[1] in labels:
            found.append((labels[match[1]], i, function))
    for start, end, function in found:
        if not any(s >= start and e <= end and (s, e) != (start, end) for s, e, _ in found):
            code = [re.split("//|#", l)[0].strip() for l in lines[start + 1 : end + 1]]
            yield function, [l for l in code if l and not l.endswith(":") and not l.startswith(".")]


def mnemonic(instruction):
    return instruction.split()[0]


def mca(instructions, cpu, iterations=200):
    """(cycles, reciprocal throughput) of one pass over the instructions."""
    if cpu in ("znver4", "avx2"):
        machine = ["-mtriple=x86_64", "-mcpu=znver4"]
    else:
        machine = ["-mtriple=aarch64", f"-mcpu={cpu.split(',')[0]}", "-mattr=+dotprod,+i8mm"]
    command = ["llvm-mca-22", *machine, f"-iterations={iterations}"]
    done = subprocess.run(command, input="\n".join(instructions), text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    number = lambda key: float(re.search(key + r":\s+([\d.]+)", done.stdout)[1])
    return number("Total Cycles") / iterations, number("Block RThroughput")


def products_of(loop):
    """Products of 8-bit or float operands that one pass makes."""
    registers = {"zmm": 64, "ymm": 32, "xmm": 16}
    wide = [next((n for r, n in registers.items() if r in i), 0) for i in loop if re.match(r"vpdpbusd|vpdpwssd|vpmaddwd|vfmadd", i)]
    if any(wide):
        integers = [i for i in loop if i.startswith("vp")]
        return sum(wide) if any(PRODUCTS.match(mnemonic(i)) for i in integers) else sum(wide) // 4
    each = {"dot": 16, "mmla": 32, "fmla": 4, "mul": 8, "mla": 8, "mlal": 8, "mull": 8}
    found = [m for m in map(mnemonic, loop) if PRODUCTS.match(m) and m != "sadalp"]
    if any(m != "fmla" for m in found):
        found = [m for m in found if m != "fmla"]  # of a requantization
    return sum(next(n for key, n in each.items() if key in m) for m in found)


def bound_of(name, loop, cpu):
    products = [i for i in loop if PRODUCTS.match(mnemonic(i))]
    if products[0].startswith("v"):
        if cpu == "avx2":
            products += [i for i in loop if mnemonic(i) == "vpaddd"]
        counts = collections.Counter(mnemonic(i) for i in products)
        # Registers alone: that operands come from memory is not the unit's.
        alone = [re.sub(r"\t-?\w*\(.*?\)(\{[^}]*\})?", "\t%" + re.search("[xyz]mm", i)[0] + "15", i) for i in products]
        return mca(alone, cpu)[1], ", ".join(f"{n} {m}" for m, n in counts.most_common())
    if name.startswith("depthwise"):
        count = products_of(loop) // 4
        return count * mca([f"smlal v{r}.4s, v30.4h, v31.4h" for r in range(16)], cpu)[1] / 16, f"{count} smlal"
    counts = collections.Counter(map(mnemonic, products))
    what = ", ".join(f"{n} {m}" for m, n in counts.most_common())
    if name.startswith("M=1"):
        # Each weight is loaded for one product: both have to go through the front end.
        return mca([i for i in loop if i.startswith("ld")] + products, cpu)[1], what + " and their loads"
    return mca(products, cpu)[1], what


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dyadic", default=os.path.join(ROOT, "build/release/bin/dyadic"))
    parser.add_argument("--x86", action="store_true", help="x86's kernels instead of ARM's")
    parser.add_argument("--keep", help="leave models and assembly in this folder")
    options = parser.parse_args()
    if not shutil.which("llvm-mca-22"):
        sys.exit("llvm-mca-22 is not installed: apt-get install llvm-22")
    folder = options.keep or tempfile.mkdtemp(prefix="dyadic-mca-")
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(1)
    print("| kernel | core | products of one pass | cycles | bound | of the bound | references to the stack |\n|---|---|---|---:|---:|---:|---:|")
    for number, (name, (shape, cpus)) in enumerate((X86 if options.x86 else ARM).items()):
        at = lambda f: os.path.join(folder, f"{number}-{f}")
        write_model(at("net.onnx"), shape, rng)
        np.savez(at("calib.npz"), x=rng.normal(0, 1, shape[1]).astype(np.float32))
        for cpu in cpus:
            out = at(cpu + ".s")
            how = ["--float"] if name.startswith("f32") else ["--calibrate", at("calib.npz")]
            line = [options.dyadic, "compile", at("net.onnx"), "-o", out, "--target", "x86" if options.x86 else "aarch64-linux-gnu", "--cpu", cpu, *how]
            done = subprocess.run(line, text=True, capture_output=True)
            if done.returncode:
                sys.exit(f"{' '.join(line)}\n{done.stderr}")
            with open(out) as f:
                found = [loop for function, loop in loops(f.read()) if re.search("conv2d|matmul", function)]
            loop = max(found, key=products_of)
            cycles, _ = mca(loop, cpu)
            bound, what = bound_of(name, loop, cpu)
            spills = sum("[sp" in i or "(%rsp" in i for i in loop)
            print(f"| {name} | {cpu.replace(NEON, ' without dotprod')} | {what} | {cycles:.1f} | {bound:.1f} | {100 * bound / cycles:.0f} % | {spills} |", flush=True)
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
