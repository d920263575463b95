/*===- gpu.c - runs a model on an NVIDIA GPU ---------------------------------===
 *
 * Part of every object that dyadic makes for a GPU: compiled to LLVM bitcode
 * with Dyadic, joined with the model's data, all of it private to the model
 * (lib/Emit/GPU/HostModule.cpp). So nothing here depends on the processor: no
 * variadic function is defined, none of libc's structures has a fixed size.
 *
 * The driver is opened at the first use. Weights, arena and the launches, as
 * two graphs, are set up once. A run takes one lock and the one arena: runs of
 * the same model follow each other, also from different streams.
 *===----------------------------------------------------------------------===*/
#include "gpu_driver.h"
#include "gpu_model.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct dyadic_gpu_model dyadic_gpu_model;
#define model (&dyadic_gpu_model)

static struct cu_driver cu;

static struct {
  enum { UNTRIED, READY, FAILED } status;
  cu_device device;
  cu_handle context, module, stream, event;
  cu_handle run_graph;    /* copies in, launches, copies out */
  cu_handle launch_graph; /* the launches alone */
  cu_address weights, arena, borders;
  char *staging; /* pinned, laid out as `borders`: all inputs, all outputs */
  void (*on_failure)(const char *error);
  char error[2048];
} state;

/* As large as any libc's; all zeros is an unlocked one. */
static union {
  pthread_mutex_t mutex;
  char room[256];
} lock;

/*===- Errors ----------------------------------------------------------------===*/

/* What was being done, and the driver's word for what went wrong. */
static int fail(const char *doing, cu_result result) {
  const char *name = NULL, *text = NULL;
  if (cu.library) {
    cu.get_error_name(result, &name);
    cu.get_error_string(result, &text);
  }
  snprintf(state.error, sizeof state.error, "%s: %s (%s, %d)", doing,
           text ? text : "unknown error", name ? name : "?", result);
  return result ? result : -1;
}

#define TRY(doing, call)                                                       \
  do {                                                                         \
    cu_result result_ = (call);                                                \
    if (result_)                                                               \
      return fail(doing, result_);                                             \
  } while (0)

/*===- Driver, device and code -----------------------------------------------===*/

static int open_driver(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    snprintf(state.error, sizeof state.error,
             "no NVIDIA driver: %s; install the driver of the GPU (a CUDA "
             "toolkit is not needed)",
             why ? why : "libcuda.so.1 cannot be opened");
    return -1;
  }
#define FIND(member, symbol, parameters)                                       \
  *(void **)&cu.member = dlsym(library, symbol);                               \
  if (!cu.member) {                                                            \
    snprintf(state.error, sizeof state.error,                                  \
             "the NVIDIA driver has no %s: expected one of CUDA 11.4 or newer", \
             symbol);                                                          \
    dlclose(library);                                                          \
    return -1;                                                                 \
  }
  DYADIC_DRIVER(FIND)
#undef FIND
  cu.library = library;
  TRY("the NVIDIA driver cannot be initialized", cu.init(0));
  return 0;
}

/* The device that the calling thread uses already, else the first. */
static int choose_device(void) {
  cu_handle current = NULL;
  int count = 0;
  if (cu.context_current(&current) == 0 && current)
    TRY("cannot find the device", cu.context_device(&state.device));
  else {
    cu_result result = cu.device_count(&count);
    if (result || count == 0)
      return fail("no NVIDIA GPU", result ? result : CU_NO_DEVICE);
    TRY("cannot find the device", cu.device_get(&state.device, 0));
  }
  return 0;
}

static int runs(const struct dyadic_gpu_image *image, int32_t arch) {
  if (image->only)
    return image->arch == arch;
  if (image->binary)
    return image->arch / 10 == arch / 10 && image->arch <= arch;
  return image->arch <= arch;
}

static int load_image(const struct dyadic_gpu_image *image) {
  char log[1024] = "";
  int options[] = {CU_JIT_ERROR_LOG, CU_JIT_ERROR_LOG_SIZE};
  void *values[] = {log, (void *)(uintptr_t)(sizeof log - 1)};
  cu_result result =
      cu.module_load(&state.module, image->bytes, 2, options, values);
  if (result == 0)
    return 0;
  int version = 0;
  cu.driver_version(&version);
  fail("the GPU code cannot be loaded", result);
  size_t at = strlen(state.error);
  if (result == CU_UNSUPPORTED_PTX_VERSION)
    snprintf(state.error + at, sizeof state.error - at,
             "; the driver is of CUDA %d.%d: update it, or compile with ptxas at "
             "hand so that the object holds a cubin",
             version / 1000, version % 1000 / 10);
  else if (log[0])
    snprintf(state.error + at, sizeof state.error - at, ": %s", log);
  return result;
}

