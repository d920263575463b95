/*===- support.c - errors, memory and files of an executable model ------------===*/
#define _DEFAULT_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *program = "model";

void die(int status, const char *format, ...) {
  va_list arguments;
  discard_output();
  fflush(stdout);
  fprintf(stderr, "%s: error: ", program);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  if (status == USAGE_FAULT)
    fprintf(stderr, "try '%s --help'\n", program);
  exit(status);
}

/* 64-aligned zeros, followed by as much again as a vector load may overreach. */
void *allocate(size_t size) {
  void *memory = MAP_FAILED;
  if (size < 1 << 16) {
    if (posix_memalign(&memory, 64, size + 64) == 0)
      return memset(memory, 0, size + 64);
  } else if (size <= SIZE_MAX - 64) {
    memory = mmap(NULL, size + 64, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (memory == MAP_FAILED)
    die(INPUT_FAULT, "not enough memory for %zu bytes", size);
  return memory;
}

struct file open_file(const char *path) {
  struct file file = {path, NULL, 0};
  struct stat status;
  int descriptor = open(path, O_RDONLY);
  if (descriptor < 0 || fstat(descriptor, &status) < 0)
    die(INPUT_FAULT, "cannot read '%s': %s", path, strerror(errno));
  if (!S_ISREG(status.st_mode))
    die(INPUT_FAULT, "cannot read '%s': not a regular file", path);
  file.size = (size_t)status.st_size;
  if (file.size == 0)
    die(INPUT_FAULT, "'%s' is empty", path);
  void *data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED)
    die(INPUT_FAULT, "cannot read '%s': %s", path, strerror(errno));
  close(descriptor);
  file.data = data;
  return file;
}

/* "1x3x48x320", "scalar". */
const char *shape_text(const int64_t *shape, int32_t rank, char *text) {
  int n = 0;
  for (int32_t i = 0; i < rank; ++i)
    n += sprintf(text + n, "%s%lld", i ? "x" : "", (long long)shape[i]);
  if (rank == 0)
    strcpy(text, "scalar");
  return text;
}
