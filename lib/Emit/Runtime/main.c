/*===- main.c - the main program of an executable model ----------------------===*/
#define _DEFAULT_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The model this program is linked with. */
extern const struct dyadic_model_info dyadic_main_model;
static const struct dyadic_model_info *const model = &dyadic_main_model;
static const char *program = "model";

/* Programs for a GPU have these (gpu.c): what readies the device returns why it
 * can't, or null. */
extern const char *dyadic_main_prepare(void) __attribute__((weak));
extern void dyadic_main_on_failure(void (*handler)(const char *))
    __attribute__((weak));

static void fail_on_gpu(const char *error) { die(INPUT_FAULT, "%s", error); }

static void prepare(void) {
  const char *error = dyadic_main_prepare ? dyadic_main_prepare() : NULL;
  if (error)
    fail_on_gpu(error);
  if (dyadic_main_on_failure)
    dyadic_main_on_failure(fail_on_gpu);
}

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

/* "1x3x48x320", "scalar"; N in front of the first extent where batches go. */
static const char *shape_text(const int64_t *shape, int32_t rank, char *text) {
  int n = 0;
  for (int32_t i = 0; i < rank; ++i)
    n += sprintf(text + n, "%s%lld", i ? "x" : "", (long long)shape[i]);
  if (rank == 0)
    strcpy(text, "scalar");
  return text;
}

/*===- Inputs ----------------------------------------------------------------===*/

struct input {
  struct array array;
  const char *path; /* null: not given */
  int64_t samples;
  void *buffer;
};

