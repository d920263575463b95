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

/* What runs (main.c), and the name it was started by. */
extern const struct dyadic_model_info *const model;
extern const char *program;

/* "program: message", then exit(status). */
void die(int status, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
void *allocate(size_t size); /* or die */
struct file open_file(const char *path);
/* "1x3x48x320", "scalar"; `text` has room for 400 characters. */
const char *shape_text(const int64_t *shape, int32_t rank, char *text);

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

/* inputs.c: samples for the model's inputs, which lie in `input_buffers`. */
extern void **input_buffers;
void open_inputs(void);
/* FILE, or NAME=FILE when NAME is an input's. */
void bind_argument(const char *argument);
int64_t common_samples(void);
void load_sample(int64_t sample);
/* Inputs for a benchmark without files: the same noise in [0, 1) every time. */
void fill_inputs(void);

/* results.c */
struct array make_result(const struct dyadic_tensor_info *info, int64_t samples);
void *sample_of(const struct array *array, int64_t bytes, int64_t sample);
void print_result(const struct dyadic_tensor_info *info,
                  const unsigned char *data);
void check_kept(void);

/* benchmark.c: times `runs` runs, or a fitting number of them, and prints. */
double process_seconds(void);
double wall_seconds(void);
void benchmark(long runs, const void *const *from, void *const *to, void *arena,
               double before_main, double main_start);

/* output.c: writes beside `path` and renames when complete; .npy takes exactly
 * one array, .npz any number. */
void write_arrays(const char *path, const struct array *arrays, int32_t count);
/* Removes a file that was begun but not completed; safe at any time. */
void discard_output(void);

#endif
