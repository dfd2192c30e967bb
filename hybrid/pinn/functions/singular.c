/* Singular functions of corners, with derivatives, in one pass over the points. See hybrid/pinn/steady/corners.py and
   hybrid/pinn/steady/edges.py.

   Channels lie one after the other, `size` numbers each: the value; with order 1 or more the gradient; with order 2 the
   entries of the Hessian, by rows of its upper triangle. They are added to what is there. Blocks of points, so that what is
   computed on the way stays in the first cache. */

#include <math.h>
#include <stddef.h>

enum { BLOCK = 128 };
static const double PI = 3.14159265358979323846;

/* In channels of a product's jet, what f and g have in one point; both hold value, gradient and the upper triangle. */
static inline void add_product(int d, int order, const double *f, const double *g, double scale, double *out, ptrdiff_t size) {
  out[0] += scale * f[0] * g[0];
  if (order < 1) return;
  for (int i = 0; i < d; i++) out[(1 + i) * size] += scale * (f[1 + i] * g[0] + f[0] * g[1 + i]);
  if (order < 2) return;
  int k = 1 + d;
  for (int i = 0; i < d; i++)
    for (int j = i; j < d; j++, k++)
      out[k * size] += scale * (f[k] * g[0] + f[1 + i] * g[1 + j] + f[1 + j] * g[1 + i] + f[0] * g[k]);
}

/* strength (1 - t_1^2)(1 - t_2^2) [ Im(z^2 log z) + (pi/2) Y^2 ]: `corner`, `inward` (1 or -1), `root` (of the coefficients)
   and `sides` of the box have two entries each; points are (size, 2). */
void corner(ptrdiff_t size, int order, const double *points, const double *corner, const double *inward, const double *root,
            const double *sides, double strength, double *out) {
  const double sx = inward[0] / root[0], sy = inward[1] / root[1], tx = inward[0] / sides[0], ty = inward[1] / sides[1];
  const double cx = corner[0], cy = corner[1];
  for (ptrdiff_t at = 0; at < size; at += BLOCK) {
    const int m = size - at < BLOCK ? (int)(size - at) : BLOCK;
    double p[BLOCK], q[BLOCK], logs[BLOCK], angles[BLOCK];
    for (int e = 0; e < m; e++) p[e] = points[2 * (at + e)] - cx, q[e] = points[2 * (at + e) + 1] - cy;
    for (int e = 0; e < m; e++) {
      const double x = p[e] * sx, y = q[e] * sy, radius = x * x + y * y;
      logs[e] = 0.5 * log(radius > 1e-290 ? radius : 1e-290);
    }
    for (int e = 0; e < m; e++) angles[e] = atan2(q[e] * sy, p[e] * sx);
    for (int e = 0; e < m; e++) angles[e] += angles[e] < -0.75 * PI ? 2 * PI : 0; /* it jumps opposite of the corner */
    for (int e = 0; e < m; e++) {
      const double x = p[e] * sx, y = q[e] * sy, l = logs[e], angle = angles[e];
      const double f[6] = {
          (x * x - y * y) * angle + 2 * x * y * l + 0.5 * PI * y * y,
          (2 * (x * angle + y * l) + y) * sx,
          (2 * (x * l - y * angle) + x + PI * y) * sy,
          2 * angle * sx * sx,
          (2 * l + 3) * sx * sy,
          (PI - 2 * angle) * sy * sy,
      };
      const double u = p[e] * tx, v = q[e] * ty, a = 1 - u * u, b = 1 - v * v, da = -2 * u * tx, db = -2 * v * ty;
      const double g[6] = {a * b, da * b, a * db, -2 * tx * tx * b, da * db, -2 * ty * ty * a};
      add_product(2, order, f, g, strength, out + at + e, size);
    }
  }
}

/* eta S of one corner of a cube: S = (1/2) X . H X in X = (x - corner) inward / root, eta a product of the cubics that are 1 in
   the corner and 0 at the far sides; points are (size, 3). Behind one face S is continued analytically; behind two at once,
   where that depends on the way around the edge, it is what it is behind the one that is farther away. */
