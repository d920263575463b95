//===- KernelTarget.cpp ---------------------------------------------------===//
#include "dyadic/Target/KernelTarget.h"

using namespace dyadic;

std::unique_ptr<KernelTarget> KernelTarget::create(const TargetInfo &info) {
  return info.isa == ISA::Scalar ? scalar::createTarget(info)
                                 : x86::createTarget(info);
}
