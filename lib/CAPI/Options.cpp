//===- Options.cpp --------------------------------------------------------===//
#include "CAPI.h"

#include "dyadic/Quantize/RoundingNames.h"

#include "llvm/ADT/StringExtras.h"

using namespace dyadic;
using namespace dyadic::capi;

static Options *unwrap(DyadicOptions options) { return static_cast<Options *>(options.ptr); }

DyadicOptions dyadicOptionsCreate(void) { return {new Options}; }
void dyadicOptionsDestroy(DyadicOptions options) { delete unwrap(options); }

void dyadicOptionsSetName(DyadicOptions options, DyadicStringRef name) {
  unwrap(options)->name = unwrap(name).str();
}

void dyadicOptionsSetTarget(DyadicOptions options, DyadicStringRef triple, DyadicStringRef cpu) {
  llvm::StringRef wanted = unwrap(triple);
  unwrap(options)->target = {wanted == "native" ? "" : wanted.str(), unwrap(cpu).str()};
}

void dyadicOptionsSetCPUFallback(DyadicOptions options, bool fallback) {
  unwrap(options)->cpuFallback = fallback;
}

void dyadicOptionsSetOptimizationLevel(DyadicOptions options, unsigned level) {
  if (level > 3)
    unwrap(options)->faults.push_back("expected an optimization level of 0 to 3, but got " +
                                      std::to_string(level));
  unwrap(options)->optLevel = level;
}

void dyadicOptionsSetThreads(DyadicOptions options, int64_t threads) {
  unwrap(options)->threads = threads;
}

void dyadicOptionsSetShape(DyadicOptions options, DyadicStringRef input, size_t rank,
                           const int64_t *shape) {
  std::string name = unwrap(input).str();
  if (rank && !shape) {
    unwrap(options)->faults.push_back("expected a shape for input \"" + name + "\", but got null");
    return;
  }
  llvm::ArrayRef<int64_t> extents(shape, rank);
  for (int64_t extent : extents)
    if (extent < 0)
      unwrap(options)->faults.push_back("expected extents of at least 0 in the shape of input \"" +
                                        name + "\", but got " + std::to_string(extent));
  unwrap(options)->shapes[name] = llvm::SmallVector<int64_t>(extents);
}

void dyadicOptionsSetOpenDimension(DyadicOptions options, DyadicStringRef input, size_t dim,
                                   int64_t shortest, int64_t step) {
  std::string name = unwrap(input).str();
  llvm::ArrayRef<int64_t> shape = unwrap(options)->shapes[name];
  int64_t longest = dim < shape.size() ? shape[dim] : 0;
  if (shortest < 1 || step < 1 || longest <= shortest || (longest - shortest) % step) {
    unwrap(options)->faults.push_back(
        "expected an open dimension of input \"" + name + "\" that gets from its shortest " +
        "extent to the shape's in steps, but got " + std::to_string(shortest) + " to " +
        std::to_string(longest) + " in steps of " + std::to_string(step));
    return;
  }
  unwrap(options)->open[name] = {int64_t(dim), LengthRange{shortest, longest, step}};
}

void dyadicOptionsSetExternalDataFolder(DyadicOptions options, DyadicStringRef folder) {
  unwrap(options)->folder = unwrap(folder).str();
}

void dyadicOptionsSetCalibrationPath(DyadicOptions options, DyadicStringRef path) {
  unwrap(options)->calibration = unwrap(path).str();
  if (!path.length)
    unwrap(options)->faults.push_back("expected a path of calibration samples, but got nothing");
}

/// What is wrong with an array, or "".
static std::string findFault(DyadicElementType type, llvm::ArrayRef<int64_t> shape,
                             const void *data, size_t bytes) {
  size_t width = dyadicElementTypeGetSize(type);
  if (!width)
    return "expected an element type, but got " + std::to_string(int(type));
  uint64_t expected = width;
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(expected, uint64_t(extent), &expected))
      return "expected extents that memory can hold, but got " + std::to_string(extent);
  if (expected != bytes)
    return "expected " + std::to_string(expected) + " bytes for its shape, but got " +
           std::to_string(bytes);
  return bytes && !data ? "expected its elements, but got null" : "";
}

