/*===- npy.c - NumPy's format for one array ----------------------------------===*/
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name, *descr;
  int bytes;
} kinds[] = {{"bool", "|b1", 1},   {"uint8", "|u1", 1},   {"int8", "|i1", 1},
             {"int16", "<i2", 2},  {"int32", "<i4", 4},   {"int64", "<i8", 8},
             {"float32", "<f4", 4}, {"float64", "<f8", 8}, {"uint16", "<u2", 2},
             {"uint32", "<u4", 4}, {"uint64", "<u8", 8},  {"float16", "<f2", 2},
             {"bfloat16", "<V2", 2}};
enum { NUM_KINDS = sizeof kinds / sizeof *kinds };

int64_t element_bytes(int32_t kind) { return kinds[kind].bytes; }
const char *kind_name(int32_t kind) { return kinds[kind].name; }

int64_t checked_product(const int64_t *shape, int32_t rank, int64_t unit) {
  int64_t product = unit;
  for (int32_t i = 0; i < rank; ++i) {
    if (shape[i] == 0)
      return 0;
    if (shape[i] < 0 || product > ((int64_t)1 << 62) / shape[i])
      return -1;
    product *= shape[i];
  }
  return product;
}

/* What follows `'key':` in the header's dictionary. */
static const char *find_key(const char *header, const char *key,
                            const char *path) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "'%s'", key);
  const char *at = strstr(header, quoted);
  at = at ? strchr(at + strlen(quoted), ':') : NULL;
  if (!at)
    die(INPUT_FAULT, "'%s' is not a valid .npy array: its header has no %s",
        path, quoted);
  for (++at; *at == ' ';)
    ++at;
  return at;
}

static int32_t parse_kind(const char *descr, const char *path) {
  for (int32_t kind = 0; kind < NUM_KINDS; ++kind) {
    const char *want = kinds[kind].descr;
    int anyOrder = kinds[kind].bytes == 1 || want[1] == 'V';
    int order = anyOrder ? strchr("|<>=", descr[1]) != NULL
                         : descr[1] == '<' || descr[1] == '=';
    if (descr[0] == '\'' && order && descr[2] == want[1] &&
        descr[3] == want[2] && descr[4] == '\'')
      return kind;
  }
  die(INPUT_FAULT,
      "'%s' has elements of type %.*s; expected bool, little-endian integers "
      "of 8 to 64 bits, float16 to float64 or bfloat16",
      path, (int)strcspn(descr, ",}"), descr);
}

struct array parse_npy(const unsigned char *data, size_t size, const char *path) {
  struct array array = {0};
  char header[4096];
  if (size < 12 || memcmp(data, "\x93NUMPY", 6) != 0)
    die(INPUT_FAULT, "'%s' is not a .npy array", path);
  size_t length = data[8] | (size_t)data[9] << 8, start = 10;
  if (data[6] >= 2) {
    length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    start = 12;
  }
  if (length >= sizeof header || size - start < length)
    die(INPUT_FAULT, "'%s' is truncated or not a valid .npy array", path);
  memcpy(header, data + start, length);
  header[length] = 0;

  array.kind = parse_kind(find_key(header, "descr", path), path);
  if (strncmp(find_key(header, "fortran_order", path), "False", 5) != 0)
    die(INPUT_FAULT,
        "'%s' is stored column by column; save np.ascontiguousarray(x)", path);
  const char *at = find_key(header, "shape", path);
  if (*at++ != '(')
    die(INPUT_FAULT, "'%s' is not a valid .npy array: bad shape", path);
  for (;;) {
    char *end;
    at += strspn(at, " ,");
    if (*at == ')')
      break;
    if (array.rank == MAX_RANK)
      die(INPUT_FAULT, "'%s' has more than %d dimensions", path, MAX_RANK);
    array.shape[array.rank] = strtoll(at, &end, 10);
    if (end == at || array.shape[array.rank++] < 0)
      die(INPUT_FAULT, "'%s' is not a valid .npy array: bad shape", path);
    at = end;
  }
  array.bytes =
      checked_product(array.shape, array.rank, element_bytes(array.kind));
  array.data = data + start + length;
  if (array.bytes < 0 || (uint64_t)array.bytes > size - start - length)
    die(INPUT_FAULT, "'%s' is truncated: it holds %zu bytes of its elements",
        path, size - start - length);
  return array;
}

size_t format_npy_header(const struct array *array, unsigned char *buffer) {
  char *text = (char *)buffer + 10;
  int n = sprintf(text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                  kinds[array->kind].descr);
  for (int32_t i = 0; i < array->rank; ++i)
    n += sprintf(text + n, "%lld,%s", (long long)array->shape[i],
                 i + 1 < array->rank ? " " : "");
  n += sprintf(text + n, "), }");
  while ((10 + n + 1) % 64 != 0) /* elements start on a cache line */
    text[n++] = ' ';
  text[n++] = '\n';
  memcpy(buffer, "\x93NUMPY\x01", 8); /* version 1.0 with the final zero */
  buffer[8] = (unsigned char)n;
  buffer[9] = (unsigned char)(n >> 8);
  return 10 + (size_t)n;
}
