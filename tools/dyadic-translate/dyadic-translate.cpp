//===- dyadic-translate.cpp - foreign models as MLIR text -----------------===//
#include "dyadic/Import/ImportModel.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

namespace cl = llvm::cl;

static cl::opt<std::string> input(cl::Positional, cl::Required,
                                  cl::desc("<model.onnx or model.tflite>"));
static cl::list<std::string>
    shapes("shape", cl::desc("the shape of an input: x=1x3x48x320"),
           cl::value_desc("name=shape"));
static cl::list<std::string>
    values("value", cl::desc("fixes an input to a value: axes=0,1 or x=file.npy"),
           cl::value_desc("name=value"));
static cl::opt<std::string> output("o", cl::desc("output file"),
                                   cl::value_desc("file"), cl::init("-"));
static cl::opt<int64_t>
    elideLimit("elide-constants-above",
               cl::desc("leave out the elements of larger constants"),
               cl::init(-1));
static cl::opt<bool> printLocations("print-locations",
                                    cl::desc("print the names of nodes"));

static bool parseShape(llvm::StringRef text,
                       dyadic::ONNXImportOptions &options) {
  auto [name, list] = text.rsplit('=');
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<llvm::StringRef> extents;
  list.split(extents, 'x');
  for (llvm::StringRef extent : extents)
    if (extent.getAsInteger(10, shape.emplace_back()))
      return false;
  options.shapes[name] = shape;
  return true;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "ONNX and TensorFlow Lite models as MLIR text\n");
  dyadic::ONNXImportOptions options;
  for (const std::string &shape : shapes)
    if (!parseShape(shape, options)) {
      llvm::errs() << "expected --shape name=1x2x3, but got '" << shape
                   << "'\n";
      return 2;
    }
  for (const std::string &value : values)
    if (auto error = dyadic::addInputValue(value, options)) {
      llvm::errs() << "--value: " << llvm::toString(std::move(error)) << "\n";
      return 2;
    }
  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = dyadic::importModel(input, options, &context);
  if (failed(module))
    return 1;
  std::string message;
  auto file = mlir::openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << message << "\n";
    return 1;
  }
  mlir::OpPrintingFlags flags;
  if (elideLimit >= 0)
    flags.elideLargeElementsAttrs(elideLimit)
        .elideLargeResourceString(elideLimit);
  if (printLocations)
    flags.enableDebugInfo(true, /*prettyForm=*/true);
  (*module)->print(file->os(), flags);
  file->os() << "\n";
  file->keep();
}
