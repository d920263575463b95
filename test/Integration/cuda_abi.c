/* What lib/Emit/Runtime/gpu_driver.h declares for itself, held against the header of a CUDA
 * toolkit; compiled by test_gpu_artifacts.py where there is one. */
#include <cuda.h>

#define CHECK(f, ...) _Static_assert(__builtin_types_compatible_p(__typeof__(f), CUresult __VA_ARGS__), #f)
CHECK(cuGraphInstantiateWithFlags, (CUgraphExec *, CUgraph, unsigned long long));
CHECK(cuModuleLoadDataEx, (CUmodule *, const void *, unsigned, CUjit_option *, void **));
CHECK(cuLaunchKernel, (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void **, void **));
CHECK(cuStreamBeginCapture, (CUstream, CUstreamCaptureMode));
CHECK(cuMemcpyAsync, (CUdeviceptr, CUdeviceptr, size_t, CUstream));
CHECK(cuMemcpyHtoDAsync, (CUdeviceptr, const void *, size_t, CUstream));
CHECK(cuMemcpyDtoHAsync, (void *, CUdeviceptr, size_t, CUstream));
CHECK(cuStreamWaitEvent, (CUstream, CUevent, unsigned));
CHECK(cuDevicePrimaryCtxRelease, (CUdevice));
CHECK(cuDeviceGetName, (char *, int, CUdevice));
CHECK(cuDeviceGetAttribute, (int *, CUdevice_attribute, CUdevice));
CHECK(cuMemHostAlloc, (void **, size_t, unsigned));
CHECK(cuStreamEndCapture, (CUstream, CUgraph *));
CHECK(cuEventCreate, (CUevent *, unsigned));
_Static_assert(sizeof(CUdeviceptr) == 8 && sizeof(CUjit_option) == 4 && sizeof(CUdevice) == 4, "");
_Static_assert(CU_JIT_ERROR_LOG_BUFFER == 5 && CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES == 6 && CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR == 75 && CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR == 76, "");
_Static_assert(CUDA_ERROR_UNSUPPORTED_PTX_VERSION == 222 && CUDA_ERROR_NO_DEVICE == 100 && CUDA_ERROR_OUT_OF_MEMORY == 2 && CU_STREAM_CAPTURE_MODE_RELAXED == 2 && CU_STREAM_NON_BLOCKING == 1 && CU_EVENT_DISABLE_TIMING == 2, "");
