/*===- gpu_driver.h - the part of the CUDA driver API that gpu.c calls - C -*-===
 *
 * Declared here, so that neither a toolkit nor its headers are needed: the
 * driver itself, libcuda.so.1, has kept these entry points since CUDA 11.4.
 *===----------------------------------------------------------------------===*/
#ifndef DYADIC_GPU_DRIVER_H
#define DYADIC_GPU_DRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int cu_result; /* 0: no fault */
typedef int cu_device;
typedef uint64_t cu_address;
typedef void *cu_handle; /* contexts, modules, functions, streams, … */

enum {
  CU_OUT_OF_MEMORY = 2,
  CU_NO_DEVICE = 100,
  CU_NO_BINARY_FOR_GPU = 209,
  CU_UNSUPPORTED_PTX_VERSION = 222,
  CU_MAJOR = 75, /* device attributes: the compute capability */
  CU_MINOR = 76,
  CU_JIT_ERROR_LOG = 5,
  CU_JIT_ERROR_LOG_SIZE = 6,
  CU_STREAM_NON_BLOCKING = 1,
  CU_CAPTURE_RELAXED = 2, /* whatever the driver does to load a kernel */
  CU_EVENT_DISABLE_TIMING = 2
};

/* Member, symbol, parameters. */
#define DYADIC_DRIVER(X)                                                       \
  X(get_error_name, "cuGetErrorName", (cu_result, const char **))              \
  X(get_error_string, "cuGetErrorString", (cu_result, const char **))          \
  X(init, "cuInit", (unsigned))                                                \
  X(driver_version, "cuDriverGetVersion", (int *))                             \
  X(device_count, "cuDeviceGetCount", (int *))                                 \
  X(device_get, "cuDeviceGet", (cu_device *, int))                             \
  X(device_name, "cuDeviceGetName", (char *, int, cu_device))                  \
  X(device_attribute, "cuDeviceGetAttribute", (int *, int, cu_device))         \
  X(context_retain, "cuDevicePrimaryCtxRetain", (cu_handle *, cu_device))      \
  X(context_release, "cuDevicePrimaryCtxRelease_v2", (cu_device))              \
  X(context_current, "cuCtxGetCurrent", (cu_handle *))                         \
  X(context_device, "cuCtxGetDevice", (cu_device *))                           \
  X(context_push, "cuCtxPushCurrent_v2", (cu_handle))                          \
  X(context_pop, "cuCtxPopCurrent_v2", (cu_handle *))                          \
  X(module_load, "cuModuleLoadDataEx",                                         \
    (cu_handle *, const void *, unsigned, int *, void **))                     \
  X(module_unload, "cuModuleUnload", (cu_handle))                              \
  X(module_function, "cuModuleGetFunction",                                    \
    (cu_handle *, cu_handle, const char *))                                    \
  X(allocate, "cuMemAlloc_v2", (cu_address *, size_t))                         \
  X(release, "cuMemFree_v2", (cu_address))                                     \
  X(allocate_host, "cuMemHostAlloc", (void **, size_t, unsigned))              \
  X(release_host, "cuMemFreeHost", (void *))                                   \
  X(copy_to_device, "cuMemcpyHtoDAsync_v2",                                    \
    (cu_address, const void *, size_t, cu_handle))                             \
  X(copy_to_host, "cuMemcpyDtoHAsync_v2",                                      \
    (void *, cu_address, size_t, cu_handle))                                   \
  X(copy, "cuMemcpyAsync", (cu_address, cu_address, size_t, cu_handle))        \
  X(stream_create, "cuStreamCreate", (cu_handle *, unsigned))                  \
  X(stream_destroy, "cuStreamDestroy_v2", (cu_handle))                         \
  X(stream_synchronize, "cuStreamSynchronize", (cu_handle))                    \
  X(stream_wait, "cuStreamWaitEvent", (cu_handle, cu_handle, unsigned))        \
  X(begin_capture, "cuStreamBeginCapture_v2", (cu_handle, int))                \
  X(end_capture, "cuStreamEndCapture", (cu_handle, cu_handle *))               \
  X(event_create, "cuEventCreate", (cu_handle *, unsigned))                    \
  X(event_record, "cuEventRecord", (cu_handle, cu_handle))                     \
  X(event_synchronize, "cuEventSynchronize", (cu_handle))                      \
  X(event_destroy, "cuEventDestroy_v2", (cu_handle))                           \
  X(launch, "cuLaunchKernel",                                                  \
    (cu_handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,    \
     unsigned, cu_handle, void **, void **))                                   \
  X(graph_instantiate, "cuGraphInstantiateWithFlags",                          \
    (cu_handle *, cu_handle, unsigned long long))                              \
  X(graph_launch, "cuGraphLaunch", (cu_handle, cu_handle))                     \
  X(graph_destroy, "cuGraphDestroy", (cu_handle))                              \
  X(graph_exec_destroy, "cuGraphExecDestroy", (cu_handle))

#define DYADIC_DRIVER_MEMBER(member, symbol, parameters)                       \
  cu_result(*member) parameters;
struct cu_driver {
  void *library;
  DYADIC_DRIVER(DYADIC_DRIVER_MEMBER)
};

#endif
