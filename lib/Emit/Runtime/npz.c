/*===- npz.c - arrays in a zip file ------------------------------------------===*/
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

static uint64_t little(const unsigned char *p, int bytes) {
  uint64_t value = 0;
  for (int i = bytes; i--;)
    value = value << 8 | p[i];
  return value;
}

/* Eight bytes a step: byte by byte takes longer than a small network. */
uint32_t crc32_of(uint32_t crc, const unsigned char *data, size_t size) {
  static uint32_t table[8][256];
  if (!table[0][1])
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 64; ++k) {
        c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        if (k % 8 == 7)
          table[k / 8][i] = c;
      }
    }
  crc = ~crc;
  for (; size >= 8; size -= 8, data += 8)
    crc = table[7][(crc ^ data[0]) & 255] ^ table[6][(crc >> 8 ^ data[1]) & 255] ^
          table[5][(crc >> 16 ^ data[2]) & 255] ^ table[4][crc >> 24 ^ data[3]] ^
          table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^
          table[0][data[7]];
  while (size--)
    crc = table[0][(crc ^ *data++) & 255] ^ crc >> 8;
  return ~crc;
}

int is_zip(const struct file *file) {
  return file->size >= 4 && memcmp(file->data, "PK\3\4", 4) == 0;
}

static void damaged(const struct file *file) {
  die(INPUT_FAULT, "'%s' is truncated or not a valid .npz file", file->path);
}

/* The span [offset, offset+size) of the file, or the end of the program. */
static const unsigned char *span(const struct file *file, uint64_t offset,
                                 uint64_t size) {
  if (offset > file->size || size > file->size - offset)
    damaged(file);
  return file->data + offset;
}

/* Where the central directory starts and how many entries it has. */
static uint64_t find_directory(const struct file *file, uint64_t *count) {
  uint64_t lowest = file->size > 65557 ? file->size - 65557 : 0;
  for (uint64_t at = file->size < 22 ? 0 : file->size - 22; at > lowest; --at) {
    const unsigned char *end = file->data + at;
    if (memcmp(end, "PK\5\6", 4) != 0)
      continue;
    *count = little(end + 10, 2);
    uint64_t start = little(end + 16, 4);
    if ((*count == 0xffff || start == 0xffffffff) && at >= 20 &&
        memcmp(end - 20, "PK\6\7", 4) == 0) {
      const unsigned char *end64 = span(file, little(end - 12, 8), 56);
      *count = little(end64 + 32, 8);
      start = little(end64 + 48, 8);
    }
    return start;
  }
  damaged(file);
  return 0;
}

struct member {
  uint64_t method, crc, packed, unpacked, offset, name_size;
  const unsigned char *name;
};

/* Reads an entry of the directory; returns where the next one starts. */
static uint64_t read_member(const struct file *file, uint64_t at,
                            struct member *m) {
  const unsigned char *p = span(file, at, 46);
  if (memcmp(p, "PK\1\2", 4) != 0)
    damaged(file);
  m->method = little(p + 10, 2);
  m->crc = little(p + 16, 4);
  m->packed = little(p + 20, 4);
  m->unpacked = little(p + 24, 4);
  m->name_size = little(p + 28, 2);
  uint64_t extra_size = little(p + 30, 2), comment_size = little(p + 32, 2);
  m->offset = little(p + 42, 4);
  m->name = span(file, at + 46, m->name_size + extra_size);
  const unsigned char *extra = m->name + m->name_size;
  while (extra_size >= 4) {
    uint64_t id = little(extra, 2), size = little(extra + 2, 2);
    if (size > extra_size - 4)
      break;
    const unsigned char *field = extra + 4, *end = field + size;
    uint64_t *wide[] = {&m->unpacked, &m->packed, &m->offset};
    for (int i = 0; id == 1 && i < 3; ++i)
      if (*wide[i] == 0xffffffff && end - field >= 8) {
        *wide[i] = little(field, 8);
        field += 8;
      }
    extra += 4 + size;
    extra_size -= 4 + size;
  }
  return at + 46 + m->name_size + (uint64_t)(extra - m->name - m->name_size) +
         extra_size + comment_size;
}

static const unsigned char *unpack(const struct file *file,
                                   const struct member *m, const char *name) {
  const unsigned char *local = span(file, m->offset, 30);
  uint64_t skip = 30 + little(local + 26, 2) + little(local + 28, 2);
  const unsigned char *packed = span(file, m->offset + skip, m->packed);
  const unsigned char *data = packed;
  if (m->method == 8) {
    /* Deflate can't expand by more than 1032: a larger claim is a lie. */
    if (m->unpacked / 1032 > m->packed + 1)
      damaged(file);
    unsigned char *buffer = allocate(m->unpacked);
    if (!inflate(packed, m->packed, buffer, m->unpacked))
      die(INPUT_FAULT, "'%s' in '%s' is damaged", name, file->path);
    data = buffer;
  } else if (m->method != 0 || m->packed != m->unpacked) {
    die(INPUT_FAULT, "'%s' in '%s' is compressed by method %d; expected 0 or 8",
        name, file->path, (int)m->method);
  }
  if (crc32_of(0, data, m->unpacked) != m->crc)
    die(INPUT_FAULT, "'%s' in '%s' is damaged: its checksum differs", name,
        file->path);
  return data;
}

int32_t read_npz(const struct file *file, struct array **arrays) {
  uint64_t count, at = find_directory(file, &count);
  if (count > file->size / 46)
    damaged(file);
  *arrays = allocate((size_t)count * sizeof **arrays);
  int32_t found = 0;
  for (uint64_t i = 0; i < count; ++i) {
    struct member m;
    at = read_member(file, at, &m);
    if (m.name_size < 4 || memcmp(m.name + m.name_size - 4, ".npy", 4) != 0)
      continue;
    char *name = allocate(m.name_size);
    memcpy(name, m.name, m.name_size - 4);
    name[m.name_size - 4] = 0;
    struct array *array = *arrays + found++;
    *array = parse_npy(unpack(file, &m, name), m.unpacked, file->path);
    array->name = name;
  }
  return found;
}
