// Calls the network compiled by both and compares.
#include <math.h>
#include <stdio.h>

enum { X = 6 * 7 * 2, M = 4 * 5, A = 3 * 3 * 4, B = 2 * 3 * 4, C = 8 * 8 * 2, D = 12, E = 12, F = 12 * 11 * 2 };
enum { OUTPUTS = A + B + C + D + E + F };

void ours_run(const float *, const float *, float *, float *, float *, float *, float *, float *, char *arena);
void upstream(const float *, const float *, float *, float *, float *, float *, float *, float *) __asm__("main_upstream");

static float x[X], m[M], ours[OUTPUTS], theirs[OUTPUTS];
static char arena[1 << 20] __attribute__((aligned(64)));

int main(void) {
  for (int i = 0; i < X; ++i)
    x[i] = (i * 37 % 64 - 32) / 32.0f;
  for (int i = 0; i < M; ++i)
    m[i] = (i * 29 % 32 - 16) / 16.0f;
  float *o = ours, *t = theirs;
  ours_run(x, m, o, o + A, o + A + B, o + A + B + C, o + A + B + C + D, o + A + B + C + D + E, arena);
  upstream(x, m, t, t + A, t + A + B, t + A + B + C, t + A + B + C + D, t + A + B + C + D + E);
  float worst = 0;
  for (int i = 0; i < OUTPUTS; ++i)
    if (!(fabsf(ours[i] - theirs[i]) <= worst))
      worst = fabsf(ours[i] - theirs[i]);
  printf("%d values, largest difference %f\n", OUTPUTS, worst);
  return 0;
}
