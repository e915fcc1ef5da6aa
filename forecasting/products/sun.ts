/** Where the sun stands (NOAA Solar Calculator, after Meeus, Astronomical Algorithms, 1991): within 0.01° for 1901–2099. */

const RAD = Math.PI / 180

export type SunOptions = {
  /** As seen through the air (default): up to 0.6° higher at the horizon, NOAA's approximation. False: geometric. */
  readonly refraction?: boolean
}

/**
 * Elevation of the sun's centre above the horizon, degrees, −90…90. `atMs`: UTC epoch milliseconds; latitude north and longitude east positive.
 * Null for an instant or place that is not one.
 */
export function solarElevationDeg(
  atMs: number | null,
  latitudeDeg: number | null,
  longitudeDeg: number | null,
  options: SunOptions = {},
): number | null {
  if (atMs === null || latitudeDeg === null || longitudeDeg === null) return null
  if (!Number.isFinite(atMs) || !(Math.abs(latitudeDeg) <= 90) || !(Math.abs(longitudeDeg) <= 180)) return null
  const { declinationRad, equationOfTimeMinutes } = sunOf(atMs)
  const minutesUtc = (((atMs / 60_000) % 1440) + 1440) % 1440
  const hourAngle = ((minutesUtc + equationOfTimeMinutes + 4 * longitudeDeg) / 4 - 180) * RAD
  const sine =
    Math.sin(latitudeDeg * RAD) * Math.sin(declinationRad) +
    Math.cos(latitudeDeg * RAD) * Math.cos(declinationRad) * Math.cos(hourAngle)
  const elevation = Math.asin(Math.max(-1, Math.min(1, sine))) / RAD
  return options.refraction === false ? elevation : elevation + refractionDeg(elevation)
}

function sunOf(atMs: number): { declinationRad: number; equationOfTimeMinutes: number } {
  /** Julian centuries since 2000-01-01T12:00Z. */
  const t = (atMs / 86_400_000 - 10_957.5) / 36_525
  const meanLongitude = (280.46646 + t * (36_000.76983 + t * 0.0003032)) * RAD
  const meanAnomaly = (357.52911 + t * (35_999.05029 - 0.0001537 * t)) * RAD
  const eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
  const centre =
    Math.sin(meanAnomaly) * (1.914602 - t * (0.004817 + 0.000014 * t)) +
    Math.sin(2 * meanAnomaly) * (0.019993 - 0.000101 * t) +
    Math.sin(3 * meanAnomaly) * 0.000289
  const node = (125.04 - 1934.136 * t) * RAD
  const apparentLongitude = meanLongitude + (centre - 0.00569 - 0.00478 * Math.sin(node)) * RAD
  const meanObliquity = 23 + (26 + (21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))) / 60) / 60
  const obliquity = (meanObliquity + 0.00256 * Math.cos(node)) * RAD
  const y = Math.tan(obliquity / 2) ** 2
  const equationOfTime =
    y * Math.sin(2 * meanLongitude) -
    2 * eccentricity * Math.sin(meanAnomaly) +
    4 * eccentricity * y * Math.sin(meanAnomaly) * Math.cos(2 * meanLongitude) -
    0.5 * y * y * Math.sin(4 * meanLongitude) -
    1.25 * eccentricity * eccentricity * Math.sin(2 * meanAnomaly)
  return {
    declinationRad: Math.asin(Math.sin(obliquity) * Math.sin(apparentLongitude)),
    equationOfTimeMinutes: (4 * equationOfTime) / RAD,
  }
}

function refractionDeg(elevation: number): number {
  if (elevation > 85) return 0
  const tangent = Math.tan(elevation * RAD)
  if (elevation > 5) return (58.1 / tangent - 0.07 / tangent ** 3 + 0.000086 / tangent ** 5) / 3600
  if (elevation > -0.575) {
    return (1735 + elevation * (-518.2 + elevation * (103.4 + elevation * (-12.79 + elevation * 0.711)))) / 3600
  }
  return -20.772 / tangent / 3600
}
