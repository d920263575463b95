"""Other machines, as QEMU has them: every byte of every tensor is this machine's; what a machine can't run says so."""
import functools
import os
import re
import shutil
import tempfile
import unittest

import numpy as np

import harness
import smallnets
from harness import DYADIC
from models import MODELS, ROOT, Unavailable
from native import Native
from test_models import TOLERANCE, integers

DIGITS = os.path.join(ROOT, "examples/digits")
ARM_CORES = ["cortex-a53", "cortex-a76", "max"]  # neon, dotprod, i8mm
AARCH64 = ["--target", "aarch64-linux-gnu"]


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise unittest.SkipTest(f"{tool} is not installed")


@functools.lru_cache(None)
def folder(name):
    """A scratch folder with samples of a model and what this machine makes of them (which test_models.py
    compares with the interpreter)."""
    model = MODELS[name]
    try:
        model.path
    except Unavailable as e:
        raise unittest.SkipTest(str(e))
    path = tempfile.mkdtemp(prefix=f"dyadic-target-{name}-")
    unittest.addModuleCleanup(shutil.rmtree, path, ignore_errors=True)
    calib = model.write_samples(os.path.join(path, "calib.npz"), 2, 1)
    samples = model.write_samples(os.path.join(path, "test.npz"), 1, 2)
    out, kept = os.path.join(path, "expected.npz"), os.path.join(path, "expected-kept.npz")
    command = [DYADIC, "run", model.path, "--calibrate", calib, "--input", samples, *model.shape_flags()]
    harness.check([*command, "--output", out, "--keep-all", kept])
    return path


