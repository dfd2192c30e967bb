/* tanh on jets and its adjoint: one pass over memory where separate operations make a dozen. See hybrid/pinn/sweep.py.

   Channels lie one after the other, `size` numbers each: the value, d of the gradient, one for each of the `count` operators,
   symmetric d x d matrices. Blocks of numbers, so that what is computed on the way stays in the first cache. */
#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 64 };

/* tanh to two units in the last place of a double, without branches or calls, so that loops over it are vectorized:
   with y = 2|x| = k log 2 + r, |r| <= (log 2) / 2,

       tanh|x| = E / (E + 2),    E = e^y - 1 = 2^k (e^r - 1) + (2^k - 1),

   where e^r - 1 is a Taylor polynomial. Beyond y = 40 the result is 1 to rounding; NaN stays NaN. */
static inline double tanh_of(double x) {
  const double shift = 0x1.8p52; /* a double this large has no digits behind the point: adding it rounds */
  const double twice = x < 0 ? -2 * x : 2 * x, y = twice > 40 ? 40 : twice;
  const union { double number; int64_t bits; } shifted = {.number = y * 0x1.71547652b82fep0 + shift}; /* y / log 2 */
  const union { int64_t bits; double number; } power = {.bits = (shifted.bits << 52) + ((int64_t)1023 << 52)}; /* 2^k */
  const double k = shifted.number - shift;
  const double r = (y - k * 0x1.62e42fefap-1) - k * 0x1.cf79abc9e3b39p-40; /* log 2 in two parts, the first times k exact */
  double p = 1 / 6227020800.0;
  p = p * r + 1 / 479001600.0;
  p = p * r + 1 / 39916800.0;
  p = p * r + 1 / 3628800.0;
  p = p * r + 1 / 362880.0;
  p = p * r + 1 / 40320.0;
  p = p * r + 1 / 5040.0;
  p = p * r + 1 / 720.0;
  p = p * r + 1 / 120.0;
  p = p * r + 1 / 24.0;
  p = p * r + 1 / 6.0;
  p = p * r + 1 / 2.0;
  const double e = power.number * (r + r * r * p) + (power.number - 1), s = e / (e + 2);
  return x < 0 ? -s : s;
}

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
