//===- Inspect.cpp - dyadic inspect ---------------------------------------===//
#include "CommandLine.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Inspect.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic {

static void print(const CommonOptions &options, const Inspection &found) {
  auto &os = llvm::outs();
  auto printTensors = [&](StringRef what, ArrayRef<TensorInfo> tensors) {
    for (const TensorInfo &tensor : tensors) {
      os << what << " " << tensor.name << " ";
      llvm::interleave(tensor.shape, os, "x");
      os << " " << name(tensor.kind) << "\n";
    }
  };
  os << options.model << "\n";
  printTensors("  input ", found.interface.inputs);
  printTensors("  output", found.interface.outputs);
  int64_t ops = 0;
  for (auto &[kind, count] : found.opCounts)
    ops += count;
  os << llvm::format("  %lld ops, %.3f M parameters, %.3f M multiply-adds a sample\n",
                     (long long)ops, found.parameters / 1e6, found.macs / 1e6);
  for (auto &[kind, count] : found.opCounts)
    os << llvm::format("    %5lld %s\n", (long long)count, kind.c_str());
  os << "  memory          weights     arena\n";
  os << llvm::format("    float    %12s %12s\n", printBytes(found.parameters * 4).c_str(),
                     printBytes(found.floatArenaBytes).c_str());
  os << llvm::format("    integers %12s %12s\n", printBytes(found.integerWeightBytes).c_str(),
                     printBytes(found.integerArenaBytes).c_str());
  if (found.floatOps.empty()) {
    os << "  every op can be computed in integers\n";
    return;
  }
  os << "  " << found.floatOps.size() << " ops stay float:\n";
  for (const FloatOp &op : found.floatOps)
    os << "    " << (op.name.empty() ? "?" : op.name) << " (" << op.kind << ") because "
       << (op.reason.empty() ? "its neighbours do" : op.reason) << "\n";
}

static ExitCode runInspect(CommonOptions &options) {
  options.name = llvm::sys::path::stem(options.model).str();
  Session session;
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  Compilation compilation(&session.context, *resolved);
  auto found = inspect(compilation);
  if (mlir::failed(found))
    return failed(compilation);
  print(options, *found);
  return Done;
}

Command addInspect(CLI::App &app) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App *command = app.add_subcommand(
      "inspect", "what a model is made of, what it needs, and every op that can't "
                 "be compiled");
  options->addModel(*command, "the ONNX file");
  options->addShapes(*command);
  options->addTarget(*command);
  return {command, [options] { return runInspect(*options); }};
}

} // namespace dyadic
