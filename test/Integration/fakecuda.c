/* A CUDA driver without a GPU, for test_gpu_artifacts.py: built as libcuda.so.1
 * and found by LD_LIBRARY_PATH. Memory is the host's, kernels do nothing; every
 * call is checked as a driver would (or, for what a driver would crash on, better)
 * and written to $FAKECUDA_LOG. A fault of the caller's ends the process with a
 * line on standard error and status 99.
 *
 *   FAKECUDA_DEVICES=1     devices            FAKECUDA_CC=8.0   their capability
 *   FAKECUDA_MEMORY=N      bytes of device memory
 *   FAKECUDA_FAIL=cuX:700[:2]   the (second) call of cuX returns 700
 *   FAKECUDA_WRITE=launch:param:bytes:value   what a launch writes; -1: the last
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int result;
typedef uint64_t address;
enum { SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, NOT_INITIALIZED, NO_DEVICE = 100, INVALID_CONTEXT = 201, NO_BINARY = 209, INVALID_PTX = 218 };
/* Device addresses look like none of the host's. */
static const address kDevice = (address)1 << 62;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* recursive by design: never nested here */

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value ? value : otherwise;
}

static void note(const char *format, ...) {
  const char *path = getenv("FAKECUDA_LOG");
  if (!path)
    return;
  FILE *file = fopen(path, "a");
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  fputc('\n', file);
  fclose(file);
}

static void fault(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "fakecuda: ");
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  _Exit(99);
}
#define EXPECT(condition, ...)                                                 \
  do {                                                                         \
    if (!(condition))                                                          \
      fault(__VA_ARGS__);                                                      \
  } while (0)

/* What FAKECUDA_FAIL asks of this call. */
static result injected(const char *name) {
  static int calls;
  const char *spec = getenv("FAKECUDA_FAIL");
  size_t length = strlen(name);
  if (!spec || strncmp(spec, name, length) || spec[length] != ':')
    return SUCCESS;
  int code = 0, number = 1;
  sscanf(spec + length, ":%d:%d", &code, &number);
  return ++calls == number ? code : SUCCESS;
}
#define INJECT                                                                 \
  do {                                                                         \
    result injected_ = injected(__func__);                                     \
    if (injected_) {                                                           \
      note("%s fails with %d", __func__, injected_);                           \
      return injected_;                                                        \
    }                                                                          \
  } while (0)

/*---- Objects -----------------------------------------------------------------*/

enum kind { CONTEXT = 0x51, MODULE, FUNCTION, STREAM, EVENT, GRAPH, EXEC };
struct node { /* a recorded operation */
  int is_launch;
  address to, from;
  size_t bytes;
  struct object *function;
  unsigned grid[3], block[3];
  address arguments[64];
};
struct object {
  enum kind kind;
  int alive, references;
  /* functions */
  char name[128];
  int parameters;
  unsigned block[3];
  /* modules */
  char *text;
  /* streams that record, graphs */
  int capturing;
  struct node *nodes;
  int count;
};
static int initialized, primary, live;
static _Thread_local struct object *stack[16];
static _Thread_local int depth;
static struct object *context;
static int open_objects[256];

static struct object *make(enum kind kind) {
  struct object *object = calloc(1, sizeof *object);
  object->kind = kind;
  object->alive = 1;
  ++open_objects[kind];
  return object;
}
static struct object *known(void *handle, enum kind kind, const char *where) {
  struct object *object = handle;
  EXPECT(object && object->kind == kind && object->alive, "%s: a handle that is none", where);
  return object;
}
static void drop(void *handle, enum kind kind, const char *where) {
  struct object *object = known(handle, kind, where);
  object->alive = 0; /* leaked on purpose: a later use is noticed */
  --open_objects[kind];
}
#define NEED_CONTEXT                                                           \
  do {                                                                         \
    EXPECT(initialized, "%s before cuInit", __func__);                         \
    EXPECT(depth > 0, "%s without a current context", __func__);               \
  } while (0)

static struct { address start; size_t size; int host; } memory[256];
static size_t used;

static int find(address at, size_t bytes, int host) {
  for (int i = 0; i < 256; ++i)
    if (memory[i].start && memory[i].host == host && at >= memory[i].start && at + bytes <= memory[i].start + memory[i].size)
      return i;
  return -1;
}
static void *host_of(address at) { return (void *)(uintptr_t)(at & ~kDevice); }

