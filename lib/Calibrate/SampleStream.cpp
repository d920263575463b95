//===- SampleStream.cpp - arrays from .npz, .npy and raw files ------------===//
#include "dyadic/Calibrate/SampleStream.h"
#include "SampleSources.h"

#include "dyadic/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace llvm;
namespace fs = llvm::sys::fs;

namespace dyadic {

SampleStream::~SampleStream() = default;

bool ImageOptions::isSet() const {
  ImageOptions defaults;
  return layout != defaults.layout || resize != defaults.resize ||
         scale != defaults.scale || !mean.empty() || !std.empty() || bgr;
}

std::string printShape(ArrayRef<int64_t> shape) {
  return shape.empty() ? "a scalar"
                       : join(map_range(shape, [](int64_t d) { return itostr(d); }), "x");
}

std::optional<std::string> findNonFinite(ArrayRef<float> values,
                                         ArrayRef<int64_t> shape) {
  for (auto [i, value] : enumerate(values)) {
    if (std::isfinite(value))
      continue;
    SmallVector<int64_t> index(shape.size());
    int64_t rest = i;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d])
      index[d] = rest % shape[d];
    std::string text = "expected finite values, but got ";
    text += std::isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity";
    return text + " at [" +
           join(map_range(index, [](int64_t d) { return itostr(d); }), ", ") + "]";
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// Whether an integer is one of type `kind`.
static bool fits(double value, ElementKind kind) {
  int bits = byteWidth(kind) * 8 - 1;
  switch (kind) {
  case ElementKind::Bool:
    return value == 0 || value == 1;
  case ElementKind::U8:
  case ElementKind::U16:
  case ElementKind::U32:
  case ElementKind::U64:
    return value >= 0 && value < std::ldexp(1, bits + 1);
  default:
    return value >= -std::ldexp(1, bits) && value < std::ldexp(1, bits);
  }
}

/// How many batches of `input` an array holds.
static Expected<int64_t> countBatches(const NpyArray &array,
                                      const InputSpec &input) {
  if (isFloat(array.kind()) && !isFloat(input.kind))
    return inputError("%s: expected integers for input \"%s\", but got %s",
                      array.label().str().c_str(), input.name.c_str(),
                      describe(array).c_str());
  ArrayRef<int64_t> have = array.shape(), want = input.shape;
  // One sample without its batch of one, or batches stacked.
  if (!want.empty() && want.front() == 1 && have == want.drop_front())
    return 1;
  if (have.size() == want.size() + 1 && have.drop_front() == want)
    return have.front();
  if (have.size() != want.size() || have.empty() ||
      have.drop_front() != want.drop_front())
    return inputError("%s: expected samples of %s for input \"%s\", any number "
                      "of them in the first dimension, but got %s",
                      array.label().str().c_str(), printShape(want).c_str(),
                      input.name.c_str(), describe(array).c_str());
  if (have.front() % want.front())
    return inputError("%s: expected a multiple of the model's batch of %lld in "
                      "the first dimension, but got %lld",
                      array.label().str().c_str(), (long long)want.front(),
                      (long long)have.front());
  return have.front() / want.front();
}

/// `raw` as the input wants it. The first element that its type can't hold goes
/// to `misfit`.
static HostTensor convert(const HostTensor &raw, const InputSpec &input,
                          std::optional<double> &misfit) {
  HostTensor tensor(input.kind, input.shape);
  if (raw.kind == input.kind) {
    tensor.bytes = raw.bytes;
    return tensor;
  }
  if (input.kind == ElementKind::F32 && raw.kind == ElementKind::U8) {
    llvm::copy(raw.as<uint8_t>(), tensor.as<float>().begin());
    return tensor;
  }
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i) {
    double value = raw.get(i);
    if (!isFloat(input.kind) && !fits(value, input.kind)) {
      misfit = value;
      return tensor;
    }
    tensor.set(i, value);
  }
  return tensor;
}

namespace {
using Arrays = SmallVector<std::unique_ptr<NpyArray>, 1>;

/// Bytes that somebody else owns.
class MemorySource : public ByteSource {
public:
  MemorySource(const char *data, int64_t bytes) : data(data), bytes(bytes) {}
  int64_t size() const override { return bytes; }
  Error read(int64_t offset, MutableArrayRef<char> out) override {
    std::copy_n(data + offset, out.size(), out.begin());
    return Error::success();
  }

private:
  const char *data;
  int64_t bytes;
};

/// One file, or an array in memory per input, and the first batch's number.
struct Shard {
  std::string path;
  SmallVector<SampleArray, 1> memory;
  int64_t first = 0, count = 0;
};

/// Batches out of one or several files of arrays, or out of memory; one file is
/// open at a time.
class ArrayStream : public SampleStream {
public:
  ArrayStream(ArrayRef<InputSpec> inputs) : inputs(inputs) {}

