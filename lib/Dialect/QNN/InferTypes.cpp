//===- InferTypes.cpp -----------------------------------------------------===//
#include "dyadic/Dialect/QNN/InferTypes.h"

#include "mlir/Interfaces/InferTypeOpInterface.h"

#include <cstddef>
#include <vector>

using namespace mlir;

/// The op's properties on the heap, while its type is inferred.
namespace {
class ScopedProperties {
public:
  explicit ScopedProperties(OperationName name)
      : name(name),
        bytes(name.getOpPropertyByteSize() / sizeof(std::max_align_t) + 1) {
    name.initOpProperties(get(), OpaqueProperties(nullptr));
  }
  ~ScopedProperties() { name.destroyOpProperties(get()); }
  OpaqueProperties get() { return OpaqueProperties(bytes.data()); }

private:
  OperationName name;
  std::vector<std::max_align_t> bytes;
};
} // namespace

LogicalResult dyadic::qnn::inferTypes(
    OperationState &state, llvm::function_ref<InFlightDiagnostic()> emitError) {
  OperationName name = state.name;
  MLIRContext *context = state.getContext();
  DictionaryAttr attributes = state.attributes.getDictionary(context);
  ScopedProperties properties(name);
  auto *inference = name.getInterface<InferTypeOpInterface>();
  bool valid = inference &&
               (name.getOpPropertyByteSize() == 0 ||
                succeeded(name.setOpPropertiesFromAttribute(
                    name, properties.get(), attributes, emitError))) &&
               succeeded(inference->inferReturnTypes(
                   context, state.location, state.operands, attributes,
                   properties.get(), state.regions, state.types));
  return success(valid);
}
