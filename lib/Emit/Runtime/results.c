/*===- results.c - outputs and kept tensors of all samples --------------------===*/
#include "runtime.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One array for the results of all samples, joined along the first dimension. */
struct array make_result(const struct dyadic_tensor_info *info,
                                int64_t samples) {
  struct array array = {.name = info->name, .kind = info->kind};
  array.rank = info->rank;
  memcpy(array.shape, info->shape, (size_t)info->rank * sizeof *info->shape);
  if (info->rank == 0 && samples != 1)
    array.shape[array.rank++] = samples;
  else if (info->rank > 0)
    array.shape[0] *= samples;
  array.bytes = checked_product(&samples, 1, info->bytes);
  if (array.bytes < 0)
    die(INPUT_FAULT, "the output '%s' of %lld samples is too large", info->name,
        (long long)samples);
  array.data = allocate((size_t)array.bytes);
  return array;
}

void *sample_of(const struct array *array, int64_t bytes, int64_t sample) {
  return (void *)(uintptr_t)(array->data + sample * bytes);
}

/* A float of 16 bits, of which `mantissa` are the mantissa's. */
static double short_float(uint16_t bits, int mantissa) {
  int biased = (bits & 0x7fff) >> mantissa, least = 1 << (14 - mantissa);
  double fraction = bits & ((1 << mantissa) - 1), value;
  if (biased == 2 * least - 1)
    value = fraction != 0 ? NAN : INFINITY;
  else
    value = ldexp(fraction + (biased ? 1 << mantissa : 0),
                  (biased ? biased : 1) - least + 1 - mantissa);
  return bits & 0x8000 ? -value : value;
}

static double element(const unsigned char *data, int32_t kind, int64_t i) {
  switch (kind) {
  case DYADIC_I8:
    return ((const int8_t *)data)[i];
  case DYADIC_I16:
    return ((const int16_t *)data)[i];
  case DYADIC_I32:
    return ((const int32_t *)data)[i];
  case DYADIC_I64:
    return (double)((const int64_t *)data)[i];
  case DYADIC_F32:
    return ((const float *)data)[i];
  case DYADIC_F64:
    return ((const double *)data)[i];
  case DYADIC_U16:
    return ((const uint16_t *)data)[i];
  case DYADIC_U32:
    return ((const uint32_t *)data)[i];
  case DYADIC_U64:
    return (double)((const uint64_t *)data)[i];
  case DYADIC_F16:
    return short_float(((const uint16_t *)data)[i], 10);
  case DYADIC_BF16:
    return short_float(((const uint16_t *)data)[i], 7);
  default:
    return data[i];
  }
}

void print_result(const struct dyadic_tensor_info *info,
                         const unsigned char *data) {
  char shape[400];
  int64_t count = info->bytes / element_bytes(info->kind), largest = 0;
  printf("%s %s:", info->name, shape_text(info->shape, info->rank, shape));
  for (int64_t i = 0; i < count; ++i) {
    if (i < 12)
      printf(" %.6g", element(data, info->kind, i));
    if (element(data, info->kind, i) > element(data, info->kind, largest))
      largest = i;
  }
  printf("%s  (largest: %.6g at %lld)\n", count > 12 ? " ..." : "",
         count ? element(data, info->kind, largest) : 0, (long long)largest);
}

/* Kept tensors mean something only where each has bytes of its own. */
void check_kept(void) {
  for (int32_t i = 0; i < model->num_kept; ++i)
    for (int32_t j = 0; j < i; ++j) {
      const struct dyadic_tensor_info *a = &model->kept[i], *b = &model->kept[j];
      if (a->arena_offset < b->arena_offset + b->bytes &&
          b->arena_offset < a->arena_offset + a->bytes)
        die(USAGE_FAULT, "'%s' and '%s' share memory in this program: compile it "
                         "with --keep-all to see every tensor",
            a->name, b->name);
    }
}
