//===- CoreModel.h - what the cost model knows of a processor ---*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_X86_COREMODEL_H
#define DYADIC_LIB_TARGET_X86_COREMODEL_H

#include "dyadic/Target/TargetInfo.h"

namespace dyadic::x86 {

/// One core. Bandwidths are bytes a cycle, sizes bytes.
struct CoreModel {
  int64_t l1, l2, l3;
  double fromL2, fromL3, fromMemory;
  /// 512-bit and 256-bit products a cycle, and loads.
  double products512, products256, loads512, loads256;
  /// Of a product that adds to the one before.
  double latency = 4;

  /// Bytes a cycle of what is read again and again and takes `bytes` with all
  /// that is read in between. The first cache costs nothing but its loads.
  double bandwidth(double bytes) const;
};

/// The core of `info.model`, or a usual one of its level.
const CoreModel &coreModel(const TargetInfo &info);

} // namespace dyadic::x86

#endif
