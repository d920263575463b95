/*===- benchmark.c - how long a run takes -------------------------------------===*/
#define _DEFAULT_SOURCE
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double process_seconds(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }
double wall_seconds(void) { return seconds(CLOCK_MONOTONIC); }

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void benchmark(long runs, const void *const *from, void *const *to,
                      void *arena, double before_main, double main_start) {
  double start = wall_seconds();
  model->invoke(from, to, arena);
  double end = wall_seconds();
  double first = end - start, total = before_main + end - main_start;
  if (runs <= 0) { /* about two seconds, but 10 to 1000 runs */
    double fit = 2 / (first > 1e-9 ? first : 1e-9);
    runs = fit < 10 ? 10 : fit > 1000 ? 1000 : (long)fit;
  }
  double *times = allocate((size_t)runs * sizeof *times), sum = 0;
  for (long i = 0; i < runs; ++i) {
    start = wall_seconds();
    model->invoke(from, to, arena);
    times[i] = wall_seconds() - start;
    sum += times[i];
  }
  qsort(times, (size_t)runs, sizeof *times, compare_doubles);
  printf("%ld runs: median %.4f ms, min %.4f ms, mean %.4f ms\n", runs,
         1e3 * times[runs / 2], 1e3 * times[0], 1e3 * sum / (double)runs);
  printf("process start to first output %.3f ms, start-up without the first run "
         "%.3f ms\n", 1e3 * total, 1e3 * (total - first));
}
