//===- GPUCompile.cpp - a level-5 module to files for a GPU ---------------===//
#include "HostModule.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace dyadic {

/// The bytes of the one constant that kernels read.
static FailureOr<std::string> readWeights(ModuleOp module) {
  std::string bytes;
  for (auto global : module.getOps<memref::GlobalOp>()) {
    if (!global.getConstant() || !global.getInitialValue())
      continue;
    if (!bytes.empty())
      return global.emitError("expected all weights in one constant");
    auto tensor = readConstant(*global.getInitialValue());
    if (failed(tensor))
      return global.emitError("expected a constant with its bytes at hand");
    bytes.assign(reinterpret_cast<const char *>(tensor->bytes.data()),
                 tensor->bytes.size());
  }
  return bytes;
}

LogicalResult compileGPU(ModuleOp module, const ProgramInfo &info,
                         const EmitOptions &options, CodeKind kind,
                         SmallVectorImpl<char> &bytes) {
  Location loc = module.getLoc();
  auto table = readLaunches(module, info);
  if (failed(table))
    return failure();
  auto weights = readWeights(module);
  if (failed(weights))
    return failure();
  auto ptx = emitPTX(module, *table, options);
  if (failed(ptx))
    return failure();
  std::string arch = gpuArch(options.target);
  if (kind == CodeKind::Assembly) {
    bytes.assign(ptx->begin(), ptx->end());
    return success();
  }
  if (kind == CodeKind::Cubin) {
    auto cubin = assemblePTX(*ptx, arch, options.gpu.ptxas, loc);
    if (failed(cubin))
      return failure();
    bytes.assign(cubin->begin(), cubin->end());
    return success();
  }
  SmallVector<GPUImage> images{{*ptx, arch, false}};
  for (const std::string &other : options.gpu.cubins) {
    auto cubin = assemblePTX(*ptx, other, options.gpu.ptxas, loc);
    if (failed(cubin))
      return failure();
    images.push_back({*cubin, other, true});
  }
  return compileHost(options.gpu.fallback, info, *table, images, *weights,
                     options, bytes, loc);
}

} // namespace dyadic