/* Loads the best code for the device; a binary that the driver refuses is no
 * fault while there is PTX to compile. */
static int load_code(void) {
  int major = 0, minor = 0;
  TRY("cannot ask the device", cu.device_attribute(&major, CU_MAJOR, state.device));
  TRY("cannot ask the device", cu.device_attribute(&minor, CU_MINOR, state.device));
  int32_t arch = 10 * major + minor, tried = 0, result = -1;
  for (int binary = 1; binary >= 0; --binary) {
    const struct dyadic_gpu_image *best = NULL;
    for (int32_t i = 0; i < model->num_images; ++i) {
      const struct dyadic_gpu_image *image = &model->images[i];
      if (image->binary == binary && runs(image, arch) &&
          (!best || image->arch > best->arch))
        best = image;
    }
    if (!best)
      continue;
    tried = 1;
    result = load_image(best);
    if (result == 0)
      break;
  }
  if (!tried) {
    char name[128] = "the device";
    cu.device_name(name, sizeof name, state.device);
    const struct dyadic_gpu_image *image = &model->images[0];
    snprintf(state.error, sizeof state.error,
             "expected a GPU of compute capability %d.%d%s, but %s has %d.%d: "
             "compile with --arch sm_%d",
             image->arch / 10, image->arch % 10,
             image->only || image->binary ? "" : " or higher", name, major, minor,
             arch);
    return -1;
  }
  if (result)
    return result;
  for (int32_t i = 0; i < model->num_kernels; ++i)
    TRY(model->kernels[i], cu.module_function(&model->functions[i], state.module,
                                              model->kernels[i]));
  return 0;
}

/*===- Memory ----------------------------------------------------------------===*/

/* Arguments start at multiples of this. */
static size_t aligned(int64_t bytes) { return ((size_t)bytes + 255) & ~(size_t)255; }

/* Where in `borders` an input starts, or output number `index - num_inputs`. */
static size_t border_offset(int32_t index) {
  const struct dyadic_model_info *info = model->info;
  size_t offset = 0;
  for (int32_t i = 0; i < index; ++i)
    offset += aligned(i < info->num_inputs
                          ? info->inputs[i].bytes
                          : info->outputs[i - info->num_inputs].bytes);
  return offset;
}

static int allocate(cu_address *memory, size_t bytes, const char *what) {
  cu_result result = cu.allocate(memory, bytes ? bytes : 1);
  if (result) {
    char doing[128];
    snprintf(doing, sizeof doing, "no GPU memory for the %s of %zu bytes", what,
             bytes);
    return fail(doing, result);
  }
  return 0;
}

static int set_up_memory(void) {
  const struct dyadic_model_info *info = model->info;
  size_t borders = border_offset(info->num_inputs + info->num_outputs);
  int result;
  if ((result = allocate(&state.weights, (size_t)info->weight_bytes, "weights")) ||
      (result = allocate(&state.arena, (size_t)info->arena_bytes, "arena")) ||
      (result = allocate(&state.borders, borders, "inputs and outputs")))
    return result;
  TRY("no pinned memory", cu.allocate_host((void **)&state.staging,
                                           borders ? borders : 1, 0));
  TRY("cannot make a stream",
      cu.stream_create(&state.stream, CU_STREAM_NON_BLOCKING));
  TRY("cannot make an event",
      cu.event_create(&state.event, CU_EVENT_DISABLE_TIMING));
  TRY("the weights cannot be copied",
      cu.copy_to_device(state.weights, model->weights,
                        (size_t)info->weight_bytes, state.stream));
  TRY("the weights cannot be copied", cu.stream_synchronize(state.stream));
  return 0;
}

/*===- Launches --------------------------------------------------------------===*/

static cu_address address_of(const struct dyadic_gpu_argument *argument) {
  cu_address base = 0;
  switch (argument->space) {
  case DYADIC_GPU_INPUT:
    base = state.borders + border_offset(argument->index);
    break;
  case DYADIC_GPU_OUTPUT:
    base = state.borders + border_offset(model->info->num_inputs + argument->index);
    break;
  case DYADIC_GPU_ARENA:
    base = state.arena;
    break;
  default:
    base = state.weights;
  }
  return base + (cu_address)argument->offset;
}

