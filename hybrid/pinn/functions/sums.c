/* Networks with one hidden layer at many points, with sums over it that lose no digits. See hybrid/pinn/functions/sharp.py.

   To be compiled without contraction of a * b + c: what is lost in a sum is found from its rounded parts (Ogita, Rump and Oishi
   2005, Accurate sum and dot product). Blocks of points, so that nothing that is as long as the layer is ever written. */
#include <stddef.h>

#include "tanh.h"

enum { BLOCK = 32, MOST = 32 };

/* With z = weight e + bias and s = tanh z, sums over the layer of numbers times s, then of numbers times 1 - s^2, then of numbers
   times s (1 - s^2), as many of each as `counts` says, MOST in all.

   embedded: e, (inputs, size). weight: (width, inputs). bias: (width). last: the numbers, (width, sums). out: (sums, size). */
void sums(ptrdiff_t size, int inputs, int width, const int *counts, const double *embedded, const double *weight,
          const double *bias, const double *last, double *out) {
  const int total = counts[0] + counts[1] + counts[2];
  for (ptrdiff_t at = 0; at < size; at += BLOCK) {
    const int m = size - at < BLOCK ? (int)(size - at) : BLOCK;
    double high[MOST][BLOCK] = {{0}}, low[MOST][BLOCK] = {{0}};
    for (int j = 0; j < width; j++) {
      double z[BLOCK], parts[3][BLOCK];
      for (int e = 0; e < BLOCK; e++) z[e] = bias[j];
      for (int i = 0; i < inputs; i++) {
        const double w = weight[(ptrdiff_t)j * inputs + i], *x = embedded + i * size + at;
        if (m == BLOCK)
          for (int e = 0; e < BLOCK; e++) z[e] += w * x[e];
        else
          for (int e = 0; e < m; e++) z[e] += w * x[e];
      }
      for (int e = 0; e < BLOCK; e++) parts[0][e] = tanh_of(z[e]);
      if (total > counts[0])
        for (int e = 0; e < BLOCK; e++) {
          parts[1][e] = 1 - parts[0][e] * parts[0][e];
          parts[2][e] = parts[0][e] * parts[1][e];
        }
      for (int o = 0; o < total; o++) {
        const double w = last[(ptrdiff_t)j * total + o];
        const double *part = parts[o < counts[0] ? 0 : o < counts[0] + counts[1] ? 1 : 2];
        double *sum = high[o], *rest = low[o];
        for (int e = 0; e < BLOCK; e++) {
          const double p = w * part[e], lost = __builtin_fma(w, part[e], -p);
          const double s = sum[e] + p, back = s - sum[e];
          rest[e] += lost + ((sum[e] - (s - back)) + (p - back));
          sum[e] = s;
        }
      }
    }
    for (int o = 0; o < total; o++)
      for (int e = 0; e < m; e++) out[o * size + at + e] = high[o][e] + low[o][e];
  }
}
