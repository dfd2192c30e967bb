/* tanh on jets and its adjoint: one pass over memory where separate operations make a dozen. See hybrid/pinn/leastsquares/sweep.py.

   Channels lie one after the other, `size` numbers each: the value, d of the gradient, one for each of the `count` operators,
   symmetric d x d matrices. Blocks of numbers, so that what is computed on the way stays in the first cache. */
#include <stddef.h>

#include "tanh.h"

enum { BLOCK = 64 };

#define KERNEL(real, forward, adjoint)                                                                                \
  /* h from z. */                                                                                                     \
  void forward(ptrdiff_t size, int d, int count, const real *operators, const real *z, real *h) {                     \
    for (ptrdiff_t at = 0; at < size; at += BLOCK) {                                                                  \
      const int m = size - at < BLOCK ? (int)(size - at) : BLOCK;                                                     \
      const real *value = z + at;                                                                                     \
      real *s = h + at;                                                                                               \
      for (int e = 0; e < m; e++) s[e] = (real)tanh_of(value[e]);                                                     \
      real slope[BLOCK];                                                                                              \
      for (int e = 0; e < m; e++) slope[e] = 1 - s[e] * s[e];                                                         \
      for (int i = 1; i <= d; i++) {                                                                                  \
        const real *zi = z + i * size + at;                                                                           \
        real *hi = h + i * size + at;                                                                                 \
        for (int e = 0; e < m; e++) hi[e] = slope[e] * zi[e];                                                         \
      }                                                                                                               \
      for (int k = 0; k < count; k++) {                                                                               \
        real square[BLOCK] = {0};                                                                                     \
        for (int i = 0; i < d; i++)                                                                                   \
          for (int j = 0; j < d; j++) {                                                                               \
            const real a = operators[(k * d + i) * d + j];                                                            \
            const real *zi = z + (1 + i) * size + at, *zj = z + (1 + j) * size + at;                                  \
            if (a != 0)                                                                                               \
              for (int e = 0; e < m; e++) square[e] += a * zi[e] * zj[e];                                             \
          }                                                                                                           \
        const real *zk = z + (1 + d + k) * size + at;                                                                 \
        real *hk = h + (1 + d + k) * size + at;                                                                       \
        for (int e = 0; e < m; e++) hk[e] = slope[e] * (zk[e] - 2 * s[e] * square[e]);                                \
      }                                                                                                               \
    }                                                                                                                 \
  }                                                                                                                   \
                                                                                                                      \
  /* The adjoint of h becomes that of z. */                                                                           \
  void adjoint(ptrdiff_t size, int d, int count, const real *operators, const real *z, const real *h, real *bar) {    \
    for (ptrdiff_t at = 0; at < size; at += BLOCK) {                                                                  \
      const int m = size - at < BLOCK ? (int)(size - at) : BLOCK;                                                     \
      const real *s = h + at;                                                                                         \
      real slope[BLOCK], first[BLOCK] = {0}, second[BLOCK] = {0};                                                     \
      for (int e = 0; e < m; e++) slope[e] = 1 - s[e] * s[e];                                                         \
      for (int c = 1; c <= d + count; c++) {                                                                          \
        const real *zc = z + c * size + at, *bc = bar + c * size + at;                                                \
        for (int e = 0; e < m; e++) first[e] += bc[e] * zc[e];                                                        \
      }                                                                                                               \
      for (int k = 0; k < count; k++) {                                                                               \
        const real *bk = bar + (1 + d + k) * size + at;                                                               \
        for (int i = 0; i < d; i++) {                                                                                 \
          real flux[BLOCK] = {0};                                                                                     \
          for (int j = 0; j < d; j++) {                                                                               \
            const real a = operators[(k * d + i) * d + j];                                                            \
            const real *zj = z + (1 + j) * size + at;                                                                 \
            if (a != 0)                                                                                               \
              for (int e = 0; e < m; e++) flux[e] += a * zj[e];                                                       \
          }                                                                                                           \
          const real *zi = z + (1 + i) * size + at;                                                                   \
          real *bi = bar + (1 + i) * size + at;                                                                       \
          for (int e = 0; e < m; e++) {                                                                               \
            const real t = bk[e] * flux[e];                                                                           \
            second[e] += t * zi[e];                                                                                   \
            bi[e] -= 4 * s[e] * t;                                                                                    \
          }                                                                                                           \
        }                                                                                                             \
      }                                                                                                               \
      real *b0 = bar + at;                                                                                            \
      for (int e = 0; e < m; e++) b0[e] += (6 * s[e] * s[e] - 2) * second[e] - 2 * s[e] * first[e];                   \
      for (int c = 0; c <= d + count; c++) {                                                                          \
        real *bc = bar + c * size + at;                                                                               \
        for (int e = 0; e < m; e++) bc[e] *= slope[e];                                                                \
      }                                                                                                               \
    }                                                                                                                 \
  }

KERNEL(double, forward_double, adjoint_double)
KERNEL(float, forward_single, adjoint_single)
