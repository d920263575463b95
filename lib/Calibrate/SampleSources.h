//===- SampleSources.h - what the kinds of sample files share ---*- C++ -*-===//
#ifndef DYADIC_LIB_CALIBRATE_SAMPLESOURCES_H
#define DYADIC_LIB_CALIBRATE_SAMPLESOURCES_H

#include "dyadic/Calibrate/SampleStream.h"

#include <optional>
#include <vector>

namespace dyadic {

template <typename... Args>
llvm::Error inputError(const char *format, const Args &...args) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), format, args...);
}

/// "1x3x224x224"
std::string printShape(llvm::ArrayRef<int64_t> shape);

/// What is wrong and where, when an element is NaN or infinite.
std::optional<std::string> findNonFinite(llvm::ArrayRef<float> values,
                                         llvm::ArrayRef<int64_t> shape);

bool isArchive(llvm::StringRef path);
bool isRaw(llvm::StringRef path);

/// Images in the order given, `inputs[0].shape[0]` to a batch.
llvm::Expected<std::unique_ptr<SampleStream>>
openImages(std::vector<std::string> paths, llvm::ArrayRef<InputSpec> inputs,
           const ImageOptions &options);

} // namespace dyadic

#endif