/// The array, which the caller owns; what is wrong with it is put down as a fault
/// of `what`.
static std::optional<SampleArray> readArray(DyadicOptions options, llvm::StringRef what,
                                            DyadicStringRef input, DyadicElementType type,
                                            size_t rank, const int64_t *shape,
                                            const void *data, size_t bytes) {
  std::string name = unwrap(input).str();
  bool hasShape = shape || !rank;
  llvm::ArrayRef<int64_t> extents(shape, hasShape ? rank : 0);
  std::string fault = hasShape ? findFault(type, extents, data, bytes)
                               : "expected its shape, but got null";
  if (!fault.empty()) {
    unwrap(options)->faults.push_back(what.str() + " \"" + name + "\": " + fault);
    return std::nullopt;
  }
  return SampleArray{name, static_cast<ElementKind>(type),
                     llvm::SmallVector<int64_t>(extents), static_cast<const char *>(data)};
}

void dyadicOptionsSetValue(DyadicOptions options, DyadicStringRef input,
                           DyadicElementType type, size_t rank, const int64_t *shape,
                           const void *data, size_t bytes) {
  auto array = readArray(options, "value of input", input, type, rank, shape, data, bytes);
  if (!array)
    return;
  HostTensor tensor(array->kind, array->shape);
  tensor.bytes.assign(array->data, array->data + bytes);
  unwrap(options)->values[array->name] = std::move(tensor);
}

void dyadicOptionsAddCalibrationArray(DyadicOptions options, DyadicStringRef input,
                                      DyadicElementType type, size_t rank,
                                      const int64_t *shape, const void *data, size_t bytes) {
  if (auto array = readArray(options, "samples", input, type, rank, shape, data, bytes))
    unwrap(options)->arrays.push_back(std::move(*array));
}

void dyadicOptionsSetObserver(DyadicOptions options, DyadicStringRef observer) {
  unwrap(options)->observer = unwrap(observer).str();
}

void dyadicOptionsSetScheme(DyadicOptions options, DyadicStringRef scheme) {
  std::string name = unwrap(scheme).str();
  std::optional<Scheme> parsed = parseScheme(name);
  if (parsed)
    unwrap(options)->scheme = *parsed;
  else
    unwrap(options)->faults.push_back("scheme: expected one of " +
                                      llvm::join(schemeNames(), ", ") +
                                      ", but got \"" + name + "\"");
}

void dyadicOptionsAddKeepFloat(DyadicOptions options, DyadicStringRef op) {
  unwrap(options)->keepFloat.push_back(unwrap(op).str());
}

void dyadicOptionsAddWeights(DyadicOptions options, DyadicStringRef choice) {
  unwrap(options)->weights.push_back(unwrap(choice).str());
}

void dyadicOptionsAddActivations(DyadicOptions options, DyadicStringRef choice) {
  unwrap(options)->activations.push_back(unwrap(choice).str());
}

void dyadicOptionsSetWeightRounding(DyadicOptions options, DyadicStringRef rounding) {
  std::string name = unwrap(rounding).str();
  if (auto parsed = parseWeightRounding(name))
    unwrap(options)->weightRounding = *parsed;
  else
    unwrap(options)->faults.push_back("weight rounding: expected one of " +
                                      llvm::join(weightRoundingNames(), ", ") +
                                      ", but got \"" + name + "\"");
}

void dyadicOptionsSetIntegerOnly(DyadicOptions options, bool integerOnly) {
  unwrap(options)->integerOnly = integerOnly;
}

void dyadicOptionsSetOverrides(DyadicOptions options, DyadicStringRef path) {
  unwrap(options)->overrides = unwrap(path).str();
}

void dyadicOptionsSetImages(DyadicOptions options, DyadicImageLayout layout,
                            DyadicImageResize resize, float scale, size_t numMean,
                            const float *mean, size_t numStd, const float *std, bool bgr) {
  ImageOptions &images = unwrap(options)->images;
  images.layout = layout == DyadicImageLayoutNCHW   ? ImageOptions::Layout::NCHW
                  : layout == DyadicImageLayoutNHWC ? ImageOptions::Layout::NHWC
                                                    : ImageOptions::Layout::Auto;
  images.resize = resize == DyadicImageResizeStretch ? ImageOptions::Resize::Stretch
                  : resize == DyadicImageResizeCrop  ? ImageOptions::Resize::Crop
                                                     : ImageOptions::Resize::None;
  images.scale = scale;
  images.bgr = bgr;
  if ((numMean && !mean) || (numStd && !std)) {
    unwrap(options)->faults.push_back("expected values for mean and std, but got null");
    return;
  }
  images.mean.assign(mean, mean + numMean);
  images.std.assign(std, std + numStd);
}
