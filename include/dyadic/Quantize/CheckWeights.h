//===- CheckWeights.h - names of weights' formats ---------------*- C++ -*-===//
#ifndef DYADIC_QUANTIZE_CHECKWEIGHTS_H
#define DYADIC_QUANTIZE_CHECKWEIGHTS_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace dyadic {

/// What is wrong with a format of weights, as "int4:group=64", if they are multiplied
/// with integers (`forIntegers`) or with floats; empty if nothing is.
std::string faultOfWeights(llvm::StringRef format, bool forIntegers);
/// The same of a choice, as "fc*=int4:group=64" or a format for all.
std::string faultOfWeightChoice(llvm::StringRef choice, bool forIntegers);

} // namespace dyadic

#endif
