//===- Compiler.cpp -------------------------------------------------------===//
#include "Compiler.h"

#include "OpTable.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dyadic::emulate {

static std::optional<Kind> kindOf(Type type) {
  if (type.isIndex() || type.isSignlessInteger(64))
    return Kind::I64;
  if (type.isSignlessInteger(1))
    return Kind::I1;
  if (type.isSignlessInteger(8))
    return Kind::I8;
  if (type.isSignlessInteger(16) || type.isBF16()) // its bits
    return Kind::I16;
  if (type.isSignlessInteger(32))
    return Kind::I32;
  if (type.isF32())
    return Kind::F32;
  if (type.isF64())
    return Kind::F64;
  return std::nullopt;
}

std::optional<Slot> slotShape(Type type) {
  Slot slot;
  Type element = type;
  if (auto vector = dyn_cast<VectorType>(type)) {
    if (vector.isScalable())
      return std::nullopt;
    slot.components = vector.getNumElements();
    element = vector.getElementType();
  } else if (auto tile = dyn_cast<amx::TileType>(type)) {
    slot.components = ShapedType::getNumElements(tile.getShape());
    element = tile.getElementType();
  } else if (auto structure = dyn_cast<LLVM::LLVMStructType>(type)) {
    if (structure.isOpaque() || structure.getBody().empty() ||
        !llvm::all_equal(structure.getBody()))
      return std::nullopt;
    auto member = slotShape(structure.getBody().front());
    if (!member)
      return std::nullopt;
    slot = *member;
    slot.components *= structure.getBody().size();
    return slot;
  }
  auto kind = kindOf(element);
  if (!kind)
    return std::nullopt;
  slot.kind = *kind;
  return slot;
}

LogicalResult checkOps(FunctionOpInterface function) {
  LogicalResult result = success();
  llvm::StringSet<> seen; // each kind is reported once
  function.getFunctionBody().walk([&](Operation *op) {
    StringRef name = op->getName().getStringRef();
    bool isKnown = findOp(name);
    if (isKnown && knowsIntrinsic(op))
      return;
    result = failure();
    auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
    if (seen.insert(call ? call.getIntrin() : name).second)
      op->emitError("the emulator does not know the ")
          << (call ? "intrinsic '" : "op '") << (call ? call.getIntrin() : name)
          << "'";
  });
  if (!function.getFunctionBody().hasOneBlock())
    result = function.emitError("expected a body of one block");
  return result;
}

//===--- Slots ------------------------------------------------------------===//

uint32_t Compiler::allocate(uint64_t bytes) {
  uint64_t offset = program.frameBytes;
  program.frameBytes = llvm::alignTo(offset + bytes, 64);
  return offset;
}

bool Compiler::needsExpansion(Value value) const {
  if (program.lanes == 1)
    return false;
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    const OpEntry *entry = findOp(user->getName().getStringRef());
    if (entry->flow != Flow::Control)
      return user->getNumResults() == 0 || !isUniform(user->getResult(0));
    // What a loop or a condition carries may vary although this value doesn't.
    Operation *op =
        user->hasTrait<OpTrait::IsTerminator>() ? user->getParentOp() : user;
    auto varies = [&](Value carried) { return !isUniform(carried); };
    auto loop = dyn_cast<scf::ForOp>(op);
    return llvm::any_of(op->getResults(), varies) ||
           (loop && varies(loop.getInductionVar()));
  });
}

Slot Compiler::define(Value result) {
  Slot slot = *slotShape(result.getType());
  slot.uniform = isUniform(result);
  unsigned width = byteWidth(slot.kind) * slot.components;
  slot.offset = allocate(uint64_t(width) * (slot.uniform ? 1 : program.lanes));
  slots[result] = slot;
  if (slot.uniform && program.lanes > 1)
    expanded[result] = allocate(uint64_t(width) * program.lanes);
  return slot;
}

void Compiler::alias(Value result, Slot slot) {
  slots[result] = slot;
  if (slot.uniform && program.lanes > 1)
    expanded[result] = allocate(uint64_t(byteWidth(slot.kind)) *
                                slot.components * program.lanes);
}

uint32_t Compiler::perThread(Value value) const {
  return isUniform(value) && program.lanes > 1 ? expanded.lookup(value)
                                               : slot(value).offset;
}

void Compiler::setConstant(Value result, std::vector<char> elements) {
  Slot slot = define(result);
  uint32_t width = byteWidth(slot.kind);
  program.initializers.push_back({slot.offset, 1, width, elements});
  if (needsExpansion(result))
    program.initializers.push_back(
        {expanded.lookup(result), program.lanes, width, std::move(elements)});
}

//===--- Functions --------------------------------------------------------===//

/// The bytes of a memref argument.
static FailureOr<int64_t> sizeOf(FunctionOpInterface function, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
      !slotShape(type.getElementType()))
    return function.emitError("expected memrefs of static shape, but got ")
           << type;
  return type.getNumElements() *
         byteWidth(slotShape(type.getElementType())->kind);
}

