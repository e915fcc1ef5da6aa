/** Minimum without derivatives (Nelder & Mead 1965, coefficients 1, 2, ½, ½). Deterministic. */
export function minimise(
  loss: (point: Float64Array) => number,
  start: Float64Array,
  { step, tolerance, evaluations }: { readonly step: number; readonly tolerance: number; readonly evaluations: number },
): { readonly point: Float64Array; readonly loss: number } {
  const d = start.length
  let used = 0
  const at = (point: Float64Array) => {
    used++
    const value = loss(point)
    return { point, loss: Number.isFinite(value) ? value : Number.POSITIVE_INFINITY }
  }
  const corners = [at(start.slice())]
  for (let i = 0; i < d; i++) {
    const point = start.slice()
    point[i] = point[i]! + step
    corners.push(at(point))
  }
  for (;;) {
    corners.sort((a, b) => a.loss - b.loss)
    const best = corners[0]!
    const worst = corners[d]!
    if (used >= evaluations || worst.loss - best.loss < tolerance) break
    const centre = new Float64Array(d)
    for (const { point } of corners.slice(0, d)) for (let i = 0; i < d; i++) centre[i] = centre[i]! + point[i]! / d
    const along = (share: number) => at(centre.map((c, i) => c + share * (worst.point[i]! - c)))
    const reflected = along(-1)
    if (reflected.loss < best.loss) {
      const expanded = along(-2)
      corners[d] = expanded.loss < reflected.loss ? expanded : reflected
    } else if (reflected.loss < corners[d - 1]!.loss) corners[d] = reflected
    else {
      const contracted = along(reflected.loss < worst.loss ? -0.5 : 0.5)
      if (contracted.loss < Math.min(reflected.loss, worst.loss)) corners[d] = contracted
      else
        for (let k = 1; k <= d; k++) corners[k] = at(corners[k]!.point.map((v, i) => best.point[i]! + 0.5 * (v - best.point[i]!)))
    }
  }
  corners.sort((a, b) => a.loss - b.loss)
  return corners[0]!
}
