//===- Statistics.cpp -----------------------------------------------------===//
#include "dyadic/Calibrate/Statistics.h"

#include "dyadic/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

using namespace llvm;

namespace dyadic {

static Error fault(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// One tensor
//===----------------------------------------------------------------------===//

static bool allFinite(ArrayRef<float> values) {
  // x − x is 0 for finite x and NaN for any other.
  constexpr size_t lanes = 16;
  float sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += values[i + lane] - values[i + lane];
  for (; i < values.size(); ++i)
    sums[0] += values[i] - values[i];
  return llvm::all_of(sums, [](float sum) { return sum == 0; });
}

void TensorStatistics::observe(ArrayRef<float> sample) {
  double kept = values.total() ? momentum : 0;
  if (auto range = values.observe(sample)) {
    averaged.min = kept * averaged.min + (1 - kept) * range->min;
    averaged.max = kept * averaged.max + (1 - kept) * range->max;
  }
  if (badSample < 0 && !allFinite(sample))
    badSample = sampleCount;
  ++sampleCount;
  size_t count = channels.size();
  if (!count)
    return;
  // Each number in an array of its own, so that the loop becomes vector code.
  std::vector<float> lo(count), hi(count);
  std::vector<double> sums(count), squares(count);
  for (size_t c = 0; c < count; ++c) {
    lo[c] = channels[c].min;
    hi[c] = channels[c].max;
    sums[c] = channels[c].sum;
    squares[c] = channels[c].squares;
  }
  for (size_t row = 0; row + count <= sample.size(); row += count)
    for (size_t c = 0; c < count; ++c) {
      float x = sample[row + c];
      lo[c] = std::min(lo[c], x);
      hi[c] = std::max(hi[c], x);
      sums[c] += x;
      squares[c] += static_cast<double>(x) * x;
    }
  for (size_t c = 0; c < count; ++c)
    channels[c] = {lo[c], hi[c], sums[c], squares[c]};
  rows += sample.size() / count;
}

void TensorStatistics::merge(const TensorStatistics &other) {
  if (other.values.total()) {
    double kept =
        values.total() ? std::pow(momentum, static_cast<double>(other.sampleCount)) : 0;
    averaged.min = kept * averaged.min + (1 - kept) * other.averaged.min;
    averaged.max = kept * averaged.max + (1 - kept) * other.averaged.max;
  }
  values.merge(other.values);
  if (badSample < 0 && other.badSample >= 0)
    badSample = sampleCount + other.badSample;
  sampleCount += other.sampleCount;
  if (channels.size() != other.channels.size()) {
    channels.clear();
    rows = 0;
    return;
  }
  for (auto [mine, theirs] : llvm::zip(channels, other.channels)) {
    mine.min = std::min(mine.min, theirs.min);
    mine.max = std::max(mine.max, theirs.max);
    mine.sum += theirs.sum;
    mine.squares += theirs.squares;
  }
  rows += other.rows;
}

SmallVector<float> TensorStatistics::channelMeans() const {
  return llvm::map_to_vector(channels, [&](const ChannelStatistics &channel) {
    return rows ? static_cast<float>(channel.sum / rows) : 0.0f;
  });
}

SmallVector<float> TensorStatistics::channelPowers() const {
  return llvm::map_to_vector(channels, [&](const ChannelStatistics &channel) {
    return rows ? static_cast<float>(channel.squares / rows) : 0.0f;
  });
}

json::Value TensorStatistics::toJSON() const {
  // What isn't finite has no number in JSON; such a tensor has no range.
  bool isFinite = badSample < 0 && rows;
  auto each = [&](auto number) {
    return isFinite ? json::Array(llvm::map_range(channels, number)) : json::Array();
  };
  return json::Object{{"samples", sampleCount},
                      {"bad_sample", badSample},
                      {"momentum", momentum},
                      {"average", json::Array{averaged.min, averaged.max}},
                      {"rows", rows},
                      {"channels", static_cast<int64_t>(channels.size())},
                      {"channel_minima", each([](auto &c) { return double(c.min); })},
                      {"channel_maxima", each([](auto &c) { return double(c.max); })},
                      {"channel_sums", each([](auto &c) { return c.sum; })},
                      {"channel_squares", each([](auto &c) { return c.squares; })},
                      {"histogram", values.toJSON()}};
}

/// The numbers of an array; none if any isn't one.
static std::optional<SmallVector<double>> numbers(const json::Array *array) {
  SmallVector<double> result;
  if (!array)
    return std::nullopt;
  for (const json::Value &value : *array) {
    auto number = value.getAsNumber();
    if (!number)
      return std::nullopt;
    result.push_back(*number);
  }
  return result;
}

Expected<TensorStatistics> TensorStatistics::fromJSON(const json::Value &value) {
  const json::Object *object = value.getAsObject();
  const json::Value *histogram = object ? object->get("histogram") : nullptr;
  if (!histogram)
    return fault("expected a tensor with a histogram");
  auto samples = object->getInteger("samples"), bad = object->getInteger("bad_sample"),
       rows = object->getInteger("rows"), count = object->getInteger("channels");
  auto momentum = object->getNumber("momentum");
  auto average = numbers(object->getArray("average"));
  auto minima = numbers(object->getArray("channel_minima")),
       maxima = numbers(object->getArray("channel_maxima")),
       sums = numbers(object->getArray("channel_sums")),
       squares = numbers(object->getArray("channel_squares"));
  if (!samples || !bad || !rows || !count || !momentum || !average || !minima || !maxima ||
      !sums || !squares)
    return fault("expected a tensor with samples, bad_sample, momentum, average, rows, "
                 "channels and the channels' minima, maxima, sums and squares");
  constexpr int64_t most = int64_t(1) << 31;
  if (*samples < 0 || *bad < -1 || *bad >= *samples || *rows < 0 ||
      !(*momentum >= 0 && *momentum < 1) || average->size() != 2 || *count < 0 || *count > most)
    return fault("expected counts, a momentum from 0 to 1 and two averages");
  bool isFinite = *bad < 0 && *rows > 0;
  for (const auto &listed : {minima, maxima, sums, squares})
    if (static_cast<int64_t>(listed->size()) != (isFinite ? *count : 0))
      return fault("expected a minimum, a maximum, a sum and a sum of squares for each channel");
  auto parsed = Histogram::fromJSON(*histogram);
  if (!parsed)
    return parsed.takeError();
  TensorStatistics result(isFinite ? *count : 0, *momentum);
  result.values = std::move(*parsed);
  result.averaged = {(*average)[0], (*average)[1]};
  result.sampleCount = *samples;
  result.badSample = *bad;
  result.rows = *rows;
  for (auto [i, channel] : llvm::enumerate(result.channels))
    channel = {static_cast<float>((*minima)[i]), static_cast<float>((*maxima)[i]), (*sums)[i],
               (*squares)[i]};
  return result;
}

//===----------------------------------------------------------------------===//
// A network
//===----------------------------------------------------------------------===//

static std::string describe(const NetworkStatistics::Tensor &tensor) {
  std::string text = "'" + tensor.name + "' [";
  raw_string_ostream os(text);
  llvm::interleave(tensor.shape, os, "x");
  os << "]";
  return text;
}

Error NetworkStatistics::merge(const NetworkStatistics &other) {
  if (tensors.size() != other.tensors.size())
    return fault("expected statistics of the same network: of " + Twine(tensors.size()) +
                 " tensors, but got " + Twine(other.tensors.size()));
  for (auto [mine, theirs] : llvm::zip(tensors, other.tensors))
    if (mine.name != theirs.name || mine.shape != theirs.shape)
      return fault("expected statistics of the same network: of " + describe(mine) +
                   ", but got " + describe(theirs));
  for (auto [mine, theirs] : llvm::zip(tensors, other.tensors))
    mine.statistics.merge(theirs.statistics);
  return Error::success();
}

static constexpr StringLiteral kFormat = "dyadic calibration statistics 2";

Error NetworkStatistics::save(StringRef path) const {
  std::string text;
  raw_string_ostream os(text);
  json::OStream out(os);
  out.object([&] {
    out.attribute("format", kFormat);
    out.attributeArray("tensors", [&] {
      for (const Tensor &tensor : tensors)
        out.object([&] {
          out.attribute("name", json::fixUTF8(tensor.name));
          out.attribute("shape", json::Array(tensor.shape));
          out.attribute("statistics", tensor.statistics.toJSON());
        });
    });
  });
  return writeFile(path, text);
}

Expected<NetworkStatistics> NetworkStatistics::load(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return fault(path + ": " + buffer.getError().message());
  auto parsed = json::parse((*buffer)->getBuffer());
  if (!parsed)
    return fault(path + ": " + llvm::toString(parsed.takeError()));
  const json::Object *root = parsed->getAsObject();
  const json::Array *entries = root ? root->getArray("tensors") : nullptr;
  if (!entries || root->getString("format") != kFormat)
    return fault(path + ": expected statistics that dyadic calibrate has written");
  NetworkStatistics result;
  for (const json::Value &entry : *entries) {
    const json::Object *object = entry.getAsObject();
    auto name = object ? object->getString("name") : std::nullopt;
    auto shape = object ? numbers(object->getArray("shape")) : std::nullopt;
    const json::Value *statistics = object ? object->get("statistics") : nullptr;
    if (!name || !shape || !statistics)
      return fault(path + ": tensor " + Twine(result.tensors.size()) +
                   ": expected a name, a shape and statistics");
    auto seen = TensorStatistics::fromJSON(*statistics);
    if (!seen)
      return fault(path + ": '" + *name + "': " + llvm::toString(seen.takeError()));
    result.tensors.push_back(
        {name->str(), SmallVector<int64_t>(shape->begin(), shape->end()), std::move(*seen)});
  }
  return result;
}

} // namespace dyadic
