//===- Energy.cpp ---------------------------------------------------------===//
//
// M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC
// 2014, figure 1.1.9: 45 nm, 0.9 V.
//
//===----------------------------------------------------------------------===//
#include "Energy.h"

#include "llvm/ADT/StringSwitch.h"

namespace dyadic {

const char *const kEnergySource =
    "Operations: M. Horowitz, Computing's energy problem, ISSCC 2014 (45 nm, 0.9 V): "
    "8-bit multiplication 0.2 pJ, 32-bit addition 0.1 pJ, f32 multiplication 3.7 pJ "
    "and addition 0.9 pJ, 64 bits of a 1 MB memory 100 pJ. Other widths of factors "
    "scale with their product. Each tensor is read and written once, on the chip";

// Picojoules.
static constexpr double kMultiply8 = 0.2, kAdd32 = 0.1, kMultiplyFloat = 3.7,
                        kAddFloat = 0.9, kSRAM64Bits = 100;

double energyOfMac(int64_t activationBits, int64_t weightBits, bool isFloat) {
  if (isFloat)
    return kMultiplyFloat + kAddFloat;
  return kMultiply8 * activationBits * weightBits / 64 + kAdd32;
}

double energyOfByte() { return kSRAM64Bits / 8; }

void estimateEnergy(Explanation &explanation) {
  for (Layer &layer : explanation.layers) {
    // A sum's own type may be wider than its factors': those decide.
    int64_t activationBits = 8;
    for (int64_t input : layer.inputs)
      activationBits = llvm::StringSwitch<int64_t>(explanation.layers[input].type)
                           .Cases({"u16", "i16"}, 16)
                           .Default(activationBits);
    // Four-bit weights are widened before they are multiplied.
    double mac = energyOfMac(activationBits, 8, !layer.isInteger);
    layer.energy = layer.macs * mac +
                   (layer.weightBytes + layer.activationBytes) * energyOfByte();
    layer.floatEnergy =
        layer.macs * energyOfMac(32, 32, true) +
        (layer.floatWeightBytes + layer.floatActivationBytes) * energyOfByte();
  }
}

} // namespace dyadic
