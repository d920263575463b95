import os

import lit.formats

config.name = "Dyadic"
config.test_format = lit.formats.ShTest(False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Integration", "Unit", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.environment["PATH"] = os.pathsep.join(
    [config.dyadic_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
)
config.substitutions.append(("%inputs", os.path.join(config.test_source_root, "Inputs")))
config.substitutions.append(("%source", config.dyadic_source_dir))

with open("/proc/cpuinfo") as cpuinfo:
    flags = set(cpuinfo.read().split())
for feature in ("avx2", "avx512_vnni"):
    if feature in flags:
        config.available_features.add(feature)