static int launch_all(void) {
  enum { MAX_ARGUMENTS = 128 }; /* checked by the compiler */
  cu_address addresses[MAX_ARGUMENTS];
  void *arguments[MAX_ARGUMENTS];
  for (int32_t i = 0; i < model->num_launches; ++i) {
    const struct dyadic_gpu_launch *launch = &model->launches[i];
    for (int32_t k = 0; k < launch->num_arguments; ++k) {
      addresses[k] = address_of(&launch->arguments[k]);
      arguments[k] = &addresses[k];
    }
    TRY(model->kernels[launch->kernel],
        cu.launch(model->functions[launch->kernel], launch->grid[0],
                  launch->grid[1], launch->grid[2], launch->block[0],
                  launch->block[1], launch->block[2], 0, state.stream, arguments,
                  NULL));
  }
  return 0;
}

static int copies_in(void) {
  for (int32_t i = 0; i < model->info->num_inputs; ++i)
    TRY("cannot copy the inputs",
        cu.copy_to_device(state.borders + border_offset(i),
                          state.staging + border_offset(i),
                          (size_t)model->info->inputs[i].bytes, state.stream));
  return 0;
}

static int copies_out(void) {
  for (int32_t i = 0; i < model->info->num_outputs; ++i) {
    size_t offset = border_offset(model->info->num_inputs + i);
    TRY("cannot copy the outputs",
        cu.copy_to_host(state.staging + offset, state.borders + offset,
                        (size_t)model->info->outputs[i].bytes, state.stream));
  }
  return 0;
}

/* Records the launches, with the copies around them if asked, for replay. */
static int capture(cu_handle *executable, int with_copies) {
  cu_handle graph = NULL;
  TRY("cannot record the launches",
      cu.begin_capture(state.stream, CU_CAPTURE_RELAXED));
  int failed = with_copies ? copies_in() : 0;
  failed = failed ? failed : launch_all();
  failed = failed || !with_copies ? failed : copies_out();
  cu_result ended = cu.end_capture(state.stream, &graph);
  if (!failed && ended)
    failed = fail("cannot record the launches", ended);
  if (!failed) {
    cu_result result = cu.graph_instantiate(executable, graph, 0);
    if (result)
      failed = fail("cannot prepare the launches", result);
  }
  if (graph)
    cu.graph_destroy(graph);
  return failed;
}

/*===- Life ------------------------------------------------------------------===*/

/* Gives everything back; handles that were never made are null. */
static void tear_down(void) {
  if (!state.context)
    return;
  if (state.event)
    cu.event_synchronize(state.event); /* asynchronous runs */
  if (state.stream)
    cu.stream_synchronize(state.stream);
  if (state.run_graph)
    cu.graph_exec_destroy(state.run_graph);
  if (state.launch_graph)
    cu.graph_exec_destroy(state.launch_graph);
  if (state.event)
    cu.event_destroy(state.event);
  if (state.stream)
    cu.stream_destroy(state.stream);
  if (state.staging)
    cu.release_host(state.staging);
  if (state.borders)
    cu.release(state.borders);
  if (state.arena)
    cu.release(state.arena);
  if (state.weights)
    cu.release(state.weights);
  if (state.module)
    cu.module_unload(state.module);
  cu_handle popped;
  cu.context_pop(&popped);
  cu.context_release(state.device);
  state.context = state.module = state.stream = state.event = NULL;
  state.run_graph = state.launch_graph = NULL;
  state.weights = state.arena = state.borders = 0;
  state.staging = NULL;
}

/* Under the lock. Leaves the context pushed when it succeeds. */
static int set_up(void) {
  int failed = 0;
  if (!cu.library)
    failed = open_driver();
  failed = failed ? failed : choose_device();
  if (failed)
    return failed;
  cu_result result = cu.context_retain(&state.context, state.device);
  if (result) {
    state.context = NULL;
    return fail("the GPU cannot be used", result);
  }
  result = cu.context_push(state.context);
  if (result) {
    cu.context_release(state.device);
    state.context = NULL;
    return fail("the GPU cannot be used", result);
  }
  failed = load_code();
  failed = failed ? failed : set_up_memory();
  failed = failed ? failed : capture(&state.run_graph, 1);
  failed = failed ? failed : capture(&state.launch_graph, 0);
  if (failed)
    tear_down();
  return failed;
}

/* Locks, makes ready and pushes the context; 0 or the fault, unlocked. A fault
 * at the first use is final until dyadic_gpu_close. */
