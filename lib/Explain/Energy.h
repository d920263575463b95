//===- Energy.h - what an inference may cost --------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_ENERGY_H
#define DYADIC_LIB_EXPLAIN_ENERGY_H

#include "dyadic/Explain/Explain.h"

namespace dyadic {

/// Where the energies of single operations come from.
extern const char *const kEnergySource;

/// Picojoules of a multiply-add of operands this wide, of integers or floats.
double energyOfMac(int64_t activationBits, int64_t weightBits, bool isFloat);
/// Picojoules of a byte between memory on the chip and arithmetic.
double energyOfByte();

/// Fills in every layer's energy from its multiply-adds and bytes.
void estimateEnergy(Explanation &explanation);

} // namespace dyadic

#endif