static result reserve(address *to, size_t bytes, int host) {
  for (int i = 0; i < 256; ++i)
    if (!memory[i].start) {
      void *block = NULL;
      if (posix_memalign(&block, 512, bytes))
        return OUT_OF_MEMORY;
      memset(block, 0xcd, bytes);
      memory[i].start = *to = (address)(uintptr_t)block | (host ? 0 : kDevice);
      memory[i].size = bytes;
      memory[i].host = host;
      ++live;
      return SUCCESS;
    }
  return OUT_OF_MEMORY;
}
static void give_back(address at, int host) {
  for (int i = 0; i < 256; ++i)
    if (memory[i].start == at && memory[i].host == host) {
      if (!host)
        used -= memory[i].size;
      memory[i].start = 0;
      --live;
      free(host_of(at));
      return;
    }
  fault("memory is freed that isn't allocated");
}

/*---- Errors, devices, contexts -------------------------------------------------*/

result cuGetErrorName(result code, const char **name) {
  *name = code == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : code == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : code == NO_BINARY ? "CUDA_ERROR_NO_BINARY_FOR_GPU" : code == INVALID_PTX ? "CUDA_ERROR_INVALID_PTX" : code == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : NULL;
  return *name ? SUCCESS : INVALID_VALUE;
}
result cuGetErrorString(result code, const char **text) {
  *text = code == OUT_OF_MEMORY ? "out of memory" : code == NO_DEVICE ? "no CUDA-capable device is detected" : code == INVALID_PTX ? "a PTX JIT compilation failed" : code == 700 ? "an illegal memory access was encountered" : NULL;
  return *text ? SUCCESS : INVALID_VALUE;
}
result cuInit(unsigned flags) {
  INJECT;
  EXPECT(flags == 0, "cuInit with flags");
  initialized = 1;
  note("init");
  return atoi(setting("FAKECUDA_DEVICES", "1")) ? SUCCESS : NO_DEVICE;
}
result cuDriverGetVersion(int *version) {
  *version = 11040;
  return SUCCESS;
}
result cuDeviceGetCount(int *count) {
  INJECT;
  EXPECT(initialized, "cuDeviceGetCount before cuInit");
  *count = atoi(setting("FAKECUDA_DEVICES", "1"));
  return SUCCESS;
}
result cuDeviceGet(int *device, int number) {
  INJECT;
  EXPECT(number >= 0 && number < atoi(setting("FAKECUDA_DEVICES", "1")), "cuDeviceGet of device %d", number);
  *device = number;
  return SUCCESS;
}
result cuDeviceGetName(char *name, int size, int device) {
  (void)device;
  snprintf(name, (size_t)size, "Fake GPU");
  return SUCCESS;
}
result cuDeviceGetAttribute(int *value, int attribute, int device) {
  INJECT;
  int major = 8, minor = 0;
  (void)device;
  sscanf(setting("FAKECUDA_CC", "8.0"), "%d.%d", &major, &minor);
  EXPECT(attribute == 75 || attribute == 76, "cuDeviceGetAttribute of %d", attribute);
  *value = attribute == 75 ? major : minor;
  return SUCCESS;
}
result cuDevicePrimaryCtxRetain(void **to, int device) {
  INJECT;
  EXPECT(initialized && device == 0, "cuDevicePrimaryCtxRetain");
  if (!context)
    context = make(CONTEXT);
  ++primary;
  *to = context;
  return SUCCESS;
}
result cuDevicePrimaryCtxRelease_v2(int device) {
  EXPECT(device == 0 && primary > 0, "the primary context is released more often than retained");
  if (--primary == 0)
    note("released: %d allocations, %d modules, %d streams, %d events, %d graphs left", live, open_objects[MODULE], open_objects[STREAM], open_objects[EVENT], open_objects[GRAPH] + open_objects[EXEC]);
  return SUCCESS;
}
result cuCtxGetCurrent(void **to) {
  EXPECT(initialized, "cuCtxGetCurrent before cuInit");
  *to = depth ? stack[depth - 1] : NULL;
  return SUCCESS;
}
result cuCtxGetDevice(int *device) {
  NEED_CONTEXT;
  *device = 0;
  return SUCCESS;
}
result cuCtxPushCurrent_v2(void *handle) {
  INJECT;
  known(handle, CONTEXT, "cuCtxPushCurrent");
  EXPECT(depth < 16, "contexts are pushed and never popped");
  stack[depth++] = handle;
  return SUCCESS;
}
result cuCtxPopCurrent_v2(void **to) {
  EXPECT(depth > 0, "cuCtxPopCurrent on an empty stack");
  *to = stack[--depth];
  return SUCCESS;
}

