//===- KernelTest.cpp -----------------------------------------------------===//
#include "KernelTest.h"

#include "CrossRun.h"
#include "EmulatedRun.h"

#include "dyadic/Codegen/GenerateKernels.h"
#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Emit/JIT.h"
#include "dyadic/Fuse/Passes.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>

using namespace mlir;

namespace dyadic {

KernelTest::KernelTest() : b(&context) {
  context.loadDialect<qnn::QNNDialect, DyadicDialect, func::FuncDialect>();
  DialectRegistry registry;
  registerReferenceModels(registry);
  context.appendDialectRegistry(registry);
  module = ModuleOp::create(b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  main = func::FuncOp::create(b, b.getUnknownLoc(), "main",
                              b.getFunctionType({}, {}));
  b.setInsertionPointToStart(main.addEntryBlock());
}

void KernelTest::SetUp() {
  Runner runner = Runner::parse(GetParam());
  auto target = resolveTarget(runner.target, b.getUnknownLoc());
  ASSERT_TRUE(succeeded(target));
  if (target->target->isGPU() || runner.emulatedCPU == "emulated")
    return;
  std::string missing = missingForCrossRun();
  if (!runner.emulatedCPU.empty()) {
    if (!missing.empty())
      GTEST_SKIP() << "this machine has no " << missing;
    return;
  }
  if (!hostSupports(*target, missing))
    GTEST_SKIP() << "this machine has no " << missing;
}

HostTensor KernelTest::randomTensor(RankedTensorType type) {
  HostTensor tensor(*elementKindOf(type.getElementType()), type.getShape());
  auto integers = [&](int low, int high) {
    std::uniform_int_distribution<int> uniform(low, high);
    for (int64_t i = 0; i < tensor.numElements(); ++i)
      tensor.set(i, uniform(random));
  };
  if (type.getElementType().isF32()) {
    std::normal_distribution<float> normal(0, 1);
    for (float &x : tensor.as<float>())
      x = normal(random);
  } else if (type.getElementType().isInteger(32)) {
    integers(-20000, 20000);
  } else {
    StorageRange range = storageRange(type);
    integers(range.min, range.max);
    if (onlyExtremes)
      for (int64_t i = 0; i < tensor.numElements(); ++i)
        tensor.set(i, random() % 2 ? range.min : range.max);
    // Runs of the extremes: what sums of few products must hold.
    for (int64_t i = 0; i + 16 <= tensor.numElements(); i += 16)
      if (random() % 8 == 0) {
        double extreme = random() % 2 ? range.min : range.max;
        for (int64_t j = i; j < i + 16; ++j)
          tensor.set(j, extreme);
      }
  }
  return tensor;
}

Value KernelTest::input(Shape shape, Type element) {
  auto type = typed(shape, element);
  auto types = llvm::to_vector(main.getArgumentTypes());
  types.push_back(type);
  main.setFunctionType(b.getFunctionType(types, {}));
  return main.getBody().addArgument(type, b.getUnknownLoc());
}

Value KernelTest::constant(Shape shape, Type element) {
  auto type = typed(shape, element);
  HostTensor tensor = randomTensor(type);
  if (element.isInteger(8))
    for (int64_t i = 0; i < tensor.numElements(); ++i)
      tensor.set(i, std::max(tensor.get(i), leastWeight));
  ElementsAttr value = makeConstant(std::move(tensor), type);
  if (element.isF32())
    return make<qnn::ConstantOp>(type, value);
  return make<dyadic::ConstantOp>(type, value);
}

Value KernelTest::weights(Shape shape, int64_t axis) {
  if (!factorGroup)
    return constant(shape, weightType());
  ChannelMajor layout(shape, axis);
  CodedIntegers integers{{layout.channels, layout.depth, factorGroup, {}}, {}};
  auto among = [&](int least, int most) {
    return static_cast<int8_t>(least + int(random() % (most - least + 1)));
  };
  GroupFactors &factors = integers.factors;
  for (int64_t i = 0; i < factors.channels * factors.groups(); ++i)
    factors.factors.push_back(among(1, 15) * (random() % 2 ? 1 : -1));
  for (int64_t i = 0; i < layout.channels * layout.depth; ++i)
    integers.numbers.push_back(among(-8, 7));
  auto type = typed(shape, i8());
  return make<dyadic::ConstantOp>(type, coded::IntegersAttr::get(type, axis, integers));
}

Value KernelTest::floatWeights(Shape shape, int64_t axis) {
  if (!codedBits)
    return constant(shape, f32());
  ChannelMajor layout(shape, axis);
  CodedWeights coded{{layout.channels, layout.depth, codedGroup, codedBits,
                      CodedGrid::integers(codedBits), {}, {}},
                     {}};
  int64_t values = coded.grid.values.size();
  for (int64_t i = 0; i < layout.channels * coded.grid.groups(); ++i) {
    coded.grid.scales.push_back((1 + random() % 7) * 0.125f / values);
    coded.grid.zeros.push_back(static_cast<int8_t>(random() % values - values / 2));
  }
  for (int64_t i = 0; i < layout.channels * layout.depth; ++i)
    coded.codes.push_back(static_cast<uint8_t>(random() % values));
  auto type = typed(shape, f32());
  return make<qnn::ConstantOp>(type, coded::WeightsAttr::get(type, axis, coded));
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Value KernelTest::conv(Value x, const Conv &conv) {
  int64_t depth = shapeOf(x)[3] / conv.groups;
  SmallVector<int64_t> filter{conv.outputs, conv.kernel, conv.kernel, depth},
      strides(2, conv.stride), dilations(2, conv.dilation), pads(4, 0);
  if (elementType(x).isF32())
    return make<qnn::Conv2DOp>(x, floatWeights(filter, /*axis=*/0),
                               constant({conv.outputs}, f32()), strides, pads,
                               dilations, conv.groups);
  return make<dyadic::Conv2DOp>(x, weights(filter, /*axis=*/0),
                                constant({conv.outputs}, b.getI32Type()),
                                strides, dilations, conv.groups, codebook());
}

Value KernelTest::depthwise(Value x, int64_t kernel, int64_t stride) {
  int64_t channels = shapeOf(x)[3];
  return conv(x, {channels, kernel, stride, 1, channels});
}

Value KernelTest::matmul(Value x, int64_t outputs) {
  int64_t depth = shapeOf(x).back();
  if (elementType(x).isF32())
    return make<qnn::MatmulOp>(x, floatWeights({depth, outputs}, /*axis=*/1),
                               constant({outputs}, f32()));
  return make<dyadic::MatmulOp>(x, weights({depth, outputs}, /*axis=*/1),
                                constant({outputs}, b.getI32Type()),
                                codebook());
}

Value KernelTest::requantize(Value x, bool perChannel, Type output,
                             Rounding rounding) {
  AccumulatorRange widest{-100, 100};
  if (auto producer = x.getDefiningOp<AccumulatorOpInterface>())
    for (AccumulatorRange range : *producer.getAccumulatorRanges()) {
      widest.min = std::min(widest.min, range.min);
      widest.max = std::max(widest.max, range.max);
    }
  StorageRange to = storageRange(output);
  double scale = 3.0 * (to.max - to.min) / widest.magnitude();
  SmallVector<int32_t> multipliers, shifts;
  std::uniform_real_distribution<double> factor(0.2, 1.5);
  for (int64_t i = 0, e = perChannel ? shapeOf(x).back() : 1; i < e; ++i) {
    auto fixed = quantizeMultiplier(scale * factor(random));
    multipliers.push_back(fixed->multiplier);
    shifts.push_back(fixed->shift);
  }
  int32_t zeroPoint = (to.min + to.max) / 2 + 3;
  return make<RequantizeOp>(typed(shapeOf(x), output), x, multipliers, shifts, 0,
                            zeroPoint, to.min, to.max, rounding);
}

Value KernelTest::add(Value lhs, Value rhs) {
  if (elementType(lhs).isF32())
    return make<qnn::AddOp>(lhs, rhs);
  return make<dyadic::AddOp>(lhs, rhs, 131, 7, 23456, -32000);
}

Value KernelTest::lookup(Value x) {
  return make<LookupOp>(
      x.getType(), x,
      makeConstant(randomTensor(typed({256}, elementType(x))),
                   typed({256}, elementType(x))));
}

Value KernelTest::quantize(Value x) {
  return make<QuantizeOp>(typed(shapeOf(x), u8()), x, APFloat(40.25f), 120);
}

Value KernelTest::dequantize(Value x) {
  return make<DequantizeOp>(typed(shapeOf(x), f32()), x, APFloat(0.03f), 120);
}

//===----------------------------------------------------------------------===//
// The comparison
//===----------------------------------------------------------------------===//

/// Levels 3 to 4.
LogicalResult KernelTest::planKernels(ValueRange results) {
  func::ReturnOp::create(b, b.getUnknownLoc(), results);
  main.setFunctionType(
      b.getFunctionType(main.getArgumentTypes(), results.getTypes()));
  if (failed(verify(*module)))
    return failure();
  PassManager pm(&context);
  pm.addNestedPass<func::FuncOp>(createFuseKernels());
  if (overwritesTerms)
    pm.addNestedPass<func::FuncOp>(createPlaceViews());
  pm.addPass(createPlanMemory());
  return pm.run(*module);
}

static void compare(const HostTensor &actual, const HostTensor &expected,
                    size_t number) {
  int64_t wrong = 0;
  std::string first;
  for (int64_t i = 0; i < expected.numElements(); ++i) {
    double a = actual.get(i), e = expected.get(i);
    double tolerance = expected.kind == ElementKind::F32
                           ? 1e-5 * std::max(1.0, std::abs(e))
                           : 0;
    if (!(std::abs(a - e) <= tolerance) && wrong++ == 0)
      first = "element " + std::to_string(i) + " is " + std::to_string(a) +
              ", not " + std::to_string(e);
  }
  EXPECT_EQ(wrong, 0) << "result " << number << ", " << describe(expected)
                      << ": " << first;
}

void KernelTest::check(ValueRange results) {
  ASSERT_TRUE(succeeded(planKernels(results)));
  OwningOpRef<ModuleOp> reference = module->clone();
  auto info = readProgramInfo(*module, "test");
  ASSERT_TRUE(succeeded(info));

  Runner runner = Runner::parse(GetParam());
  EmitOptions emit;
  emit.target = *resolveTarget(runner.target, b.getUnknownLoc());
  bool isGPU = emit.target.target->isGPU(),
       isEmulated = isGPU || runner.emulatedCPU == "emulated";
  PassManager pm(&context);
  pm.addPass(isGPU ? createGenerateGPUKernelsPass({emit.target, "test"})
                   : createGenerateKernelsPass({emit.target, "test"}));
  ASSERT_TRUE(succeeded(pm.run(*module)));
  info->arenaBytes = readArenaBytes(*module);
  module->walk([&](FunctionOpInterface function) {
    if (auto strategy = KernelStrategy::of(function))
      tiles.push_back(strategy->tile);
  });

  auto function = reference->lookupSymbol<func::FuncOp>("main");
  SmallVector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes())
    inputs.push_back(randomTensor(cast<RankedTensorType>(type)));
  auto expected = interpret(function, inputs);
  ASSERT_TRUE(succeeded(expected));

  std::vector<GuardedBuffer> from, to;
  for (const HostTensor &tensor : inputs)
    from.emplace_back(ArrayRef<char>(tensor.bytes));
  for (const HostTensor &tensor : *expected)
    to.emplace_back(static_cast<int64_t>(tensor.bytes.size()));
  if (isEmulated) {
    std::string message;
    ASSERT_TRUE(emulatedRun(*module, emit.target, from, to, info->arenaBytes,
                            message))
        << message;
  } else if (runner.emulatedCPU.empty()) {
    auto program = JITProgram::create(*module, *info, emit);
    ASSERT_TRUE(succeeded(program));
    SmallVector<const void *> inputPointers;
    SmallVector<void *> outputPointers;
    for (GuardedBuffer &buffer : from)
      inputPointers.push_back(buffer.data());
    for (GuardedBuffer &buffer : to)
      outputPointers.push_back(buffer.data());
    std::unique_ptr<char, void (*)(void *)> arena(
        static_cast<char *>(
            std::aligned_alloc(64, (info->arenaBytes + 127) / 64 * 64)),
        free);
    std::memset(arena.get(), 0x7e, (info->arenaBytes + 127) / 64 * 64);
    (*program)->run(inputPointers, outputPointers, arena.get());
  } else {
    SmallVector<char, 0> object;
    ASSERT_TRUE(
        succeeded(compile(*module, *info, emit, CodeKind::Object, object)));
    std::string message;
    ASSERT_TRUE(
        crossRun(runner, object, from, to, info->arenaBytes, message))
        << message;
  }

  for (auto [i, tensor] : llvm::enumerate(*expected)) {
    HostTensor actual(tensor.kind, tensor.shape);
    std::memcpy(actual.bytes.data(), to[i].data(), actual.bytes.size());
    compare(actual, tensor, i);
    EXPECT_TRUE(to[i].intact())
        << "result " << i << ": bytes beside it were written";
  }
}

void KernelTest::checkRefused(ValueRange results, StringRef message) {
  ASSERT_TRUE(succeeded(planKernels(results)));
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      text += diagnostic.str() + "\n";
  });
  PassManager pm(&context);
  Runner runner = Runner::parse(GetParam());
  TargetInfo target = *resolveTarget(runner.target, b.getUnknownLoc());
  pm.addPass(target.target->isGPU()
                 ? createGenerateGPUKernelsPass({target, "test"})
                 : createGenerateKernelsPass({target, "test"}));
  EXPECT_TRUE(failed(pm.run(*module)));
  EXPECT_NE(text.find(message), std::string::npos) << text;
}

} // namespace dyadic
