//===- SampleStream.h - a user's samples, one at a time ---------*- C++ -*-===//
//
// Calibration and evaluation read samples through this: .npz archives, .npy
// arrays, raw float files, folders of either or of images, arrays in memory.
// However many there are in files, one is in memory.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_CALIBRATE_SAMPLESTREAM_H
#define DYADIC_CALIBRATE_SAMPLESTREAM_H

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Support/HostTensor.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace dyadic {

/// The name, shape and element type that samples must have: an input of the
/// model. The first dimension is the batch.
struct InputSpec {
  std::string name;
  llvm::SmallVector<int64_t> shape;
  ElementKind kind = ElementKind::F32;
  /// A dimension whose extent may be any of `lengths`, the same for all inputs of a
  /// sample; `shape` has the longest. −1: there is none.
  int64_t openDim = -1;
  LengthRange lengths = {};
};

/// Samples of one input in the caller's memory: row-major, as an array in a file.
/// For a model with one input, the name may be empty.
struct SampleArray {
  std::string name;
  ElementKind kind = ElementKind::F32;
  llvm::SmallVector<int64_t> shape;
  const char *data = nullptr;
};

/// How the pixels of image files become elements:
/// (pixel · scale − mean) / std, per channel.
struct ImageOptions {
  enum class Layout { Auto, NCHW, NHWC };
  /// What to do with images of another size than the model's: refuse them,
  /// scale them, or scale the shorter side and cut the longer.
  enum class Resize { None, Stretch, Crop };

  Layout layout = Layout::Auto;
  Resize resize = Resize::None;
  float scale = 1.0f / 255;
  /// One value, or one per channel; empty: 0 and 1.
  llvm::SmallVector<float> mean, std;
  /// Blue first instead of red.
  bool bgr = false;

  /// Whether anything differs from the defaults.
  bool isSet() const;
};

/// Samples in the order they are stored. Every error names the file, the array
/// or image, and the sample.
class SampleStream {
public:
  /// Opens a file or folder and checks names, shapes and types of what is in
  /// it. Arrays have the model's shape with any number of samples in the
  /// first dimension; for an input of f32, integers and doubles are converted,
  /// for one of integers, other integers that its type holds.
  static llvm::Expected<std::unique_ptr<SampleStream>>
  open(llvm::StringRef path, llvm::ArrayRef<InputSpec> inputs,
       const ImageOptions &images = {});
  /// The same on arrays in memory, which must outlive the stream. Of several of
  /// one name, the samples of the second follow those of the first.
  static llvm::Expected<std::unique_ptr<SampleStream>>
  open(llvm::ArrayRef<SampleArray> arrays, llvm::ArrayRef<InputSpec> inputs);
  virtual ~SampleStream();

  /// Number of batches that `read` has.
  virtual int64_t size() const = 0;
  /// One tensor per input, of the input's shape and kind, all elements finite.
  /// Fast when `index` ascends.
  virtual llvm::Expected<llvm::SmallVector<HostTensor>> read(int64_t index) = 0;
};

} // namespace dyadic

#endif
