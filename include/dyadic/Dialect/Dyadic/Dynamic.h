//===- Dynamic.h - integer ops with scales from run time --------*- C++ -*-===//
#ifndef DYADIC_DIALECT_DYADIC_DYNAMIC_H
#define DYADIC_DIALECT_DYADIC_DYNAMIC_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"

#define GET_OP_CLASSES
#include "dyadic/Dialect/Dyadic/DynamicOps.h.inc"

#endif
