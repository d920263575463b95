//===- ChannelAttrs.h - what calibration saw beside ranges -----*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_CHANNELATTRS_H
#define DYADIC_DIALECT_QNN_CHANNELATTRS_H

#include "llvm/ADT/StringRef.h"

namespace dyadic {

/// On an op between calibration and quantization: the least and greatest value of
/// each channel (index of the last dimension) of its result, in pairs.
inline constexpr llvm::StringLiteral kChannelRangesAttr = "qnn.channel_ranges";
/// The means of their squares.
inline constexpr llvm::StringLiteral kChannelPowersAttr = "qnn.channel_powers";
/// On an argument: the f32 by which more its values would be those of its 8-bit type.
inline constexpr llvm::StringLiteral kShiftAttr = "qnn.shift";

} // namespace dyadic

#endif
