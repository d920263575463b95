/*===- runtime.h - what the parts of an executable share --------------- C -*-===
 *
 * The main program of every executable that dyadic writes: it reads arrays from
 * .npy and .npz files, runs the model and writes arrays. Only libc and libm.
 * Errors end the program: 1 for the input, 2 for the command line.
 *===----------------------------------------------------------------------===*/
#ifndef DYADIC_RUNTIME_H
#define DYADIC_RUNTIME_H

#include "dyadic_model.h"

#include <stddef.h>
#include <stdint.h>

enum { MAX_RANK = 16, INPUT_FAULT = 1, USAGE_FAULT = 2 };

/* A dense row-major array; `data` belongs to the file it was read from or to
 * whoever made the array. */
struct array {
  const char *name;
  int32_t kind; /* enum dyadic_kind */
  int32_t rank;
  int64_t shape[MAX_RANK];
  const unsigned char *data;
  int64_t bytes;
};

/* A file, read-only in memory. */
struct file {
  const char *path;
  const unsigned char *data;
  size_t size;
};

/* "program: message", then exit(status). */
void die(int status, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
void *allocate(size_t size); /* or die */

struct file open_file(const char *path);
int64_t element_bytes(int32_t kind);
const char *kind_name(int32_t kind);
/* The product of extents and `unit`; -1 when it exceeds 2^62. */
int64_t checked_product(const int64_t *shape, int32_t rank, int64_t unit);

/* npy.c: one array in NumPy's format. `path` is for messages. */
struct array parse_npy(const unsigned char *data, size_t size, const char *path);
/* The header that precedes an array's bytes; returns its length, at most 1024. */
size_t format_npy_header(const struct array *array, unsigned char *buffer);

/* npz.c: arrays in a zip file. */
int is_zip(const struct file *file);
int32_t read_npz(const struct file *file, struct array **arrays);
uint32_t crc32_of(uint32_t crc, const unsigned char *data, size_t size);

/* inflate.c: whether `in` decompresses to exactly `out_size` bytes. */
int inflate(const unsigned char *in, size_t in_size, unsigned char *out,
            size_t out_size);

/* output.c: writes beside `path` and renames when complete; .npy takes exactly
 * one array, .npz any number. */
void write_arrays(const char *path, const struct array *arrays, int32_t count);
/* Removes a file that was begun but not completed; safe at any time. */
void discard_output(void);

#endif
