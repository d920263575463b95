//===- ProgramInfo.cpp ----------------------------------------------------===//
#include "dyadic/Emit/ProgramInfo.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dyadic {

int64_t TensorInfo::numElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t TensorInfo::numBytes() const { return numElements() * byteWidth(kind); }

SmallVector<int64_t> TensorInfo::shapeAt(int64_t lengthIndex) const {
  SmallVector<int64_t> result(shape);
  if (openDim >= 0)
    result[openDim] = extents[lengthIndex];
  return result;
}

static std::string printShape(ArrayRef<int64_t> shape) {
  return llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }),
                    "x");
}

llvm::Expected<int64_t>
ProgramInfo::lengthOf(ArrayRef<HostTensor> tensors) const {
  auto error = [](const Twine &text) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
  };
  int64_t length = 0;
  for (auto [tensor, given] : llvm::zip_equal(inputs, tensors)) {
    ArrayRef<int64_t> shape = given.shape;
    auto fits = [shape](ArrayRef<int64_t> expected) { return shape == expected; };
    if (tensor.openDim < 0) {
      if (!fits(tensor.shape))
        return error("input '" + tensor.name + "': expected shape " +
                     printShape(tensor.shape) + ", but got " + printShape(shape));
      continue;
    }
    SmallVector<int64_t> expected(tensor.shape);
    int64_t own = shape.size() == expected.size() ? shape[tensor.openDim] : 0;
    expected[tensor.openDim] = own;
    if (!fits(expected) || !lengths->contains(own))
      return error("input '" + tensor.name + "': expected shape " +
                   printShape(tensor.shape) + " with " + lengths->describe() +
                   " as dimension " + std::to_string(tensor.openDim) +
                   ", but got " + printShape(shape));
    if (length && own != length)
      return error("input '" + tensor.name + "': expected the length of the other " +
                   "inputs, " + std::to_string(length) + ", but got " +
                   std::to_string(own));
    length = own;
  }
  return length;
}

SmallVector<HostTensor> ProgramInfo::makeOutputs(int64_t length) const {
  SmallVector<HostTensor> tensors;
  for (const TensorInfo &output : outputs)
    tensors.emplace_back(output.kind,
                         output.shapeAt(lengths ? lengths->indexOf(length) : 0));
  return tensors;
}

std::string toIdentifier(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(result.begin(), '_');
  return result;
}

/// Names in one file must differ: a second "x" becomes "x_2".
static std::string uniqueName(std::string name, llvm::StringSet<> &taken) {
  std::string candidate = name;
  for (int i = 2; !taken.insert(candidate).second; ++i)
    candidate = name + "_" + std::to_string(i);
  return candidate;
}

/// The innermost name of a location, or "" if it has none.
static StringRef nameOf(Location loc) {
  if (auto named = dyn_cast<NameLoc>(loc))
    return named.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    // The last op of a fused kernel is the one whose result it holds.
    for (Location part : llvm::reverse(fused.getLocations()))
      if (StringRef name = nameOf(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nameOf(call.getCallee());
  return "";
}

static FailureOr<TensorInfo> describeTensor(Type type, StringRef name,
                                            Location loc) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return emitError(loc) << "expected a tensor of static shape for '" << name
                          << "', but got " << type;
  auto kind = elementKindOf(tensor.getElementType());
  if (!kind)
    return emitError(loc) << "tensor '" << name
                          << "' has an element type without a C equivalent: "
                          << tensor.getElementType();
  TensorInfo info;
  info.name = name;
  info.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  info.kind = *kind;
  if (auto quantized =
          dyn_cast<quant::UniformQuantizedType>(tensor.getElementType())) {
    info.scale = quantized.getScale();
    info.zeroPoint = quantized.getZeroPoint();
  }
  return info;
}

static LogicalResult readBorder(func::FuncOp main, ProgramInfo &info) {
  llvm::StringSet<> taken;
  auto add = [&](Type type, DictionaryAttr attrs, const Twine &fallback,
                 std::vector<TensorInfo> &list) -> LogicalResult {
    auto name = attrs ? attrs.getAs<StringAttr>(kNameAttr) : StringAttr();
    std::string text = name ? name.str() : fallback.str();
    auto tensor = describeTensor(type, text, main.getLoc());
    if (failed(tensor))
      return failure();
    tensor->name = uniqueName(tensor->name, taken);
    list.push_back(*tensor);
    return success();
  };
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes()))
    if (failed(add(type, main.getArgAttrDict(i), "input" + Twine(i),
                   info.inputs)))
      return failure();
  taken.clear();
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    if (failed(add(type, main.getResultAttrDict(i), "output" + Twine(i),
                   info.outputs)))
      return failure();
  return success();
}