/*---- Code ------------------------------------------------------------------------*/

result cuModuleLoadDataEx(void **to, const void *image, unsigned count, int *options, void **values) {
  NEED_CONTEXT;
  result code = injected("cuModuleLoadDataEx");
  if (code) {
    if (count == 2 && options[0] == 5 && options[1] == 6 && (size_t)(uintptr_t)values[1] > 20)
      strcpy(values[0], "ptxas: the fake log");
    return code;
  }
  struct object *module = make(MODULE);
  if (!memcmp(image, "\177ELF", 4)) {
    note("module cubin");
  } else {
    const char *text = image, *target = strstr(text, "\n.target sm_");
    EXPECT(target && strstr(text, ".version "), "a module that is neither PTX nor ELF");
    int major, minor;
    sscanf(setting("FAKECUDA_CC", "8.0"), "%d.%d", &major, &minor);
    EXPECT(atoi(target + 12) <= 10 * major + minor, "PTX for a newer device");
    EXPECT(!strstr(text, ".extern .func"), "PTX that calls what isn't there");
    module->text = strdup(text);
    note("module ptx sm_%d", atoi(target + 12));
  }
  *to = module;
  return SUCCESS;
}
result cuModuleUnload(void *module) {
  NEED_CONTEXT;
  drop(module, MODULE, __func__);
  return SUCCESS;
}
/* .visible .entry NAME( .param .u64 …, … ) .reqntid X, Y, Z { */
result cuModuleGetFunction(void **to, void *handle, const char *name) {
  NEED_CONTEXT;
  INJECT;
  struct object *module = known(handle, MODULE, __func__);
  struct object *function = make(FUNCTION);
  snprintf(function->name, sizeof function->name, "%s", name);
  function->parameters = -1;
  if (module->text) {
    char entry[160];
    snprintf(entry, sizeof entry, ".entry %s(", name);
    const char *at = strstr(module->text, entry);
    EXPECT(at, "the PTX has no kernel '%s'", name);
    const char *end = strchr(at, '{'), *close = strchr(at + strlen(entry), ')');
    function->parameters = 0;
    for (const char *p = at; (p = strstr(p, ".param ")) && p < close; ++p) {
      EXPECT(!strncmp(p + 7, ".u64", 4) || !strncmp(p + 7, ".b64", 4), "'%s' has a parameter that is no address", name);
      ++function->parameters;
    }
    const char *size = strstr(at, ".reqntid ");
    if (!size || size > end)
      size = strstr(at, ".maxntid ");
    if (size && size < end) {
      function->block[1] = function->block[2] = 1;
      sscanf(size + 9, "%u, %u, %u", &function->block[0], &function->block[1], &function->block[2]);
    }
  }
  *to = function;
  return SUCCESS;
}

/*---- Memory ----------------------------------------------------------------------*/

result cuMemAlloc_v2(address *to, size_t bytes) {
  NEED_CONTEXT;
  INJECT;
  EXPECT(bytes > 0, "cuMemAlloc of nothing");
  if (used + bytes > (size_t)atoll(setting("FAKECUDA_MEMORY", "17179869184")))
    return OUT_OF_MEMORY;
  used += bytes;
  note("allocate %zu", bytes);
  return reserve(to, bytes, 0);
}
result cuMemFree_v2(address at) {
  NEED_CONTEXT;
  give_back(at, 0);
  return SUCCESS;
}
result cuMemHostAlloc(void **to, size_t bytes, unsigned flags) {
  NEED_CONTEXT;
  INJECT;
  EXPECT(flags == 0 && bytes > 0, "cuMemHostAlloc");
  address at = 0;
  result code = reserve(&at, bytes, 1);
  *to = host_of(at);
  return code;
}
result cuMemFreeHost(void *at) {
  NEED_CONTEXT;
  give_back((address)(uintptr_t)at, 1);
  return SUCCESS;
}

/*---- Streams and graphs ------------------------------------------------------------*/