LogicalResult Compiler::bindArguments(FunctionOpInterface function) {
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    Parameter &parameter = program.parameters.emplace_back();
    parameter.isMemRef = isa<MemRefType>(argument.getType());
    if (parameter.isMemRef) {
      auto bytes = sizeOf(function, argument);
      if (failed(bytes))
        return failure();
      parameter.bytes = *bytes;
      bind(argument, {MemRefBinding::Global, unsigned(i)});
      continue;
    }
    if (!slotShape(argument.getType()))
      return function.emitError(
                 "the emulator does not know the type of argument ")
             << i << ", " << argument.getType();
    parameter.slot = define(argument);
    parameter.isExpanded = true;
    parameter.expandedOffset = perThread(argument);
  }
  auto kernel = dyn_cast<gpu::GPUFuncOp>(*function);
  return kernel ? bindAttributions(kernel) : success();
}

LogicalResult Compiler::bindAttributions(gpu::GPUFuncOp function) {
  for (auto [i, buffer] :
       llvm::enumerate(function.getWorkgroupAttributions())) {
    auto bytes = sizeOf(function, buffer);
    if (failed(bytes))
      return failure();
    // Without the attribute, PTX has the alignment of the elements.
    auto element = cast<MemRefType>(buffer.getType()).getElementType();
    int64_t alignment = byteWidth(slotShape(element)->kind);
    if (auto given = dyn_cast_or_null<IntegerAttr>(
            function.getWorkgroupAttributionAttr(i, "llvm.align")))
      alignment = given.getInt();
    program.workgroupBytes = llvm::alignTo(program.workgroupBytes, alignment);
    bind(buffer, {MemRefBinding::Workgroup, unsigned(i)});
    program.workgroup.push_back({program.workgroupBytes, *bytes, alignment});
    program.workgroupBytes += *bytes;
  }
  constexpr int64_t kStaticLimit = 48 * 1024;
  if (program.workgroupBytes > kStaticLimit)
    return function.emitError("expected at most ")
           << kStaticLimit << " bytes of workgroup memory, but got "
           << program.workgroupBytes;
  for (auto [i, buffer] : llvm::enumerate(function.getPrivateAttributions())) {
    auto bytes = sizeOf(function, buffer);
    if (failed(bytes))
      return failure();
    bind(buffer, {MemRefBinding::Private, unsigned(i)});
    program.privates.push_back({program.privateBytes, *bytes});
    program.privateBytes = llvm::alignTo(program.privateBytes + *bytes, 16);
  }
  return success();
}

/// bf16 is kept as its bits: arithmetic needs conversions.
static LogicalResult checkBF16(Operation &op) {
  auto hasBF16 = [](Type type) { return getElementTypeOrSelf(type).isBF16(); };
  bool computes = op.getDialect()->getNamespace() == "arith" ||
                  op.getDialect()->getNamespace() == "math" ||
                  op.getName().getStringRef() == "vector.fma" ||
                  op.getName().getStringRef() == "vector.reduction";
  if (!computes || isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp,
                       arith::BitcastOp, arith::SelectOp>(op) ||
      (llvm::none_of(op.getOperandTypes(), hasBF16) &&
       llvm::none_of(op.getResultTypes(), hasBF16)))
    return success();
  return op.emitError("the emulator does not know '")
         << op.getName() << "' on bf16";
}

LogicalResult Compiler::compileOp(Operation &op) {
  for (Value value : llvm::concat<Value>(llvm::to_vector(op.getOperands()),
                                         llvm::to_vector<4>(op.getResults())))
    if (!isa<MemRefType>(value.getType()) && !slotShape(value.getType()) &&
        !isa<OpaqueType>(value.getType()) &&
        value.getType().getDialect().getNamespace() != "nvgpu")
      return op.emitError("the emulator does not know the type ")
             << value.getType();
  if (failed(checkBF16(op)))
    return failure();
  const OpEntry *entry = findOp(op.getName().getStringRef());
  size_t before = program.initializers.size();
  if (failed(entry->compile(*this, &op, *entry)))
    return failure();
  // Constants were spread when the frame was made.
  if (program.initializers.size() == before && entry->flow != Flow::Control)
    for (Value result : op.getResults())
      if (slots.contains(result))
        emitExpansion(&op, result);
  return success();
}

LogicalResult Compiler::compileBlock(mlir::Block &block, Code &into,
                                     llvm::function_ref<void()> epilogue) {
  Code *outer = std::exchange(code, &into);
  LogicalResult result = success();
  for (Operation &op : block)
    if (failed(compileOp(op)))
      result = failure();
  if (succeeded(result) && epilogue)
    epilogue();
  code = outer;
  return result;
}

LogicalResult Compiler::compile(FunctionOpInterface function) {
  program.name = function.getName().str();
  program.function = function;
  uniform = findUniformValues(function, program.lanes == 1);
  if (failed(bindArguments(function)) ||
      failed(compileBlock(function.getFunctionBody().front(), program.code)))
    return failure();
  if (program.frameBytes > UINT32_MAX)
    return function.emitError("the kernel has too many values to be emulated");
  return success();
}

} // namespace dyadic::emulate