/// The precision behind f32 borders: a kernel that quantizes an argument, one
/// whose result is dequantized.
static void readBorderScales(func::FuncOp main, ProgramInfo &info) {
  for (auto [argument, tensor] :
       llvm::zip_equal(main.getArguments(), info.inputs))
    for (OpOperand &use : argument.getUses()) {
      auto kernel = dyn_cast<KernelOp>(use.getOwner());
      if (!kernel)
        continue;
      Value inside = kernel.getBody().getArgument(use.getOperandNumber());
      for (Operation *user : inside.getUsers())
        if (auto quantize = dyn_cast<QuantizeOp>(user)) {
          tensor.scale = 1.0f / quantize.getInverseScale().convertToFloat();
          tensor.zeroPoint = quantize.getZeroPoint();
        }
    }
  auto results = main.front().getTerminator()->getOperands();
  for (auto [value, tensor] : llvm::zip_equal(results, info.outputs)) {
    auto kernel = value.getDefiningOp<KernelOp>();
    if (!kernel)
      continue;
    Value yielded = kernel.getYield().getValues()[cast<OpResult>(value).getResultNumber()];
    if (auto dequantize = yielded.getDefiningOp<DequantizeOp>()) {
      tensor.scale = dequantize.getScale().convertToFloat();
      tensor.zeroPoint = dequantize.getZeroPoint();
    }
  }
}

static LogicalResult readKept(func::FuncOp main, ProgramInfo &info) {
  llvm::StringSet<> taken;
  for (auto kernel : main.getOps<KernelOp>()) {
    auto offsets = kernel.getArenaOffsets();
    if (!offsets)
      return kernel.emitError("expected arena_offsets; the memory plan comes "
                              "before the program's description");
    for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
      int64_t offset = (*offsets)[i];
      if (offset < 0)
        continue; // a function result: the caller has it
      if (kernel.getLayouts())
        continue; // part of another tensor: --keep-all makes a copy of it
      // The op behind each yielded value has the better name.
      Value yielded = kernel.getYield().getValues()[i];
      StringRef name = nameOf(yielded.getLoc());
      if (name.empty())
        name = nameOf(kernel.getLoc());
      std::string text =
          name.empty() ? "kernel" + std::to_string(info.kept.size()) : name.str();
      auto tensor = describeTensor(result.getType(), text, kernel.getLoc());
      if (failed(tensor))
        return failure();
      tensor->name = uniqueName(tensor->name, taken);
      tensor->arenaOffset = offset;
      info.kept.push_back(*tensor);
    }
  }
  return success();
}

/// Which dimension of each argument and result varies, and how.
static LogicalResult readOpenDims(func::FuncOp main, ProgramInfo &info) {
  auto shapes = DynamicShapes::infer(main);
  if (failed(shapes))
    return failure();
  auto read = [&](ValueRange values,
                  std::vector<TensorInfo> &tensors) -> LogicalResult {
    for (auto [value, tensor] : llvm::zip_equal(values, tensors))
      for (int64_t dim = 0; dim < int64_t(tensor.shape.size()); ++dim) {
        ArrayRef<int64_t> extents = shapes->extents(value, dim);
        if (extents.empty())
          continue;
        if (tensor.openDim >= 0)
          return main.emitError("expected at most one dimension that varies, but '")
                 << tensor.name << "' has two";
        tensor.openDim = dim;
        tensor.extents = extents.vec();
      }
    return success();
  };
  return failure(failed(read(main.getArguments(), info.inputs)) ||
                 failed(read(main.front().getTerminator()->getOperands(),
                             info.outputs)));
}

FailureOr<ProgramInfo> readProgramInfo(ModuleOp module, StringRef modelName) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("expected a function 'main'");
  if (main.isExternal() || main.getNumResults() == 0)
    return main.emitError("expected a body and at least one result");
  ProgramInfo info;
  info.name = toIdentifier(modelName);
  if (auto bytes = module->getAttrOfType<IntegerAttr>(kArenaBytesAttr))
    info.arenaBytes = bytes.getInt();
  else
    return module.emitError("expected the attribute dyadic.arena_bytes");
  if (failed(readBorder(main, info)) || failed(readKept(main, info)))
    return failure();
  readBorderScales(main, info);
  info.lengths = lengthsOf(main);
  if (info.lengths && failed(readOpenDims(main, info)))
    return failure();
  return info;
}

int64_t readArenaBytes(ModuleOp module) {
  auto bytes = module->getAttrOfType<IntegerAttr>(kArenaBytesAttr);
  return bytes ? bytes.getInt() : 0;
}

int64_t readWeightBytes(ModuleOp module) {
  int64_t bytes = 0;
  for (auto global : module.getOps<memref::GlobalOp>())
    if (global.getConstant() && global.getInitialValue()) {
      MemRefType type = global.getType();
      bytes += type.getNumElements() *
               llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    }
  return bytes;
}

} // namespace dyadic
