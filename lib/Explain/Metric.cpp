//===- Metric.cpp ---------------------------------------------------------===//
#include "Metric.h"

#include "dyadic/Explain/Explain.h"
#include "dyadic/Pipeline/Agreement.h"
#include "dyadic/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <cmath>

using namespace llvm;

namespace dyadic {

static Error failWith(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Expected<Metric> Metric::create(const AccuracyGoal &goal) {
  using Kind = AccuracyGoal::Metric;
  Metric metric(goal);
  if (goal.metric != Kind::Top1 && goal.metric != Kind::F1)
    return metric;
  auto archive = NpzArchive::open(goal.samples);
  if (!archive)
    return archive.takeError();
  auto array = (*archive)->get(goal.labels);
  if (!array)
    return array.takeError();
  if (goal.metric == Kind::Top1 && isFloat((*array)->kind()))
    return failWith((*array)->label() + ": expected integers as labels, but got " +
                    describe(**array));
  auto labels = (*array)->readAll();
  if (!labels)
    return labels.takeError();
  metric.labels = std::move(*labels);
  return metric;
}

Expected<double> Metric::topOne(const OutputsOfSamples &got) const {
  int64_t right = 0, counted = 0, count = labels.numElements();
  for (const auto &outputs : got)
    for (int64_t place : argmaxOfRows(outputs.front())) {
      right += counted < count && place == labels.get(counted);
      ++counted;
    }
  if (counted != count || !count)
    return failWith(goal.samples + ": expected a label for each row of the first output, " +
                    Twine(counted) + ", but got " + Twine(count) + " in \"" + goal.labels +
                    "\"");
  return double(right) / count;
}

Expected<double> Metric::f1(const OutputsOfSamples &got) const {
  int64_t hits = 0, wrong = 0, next = 0, count = labels.numElements();
  for (const auto &outputs : got)
    for (int64_t i = 0, e = outputs.front().numElements(); i < e; ++i, ++next) {
      if (next >= count)
        continue;
      bool found = outputs.front().get(i) > 0.5, is = labels.get(next) > 0.5;
      hits += found && is;
      wrong += found != is;
    }
  if (next != count || !count)
    return failWith(goal.samples + ": expected a label for each element of the first output, " +
                    Twine(next) + ", but got " + Twine(count) + " in \"" + goal.labels + "\"");
  // Without anything to find, finding nothing is right.
  return hits + wrong == 0 ? 1 : 2.0 * hits / (2.0 * hits + wrong);
}

static double meanCosine(const OutputsOfSamples &got, const OutputsOfSamples &exact) {
  double sum = 0;
  for (auto [y, x] : llvm::zip_equal(got, exact)) {
    Agreement agreement;
    agreement.add(x.front(), y.front());
    sum += agreement.cosine();
  }
  return sum / std::max<size_t>(got.size(), 1);
}

/// Writes output i of all samples as an array of its name, the samples along the
/// first dimension.
static Error writeOutputs(StringRef path, const OutputsOfSamples &got,
                          ArrayRef<std::string> names) {
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  for (auto [i, name] : enumerate(names)) {
    const HostTensor &first = got.front()[i];
    SmallVector<int64_t> shape(first.shape);
    if (shape.empty())
      shape.push_back(1);
    shape.front() *= got.size();
    size_t number = (*writer)->declare(name, first.kind, shape);
    for (const auto &outputs : got)
      (*writer)->append(number, ArrayRef(outputs[i].bytes.data(), outputs[i].bytes.size()));
  }
  return (*writer)->finish();
}

Expected<double> Metric::printed(const OutputsOfSamples &got,
                                 ArrayRef<std::string> names) const {
  SmallString<128> outputs, said;
  if (auto error = sys::fs::createTemporaryFile("dyadic-outputs", "npz", outputs))
    return createStringError(error, "no temporary file for outputs");
  FileRemover removeOutputs(outputs);
  if (auto error = sys::fs::createTemporaryFile("dyadic-metric", "txt", said))
    return createStringError(error, "no temporary file for what the metric says");
  FileRemover removeSaid(said);
  if (auto error = writeOutputs(outputs, got, names))
    return std::move(error);
  std::string script = goal.command + " \"$1\"", message;
  StringRef arguments[] = {"/bin/sh", "-c", script, "sh", outputs};
  std::optional<StringRef> redirects[] = {std::nullopt, said.str(), std::nullopt};
  int code = sys::ExecuteAndWait("/bin/sh", arguments, std::nullopt, redirects, 0, 0, &message);
  if (code)
    return failWith("the metric's command '" + goal.command + "' ended with code " +
                    Twine(code) + (message.empty() ? "" : ": " + message));
  auto buffer = MemoryBuffer::getFile(said);
  if (!buffer)
    return createStringError(buffer.getError(), "what the metric's command said");
  SmallVector<StringRef> lines;
  (*buffer)->getBuffer().trim().split(lines, '\n');
  double value;
  if (lines.back().trim().getAsDouble(value) || !std::isfinite(value))
    return failWith("expected the last line that the metric's command '" + goal.command +
                    "' prints to be a number, but got \"" + lines.back().trim() + "\"");
  return value;
}

Expected<double> Metric::evaluate(const OutputsOfSamples &got, const OutputsOfSamples &exact,
                                  ArrayRef<std::string> names) const {
  switch (goal.metric) {
  case AccuracyGoal::Metric::Top1:
    return topOne(got);
  case AccuracyGoal::Metric::F1:
    return f1(got);
  case AccuracyGoal::Metric::Command:
    return printed(got, names);
  case AccuracyGoal::Metric::SQNR: // measured on scores, not on outputs
  case AccuracyGoal::Metric::Cosine:
    break;
  }
  return meanCosine(got, exact);
}

} // namespace dyadic
