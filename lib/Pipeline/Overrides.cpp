//===- Overrides.cpp - options for single layers, from a file -------------===//
#include "dyadic/Pipeline/Overrides.h"

#include "dyadic/Quantize/CheckWeights.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using namespace mlir;
using namespace llvm;

namespace dyadic {

namespace {
/// A text and where it stands.
struct Located {
  std::string text;
  SMLoc at;
};

class OverrideReader {
public:
  OverrideReader(StringRef path, CompileOptions &options, MLIRContext *context)
      : path(path), options(options), context(context) {}

  LogicalResult read();

private:
  Location locate(SMLoc at) const;
  InFlightDiagnostic fault(SMLoc at);
  /// The text of a scalar; reports other nodes.
  std::optional<Located> scalar(yaml::Node *node, const char *what);
  void readLayer(yaml::KeyValueNode &entry);
  void readSettings(const Located &pattern, const StringMap<Located> &settings);
  void readScheme(const Located &pattern, const StringMap<Located> &settings);

  StringRef path;
  CompileOptions &options;
  MLIRContext *context;
  SourceMgr sources;
  bool hasFailed = false;
};
} // namespace

static constexpr char kSettings[] = "float, scheme, weights, activations or observer";

static bool isSetting(StringRef name) {
  return is_contained({"float", "scheme", "weights", "activations", "observer"}, name);
}

Location OverrideReader::locate(SMLoc at) const {
  if (!at.isValid())
    return FileLineColLoc::get(context, path, 1, 1);
  auto [line, column] = sources.getLineAndColumn(at);
  return FileLineColLoc::get(context, path, line, column);
}

InFlightDiagnostic OverrideReader::fault(SMLoc at) {
  hasFailed = true;
  return emitError(locate(at));
}

std::optional<Located> OverrideReader::scalar(yaml::Node *node, const char *what) {
  if (!node)
    return std::nullopt; // the parser has said why
  SMLoc at = node->getSourceRange().Start;
  auto *text = dyn_cast<yaml::ScalarNode>(node);
  if (!text) {
    fault(at) << "expected " << what;
    node->skip();
    return std::nullopt;
  }
  SmallString<32> storage;
  return Located{text->getValue(storage).str(), at};
}

void OverrideReader::readLayer(yaml::KeyValueNode &entry) {
  auto pattern = scalar(entry.getKey(), "a name or pattern of names");
  yaml::Node *value = entry.getValue();
  if (!pattern || !value)
    return;
  auto *mapping = dyn_cast<yaml::MappingNode>(value);
  if (!mapping) {
    fault(value->getSourceRange().Start)
        << "expected {" << kSettings << ": ...} for \"" << pattern->text << "\"";
    value->skip();
    return;
  }
  StringMap<Located> settings;
  for (yaml::KeyValueNode &pair : *mapping) {
    auto key = scalar(pair.getKey(), kSettings);
    auto setting = scalar(pair.getValue(), "a word");
    if (!key || !setting)
      continue;
    if (!isSetting(key->text))
      fault(key->at) << "expected " << kSettings << ", but got \"" << key->text << "\"";
    else if (!settings.try_emplace(key->text, *setting).second)
      fault(key->at) << "\"" << key->text << "\" is given twice";
  }
  options.patterns.push_back({pattern->text, path.str(), 0, 0});
  std::tie(options.patterns.back().line, options.patterns.back().column) =
      sources.getLineAndColumn(pattern->at);
  readSettings(*pattern, settings);
}

void OverrideReader::readSettings(const Located &pattern, const StringMap<Located> &settings) {
  if (auto isFloat = settings.find("float"); isFloat != settings.end()) {
    const Located &value = isFloat->second;
    if (value.text != "true")
      fault(value.at) << "float: expected true, but got " << value.text;
    if (settings.size() > 1)
      fault(pattern.at) << "expected no other setting of what stays float";
    options.quantize.keepFloat.push_back(pattern.text);
    return;
  }
  readScheme(pattern, settings);
  if (auto width = settings.find("activations"); width != settings.end()) {
    const Located &value = width->second;
    if (value.text != "int8" && value.text != "int16")
      fault(value.at) << "activations: expected int8 or int16, but got " << value.text;
    else if (options.quantize.scheme != Scheme::Static || settings.contains("scheme"))
      fault(value.at) << "activations: expected the scheme static, in which they have a width";
    options.quantize.activations.push_back(pattern.text + "=" + value.text);
  }
  if (auto observer = settings.find("observer"); observer != settings.end()) {
    const Located &value = observer->second;
    auto parsed = parseObserver(value.text);
    if (!parsed)
      fault(value.at) << "observer: " << toString(parsed.takeError());
    else if (!options.calibration)
      fault(value.at) << "observer: expected samples (--calibrate), whose range it chooses";
    else
      options.calibration->observers.push_back({pattern.text, *parsed});
  }
}

void OverrideReader::readScheme(const Located &pattern, const StringMap<Located> &settings) {
  Scheme all = options.quantize.scheme;
  auto scheme = settings.find("scheme"), weights = settings.find("weights");
  bool hasScheme = scheme != settings.end(), hasWeights = weights != settings.end();
  std::optional<Scheme> own;
  if (hasScheme) {
    const Located &value = scheme->second;
    own = parseScheme(value.text);
    if (!own || own == Scheme::Static)
      fault(value.at) << "scheme: expected dynamic, dynamic-tensor or weight-only, but got "
                      << value.text;
    else if (all == Scheme::WeightOnly)
      fault(value.at) << "scheme: expected none beside --scheme weight-only";
  }
  bool isWeightOnly = own.value_or(all) == Scheme::WeightOnly;
  std::string format = hasWeights ? weights->second.text : "int8";
  if (hasWeights)
    if (std::string why = faultOfWeights(format, /*forIntegers=*/!isWeightOnly); !why.empty())
      fault(weights->second.at) << "weights: " << why;
  if (own == Scheme::WeightOnly)
    options.quantize.weightOnly.push_back(pattern.text + "=" + format);
  else if (hasWeights)
    options.quantize.weights.push_back(pattern.text + "=" + format);
  if (own && own != Scheme::WeightOnly)
    options.quantize.schemes.push_back(pattern.text + "=" + nameOf(*own).str());
}

LogicalResult OverrideReader::read() {
  auto file = MemoryBuffer::getFile(path);
  if (!file)
    return emitError(UnknownLoc::get(context))
           << path << ": " << file.getError().message();
  sources.setDiagHandler(
      [](const SMDiagnostic &diagnostic, void *self) {
        auto *reader = static_cast<OverrideReader *>(self);
        reader->hasFailed = true;
        emitError(FileLineColLoc::get(reader->context, reader->path, diagnostic.getLineNo(),
                                      diagnostic.getColumnNo() + 1))
            << diagnostic.getMessage();
      },
      this);
  yaml::Stream stream((*file)->getMemBufferRef(), sources, /*ShowColors=*/false);
  yaml::document_iterator document = stream.begin();
  yaml::Node *root = document == stream.end() ? nullptr : document->getRoot();
  auto *layers = dyn_cast_or_null<yaml::MappingNode>(root);
  if (!layers && !hasFailed)
    fault(root ? root->getSourceRange().Start : SMLoc())
        << "expected a mapping from names of layers to their settings";
  if (layers)
    for (yaml::KeyValueNode &entry : *layers)
      readLayer(entry);
  return failure(hasFailed);
}

LogicalResult addOverrides(StringRef path, CompileOptions &options, MLIRContext *context) {
  return OverrideReader(path, options, context).read();
}

} // namespace dyadic
