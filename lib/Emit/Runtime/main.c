/*===- main.c - the main program of an executable model ----------------------===*/
#include "runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The model this program is linked with. */
extern const struct dyadic_model_info dyadic_main_model;
const struct dyadic_model_info *const model = &dyadic_main_model;

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

/* A crash on an unknown instruction tells nobody what is missing. */
static void check_machine(void) {
  const char *missing = model->missing ? model->missing() : NULL;
  if (missing)
    die(INPUT_FAULT, "this program needs a processor with %s", missing);
}

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
  double before_main = process_seconds();
  double main_start = wall_seconds();
  if (argc > 0) {
    const char *slash = strrchr(argv[0], '/');
    program = slash ? slash + 1 : argv[0];
  }
  signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like any other */
  if (model->version != DYADIC_MODEL_VERSION)
    die(INPUT_FAULT, "the model and this main program are of different versions");
  open_inputs();
  struct options options = parse_arguments(argc, argv);
  check_machine();
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
  size_t slots = (size_t)(model->num_outputs + model->num_kept);
  struct array *results = allocate(slots * sizeof *results);
  struct array *kept = results + model->num_outputs;
  void **to = allocate((size_t)model->num_outputs * sizeof *to);
  void *arena = allocate((size_t)model->arena_bytes);
  for (int32_t i = 0; i < model->num_outputs; ++i)
    results[i] = make_result(&model->outputs[i], samples);
  for (int32_t i = 0; options.keep && i < model->num_kept; ++i)
    kept[i] = make_result(&model->kept[i], samples);

  for (int64_t sample = 0; sample < samples; ++sample) {
    load_sample(sample);
    for (int32_t i = 0; i < model->num_outputs; ++i)
      to[i] = sample_of(&results[i], model->outputs[i].bytes, sample);
    if (options.benchmark && sample == 0)
      benchmark(options.runs, (const void *const *)input_buffers, to, arena,
                before_main, main_start);
    if (only_benchmark)
      break;
    model->invoke((const void *const *)input_buffers, to, arena);
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
