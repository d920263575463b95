// Runs the walk-through's network once on fixed numbers.
#include <stdio.h>

void net_run(const float *x, float *y, char *arena);

static float x[8 * 8 * 2], y[3];
static char arena[65536] __attribute__((aligned(64)));

int main(void) {
  for (int i = 0; i < 8 * 8 * 2; ++i)
    x[i] = (i * 37 % 64 - 32) / 32.0f;
  net_run(x, y, arena);
  for (int i = 0; i < 3; ++i)
    printf("%.9g\n", y[i]);
  return 0;
}
