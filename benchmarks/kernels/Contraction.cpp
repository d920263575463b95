//===- Contraction.cpp ----------------------------------------------------===//
#include "Contraction.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::bench;

double Shape::operations() const {
  double products = kernel ? double(kernel) * kernel : 1;
  return 2.0 * outputHeight() * outputWidth() * outputs * products *
         (isDepthwise ? 1 : inputs);
}

Shape dyadic::bench::gemm(int64_t rows, int64_t columns, int64_t depth) {
  return {"gemm " + std::to_string(rows) + "x" + std::to_string(columns) + "x" +
              std::to_string(depth),
          1, rows, depth, columns};
}

static std::string windowName(int64_t size, int64_t kernel, int64_t stride) {
  auto squared = [](int64_t n) {
    return std::to_string(n) + "x" + std::to_string(n);
  };
  return squared(kernel) + (stride > 1 ? "/" + std::to_string(stride) : "") +
         " " + squared(size) + " ";
}

Shape dyadic::bench::conv(int64_t size, int64_t inputs, int64_t outputs,
                          int64_t kernel, int64_t stride) {
  int64_t padded = (size - 1) * stride + kernel;
  return {windowName(size, kernel, stride) + std::to_string(inputs) + "-" +
              std::to_string(outputs),
          padded, padded, inputs, outputs, kernel, stride};
}

Shape dyadic::bench::depthwise(int64_t size, int64_t channels, int64_t kernel,
                               int64_t stride) {
  Shape shape = conv(size, channels, channels, kernel, stride);
  shape.name = "depthwise " + windowName(size, kernel, stride) +
               std::to_string(channels);
  shape.isDepthwise = true;
  return shape;
}

namespace {
/// Writes the level-3 module of a shape.
class ModuleWriter {
public:
  ModuleWriter(MLIRContext &context, const Shape &shape)
      : b(&context), loc(b.getUnknownLoc()), shape(shape) {}

  OwningOpRef<ModuleOp> write() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    b.setInsertionPointToStart(module->getBody());
    Type u8 = b.getIntegerType(8, /*isSigned=*/false);
    bool isGemm = !shape.kernel;
    auto in = RankedTensorType::get(
        isGemm ? SmallVector<int64_t>{shape.width, shape.inputs}
               : SmallVector<int64_t>{1, shape.height, shape.width, shape.inputs},
        u8);
    auto out = RankedTensorType::get(
        isGemm ? SmallVector<int64_t>{shape.width, shape.outputs}
               : SmallVector<int64_t>{1, shape.outputHeight(),
                                      shape.outputWidth(), shape.outputs},
        u8);
    auto main = func::FuncOp::create(b, loc, "main",
                                     b.getFunctionType({in}, {out}));
    b.setInsertionPointToStart(main.addEntryBlock());
    Value sums = contraction(main.getArgument(0));
    func::ReturnOp::create(b, loc, requantize(sums, out));
    return module;
  }

private:
  Value constant(ArrayRef<int64_t> extents, Type element, int low, int high) {
    auto type = RankedTensorType::get(extents, element);
    HostTensor tensor(*elementKindOf(element), extents);
    std::uniform_int_distribution<int> uniform(low, high);
    for (int64_t i = 0; i < tensor.numElements(); ++i)
      tensor.set(i, uniform(random));
    return dyadic::ConstantOp::create(b, loc, type,
                                      makeConstant(std::move(tensor), type));
  }

  Value contraction(Value x) {
    Value bias = constant({shape.outputs}, b.getI32Type(), -20000, 20000);
    if (!shape.kernel)
      return dyadic::MatmulOp::create(
          b, loc, x, constant({shape.inputs, shape.outputs}, b.getI8Type(), -127, 127),
          bias, /*codebook=*/DenseI8ArrayAttr());
    int64_t depth = shape.isDepthwise ? 1 : shape.inputs;
    Value filter = constant({shape.outputs, shape.kernel, shape.kernel, depth},
                            b.getI8Type(), -127, 127);
    SmallVector<int64_t> strides(2, shape.stride), dilations(2, 1);
    return dyadic::Conv2DOp::create(b, loc, x, filter, bias, strides, dilations,
                                    shape.isDepthwise ? shape.inputs : 1,
                                    /*codebook=*/DenseI8ArrayAttr());
  }

  Value requantize(Value sums, RankedTensorType type) {
    // So that most results lie within the range.
    double products = shape.operations() / 2 / type.getNumElements();
    double scale = 1 / (200 * std::sqrt(products));
    std::uniform_real_distribution<double> factor(0.5, 1.5);
    SmallVector<int32_t> multipliers, shifts;
    for (int64_t i = 0; i < shape.outputs; ++i) {
      auto fixed = quantizeMultiplier(scale * factor(random));
      multipliers.push_back(fixed->multiplier);
      shifts.push_back(fixed->shift);
    }
    return RequantizeOp::create(b, loc, type, sums, multipliers, shifts, 0, 128,
                                0, 255, Rounding::NearestEven);
  }

  OpBuilder b;
  Location loc;
  const Shape &shape;
  std::mt19937 random{1};
};
} // namespace

FailureOr<std::unique_ptr<Kernel>>
Kernel::create(MLIRContext &context, const Shape &shape, StringRef cpu) {
  auto target = resolveTarget(cpu, UnknownLoc::get(&context));
  if (failed(target))
    return failure();
  OwningOpRef<ModuleOp> module = ModuleWriter(context, shape).write();
  if (failed(runPasses(*module, [](OpPassManager &pm) { buildFusePipeline(pm); })))
    return failure();
  auto info = readProgramInfo(*module, "kernel");
  if (failed(info) || failed(runPasses(*module, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, *target, info->name);
      })))
    return failure();
  std::unique_ptr<Kernel> kernel(new Kernel);
  kernel->weights = readWeightBytes(*module);
  EmitOptions options;
  options.target = *target;
  auto program = JITProgram::create(*module, *info, options);
  if (failed(program))
    return failure();
  kernel->program = std::move(*program);
  std::mt19937 random(2);
  for (const TensorInfo &input : info->inputs) {
    HostTensor &tensor = kernel->inputs.emplace_back(input.kind, input.shape);
    for (char &byte : tensor.bytes)
      byte = random();
  }
  for (const TensorInfo &output : info->outputs)
    kernel->outputs.emplace_back(output.kind, output.shape);
  // With what kernels take for themselves, which their code says.
  kernel->arena = HostTensor(ElementKind::U8, {readArenaBytes(*module) + 64});
  for (HostTensor &tensor : kernel->inputs)
    kernel->from.push_back(tensor.bytes.data());
  for (HostTensor &tensor : kernel->outputs)
    kernel->to.push_back(tensor.bytes.data());
  return kernel;
}

void Kernel::run() {
  auto address = reinterpret_cast<uintptr_t>(arena.bytes.data());
  program->run(from, to, reinterpret_cast<void *>((address + 63) / 64 * 64));
}
