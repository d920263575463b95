//===- CheckPatterns.cpp - names that options speak of --------------------===//
#include "CheckPatterns.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/NamePattern.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <tuple>

using namespace mlir;

namespace dyadic {

using Names = llvm::SetVector<StringRef>;

/// The names of all ops, those in branches and loops too.
static Names namesOfOps(func::FuncOp main) {
  Names names;
  main.walk([&](Operation *op) {
    if (isa_and_nonnull<qnn::QNNDialect>(op->getDialect()) &&
        !op->hasTrait<OpTrait::ConstantLike>())
      op->getLoc()->walk([&](Location part) {
        if (auto named = dyn_cast<NameLoc>(part))
          names.insert(named.getName().getValue());
        return WalkResult::advance();
      });
  });
  return names;
}

static Names namesOfInputs(func::FuncOp main) {
  Names names;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto name = main.getArgAttrOfType<StringAttr>(i, kNameAttr))
      names.insert(name.getValue());
  return names;
}

/// The length of the longest string that is part of both.
static size_t longestShared(StringRef a, StringRef b) {
  size_t longest = 0;
  std::vector<size_t> ending(b.size() + 1, 0); // … at a[i] and b[j]
  for (char x : a)
    for (size_t j = b.size(); j-- > 0;) {
      ending[j + 1] = x == b[j] ? ending[j] + 1 : 0;
      longest = std::max(longest, ending[j + 1]);
    }
  return longest;
}

/// ": the nearest are …", those that share most with the pattern first.
static std::string nearest(StringRef pattern, ArrayRef<StringRef> names) {
  constexpr size_t kMost = 3;
  std::vector<std::tuple<int64_t, int64_t, StringRef>> ranked;
  for (StringRef name : names)
    ranked.emplace_back(-static_cast<int64_t>(longestShared(pattern, name)),
                        static_cast<int64_t>(pattern.edit_distance(name)), name);
  size_t count = std::min(kMost, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + count, ranked.end());
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", \"" : ": the nearest are \"") + std::get<2>(ranked[i]).str() + "\"";
  return text;
}

LogicalResult checkPatterns(func::FuncOp main, const CompileOptions &options) {
  Names ops = namesOfOps(main), both = ops;
  both.set_union(namesOfInputs(main));
  bool hasFailed = false;
  auto check = [&](StringRef text, const Names &names, Location loc, const char *what,
                   const char *end) {
    NamePattern pattern(text);
    if (llvm::any_of(names, [&](StringRef name) { return pattern.matches(name); }))
      return;
    hasFailed = true;
    emitError(loc) << "there is no " << what << " named \"" << text << "\"" << end
                   << nearest(text, names.getArrayRef());
  };
  llvm::SetVector<StringRef> located;
  for (const LayerPattern &pattern : options.patterns) {
    located.insert(pattern.pattern);
    check(pattern.pattern, both,
          FileLineColLoc::get(main.getContext(), pattern.file, pattern.line, pattern.column),
          "op or input", "");
  }
  for (const std::string &pattern : options.quantize.keepFloat)
    if (!located.contains(pattern))
      check(pattern, ops, UnknownLoc::get(main.getContext()), "op", " to keep in float");
  for (StringRef choice : options.quantize.activations) {
    auto [pattern, width] = choice.rsplit('=');
    bool isForAll = pattern.size() == choice.size();
    if (StringRef last = isForAll ? choice : width; last != "int8" && last != "int16") {
      hasFailed = true;
      emitError(UnknownLoc::get(main.getContext()))
          << "expected activations of int8 or int16, but got " << last;
    }
    if (!isForAll && !located.contains(pattern))
      check(pattern, both, UnknownLoc::get(main.getContext()), "op or input",
            " for activations");
  }
  return failure(hasFailed);
}

} // namespace dyadic