static int enter(void) {
  pthread_mutex_lock(&lock.mutex);
  int failed = -1;
  if (state.status == UNTRIED) {
    failed = set_up();
    state.status = failed ? FAILED : READY;
  } else if (state.status == READY) {
    cu_result result = cu.context_push(state.context);
    failed = result ? fail("the GPU cannot be used", result) : 0;
  }
  if (failed)
    pthread_mutex_unlock(&lock.mutex);
  return failed;
}

static void leave(void) {
  cu_handle popped;
  cu.context_pop(&popped);
  pthread_mutex_unlock(&lock.mutex);
}

/*===- What users call, under the model's name (lib/Emit/Header.cpp) ---------===*/

/* Whether runs will work: by the fallback if need be. */
int dyadic_gpu_init(void) {
  int failed = enter();
  if (!failed)
    leave();
  return state.status == FAILED && model->fallback ? 0 : failed;
}

const char *dyadic_gpu_error(void) { return state.error; }

void dyadic_gpu_on_failure(void (*handler)(const char *error)) {
  state.on_failure = handler;
}

void dyadic_gpu_close(void) {
  pthread_mutex_lock(&lock.mutex);
  if (state.status == READY && cu.context_push(state.context) == 0)
    tear_down();
  state.status = UNTRIED;
  state.error[0] = 0;
  pthread_mutex_unlock(&lock.mutex);
}

static int run(const void *const *inputs, void *const *outputs, void *arena) {
  const struct dyadic_model_info *info = model->info;
  for (int32_t i = 0; i < info->num_inputs; ++i)
    memcpy(state.staging + border_offset(i), inputs[i], (size_t)info->inputs[i].bytes);
  TRY("cannot wait for the run before", cu.stream_wait(state.stream, state.event, 0));
  TRY("cannot launch the model", cu.graph_launch(state.run_graph, state.stream));
  if (model->keep_all && arena)
    TRY("cannot copy the arena",
        cu.copy_to_host(arena, state.arena, (size_t)info->arena_bytes, state.stream));
  TRY("the model failed", cu.stream_synchronize(state.stream));
  for (int32_t i = 0; i < info->num_outputs; ++i)
    memcpy(outputs[i], state.staging + border_offset(info->num_inputs + i),
           (size_t)info->outputs[i].bytes);
  return 0;
}

void dyadic_gpu_run(const void *const *inputs, void *const *outputs, void *arena) {
  int failed = enter();
  if (!failed) {
    failed = run(inputs, outputs, arena);
    leave();
  } else if (state.status == FAILED && model->fallback) {
    model->fallback(inputs, outputs, arena);
    return;
  }
  if (!failed)
    return;
  /* The caller expects outputs and there are none: going on would be silent. */
  if (state.on_failure) {
    state.on_failure(state.error);
    return;
  }
  fprintf(stderr, "%s: error: %s\n", model->info->name, state.error);
  abort();
}

static int run_async(const void *const *inputs, void *const *outputs,
                     cu_handle stream) {
  const struct dyadic_model_info *info = model->info;
  TRY("cannot wait for the run before", cu.stream_wait(stream, state.event, 0));
  for (int32_t i = 0; i < info->num_inputs; ++i)
    TRY("cannot copy the inputs",
        cu.copy(state.borders + border_offset(i), (cu_address)(uintptr_t)inputs[i],
                (size_t)info->inputs[i].bytes, stream));
  TRY("cannot launch the model", cu.graph_launch(state.launch_graph, stream));
  for (int32_t i = 0; i < info->num_outputs; ++i)
    TRY("cannot copy the outputs",
        cu.copy((cu_address)(uintptr_t)outputs[i],
                state.borders + border_offset(info->num_inputs + i),
                (size_t)info->outputs[i].bytes, stream));
  TRY("cannot mark the end of the run", cu.event_record(state.event, stream));
  return 0;
}

int dyadic_gpu_run_async(const void *const *inputs, void *const *outputs,
                         void *stream) {
  int failed = enter();
  if (failed)
    return failed;
  failed = run_async(inputs, outputs, stream);
  leave();
  return failed;
}

/* For the main program: null when runs will work, else why not. */
const char *dyadic_gpu_prepare(void) {
  if (dyadic_gpu_init())
    return state.error;
  if (state.status == FAILED)
    fprintf(stderr, "%s: note: on the processor instead of a GPU: %s\n",
            model->info->name, state.error);
  return NULL;
}
