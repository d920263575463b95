/*===- inputs.c - samples from files to the model's inputs --------------------===*/
#include "runtime.h"

#include <string.h>

struct input {
  struct array array;
  const char *path; /* null: not given */
  int64_t samples;
};

static struct input *inputs;
void **input_buffers;

void open_inputs(void) {
  inputs = allocate((size_t)model->num_inputs * sizeof *inputs);
  input_buffers = allocate((size_t)model->num_inputs * sizeof *input_buffers);
}

static int64_t count_samples(const struct dyadic_tensor_info *info,
                             const struct array *array, const char *path) {
  const int64_t *shape = info->shape;
  int32_t rank = info->rank;
  char want[400], got[400];
  if (array->rank == rank && rank > 0 && array->shape[0] % shape[0] == 0 &&
      memcmp(array->shape + 1, shape + 1, (size_t)(rank - 1) * 8) == 0) {
    if (array->shape[0] == 0)
      die(INPUT_FAULT, "'%s' has no samples", path);
    return array->shape[0] / shape[0];
  }
  if (rank > 0 && array->rank == rank - 1 && shape[0] == 1 &&
      memcmp(array->shape, shape + 1, (size_t)(rank - 1) * 8) == 0)
    return 1;
  if (rank == 0 && array->rank == 0)
    return 1;
  if (rank == 0 && array->rank == 1 && array->shape[0] > 0)
    return array->shape[0];
  die(INPUT_FAULT,
      "expected shape %s for the input '%s', its first extent times any number "
      "of samples, but '%s' has %s",
      shape_text(shape, rank, want), info->name, path,
      shape_text(array->shape, array->rank, got));
}

static void bind_input(int32_t index, struct array array, const char *path) {
  const struct dyadic_tensor_info *info = &model->inputs[index];
  struct input *input = &inputs[index];
  if (input->path)
    die(USAGE_FAULT, "the input '%s' is given twice: '%s' and '%s'", info->name,
        input->path, path);
  if (array.kind != info->kind &&
      (info->kind != DYADIC_F32 || array.kind >= DYADIC_F16))
    die(INPUT_FAULT, "expected elements of type %s for the input '%s', but '%s' "
                     "has %s",
        kind_name(info->kind), info->name, path, kind_name(array.kind));
  input->array = array;
  input->path = path;
  input->samples = count_samples(info, &array, path);
  input_buffers[index] = allocate((size_t)info->bytes);
}

static int32_t find_input(const char *name, size_t length) {
  for (int32_t i = 0; i < model->num_inputs; ++i)
    if (strlen(model->inputs[i].name) == length &&
        memcmp(model->inputs[i].name, name, length) == 0)
      return i;
  return -1;
}

static void bind_npz(const struct file *file, int32_t only) {
  struct array *arrays;
  int32_t count = read_npz(file, &arrays), bound = 0;
  for (int32_t i = 0; i < count; ++i) {
    int32_t index = find_input(arrays[i].name, strlen(arrays[i].name));
    if (index >= 0 && (only < 0 || only == index)) {
      bind_input(index, arrays[i], file->path);
      ++bound;
    }
  }
  if (bound == 0 && count == 1 && (only >= 0 || model->num_inputs == 1)) {
    bind_input(only < 0 ? 0 : only, arrays[0], file->path);
    ++bound;
  }
  if (bound == 0)
    die(INPUT_FAULT, "'%s' holds %d arrays, none with the name of an input, such "
                     "as '%s'",
        file->path, (int)count, model->inputs[only < 0 ? 0 : only].name);
}

/* FILE, or NAME=FILE when NAME is an input's. */
void bind_argument(const char *argument) {
  const char *equals = strchr(argument, '=');
  int32_t index = equals ? find_input(argument, (size_t)(equals - argument)) : -1;
  const char *path = index >= 0 ? equals + 1 : argument;
  struct file file = open_file(path);
  if (is_zip(&file)) {
    bind_npz(&file, index);
    return;
  }
  for (int32_t i = 0; index < 0 && i < model->num_inputs; ++i)
    if (!inputs[i].path)
      index = i;
  if (index < 0)
    die(USAGE_FAULT, "the model has %d input%s; '%s' is one too many",
        (int)model->num_inputs, model->num_inputs == 1 ? "" : "s", path);
  bind_input(index, parse_npy(file.data, file.size, path), path);
}

int64_t common_samples(void) {
  int64_t samples = 1;
  for (int32_t i = 0; i < model->num_inputs; ++i) {
    if (!inputs[i].path)
      die(USAGE_FAULT, "the input '%s' is missing", model->inputs[i].name);
    if (inputs[i].samples == 1)
      continue; /* the same for every sample of the others */
    if (samples != 1 && samples != inputs[i].samples)
      die(INPUT_FAULT, "the inputs have different numbers of samples: %lld and "
                       "%lld",
          (long long)samples, (long long)inputs[i].samples);
    samples = inputs[i].samples;
  }
  return samples;
}

#define CONVERT(type)                                                          \
  for (int64_t i = 0; i < count; ++i) {                                        \
    type value;                                                                \
    memcpy(&value, from + i * (int64_t)sizeof value, sizeof value);            \
    to[i] = (float)value;                                                      \
  }                                                                            \
  break

static void load_input(int32_t index, int64_t sample) {
  const struct dyadic_tensor_info *info = &model->inputs[index];
  struct input *input = &inputs[index];
  int64_t unit = element_bytes(info->kind), count = info->bytes / unit;
  if (input->samples == 1)
    sample = 0;
  const unsigned char *from =
      input->array.data + sample * count * element_bytes(input->array.kind);
  float *to = input_buffers[index];
  if (input->array.kind == info->kind) {
    memcpy(to, from, (size_t)info->bytes);
    return;
  }
  switch (input->array.kind) {
  case DYADIC_BOOL:
  case DYADIC_U8:
    CONVERT(uint8_t);
  case DYADIC_I8:
    CONVERT(int8_t);
  case DYADIC_I16:
    CONVERT(int16_t);
  case DYADIC_I32:
    CONVERT(int32_t);
  case DYADIC_I64:
    CONVERT(int64_t);
  case DYADIC_F32:
    CONVERT(float);
  case DYADIC_F64:
    CONVERT(double);
  case DYADIC_U16:
    CONVERT(uint16_t);
  case DYADIC_U32:
    CONVERT(uint32_t);
  case DYADIC_U64:
    CONVERT(uint64_t);
  }
}

void load_sample(int64_t sample) {
  for (int32_t i = 0; i < model->num_inputs; ++i)
    if (inputs[i].path)
      load_input(i, sample);
}

/* Inputs for a benchmark without files: the same noise in [0, 1) every time. */
void fill_inputs(void) {
  uint32_t state = 1;
  for (int32_t i = 0; i < model->num_inputs; ++i) {
    const struct dyadic_tensor_info *info = &model->inputs[i];
    if (inputs[i].path)
      continue;
    float *to = input_buffers[i] = allocate((size_t)info->bytes);
    for (int64_t k = 0; info->kind == DYADIC_F32 && k < info->bytes / 4; ++k) {
      state = state * 1664525u + 1013904223u;
      to[k] = (float)(state >> 8) * 0x1p-24f;
    }
  }
}