  /// Opens the shard once to check and count what is in it.
  Error add(Shard shard) {
    if (Error error = open(shard))
      return error;
    int64_t count = 0;
    for (auto [array, input] : zip(arrays, inputs)) {
      auto batches = countBatches(*array, input);
      if (!batches)
        return batches.takeError();
      if (&input != &inputs.front() && *batches != count)
        return inputError("%s: expected as many samples as \"%s\" has (%lld), "
                          "but got %lld",
                          array->label().str().c_str(),
                          inputs.front().name.c_str(), (long long)count,
                          (long long)*batches);
      count = *batches;
    }
    shard.first = total;
    shard.count = count;
    shards.push_back(std::move(shard));
    current = shards.size() - 1;
    total += count;
    return Error::success();
  }

  int64_t size() const override { return total; }

  Expected<SmallVector<HostTensor>> read(int64_t index) override {
    size_t wanted = current;
    if (index < shards[wanted].first ||
        index >= shards[wanted].first + shards[wanted].count)
      wanted = llvm::partition_point(shards, [&](const Shard &shard) {
                 return shard.first + shard.count <= index;
               }) - shards.begin();
    if (wanted != current) {
      if (Error error = open(shards[wanted]))
        return std::move(error);
      current = wanted;
    }
    SmallVector<HostTensor> sample;
    for (auto [array, input] : zip(arrays, inputs)) {
      int64_t elements = 1;
      for (int64_t extent : input.shape)
        elements *= extent;
      int64_t local = index - shards[current].first;
      auto raw = array->readElements(local * elements, elements);
      if (!raw)
        return raw.takeError();
      std::optional<double> misfit;
      sample.push_back(convert(*raw, input, misfit));
      if (misfit)
        return inputError("%s, sample %lld: expected elements of type %s for "
                          "input \"%s\", but got %.17g",
                          array->label().str().c_str(), (long long)local,
                          name(input.kind).str().c_str(), input.name.c_str(),
                          *misfit);
      if (input.kind != ElementKind::F32)
        continue;
      if (auto fault = findNonFinite(sample.back().as<float>(), input.shape))
        return inputError("%s, sample %lld: %s", array->label().str().c_str(),
                          (long long)local, fault->c_str());
    }
    return sample;
  }

private:
  Error open(const Shard &shard) {
    if (shard.memory.empty())
      return openFile(shard.path);
    arrays.clear();
    for (const SampleArray &array : shard.memory) {
      int64_t bytes = byteWidth(array.kind);
      for (int64_t extent : array.shape)
        bytes *= extent;
      arrays.push_back(NpyArray::raw(
          std::make_unique<MemorySource>(array.data, bytes),
          array.name.empty() ? "samples" : "samples \"" + array.name + "\"", array.kind,
          array.shape));
    }
    return Error::success();
  }

  Error openFile(StringRef path) {
    arrays.clear();
    if (isArchive(path)) {
      auto archive = NpzArchive::open(path);
      if (!archive)
        return archive.takeError();
      for (const InputSpec &input : inputs) {
        auto array = (*archive)->get(input.name);
        if (!array)
          return array.takeError();
        arrays.push_back(std::move(*array));
      }
      return Error::success();
    }
    if (inputs.size() != 1)
      return inputError("%s holds one array without a name, but the model has "
                        "%d inputs: expected an .npz archive with \"%s\"",
                        path.str().c_str(), (int)inputs.size(),
                        join(map_range(inputs, [](const InputSpec &i) { return i.name; }),
                             "\", \"")
                            .c_str());
    auto array = isRaw(path) ? openRaw(path, inputs[0].kind, inputs[0].shape)
                             : openNpy(path);
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
    return Error::success();
  }