result cuStreamCreate(void **to, unsigned flags) {
  NEED_CONTEXT;
  INJECT;
  EXPECT(flags <= 1, "cuStreamCreate with flags %u", flags);
  *to = make(STREAM);
  return SUCCESS;
}
result cuStreamDestroy_v2(void *stream) {
  NEED_CONTEXT;
  drop(stream, STREAM, __func__);
  return SUCCESS;
}
static struct object *stream_of(void *stream, const char *where) { return stream ? known(stream, STREAM, where) : NULL; }

result cuStreamSynchronize(void *stream) {
  NEED_CONTEXT;
  INJECT;
  struct object *object = stream_of(stream, __func__);
  EXPECT(!object || !object->capturing, "a stream is waited for while it records");
  return SUCCESS;
}
static void append(struct object *list, struct node node) {
  list->nodes = realloc(list->nodes, (size_t)(list->count + 1) * sizeof node);
  list->nodes[list->count++] = node;
}
static void execute(struct node *node, int number, int total) {
  if (node->is_launch) {
    int launch, parameter, value;
    long bytes;
    const char *spec = getenv("FAKECUDA_WRITE");
    note("run %s", node->function->name);
    if (spec && sscanf(spec, "%d:%d:%ld:%d", &launch, &parameter, &bytes, &value) == 4 && (launch < 0 ? total + launch : launch) == number) {
      EXPECT(find(node->arguments[parameter], (size_t)bytes, 0) >= 0, "FAKECUDA_WRITE reaches outside of memory");
      memset(host_of(node->arguments[parameter]), value, (size_t)bytes);
    }
    return;
  }
  note("copy %s %zu", node->to & kDevice ? node->from & kDevice ? "on device" : "in" : "out", node->bytes);
  memcpy(host_of(node->to), host_of(node->from), node->bytes);
}
static result enqueue(void *stream, struct node node, const char *where) {
  struct object *object = stream_of(stream, where);
  if (object && object->capturing) {
    append(object, node);
    return SUCCESS;
  }
  execute(&node, 0, 1);
  return SUCCESS;
}
static result copy(void *stream, address to, address from, size_t bytes, const char *where) {
  struct object *object = stream_of(stream, where);
  struct node node = {.to = to, .from = from, .bytes = bytes};
  EXPECT(to && from && bytes, "%s of nothing", where);
  for (int side = 0; side < 2; ++side) {
    address at = side ? from : to;
    if (at & kDevice)
      EXPECT(find(at, bytes, 0) >= 0, "%s: %zu bytes outside of device memory", where, bytes);
    else if (object && object->capturing)
      EXPECT(find(at, bytes, 1) >= 0, "%s: a recorded copy of memory that isn't pinned", where);
  }
  return enqueue(stream, node, where);
}
result cuMemcpyHtoDAsync_v2(address to, const void *from, size_t bytes, void *stream) {
  NEED_CONTEXT;
  INJECT;
  EXPECT(to & kDevice && !((address)(uintptr_t)from & kDevice), "%s: the wrong kinds of memory", __func__);
  return copy(stream, to, (address)(uintptr_t)from, bytes, __func__);
}
result cuMemcpyDtoHAsync_v2(void *to, address from, size_t bytes, void *stream) {
  NEED_CONTEXT;
  INJECT;
  EXPECT(from & kDevice && !((address)(uintptr_t)to & kDevice), "%s: the wrong kinds of memory", __func__);
  return copy(stream, (address)(uintptr_t)to, from, bytes, __func__);
}
result cuMemcpyAsync(address to, address from, size_t bytes, void *stream) {
  NEED_CONTEXT;
  INJECT;
  return copy(stream, to, from, bytes, __func__);
}
result cuLaunchKernel(void *handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **parameters, void **extra) {
  NEED_CONTEXT;
  INJECT;
  struct object *function = known(handle, FUNCTION, __func__);
  struct node node = {.is_launch = 1, .function = function, .grid = {gx, gy, gz}, .block = {bx, by, bz}};
  EXPECT(!extra && !shared, "'%s': extra arguments", function->name);
  EXPECT(gx && gy && gz && gy < 65536 && gz < 65536, "'%s': a grid of %u x %u x %u", function->name, gx, gy, gz);
  EXPECT(bx && by && bz && bx * by * bz <= 1024, "'%s': a block of %u x %u x %u", function->name, bx, by, bz);
  if (function->block[0])
    EXPECT(bx == function->block[0] && by == function->block[1] && bz == function->block[2], "'%s': a block of %u x %u x %u, but the code is for %u x %u x %u", function->name, bx, by, bz, function->block[0], function->block[1], function->block[2]);
  char text[1024] = "";
  for (int i = 0; i < function->parameters; ++i) {
    memcpy(&node.arguments[i], parameters[i], sizeof(address));
    int block = find(node.arguments[i], 1, 0);
    EXPECT(block >= 0, "'%s': argument %d is no address of device memory", function->name, i);
    EXPECT(node.arguments[i] % 16 == 0, "'%s': argument %d is not aligned", function->name, i);
    snprintf(text + strlen(text), sizeof text - strlen(text), " %d+%llu", block, (unsigned long long)(node.arguments[i] - memory[block].start));
  }
  note("launch %s grid %u %u %u block %u %u %u arguments%s", function->name, gx, gy, gz, bx, by, bz, text);
  return enqueue(stream, node, __func__);
}
result cuStreamBeginCapture_v2(void *stream, int mode) {
  NEED_CONTEXT;
  INJECT;
  struct object *object = known(stream, STREAM, __func__);
  EXPECT(mode >= 0 && mode <= 2 && !object->capturing, "cuStreamBeginCapture");
  object->capturing = 1;
  return SUCCESS;
}
result cuStreamEndCapture(void *stream, void **graph) {
  NEED_CONTEXT;
  struct object *object = known(stream, STREAM, __func__);
  EXPECT(object->capturing, "cuStreamEndCapture of a stream that doesn't record");
  object->capturing = 0;
  struct object *made = make(GRAPH);
  made->nodes = object->nodes;
  made->count = object->count;
  object->nodes = NULL;
  object->count = 0;
  *graph = made;
  return injected("cuStreamEndCapture");
}
result cuGraphInstantiateWithFlags(void **to, void *graph, unsigned long long flags) {
  NEED_CONTEXT;
  INJECT;
  struct object *from = known(graph, GRAPH, __func__), *made = make(EXEC);
  EXPECT(flags == 0, "cuGraphInstantiateWithFlags with flags");
  made->count = from->count;
  made->nodes = malloc((size_t)from->count * sizeof *from->nodes + 1);
  memcpy(made->nodes, from->nodes, (size_t)from->count * sizeof *from->nodes);
  *to = made;
  note("graph of %d", made->count);
  return SUCCESS;
}
result cuGraphLaunch(void *handle, void *stream) {
  NEED_CONTEXT;
  INJECT;
  struct object *graph = known(handle, EXEC, __func__);
  stream_of(stream, __func__);
  pthread_mutex_lock(&lock);
  note("graph runs");
  int launches = 0, number = 0;
  for (int i = 0; i < graph->count; ++i)
    launches += graph->nodes[i].is_launch;
  for (int i = 0; i < graph->count; ++i)
    execute(&graph->nodes[i], graph->nodes[i].is_launch ? number++ : 0, launches);
  pthread_mutex_unlock(&lock);
  return SUCCESS;
}
result cuGraphDestroy(void *graph) {
  drop(graph, GRAPH, __func__);
  return SUCCESS;
}
result cuGraphExecDestroy(void *graph) {
  drop(graph, EXEC, __func__);
  return SUCCESS;
}
result cuEventCreate(void **to, unsigned flags) {
  NEED_CONTEXT;
  INJECT;
  (void)flags;
  *to = make(EVENT);
  return SUCCESS;
}
result cuEventRecord(void *event, void *stream) {
  NEED_CONTEXT;
  known(event, EVENT, __func__);
  stream_of(stream, __func__);
  note("event");
  return SUCCESS;
}
result cuEventSynchronize(void *event) {
  known(event, EVENT, __func__);
  return SUCCESS;
}
result cuEventElapsedTime(float *milliseconds, void *from, void *to) {
  known(from, EVENT, __func__);
  known(to, EVENT, __func__);
  *milliseconds = 0.5f;
  return SUCCESS;
}
result cuEventDestroy_v2(void *event) {
  drop(event, EVENT, __func__);
  return SUCCESS;
}
result cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  NEED_CONTEXT;
  INJECT;
  stream_of(stream, __func__);
  known(event, EVENT, __func__);
  EXPECT(flags == 0, "cuStreamWaitEvent with flags");
  return SUCCESS;
}
