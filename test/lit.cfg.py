import os

import lit.formats

config.name = "Dyadic"
config.test_format = lit.formats.ShTest(False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Integration", "Unit", "Consumer", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
# A sanitizer's runtime can't be loaded behind a program that has none.
if config.sanitized:
    config.unsupported = getattr(config, "stock_mlir_opt", False)
else:
    config.available_features.add("plugin")
tools = [config.dyadic_tools_dir, config.llvm_tools_dir]
if getattr(config, "stock_mlir_opt", False):
    # The same tests by the stock mlir-opt with the plug-in; the stand-in for
    # dyadic-opt says how. "UNSUPPORTED: stock-mlir-opt" needs a reason beside it.
    config.name = "Dyadic under the stock mlir-opt"
    config.suffixes = [".mlir"]
    config.available_features.add("stock-mlir-opt")
    tools.insert(0, os.path.join(config.test_source_root, "Plugin", "Inputs", "bin"))
    config.environment["DYADIC_OPT"] = os.path.join(config.dyadic_tools_dir, "dyadic-opt")
config.environment["MLIR_OPT"] = os.path.join(config.llvm_tools_dir, "mlir-opt")
config.environment["DYADIC_PLUGIN"] = os.path.join(config.dyadic_library_dir, "DyadicPlugin.so")
config.environment["PATH"] = os.pathsep.join(tools + [config.environment["PATH"]])
config.substitutions.append(("%inputs", os.path.join(config.test_source_root, "Inputs")))
plugin = config.environment["DYADIC_PLUGIN"]
config.substitutions += [
    ("%mlir-opt", f"{config.environment['MLIR_OPT']} --load-dialect-plugin={plugin} --load-pass-plugin={plugin}"),
    ("%plugin", plugin),
    ("%cc", config.c_compiler),
    ("%llvm-lib", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")),
]
config.substitutions.append(("%source", config.dyadic_source_dir))

with open("/proc/cpuinfo") as cpuinfo:
    flags = set(cpuinfo.read().split())
for feature in ("avx2", "avx512_vnni"):
    if feature in flags:
        config.available_features.add(feature)
