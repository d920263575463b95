//===- NamePattern.cpp ----------------------------------------------------===//
#include "dyadic/Support/NamePattern.h"

using namespace mlir;
using namespace dyadic;

NamePattern::NamePattern(StringRef given) : text(given) {
  auto created = llvm::GlobPattern::create(text);
  if (created)
    glob = std::move(*created);
  else
    llvm::consumeError(created.takeError());
}

bool NamePattern::matches(StringRef name) const {
  return name == text || (glob && glob->match(name));
}

bool NamePattern::matches(Location loc) const {
  return loc
      ->walk([&](Location part) {
        auto named = dyn_cast<NameLoc>(part);
        return named && matches(named.getName().getValue()) ? WalkResult::interrupt()
                                                            : WalkResult::advance();
      })
      .wasInterrupted();
}
