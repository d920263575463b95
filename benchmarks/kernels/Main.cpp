//===- Main.cpp - dyadic-benchmark: kernels against the machine's limits --===//
//
//   dyadic-benchmark [--cpu=LEVEL] [Google Benchmark's options]
//
// Counters: GOP/s; `peak`, the part of what the level's own instruction reaches
// in a loop by itself, measured before and after; GB/s of weights for products
// of one row, and `bandwidth`, the part of what a plain loop reads from a
// buffer of the same size.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Peak.h"

#include "dyadic/InitAll.h"
#include "dyadic/Target/Target.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <map>

using namespace dyadic;
using namespace dyadic::bench;

static std::vector<Shape> shapes() {
  std::vector<Shape> list{
      gemm(1024, 1024, 1024), gemm(128, 3072, 768), gemm(128, 768, 768),
      gemm(3136, 64, 576),    gemm(256, 256, 256),  gemm(784, 512, 128),
      gemm(1, 4096, 4096),    conv(56, 64, 64, 3),  conv(28, 128, 128, 3),
      conv(14, 256, 256, 3),  conv(7, 512, 512, 3), conv(56, 64, 256, 1),
      conv(28, 512, 128, 1),  conv(14, 1024, 256, 1), conv(7, 2048, 512, 1),
      conv(112, 3, 64, 7, 2), conv(112, 3, 32, 3, 2)};
  for (auto [size, channels, kernel, stride] :
       {std::tuple(112, 96, 3, 1), {56, 144, 3, 2}, {28, 192, 3, 1},
        {14, 576, 3, 1}, {30, 192, 5, 1}})
    list.push_back(depthwise(size, channels, kernel, stride));
  return list;
}

/// Reads more than every cache holds; writes nothing, which would have to go
/// back to memory while a kernel runs.
static void emptyCaches() {
  static const std::vector<char> other(96 << 20, 1);
  long sum = 0;
  for (size_t i = 0; i < other.size(); i += 64)
    sum += other[i];
  benchmark::DoNotOptimize(sum);
}

static void runKernel(benchmark::State &state, mlir::MLIRContext &context,
                      const Shape &shape, const std::string &cpu, double peak,
                      bool cold) {
  auto kernel = Kernel::create(context, shape, cpu);
  if (mlir::failed(kernel))
    return state.SkipWithError("doesn't compile");
  (*kernel)->run();
  for (auto _ : state) {
    if (cold) {
      state.PauseTiming();
      emptyCaches();
      state.ResumeTiming();
    }
    (*kernel)->run();
  }
  auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GOP/s"] = benchmark::Counter(1e-9 * shape.operations(), rate);
  if (peak)
    state.counters["peak"] =
        benchmark::Counter(1e-9 * shape.operations() / peak, rate);
  if (!shape.kernel && shape.width == 1) {
    double bytes = (*kernel)->weightBytes();
    double limit = measureReadBandwidth(cold ? 256 << 20 : size_t(bytes));
    state.counters["GB/s"] = benchmark::Counter(1e-9 * bytes, rate);
    state.counters["bandwidth"] = benchmark::Counter(1e-9 * bytes / limit, rate);
  }
}

int main(int argc, char **argv) {
  std::string cpu = "native";
  int kept = 1;
  for (int i = 1; i < argc; ++i)
    if (!std::strncmp(argv[i], "--cpu=", 6))
      cpu = argv[i] + 6;
    else
      argv[kept++] = argv[i];
  argc = kept;
  argv[argc] = nullptr;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects(); // modules are built here, not parsed
  auto target = resolveTarget(cpu, mlir::UnknownLoc::get(&context));
  if (mlir::failed(target))
    return 2;
  std::string missing;
  if (!hostSupports(*target, missing)) {
    std::fprintf(stderr, "error: this machine has no %s\n", missing.c_str());
    return 1;
  }
  double peak = 0;
  for (const Peak &found : measurePeaks()) {
    benchmark::AddCustomContext(
        "peak of " + found.instruction,
        found.gops ? std::to_string(found.gops) + " GOP/s" : "not here");
    if (found.level == target->level)
      peak = found.gops;
  }
  for (auto [name, bytes] : std::map<std::string, size_t>{
           {"L1", 16 << 10}, {"L2", 512 << 10}, {"L3", 16 << 20}, {"memory", 256 << 20}})
    benchmark::AddCustomContext(
        "reading from " + name,
        std::to_string(measureReadBandwidth(bytes)) + " GB/s");
  benchmark::AddCustomContext("kernels", target->level);
  for (const Shape &shape : shapes()) {
    auto add = [&](const std::string &name, bool cold) {
      auto *registered = benchmark::RegisterBenchmark(
          name.c_str(), [&context, shape, cpu, peak, cold](benchmark::State &state) {
            runKernel(state, context, shape, cpu, peak, cold);
          });
      registered->Unit(benchmark::kMicrosecond);
      if (cold)
        registered->Iterations(20);
    };
    add(shape.name, false);
    if (!shape.kernel && shape.width == 1)
      add(shape.name + " cold", true);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
