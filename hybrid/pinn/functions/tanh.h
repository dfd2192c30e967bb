/* tanh for loops. */
#include <stdint.h>

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
