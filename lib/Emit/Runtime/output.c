/*===- output.c - writes .npy and .npz files ---------------------------------===
 *
 * Everything goes to a temporary file beside the target, which takes the
 * target's name when it is complete: a full disk leaves nothing behind. What
 * exists and is no regular file (a device, a pipe) is written to in place.
 *===----------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include "runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
  const char *path;
  char *temporary; /* null when nothing is begun */
  FILE *stream;
} output;

void discard_output(void) {
  if (!output.temporary)
    return;
  unlink(output.temporary);
  output.temporary = NULL;
}

static void failed(void) {
  int error = errno;
  discard_output();
  die(INPUT_FAULT, "cannot write '%s': %s", output.path, strerror(error));
}

static void begin(const char *path) {
  struct stat status;
  output.path = path;
  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    output.stream = fopen(path, "wb");
    if (!output.stream)
      failed();
    return;
  }
  char *temporary = allocate(strlen(path) + 16);
  sprintf(temporary, "%s.XXXXXX", path);
  int descriptor = mkstemp(temporary);
  if (descriptor < 0)
    failed();
  output.temporary = temporary;
  mode_t mask = umask(0);
  umask(mask);
  fchmod(descriptor, 0666 & ~mask); /* mkstemp makes files private */
  output.stream = fdopen(descriptor, "wb");
  if (!output.stream)
    failed();
}

static void put(const void *data, size_t size) {
  if (size && fwrite(data, 1, size, output.stream) != size)
    failed();
}

static void end(void) {
  if (fflush(output.stream) || fclose(output.stream))
    failed();
  if (output.temporary && rename(output.temporary, output.path))
    failed();
  output.temporary = NULL;
}

static void put_array(const struct array *array, const unsigned char *header,
                      size_t header_size) {
  put(header, header_size);
  put(array->data, (size_t)array->bytes);
}

/* Little-endian fields of a zip record. */
static unsigned char *field(unsigned char *at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8)
    *at++ = (unsigned char)value;
  return at;
}

/* What the local header and the directory entry have in common, with sizes in
 * a zip64 extra field so that members may exceed 4 GB. */
static unsigned char *put_fields(unsigned char *at, uint32_t crc,
                                 size_t name_size, int extra_size) {
  at = field(at, 45, 2);         /* version needed: zip64 */
  at = field(at, 0x0800, 2);     /* the name is UTF-8 */
  at = field(at, 0, 2);          /* stored */
  at = field(at, 0x00210000, 4); /* 1980-01-01: equal runs give equal files */
  at = field(at, crc, 4);
  at = field(at, 0xffffffff, 4);
  at = field(at, 0xffffffff, 4);
  at = field(at, name_size, 2);
  return field(at, (uint64_t)extra_size, 2);
}

static void write_npz(const struct array *arrays, int32_t count) {
  unsigned char header[1024], record[128];
  uint64_t *offsets = allocate((size_t)count * sizeof *offsets), position = 0;
  uint32_t *crcs = allocate((size_t)count * sizeof *crcs);
  for (int32_t i = 0; i < count; ++i) {
    const struct array *array = arrays + i;
    size_t header_size = format_npy_header(array, header);
    size_t name_size = strlen(array->name) + 4;
    uint64_t size = header_size + (uint64_t)array->bytes;
    crcs[i] = crc32_of(crc32_of(0, header, header_size), array->data,
                       (size_t)array->bytes);
    offsets[i] = position;
    unsigned char *at = field(record, 0x04034b50, 4);
    at = put_fields(at, crcs[i], name_size, 20);
    put(record, (size_t)(at - record));
    put(array->name, name_size - 4);
    put(".npy", 4);
    unsigned char extra[20], *e = field(extra, 1, 2);
    e = field(field(field(e, 16, 2), size, 8), size, 8);
    put(extra, sizeof extra);
    put_array(array, header, header_size);
    position += (uint64_t)(at - record) + name_size + sizeof extra + size;
  }
  uint64_t start = position;
  for (int32_t i = 0; i < count; ++i) {
    const struct array *array = arrays + i;
    size_t name_size = strlen(array->name) + 4;
    uint64_t size =
        format_npy_header(array, header) + (uint64_t)array->bytes;
    unsigned char *at = field(record, 0x02014b50, 4);
    at = put_fields(field(at, 45, 2), crcs[i], name_size, 28);
    at = field(at, 0, 2); /* comment */
    at = field(at, 0, 2); /* disk */
    at = field(at, 0, 2); /* attributes */
    at = field(at, 0, 4);
    at = field(at, 0xffffffff, 4);
    put(record, (size_t)(at - record));
    put(array->name, name_size - 4);
    put(".npy", 4);
    unsigned char extra[28], *e = field(extra, 1, 2);
    e = field(field(field(field(e, 24, 2), size, 8), size, 8), offsets[i], 8);
    put(extra, sizeof extra);
    position += (uint64_t)(at - record) + name_size + sizeof extra;
  }
  unsigned char *at = field(record, 0x06064b50, 4); /* zip64 end */
  at = field(field(field(at, 44, 8), 45, 2), 45, 2);
  at = field(field(at, 0, 4), 0, 4);
  at = field(field(at, (uint64_t)count, 8), (uint64_t)count, 8);
  at = field(field(at, position - start, 8), start, 8);
  at = field(field(at, 0x07064b50, 4), 0, 4); /* its locator */
  at = field(field(at, position, 8), 1, 4);
  at = field(field(at, 0x06054b50, 4), 0, 4); /* end */
  at = field(field(at, 0xffff, 2), 0xffff, 2);
  at = field(field(field(at, 0xffffffff, 4), 0xffffffff, 4), 0, 2);
  put(record, (size_t)(at - record));
  free(offsets);
  free(crcs);
}

void write_arrays(const char *path, const struct array *arrays, int32_t count) {
  size_t length = strlen(path);
  int single = length >= 4 && strcmp(path + length - 4, ".npy") == 0;
  if (single && count != 1)
    die(USAGE_FAULT, "a .npy file holds one array, but there are %d: name a "
                     ".npz file instead of '%s'", (int)count, path);
  begin(path);
  if (single) {
    unsigned char header[1024];
    put_array(arrays, header, format_npy_header(arrays, header));
  } else {
    write_npz(arrays, count);
  }
  end();
}
