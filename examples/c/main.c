#include "digits.h"
#include <stdio.h>
static _Alignas(64) char arena[DIGITS_ARENA_BYTES];
int main(void) {
  float image[64] = {0}, scores[10];
  image[10] = image[18] = image[26] = 1;
  digits_run(image, scores, arena);
  for (int i = 0; i < 10; ++i)
    printf("%d: %g\n", i, scores[i]);
}
