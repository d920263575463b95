//===- Progress.h - a progress bar on a terminal ----------------*- C++ -*-===//
#ifndef DYADIC_SUPPORT_PROGRESS_H
#define DYADIC_SUPPORT_PROGRESS_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace dyadic {

/// One line on standard error that is redrawn while work goes on and erased at
/// the end. Prints nothing where standard error isn't a terminal or not ours:
/// only a tool's main function says `show`, for a library has no business there.
class Progress {
public:
  Progress(llvm::StringRef label, int64_t total);
  ~Progress();
  /// `count` more of `total` are done.
  void advance(int64_t count = 1);
  static void show();

private:
  void draw();
  std::string label;
  int64_t total, done = 0;
  bool isTerminal, drawn = false;
  std::chrono::steady_clock::time_point start, last;
};

} // namespace dyadic

#endif
