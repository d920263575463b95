/*===- Support.h - what all of the C API shares ---------------------- C -*-===*\
|*
|* Conventions of dyadic-c:
|* - Handles are structs around one pointer; `dyadicXIsNull` says whether a call
|*   gave one. What a function named Create, Compile, Open or Load gives, its
|*   caller destroys, exactly once, with the function named Destroy.
|* - Everything else that is returned belongs to the handle it was asked of and
|*   lives as long as that.
|* - What can go wrong returns a DyadicResult and tells a reporter why, before it
|*   returns. Handles given out are null unless the result is DyadicResultDone.
|* - Different handles may be used from different threads at the same time. One
|*   handle may not, except a DyadicProgram for queries and dyadicProgramRun.
|* - Names and paths are UTF-8 and copied. Sizes are in bytes.
|*
\*===----------------------------------------------------------------------===*/
#ifndef DYADIC_C_SUPPORT_H
#define DYADIC_C_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#define DYADIC_CAPI_EXPORTED __attribute__((visibility("default")))
#else
#define DYADIC_CAPI_EXPORTED
#endif

/** Grows when a function or a meaning changes incompatibly. */
#define DYADIC_C_API_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/** Text that need not end with a zero byte. */
typedef struct DyadicStringRef {
  const char *data;
  size_t length;
} DyadicStringRef;

/** The text of a zero-terminated string, which must outlive the result. A null
 *  pointer gives empty text. */
static inline DyadicStringRef dyadicStringRefCreateFromCString(const char *text) {
  DyadicStringRef ref;
  ref.data = text;
  ref.length = text ? strlen(text) : 0;
  return ref;
}

/** How a call ended; the values are the exit codes of the dyadic tool. */
typedef enum DyadicResult {
  DyadicResultDone = 0,
  /** A model, a sample, a file or the disk is at fault. */
  DyadicResultInputError = 1,
  /** An argument or option is at fault. */
  DyadicResultUsageError = 2,
  /** Dyadic is. */
  DyadicResultInternalError = 3
} DyadicResult;

typedef enum DyadicSeverity {
  /** More about the diagnostic before it. */
  DyadicSeverityNote,
  DyadicSeverityWarning,
  DyadicSeverityError,
  DyadicSeverityRemark
} DyadicSeverity;

/** Gets one diagnostic. `location` is the name of an op or a file, or empty.
 *  Both texts end with the call. */
typedef void (*DyadicDiagnosticCallback)(DyadicSeverity severity,
                                         DyadicStringRef location,
                                         DyadicStringRef message,
                                         void *userData);

/** Where diagnostics go: to `report`, in the calling thread, or nowhere if it is
 *  null. */
typedef struct DyadicReporter {
  DyadicDiagnosticCallback report;
  void *userData;
} DyadicReporter;

/** The version of Dyadic as "0.1.0"; lives forever. */
DYADIC_CAPI_EXPORTED DyadicStringRef dyadicGetVersion(void);

/** DYADIC_C_API_VERSION as the library was built with: where it differs from the
 *  header's, expect nothing of the library. */
DYADIC_CAPI_EXPORTED int dyadicGetAPIVersion(void);

#ifdef __cplusplus
}
#endif

#endif /* DYADIC_C_SUPPORT_H */
