//===- WarpTarget.h - what a GPU tells the kernel emitters ------*- C++ -*-===//
#ifndef DYADIC_TARGET_WARPTARGET_H
#define DYADIC_TARGET_WARPTARGET_H

#include "dyadic/Target/TargetInfo.h"

namespace dyadic {

class WarpTarget {
public:
  explicit WarpTarget(TargetInfo info) : info(std::move(info)) {}
  virtual ~WarpTarget() = default;

  const TargetInfo &getInfo() const { return info; }

private:
  TargetInfo info;
};

} // namespace dyadic

#endif
