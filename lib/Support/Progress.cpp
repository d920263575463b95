//===- Progress.cpp -------------------------------------------------------===//
#include "dyadic/Support/Progress.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using Clock = std::chrono::steady_clock;

namespace dyadic {

static constexpr int kBarWidth = 30;
static bool shown = false;

void Progress::show() { shown = true; }

Progress::Progress(StringRef label, int64_t total)
    : label(label), total(total), isTerminal(shown && errs().is_displayed()),
      start(Clock::now()), last(start) {}

Progress::~Progress() {
  if (drawn)
    errs() << "\r\033[K";
}

void Progress::advance(int64_t count) {
  done += count;
  auto now = Clock::now();
  // Ten times a second; nothing for what takes less than half of one.
  if (!isTerminal || now - start < std::chrono::milliseconds(500) ||
      now - last < std::chrono::milliseconds(100))
    return;
  last = now;
  draw();
}

void Progress::draw() {
  drawn = true;
  int filled = total > 0 ? int(kBarWidth * done / total) : 0;
  double seconds = std::chrono::duration<double>(last - start).count();
  errs() << "\r\033[K" << label << " [" << std::string(filled, '#')
         << std::string(kBarWidth - filled, ' ') << "] " << done << "/" << total;
  if (done)
    errs() << format(", %.0f s left", seconds / done * (total - done));
}

} // namespace dyadic