void octant(ptrdiff_t size, int order, const double *points, const double *corner, const double *inward, const double *root,
            const double *sides, double strength, double *out) {
  const double scale[3] = {inward[0] / root[0], inward[1] / root[1], inward[2] / root[2]};
  for (ptrdiff_t at = 0; at < size; at += BLOCK) {
    const int m = size - at < BLOCK ? (int)(size - at) : BLOCK;
    /* Entry i of `mixed` is H_jk, with i, j, k in a circle. */
    double x[3][BLOCK], length[BLOCK], mixed[3][BLOCK], own[3][BLOCK], argument[BLOCK];
    for (int i = 0; i < 3; i++)
      for (int e = 0; e < m; e++) x[i][e] = (points[3 * (at + e) + i] - corner[i]) * scale[i];
    for (int e = 0; e < m; e++) {
      const int first = x[0][e] <= x[1][e] && x[0][e] <= x[2][e] ? 0 : x[1][e] <= x[2][e] ? 1 : 2;
      for (int i = 0; i < 3; i++)
        if (i != first) x[i][e] = x[i][e] > 0 ? x[i][e] : 0;
    }
    for (int e = 0; e < m; e++) {
      const double l = sqrt(x[0][e] * x[0][e] + x[1][e] * x[1][e] + x[2][e] * x[2][e]);
      length[e] = l > 1e-150 ? l : 1e-150;
    }
    for (int i = 0; i < 3; i++) {
      const double *a = x[i], *b = x[(i + 1) % 3], *c = x[(i + 2) % 3];
      for (int e = 0; e < m; e++) {
        const double far = sqrt(b[e] * b[e] + c[e] * c[e]), away = far > 1e-150 ? far : 1e-150;
        argument[e] = a[e] < 0 ? away / (length[e] - a[e]) : (a[e] + length[e]) / away;
      }
      for (int e = 0; e < m; e++) mixed[i][e] = log(argument[e]) * (2 / PI);
      for (int e = 0; e < m; e++) own[i][e] = atan2(b[e] * c[e], a[e] * length[e]);
      /* Such an angle is of a zero with a sign. */
      for (int e = 0; e < m; e++) own[i][e] = (own[i][e] + (own[i][e] < -0.75 * PI ? 2 * PI : 0)) * (-2 / PI);
    }
    for (int e = 0; e < m; e++) {
      double eta[3][3], f[10], g[10];
      for (int i = 0; i < 3; i++) {
        const double d = inward[i] / sides[i], t = (points[3 * (at + e) + i] - corner[i]) * d;
        eta[i][0] = 1 + t * t * (2 * t - 3);
        eta[i][1] = 6 * t * (t - 1) * d;
        eta[i][2] = (12 * t - 6) * d * d;
      }
      f[0] = 0;
      for (int i = 0; i < 3; i++) {
        const int j = (i + 1) % 3, k = (i + 2) % 3;
        const double slope = own[i][e] * x[i][e] + mixed[k][e] * x[j][e] + mixed[j][e] * x[k][e];
        f[0] += 0.5 * slope * x[i][e];
        f[1 + i] = slope * scale[i];
      }
      f[4] = own[0][e] * scale[0] * scale[0];
      f[5] = mixed[2][e] * scale[0] * scale[1];
      f[6] = mixed[1][e] * scale[0] * scale[2];
      f[7] = own[1][e] * scale[1] * scale[1];
      f[8] = mixed[0][e] * scale[1] * scale[2];
      f[9] = own[2][e] * scale[2] * scale[2];
      const double yz = eta[1][0] * eta[2][0], xz = eta[0][0] * eta[2][0], xy = eta[0][0] * eta[1][0];
      g[0] = eta[0][0] * yz;
      g[1] = eta[0][1] * yz;
      g[2] = eta[1][1] * xz;
      g[3] = eta[2][1] * xy;
      g[4] = eta[0][2] * yz;
      g[5] = eta[0][1] * eta[1][1] * eta[2][0];
      g[6] = eta[0][1] * eta[1][0] * eta[2][1];
      g[7] = eta[1][2] * xz;
      g[8] = eta[0][0] * eta[1][1] * eta[2][1];
      g[9] = eta[2][2] * xy;
      add_product(3, order, f, g, strength, out + at + e, size);
    }
  }
}