  SmallVector<InputSpec> inputs;
  std::vector<Shard> shards;
  Arrays arrays; // of the current shard
  size_t current = 0;
  int64_t total = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Files and folders
//===----------------------------------------------------------------------===//

static bool hasExtension(StringRef path, ArrayRef<StringRef> extensions) {
  return is_contained(extensions, sys::path::extension(path).lower());
}
bool isArchive(StringRef path) { return hasExtension(path, {".npz"}); }
bool isRaw(StringRef path) { return hasExtension(path, {".raw", ".bin", ".f32"}); }
static bool isArray(StringRef path) { return hasExtension(path, {".npy"}); }
static bool isImage(StringRef path) {
  return hasExtension(path, {".jpg", ".jpeg", ".png", ".bmp"});
}

static constexpr const char *kFormats =
    ".npz, .npy, .raw (also .bin, .f32: float32), or a folder of .jpg, .png or "
    ".bmp images or of such files";

/// The sample files of a folder in the order of their names: all of one kind.
static Expected<std::vector<std::string>> listFolder(StringRef folder) {
  std::vector<std::string> found[4];
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    StringRef path = it->path();
    int kind = isImage(path) ? 0 : isArchive(path) ? 1 : isArray(path) ? 2 : isRaw(path) ? 3 : -1;
    if (kind >= 0)
      found[kind].push_back(path.str());
  }
  if (error)
    return inputError("cannot read %s: %s", folder.str().c_str(),
                      error.message().c_str());
  std::vector<std::string> *chosen = nullptr;
  for (auto &paths : found) {
    if (paths.empty())
      continue;
    if (chosen)
      return inputError("%s: expected samples of one kind, but got both %s and %s",
                        folder.str().c_str(),
                        sys::path::filename(chosen->front()).str().c_str(),
                        sys::path::filename(paths.front()).str().c_str());
    chosen = &paths;
  }
  if (!chosen)
    return inputError("%s holds no samples: expected files named .npz, .npy, "
                      ".raw, .jpg, .png or .bmp",
                      folder.str().c_str());
  llvm::sort(*chosen);
  return std::move(*chosen);
}

Expected<std::unique_ptr<SampleStream>>
SampleStream::open(StringRef path, ArrayRef<InputSpec> inputs,
                   const ImageOptions &images) {
  if (inputs.empty())
    return inputError("the model has no inputs, so %s can't be fed to it",
                      path.str().c_str());
  fs::file_status status;
  if (std::error_code error = fs::status(path, status))
    return inputError("cannot read %s: %s", path.str().c_str(),
                      error.message().c_str());
  std::vector<std::string> paths = {path.str()};
  if (fs::is_directory(status)) {
    auto listed = listFolder(path);
    if (!listed)
      return listed.takeError();
    paths = std::move(*listed);
  }
  StringRef first = paths.front();
  if (isImage(first))
    return openImages(std::move(paths), inputs, images);
  if (images.isSet())
    return inputError("%s holds arrays: mean, std, scale, layout and resize are "
                      "for image files",
                      path.str().c_str());
  if (!isArchive(first) && !isArray(first) && !isRaw(first))
    return inputError("%s: expected %s", path.str().c_str(), kFormats);
  auto stream = std::make_unique<ArrayStream>(inputs);
  for (StringRef file : paths)
    if (Error error = stream->add({file.str(), {}}))
      return std::move(error);
  if (stream->size() == 0)
    return inputError("%s holds no samples", path.str().c_str());
  return std::move(stream);
}

Expected<std::unique_ptr<SampleStream>>
SampleStream::open(ArrayRef<SampleArray> arrays, ArrayRef<InputSpec> inputs) {
  if (inputs.empty())
    return inputError("the model has no inputs, so no samples can be fed to it");
  auto quoted = [](auto &&range) {
    return join(map_range(range, [](auto &of) { return "\"" + of.name + "\""; }), ", ");
  };
  auto belong = [&](const SampleArray &array, const InputSpec &input) {
    return array.name == input.name || (array.name.empty() && inputs.size() == 1);
  };
  for (const SampleArray &array : arrays)
    if (none_of(inputs, [&](const InputSpec &input) { return belong(array, input); }))
      return inputError("expected samples named %s, as the model's inputs are, "
                        "but got \"%s\"",
                        quoted(inputs).c_str(), array.name.c_str());
  // The n-th array of each name belong together.
  std::vector<Shard> shards;
  for (const InputSpec &input : inputs) {
    size_t count = 0;
    for (const SampleArray &array : arrays) {
      if (!belong(array, input))
        continue;
      if (&input == &inputs.front())
        shards.emplace_back();
      if (count < shards.size())
        shards[count].memory.push_back(array);
      ++count;
    }
    if (count != shards.size())
      return inputError("expected as many arrays of samples for \"%s\" as for "
                        "\"%s\" (%d), but got %d",
                        input.name.c_str(), inputs.front().name.c_str(),
                        (int)shards.size(), (int)count);
  }
  auto stream = std::make_unique<ArrayStream>(inputs);
  for (Shard &shard : shards)
    if (Error error = stream->add(std::move(shard)))
      return std::move(error);
  if (stream->size() == 0)
    return inputError("there are no samples");
  return std::move(stream);
}

} // namespace dyadic
