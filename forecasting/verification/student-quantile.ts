/**
 * Quantile of Student's t, p in (0, 1), degrees of freedom ≥ 1: closed for 1 and 2, else Hill's expansion (1970, Algorithm 396,
 * Comm. ACM 13), good to three digits or better for p ≤ 0.999.
 */
export function studentQuantile(p: number, degrees: number): number {
  if (p === 0.5) return 0
  if (p < 0.5) return -studentQuantile(1 - p, degrees)
  const twoTailed = 2 * (1 - p)
  if (degrees === 1) return 1 / Math.tan((Math.PI / 2) * twoTailed)
  if (degrees === 2) return Math.sqrt(2 / (twoTailed * (2 - twoTailed)) - 2)
  const n = degrees
  const a = 1 / (n - 0.5)
  const b = 48 / a / a
  let c = ((20700 * a) / b - 98) * a - 16
  c = c * a + 96.36
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * n
  let x = d * twoTailed
  let y = x ** (2 / n)
  if (y > 0.05 + a) {
    x = normalQuantile(1 - twoTailed / 2)
    y = x * x
    if (n < 5) c += 0.3 * (n - 4.5) * (Math.abs(x) + 0.6)
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    y = Math.expm1(a * y * y)
  } else {
    y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * ((n + 1) / (n + 2)) + 1 / y
  }
  return Math.sqrt(n * y)
}

/** Quantile of the standard normal: Acklam's rational approximation, relative error below 1.2e-9. */
export function normalQuantile(p: number): number {
  const a = [
    -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1, 2.506628277459239,
  ]
  const b = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1]
  const c = [
    -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783,
  ]
  const d = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416]
  if (p > 0.97575) return -normalQuantile(1 - p)
  const horner = (k: readonly number[], x: number): number => k.reduce((sum, value) => sum * x + value, 0)
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p))
    return horner(c, q) / (horner(d, q) * q + 1)
  }
  const q = p - 0.5
  const r = q * q
  return (horner(a, r) * q) / (horner(b, r) * r + 1)
}
