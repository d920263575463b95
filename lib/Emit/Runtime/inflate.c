/*===- inflate.c - RFC 1951 decompression of zip members ---------------------===*/
#include "runtime.h"

#include <string.h>

struct bits {
  const unsigned char *in, *end;
  uint64_t buffer;
  int count;
  int failed;
};

static unsigned take(struct bits *b, int n) {
  while (b->count < n) {
    if (b->in == b->end) {
      b->failed = 1;
      return 0;
    }
    b->buffer |= (uint64_t)*b->in++ << b->count;
    b->count += 8;
  }
  unsigned value = (unsigned)(b->buffer & ((1u << n) - 1));
  b->buffer >>= n;
  b->count -= n;
  return value;
}

/* A canonical code: how many codes each length has, symbols in code order. */
struct code {
  uint16_t count[16];
  uint16_t symbol[288];
};

static int build(struct code *code, const uint8_t *lengths, int n) {
  uint16_t next[16];
  int left = 1;
  memset(code->count, 0, sizeof code->count);
  for (int i = 0; i < n; ++i)
    ++code->count[lengths[i]];
  code->count[0] = 0;
  next[1] = 0;
  for (int length = 1; length < 16; ++length) {
    left = 2 * left - code->count[length];
    if (left < 0)
      return 0; /* more codes than bits allow */
    if (length < 15)
      next[length + 1] = next[length] + code->count[length];
  }
  for (int i = 0; i < n; ++i)
    if (lengths[i])
      code->symbol[next[lengths[i]]++] = (uint16_t)i;
  return 1;
}

static int decode(struct bits *b, const struct code *code) {
  int value = 0, first = 0, index = 0;
  for (int length = 1; length < 16; ++length) {
    value |= (int)take(b, 1);
    if (b->failed)
      return -1;
    int count = code->count[length];
    if (value - first < count)
      return code->symbol[index + value - first];
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  return -1;
}

static const uint16_t length_base[29] = {
    3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                         1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
                                         4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,
    33,  49,  65,  97,  129, 193,  257,  385,  513,  769,
    1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

static int read_codes(struct bits *b, struct code *literals,
                      struct code *distances) {
  static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
  uint8_t lengths[320] = {0};
  struct code code;
  int num_literals = (int)take(b, 5) + 257, num_distances = (int)take(b, 5) + 1;
  int num_lengths = (int)take(b, 4) + 4;
  for (int i = 0; i < num_lengths; ++i)
    lengths[order[i]] = (uint8_t)take(b, 3);
  if (b->failed || num_literals > 286 || !build(&code, lengths, 19))
    return 0;
  memset(lengths, 0, 19);
  for (int i = 0; i < num_literals + num_distances;) {
    int symbol = decode(b, &code), repeat = 1;
    uint8_t value = 0;
    if (symbol < 0)
      return 0;
    if (symbol < 16) {
      value = (uint8_t)symbol;
    } else if (symbol == 16) {
      if (i == 0)
        return 0;
      value = lengths[i - 1];
      repeat = 3 + (int)take(b, 2);
    } else {
      repeat = symbol == 17 ? 3 + (int)take(b, 3) : 11 + (int)take(b, 7);
    }
    if (b->failed || i + repeat > num_literals + num_distances)
      return 0;
    while (repeat--)
      lengths[i++] = value;
  }
  return build(literals, lengths, num_literals) &&
         build(distances, lengths + num_literals, num_distances);
}

static void fixed_codes(struct code *literals, struct code *distances) {
  uint8_t lengths[288];
  memset(lengths, 8, 144);
  memset(lengths + 144, 9, 112);
  memset(lengths + 256, 7, 24);
  memset(lengths + 280, 8, 8);
  build(literals, lengths, 288);
  memset(lengths, 5, 30);
  build(distances, lengths, 30);
}

int inflate(const unsigned char *in, size_t in_size, unsigned char *out,
            size_t out_size) {
  struct bits b = {in, in + in_size, 0, 0, 0};
  struct code literals, distances;
  size_t at = 0;
  int last;
  do {
    last = (int)take(&b, 1);
    unsigned type = take(&b, 2);
    if (b.failed)
      return 0;
    if (type == 0) {
      b.in -= b.count / 8; /* whole bytes that were read ahead */
      b.buffer = 0;
      b.count = 0;
      if (b.end - b.in < 4)
        return 0;
      size_t size = b.in[0] | (size_t)b.in[1] << 8;
      b.in += 4;
      if ((size_t)(b.end - b.in) < size || out_size - at < size)
        return 0;
      memcpy(out + at, b.in, size);
      at += size;
      b.in += size;
      continue;
    }
    if (type == 1)
      fixed_codes(&literals, &distances);
    else if (type != 2 || !read_codes(&b, &literals, &distances))
      return 0;
    for (;;) {
      int symbol = decode(&b, &literals);
      if (symbol == 256)
        break;
      if (symbol < 0 || symbol > 285)
        return 0;
      if (symbol < 256) {
        if (at == out_size)
          return 0;
        out[at++] = (unsigned char)symbol;
        continue;
      }
      symbol -= 257;
      size_t length = length_base[symbol] + take(&b, length_extra[symbol]);
      int code = decode(&b, &distances);
      if (code < 0 || code > 29)
        return 0;
      size_t distance =
          distance_base[code] + take(&b, code < 2 ? 0 : code / 2 - 1);
      if (b.failed || distance > at || out_size - at < length)
        return 0;
      for (; length--; ++at)
        out[at] = out[at - distance];
    }
  } while (!last);
  return at == out_size;
}