class Targets(unittest.TestCase):
    def build(self, name, out, flags, keep=True):
        model, at = MODELS[name], folder(name)
        how = ["--calibrate", os.path.join(at, "calib.npz"), *model.shape_flags(), *(["--keep-all"] if keep else [])]
        harness.check([DYADIC, "compile", model.path, "-o", os.path.join(at, out), *how, *flags])
        return os.path.join(at, out)

    def compare(self, name, command):
        """Runs `command` on the model's sample: the same integers everywhere, floats within the tolerance."""
        at = folder(name)
        out, kept = os.path.join(at, "out.npz"), os.path.join(at, "kept.npz")
        harness.check([*command, os.path.join(at, "test.npz"), "--output", out, "--keep-all", kept])
        expected, got = harness.load(os.path.join(at, "expected-kept.npz")), harness.load(kept)
        self.assertEqual(sorted(expected), sorted(got))
        self.assertTrue(integers(got), "expected at least one integer tensor to be kept")
        differing = {k: int((expected[k] != v).sum()) for k, v in integers(got).items() if (expected[k] != v).any()}
        self.assertEqual({}, differing, f"differing elements in {len(differing)} of {len(got)} tensors")
        expected, got = harness.load(os.path.join(at, "expected.npz")), harness.load(out)
        self.assertEqual(sorted(expected), sorted(got))
        for key in got:
            bound = TOLERANCE * np.abs(expected[key]).max()
            np.testing.assert_allclose(expected[key], got[key], rtol=0, atol=bound)

    def arm(self, name):
        need("qemu-aarch64", "aarch64-linux-gnu-gcc")
        binary = self.build(name, "arm", [*AARCH64, "--cpu", "neon,dotprod,i8mm", "--static"])
        for core in ARM_CORES:
            with self.subTest(core=core):
                self.compare(name, ["qemu-aarch64", "-cpu", core, binary])

    def portable(self, target, emulator, compiler):
        need(emulator, compiler)
        for name in ("digits", "cls"):
            with self.subTest(model=name):
                self.compare(name, [emulator, self.build(name, target, ["--target", target, "--static"])])

    def test_armv7(self):
        self.portable("armv7a-linux-gnueabihf", "qemu-arm", "arm-linux-gnueabihf-gcc")

    def test_riscv64(self):
        self.portable("riscv64-linux-gnu", "qemu-riscv64", "riscv64-linux-gnu-gcc")

    def test_aarch64_scalar(self):
        need("qemu-aarch64", "aarch64-linux-gnu-gcc")
        self.compare("cls", ["qemu-aarch64", self.build("cls", "scalar", [*AARCH64, "--cpu", "scalar", "--static"])])

    # Bare metal.

    def test_bare_metal_objects_call_nothing(self):
        need("llvm-nm-22")
        for name, cpu in (("digits", "cortex-m4"), ("cls", "cortex-m7"), ("rec", "cortex-m4")):
            with self.subTest(model=name, cpu=cpu):
                binary = self.build(name, f"{cpu}.o", ["--target", "thumbv7em-none-eabihf", "--cpu", cpu], keep=False)
                wanted = harness.check(["llvm-nm-22", "-u", "--format=just-symbols", binary]).stdout.split()
                self.assertLessEqual(set(wanted), {"memcpy", "memset"})

    def test_a_model_that_needs_libm_is_refused_on_bare_metal(self):
        import onnx
        from onnx import TensorProto, helper

        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 8]) for n in "xy")
        graph = helper.make_graph([helper.make_node("Sin", ["x"], ["y"], "wave")], "g", [x], [y])
        with tempfile.TemporaryDirectory() as at:
            path = os.path.join(at, "sin.onnx")
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
            command = [DYADIC, "compile", path, "--float", "-o", os.path.join(at, "sin.o"), "--target", "thumbv7em-none-eabihf"]
            done = harness.run(command)
            self.assertEqual(1, done.returncode, done.stderr)
            self.assertRegex(done.stderr, "bare machine .* would call sinf|no kernel|unsupported|not supported")
            self.assertEqual(["sin.onnx"], os.listdir(at))

    def test_bare_metal_machine(self):
        """On a Cortex-M4 with 4 MB of memory, started by 40 lines of C and no library."""
        need("qemu-system-arm", "clang-22", "ld.lld")
        at = folder("digits")
        self.build("digits", "digits.o", ["--target", "thumbv7em-none-eabihf", "--cpu", "cortex-m4", "--name", "digits"], keep=False)
        source, binary = os.path.join(at, "board.c"), os.path.join(at, "board.elf")
        values = harness.load(os.path.join(at, "test.npz"))["image"].ravel()
        with open(source, "w") as f:
            f.write(BOARD.replace("@VALUES@", ",".join(f"{float(v).hex()}f" for v in values)))
        target = ["--target=thumbv7em-none-eabihf", "-mcpu=cortex-m4", "-ffreestanding", "-fno-builtin", "-Os"]
        script = os.path.join(at, "board.ld")
        with open(script, "w") as f:
            f.write(LAYOUT)
        link = ["-nostdlib", "-fuse-ld=lld", f"-Wl,-T,{script}"]
        harness.check(["clang-22", *target, f"-I{at}", source, os.path.join(at, "digits.o"), *link, "-o", binary])
        run = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"]
        done = harness.check([*run, "-semihosting-config", "enable=on,target=native", "-kernel", binary], limit=60)
        words = re.findall("[0-9a-f]{8}", done.stdout + done.stderr)
        expected = harness.load(os.path.join(at, "expected.npz"))["scores"].ravel()
        self.assertEqual([f"{w:08x}" for w in expected.view(np.uint32)], words)

    # Variants and what a machine lacks.

    def test_variants_on_x86(self):
        binary = self.build("cls", "variants", ["--cpu", "scalar,avx2,avx512vnni"])
        self.compare("cls", [binary])
        need("qemu-x86_64")
        for core in ("qemu64", "max"):  # neither has AVX-512
            with self.subTest(core=core):
                self.compare("cls", ["qemu-x86_64", "-cpu", core, binary])

    def test_variants_share_weights(self):
        weights = lambda cpu: Native(self.build("cls", f"shared{cpu.count(',')}.so", ["--cpu", cpu], keep=False)).info.weight_bytes
        alone, both = weights("avx512vnni"), weights("avx2,avx512vnni")
        print(f"cls: {alone} bytes of weights, {both} with two variants", flush=True)
        self.assertLess(both, 1.5 * alone)

    def test_variants_of_one_kernel_with_weights(self):
        """All bytes are that kernel's."""
        at = tempfile.mkdtemp(prefix="dyadic-variants-")
        self.addCleanup(shutil.rmtree, at, ignore_errors=True)
        path = lambda name: os.path.join(at, name)
        smallnets.write("matmul_of_two_activations", path("net.onnx"))
        np.savez(path("x.npz"), x=np.random.default_rng(1).normal(0, 1, (8, 3, 11, 16)).astype(np.float32))
        how = [path("net.onnx"), "--calibrate", path("x.npz")]
        harness.check([DYADIC, "run", *how, "--input", path("x.npz"), "--output", path("expected.npz")])
        harness.check([DYADIC, "compile", *how, "--cpu", "scalar,avx2,avx512vnni", "-o", path("net")])
        harness.check([path("net"), path("x.npz"), "--output", path("got.npz")])
        np.testing.assert_array_equal(harness.load(path("expected.npz"))["y"], harness.load(path("got.npz"))["y"])

    def test_the_header_and_the_table_list_variants(self):
        path = self.build("digits", "digits3.o", ["--cpu", "scalar,avx2", "--name", "three"])
        with open(path[:-2] + ".h") as f:
            text = f.read()
        self.assertIn("(scalar, avx2)", text)
        self.assertIn("int three_supported(void);", text)
        with open(path, "rb") as f:
            self.assertIn(b"scalar,avx2\0", f.read())

    def test_a_core_without_the_feature(self):
        need("qemu-aarch64", "aarch64-linux-gnu-gcc")
        binary = self.build("digits", "dotprod", [*AARCH64, "--cpu", "dotprod", "--static"])
        done = harness.run(["qemu-aarch64", "-cpu", "cortex-a53", binary, os.path.join(folder("digits"), "test.npz")])
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("needs a processor with dotprod", done.stderr)

    def test_this_machine_without_the_feature(self):
        if "amx_tile" in harness.cpu_flags():
            self.skipTest("this machine has what the test needs it to lack")
        at, flags = folder("digits"), ["--cpu", "scalar,+amx-int8"]
        samples = os.path.join(at, "test.npz")
        for name, command in (("amx", []), ("libamx.so", [DYADIC, "run"])):
            with self.subTest(artefact=name):
                binary = self.build("digits", name, flags)
                how = ["--input", samples] if command else [samples]
                done = harness.run([*command, binary, *how])
                self.assertEqual(1, done.returncode, done.stderr)
                self.assertIn("needs a processor with amx-tile", done.stderr)

    def test_supported_tells_c_programs(self):
        at = folder("digits")
        source = os.path.join(at, "supported.c")
        for name, cpu, expected in (("plain", "scalar", "1"), ("amx", "scalar,+amx-int8", "0")):
            if name == "amx" and "amx_tile" in harness.cpu_flags():
                continue
            with self.subTest(cpu=cpu):
                built = self.build("digits", f"{name}.o", ["--cpu", cpu])
                with open(source, "w") as f:
                    f.write(f'#include "{name}.h"\n#include <stdio.h>\nint main(void) {{ printf("%d", {name}_supported()); return 0; }}\n')
                harness.check(["cc", source, built, "-lm", "-o", os.path.join(at, "supported")])
                self.assertEqual(expected, harness.check([os.path.join(at, "supported")]).stdout)

    # The tool itself.

    def test_run_and_evaluate_use_qemu(self):
        need("qemu-aarch64", "aarch64-linux-gnu-gcc")
        at = folder("digits")
        model = os.path.join(DIGITS, "digits.onnx")
        common = ["--calibrate", os.path.join(at, "calib.npz"), *AARCH64]
        out, kept, samples = os.path.join(at, "q.npz"), os.path.join(at, "qk.npz"), os.path.join(at, "test.npz")
        harness.check([DYADIC, "run", model, *common, "--input", samples, "-o", out, "--keep-all", kept])
        for got, expected in ((out, "expected.npz"), (kept, "expected-kept.npz")):
            got, expected = harness.load(got), harness.load(os.path.join(at, expected))
            self.assertEqual(sorted(expected), sorted(got))
            for key in got:
                np.testing.assert_array_equal(expected[key], got[key])
        text = harness.check([DYADIC, "evaluate", model, *common, "--cpu", "cortex-a76", "--data", samples]).stdout
        self.assertRegex(text, r"scores +\d+\.\d\d +0\.99")

    def test_objects_of_other_systems(self):
        need("llvm-readobj-22")
        for target, form in (("arm64-apple-macos", "Mach-O arm64"), ("aarch64-linux-android24", "elf64-littleaarch64")):
            for extension in ("o", "a"):
                with self.subTest(target=target, extension=extension):
                    path = self.build("digits", f"other.{extension}", ["--target", target], keep=False)
                    self.assertIn(form, harness.check(["llvm-readobj-22", "--file-headers", path]).stdout)

    def test_clang_links_where_there_is_no_cross_gcc(self):
        need("qemu-aarch64", "clang-22", "ld.lld")
        if not os.path.exists("/usr/aarch64-linux-gnu/lib/crt1.o"):
            self.skipTest("libc6-dev-arm64-cross is not installed")
        at = folder("digits")
        tools = os.path.join(at, "tools")
        os.makedirs(tools, exist_ok=True)
        for tool in ("clang-22", "ld.lld"):
            if not os.path.exists(os.path.join(tools, tool)):
                os.symlink(shutil.which(tool), os.path.join(tools, tool))
        command = [DYADIC, "compile", os.path.join(DIGITS, "digits.onnx"), "--calibrate", os.path.join(at, "calib.npz")]
        binary = os.path.join(at, "by-clang")
        harness.check([*command, *AARCH64, "--keep-all", "-o", binary], env={"PATH": tools})
        self.compare("digits", ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", binary])


LAYOUT = """
MEMORY { code (rx) : ORIGIN = 0, LENGTH = 4M  data (rw) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text* .rodata*) } > code
  /DISCARD/ : { *(.ARM.exidx*) }
  .bss : { *(.data* .bss* COMMON) } > data
}
"""

BOARD = r"""
#include "digits.h"
#include <stddef.h>
static const float input[] = {@VALUES@};
static float output[DIGITS_SCORES_SIZE];
static _Alignas(DIGITS_ARENA_ALIGNMENT) char arena[DIGITS_ARENA_BYTES];
static char stack[65536] __attribute__((aligned(8)));

void *memcpy(void *to, const void *from, size_t n) {
  for (size_t i = 0; i < n; ++i) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}
void *memset(void *to, int value, size_t n) {
  for (size_t i = 0; i < n; ++i) ((volatile char *)to)[i] = (char)value;
  return to;
}
static void semihosting(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static void start(void) {
  *(volatile unsigned *)0xe000ed88 |= 0xf << 20; /* the FPU */
  __asm__ volatile("dsb\n isb");
  digits_run(input, output, arena);
  for (int i = 0; i < DIGITS_SCORES_SIZE; ++i) {
    unsigned bits;
    char text[10];
    memcpy(&bits, &output[i], 4);
    for (int k = 0; k < 8; ++k) text[k] = "0123456789abcdef"[bits >> (28 - 4 * k) & 15];
    text[8] = '\n';
    text[9] = 0;
    semihosting(4, text);
  }
  semihosting(0x18, (void *)0x20026); /* the program ends well */
}
__attribute__((section(".vectors"), used)) static void *const vectors[] = {stack + sizeof stack, (void *)start};
"""

for _name in [n for n in MODELS if n != "minilm"]:  # whose products QEMU takes minutes for
    setattr(Targets, f"test_arm_{_name}", lambda self, n=_name: self.arm(n))

if __name__ == "__main__":
    unittest.main()