static struct input *inputs;

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
  if (array.kind != info->kind && info->kind != DYADIC_F32)
    die(INPUT_FAULT, "expected elements of type %s for the input '%s', but '%s' "
                     "has %s",
        kind_name(info->kind), info->name, path, kind_name(array.kind));
  input->array = array;
  input->path = path;
  input->samples = count_samples(info, &array, path);
  input->buffer = allocate((size_t)info->bytes);
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
static void bind_argument(const char *argument) {
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

static int64_t common_samples(void) {
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

static void load_sample(int32_t index, int64_t sample) {
  const struct dyadic_tensor_info *info = &model->inputs[index];
  struct input *input = &inputs[index];
  int64_t unit = element_bytes(info->kind), count = info->bytes / unit;
  if (input->samples == 1)
    sample = 0;
  const unsigned char *from =
      input->array.data + sample * count * element_bytes(input->array.kind);
  float *to = input->buffer;
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
  }
}

/*===- Outputs ---------------------------------------------------------------===*/

/* One array for the results of all samples, joined along the first dimension. */
static struct array make_result(const struct dyadic_tensor_info *info,
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

static void *sample_of(const struct array *array, int64_t bytes, int64_t sample) {
  return (void *)(uintptr_t)(array->data + sample * bytes);
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
  default:
    return data[i];
  }
}

static void print_result(const struct dyadic_tensor_info *info,
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
static void check_kept(void) {
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

/*===- Running ---------------------------------------------------------------===*/

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Inputs for a benchmark without files: the same noise in [0, 1) every time. */
static void fill_inputs(void) {
  uint32_t state = 1;
  for (int32_t i = 0; i < model->num_inputs; ++i) {
    const struct dyadic_tensor_info *info = &model->inputs[i];
    if (inputs[i].path)
      continue;
    float *to = inputs[i].buffer = allocate((size_t)info->bytes);
    for (int64_t k = 0; info->kind == DYADIC_F32 && k < info->bytes / 4; ++k) {
      state = state * 1664525u + 1013904223u;
      to[k] = (float)(state >> 8) * 0x1p-24f;
    }
  }
}

static void benchmark(long runs, const void *const *from, void *const *to,
                      void *arena, double before_main, double main_start) {
  double start = seconds(CLOCK_MONOTONIC);
  model->invoke(from, to, arena);
  double end = seconds(CLOCK_MONOTONIC);
  double first = end - start, total = before_main + end - main_start;
  if (runs <= 0) { /* about two seconds, but 10 to 1000 runs */
    double fit = 2 / (first > 1e-9 ? first : 1e-9);
    runs = fit < 10 ? 10 : fit > 1000 ? 1000 : (long)fit;
  }
  double *times = allocate((size_t)runs * sizeof *times), sum = 0;
  for (long i = 0; i < runs; ++i) {
    start = seconds(CLOCK_MONOTONIC);
    model->invoke(from, to, arena);
    times[i] = seconds(CLOCK_MONOTONIC) - start;
    sum += times[i];
  }
  qsort(times, (size_t)runs, sizeof *times, compare_doubles);
  printf("%ld runs: median %.4f ms, min %.4f ms, mean %.4f ms\n", runs,
         1e3 * times[runs / 2], 1e3 * times[0], 1e3 * sum / (double)runs);
  printf("process start to first output %.3f ms, start-up without the first run "
         "%.3f ms\n", 1e3 * total, 1e3 * (total - first));
}

#if defined(__x86_64__)
/* A crash on an unknown instruction tells nobody what is missing. */
static void check_cpu(void) {
#define NEED(feature)                                                          \
  if (strstr(features, "+" feature ",") && !__builtin_cpu_supports(feature))   \
  die(INPUT_FAULT, "this program needs a processor with %s", feature)
  char features[8192];
  if ((size_t)snprintf(features, sizeof features, "%s,", model->features) >=
      sizeof features)
    return;
  __builtin_cpu_init();
  NEED("sse4.2");
  NEED("avx");
  NEED("avx2");
  NEED("fma");
  NEED("bmi2");
  NEED("avx512f");
  NEED("avx512bw");
  NEED("avx512dq");
  NEED("avx512vl");
  NEED("avx512vnni");
  NEED("avx512vbmi");
  NEED("avx512vbmi2");
  NEED("avx512ifma");
  NEED("avx512bitalg");
  NEED("avx512bf16");
  NEED("gfni");
#undef NEED
}
#else
static void check_cpu(void) {}
#endif

static void print_tensors(const char *title,
                          const struct dyadic_tensor_info *list, int32_t count) {
  char shape[400];
  printf("%s:\n", title);
  for (int32_t i = 0; i < count; ++i)
    printf("  %-24s %s %s\n", list[i].name, kind_name(list[i].kind),
           shape_text(list[i].shape, list[i].rank, shape));
}

static void print_help(void) {
  printf("usage: %s [options] [NAME=]FILE...\n\n"
         "Runs the model '%s' on arrays from .npy files, in the order of its inputs or\n"
         "by NAME, or from .npz files, by the names in them. The first dimension may\n"
         "hold any number of samples: they are run one by one.\n\n",
         program, model->name);
  print_tensors("inputs", model->inputs, model->num_inputs);
  print_tensors("outputs", model->outputs, model->num_outputs);
  printf("memory: %lld bytes of weights, %lld bytes of arena\n\n"
         "options:\n"
         "  -o, --output FILE    write the outputs to a .npz, or a single one to a .npy;\n"
         "                       without it they are printed in short\n"
         "  --keep-all FILE      write every tensor inside the model to a .npz\n"
         "  --benchmark [RUNS]   time RUNS runs on the first sample, or on noise\n"
         "  -h, --help           this text\n\n"
         "exit status: 0 done, 1 the input is at fault, 2 the command line is\n",
         (long long)model->weight_bytes, (long long)model->arena_bytes);
}

struct options {
  const char *output, *keep;
  int benchmark;
  long runs;
};

/* The value of option `name`, from "--name=value" or the next argument. */
static const char *option_value(int argc, char **argv, int *i, const char *name) {
  size_t length = strlen(name);
  if (strncmp(argv[*i], name, length) != 0)
    return NULL;
  if (argv[*i][length] == '=' && argv[*i][1] == '-')
    return argv[*i] + length + 1;
  if (argv[*i][length])
    return NULL;
  if (++*i == argc)
    die(USAGE_FAULT, "the option %s needs a file name", name);
  return argv[*i];
}

static struct options parse_arguments(int argc, char **argv) {
  struct options options = {0};
  const char *value;
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
      print_help();
      exit(0);
    } else if ((value = option_value(argc, argv, &i, "--output")) ||
               (value = option_value(argc, argv, &i, "-o"))) {
      options.output = value;
    } else if ((value = option_value(argc, argv, &i, "--keep-all"))) {
      options.keep = value;
    } else if (!strncmp(argv[i], "--benchmark", 11) &&
               (!argv[i][11] || argv[i][11] == '=')) {
      options.benchmark = 1;
      char *end = NULL;
      const char *text = argv[i][11]               ? argv[i] + 12
                         : i + 1 < argc            ? argv[i + 1]
                                                   : "";
      long runs = strtol(text, &end, 10);
      if (end != text && !*end) {
        if (runs < 1 || runs > 100000000)
          die(USAGE_FAULT, "expected 1 to 100000000 runs, but got %ld", runs);
        options.runs = runs;
        i += !argv[i][11];
      } else if (argv[i][11]) {
        die(USAGE_FAULT, "expected a number of runs, but got '%s'", text);
      }
    } else if (argv[i][0] == '-' && argv[i][1]) {
      die(USAGE_FAULT, "unknown option '%s'", argv[i]);
    } else {
      bind_argument(argv[i]);
    }
  }
  return options;
}

int main(int argc, char **argv) {
  double before_main = seconds(CLOCK_PROCESS_CPUTIME_ID);
  double main_start = seconds(CLOCK_MONOTONIC);
  if (argc > 0) {
    const char *slash = strrchr(argv[0], '/');
    program = slash ? slash + 1 : argv[0];
  }
  signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like any other */
  if (model->version != DYADIC_MODEL_VERSION)
    die(INPUT_FAULT, "the model and this main program are of different versions");
  inputs = allocate((size_t)model->num_inputs * sizeof *inputs);
  struct options options = parse_arguments(argc, argv);
  check_cpu();
  if (argc == 1) {
    print_help();
    return USAGE_FAULT;
  }
  int only_benchmark = options.benchmark && !options.output && !options.keep;
  if (only_benchmark)
    fill_inputs();
  int64_t samples = only_benchmark ? 1 : common_samples();
  if (options.keep)
    check_kept();

  prepare();
  size_t slots = (size_t)(model->num_inputs + model->num_outputs + model->num_kept);
  struct array *results = allocate(slots * sizeof *results);
  struct array *kept = results + model->num_outputs;
  void **pointers = allocate(slots * sizeof *pointers);
  void **to = pointers + model->num_inputs;
  void *arena = allocate((size_t)model->arena_bytes);
  for (int32_t i = 0; i < model->num_inputs; ++i)
    pointers[i] = inputs[i].buffer;
  for (int32_t i = 0; i < model->num_outputs; ++i)
    results[i] = make_result(&model->outputs[i], samples);
  for (int32_t i = 0; options.keep && i < model->num_kept; ++i)
    kept[i] = make_result(&model->kept[i], samples);

  for (int64_t sample = 0; sample < samples; ++sample) {
    for (int32_t i = 0; i < model->num_inputs; ++i)
      if (inputs[i].path)
        load_sample(i, sample);
    for (int32_t i = 0; i < model->num_outputs; ++i)
      to[i] = sample_of(&results[i], model->outputs[i].bytes, sample);
    if (options.benchmark && sample == 0)
      benchmark(options.runs, (const void *const *)pointers, to, arena,
                before_main, main_start);
    if (only_benchmark)
      break;
    model->invoke((const void *const *)pointers, to, arena);
    for (int32_t i = 0; options.keep && i < model->num_kept; ++i)
      memcpy(sample_of(&kept[i], model->kept[i].bytes, sample),
             (char *)arena + model->kept[i].arena_offset,
             (size_t)model->kept[i].bytes);
    for (int32_t i = 0; !options.output && i < model->num_outputs; ++i)
      print_result(&model->outputs[i], to[i]);
  }
  if (only_benchmark)
    return 0;
  if (options.output)
    write_arrays(options.output, results, model->num_outputs);
  if (options.keep)
    write_arrays(options.keep, kept, model->num_kept);
  if (fflush(stdout) || ferror(stdout))
    die(INPUT_FAULT, "cannot write to standard output: %s", strerror(errno));
  return 0;
}
