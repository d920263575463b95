//===- ImportONNX.cpp - the file and what holds for all of it -------------===//
#include "dyadic/Import/ONNX/ImportONNX.h"

#include "GraphImporter.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/Verifier.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <climits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::onnx_import;

/// The range of opsets whose operators the converters follow.
constexpr int64_t kOldestOpset = 6, kNewestOpset = 28;

static LogicalResult parse(StringRef buffer, Location loc,
                           onnx::ModelProto &model) {
  size_t size = buffer.size();
  if (size > INT_MAX)
    return emitError(loc)
           << "the model has " << size
           << " bytes, but a protobuf message ends at 2 GB: store the weights "
              "as external data";
  google::protobuf::io::ArrayInputStream bytes(buffer.data(),
                                               static_cast<int>(size));
  google::protobuf::io::CodedInputStream stream(&bytes);
  stream.SetTotalBytesLimit(INT_MAX);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return emitError(loc) << "not an ONNX model, or a damaged one: it is not "
                             "a valid protobuf message";
  if (!model.has_graph())
    return emitError(loc) << "not an ONNX model: it has no graph";
  return success();
}

static FailureOr<int64_t> readOpset(const onnx::ModelProto &model,
                                    Location loc) {
  int64_t opset = 0;
  for (const onnx::OperatorSetIdProto &set : model.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx")
      opset = std::max<int64_t>(opset, set.version());
  if (opset == 0)
    return emitError(loc) << "the model names no version of the ONNX operators";
  if (opset < kOldestOpset)
    return emitError(loc) << "expected opset " << kOldestOpset
                          << " or newer, but got " << opset;
  if (opset > kNewestOpset)
    emitWarning(loc) << "opset " << opset << " is newer than " << kNewestOpset
                     << ", the newest known; its operators are taken to mean "
                        "what they meant then";
  return opset;
}

static Location locOf(StringRef name, MLIRContext *context) {
  return NameLoc::get(StringAttr::get(context, name));
}

FailureOr<OwningOpRef<ModuleOp>>
dyadic::importONNX(StringRef path, const ONNXImportOptions &options,
                   MLIRContext *context) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return emitError(locOf(path, context)) << "cannot read the model: "
                                           << buffer.getError().message();
  return importONNX({(*buffer)->getBuffer(), path},
                    llvm::sys::path::parent_path(path), options, context);
}

FailureOr<OwningOpRef<ModuleOp>>
dyadic::importONNX(llvm::MemoryBufferRef buffer, StringRef folder,
                   const ONNXImportOptions &options, MLIRContext *context) {
  context->loadDialect<func::FuncDialect, qnn::QNNDialect>();
  Location loc = locOf(buffer.getBufferIdentifier(), context);
  // protobuf would print its own complaints beside ours.
  google::protobuf::LogSilencer silencer;
  onnx::ModelProto model;
  if (failed(parse(buffer.getBuffer(), loc, model)))
    return failure();
  auto opset = readOpset(model, loc);
  if (failed(opset))
    return failure();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  GraphImporter importer(model, *opset, folder, options, *module);
  if (failed(importer.run()) || failed(verify(*module)))
    return failure();
  return module;
}
