import { assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { growingDegreeDays, growingDegreeDaysFromHours } from './degree-days.ts'
import { referenceEvapotranspirationMm } from './evapotranspiration.ts'
import { apparentTemperatureC, heatIndexC, humidexC, windChillC } from './felt-temperature.ts'
import {
  dewPointC,
  relativeHumidityPct,
  saturationVapourPressureHpa,
  tetensKpa,
  vapourPressureDeficitKpa,
  wetBulbC,
} from './humidity.ts'
import { solarElevationDeg } from './sun.ts'

const hours = (count: number, value: number | null) => Array.from({ length: count }, () => value)
const celsius = (fahrenheit: number): number => (fahrenheit - 32) / 1.8
const fahrenheit = (celsiusValue: number | null): number => (celsiusValue ?? NaN) * 1.8 + 32

describe('moisture of the air', () => {
  it.each([
    [20, 50, 9.26],
    [30, 70, 23.93],
    [0, 80, -3.04],
    [-10, 60, -16.31],
    [35, 20, 8.69],
  ])('%d °C at %d %% has its dew point at %d °C (Magnus, WMO-No. 8)', (t, rh, expected) => {
    expect(dewPointC(t, rh)).toBeCloseTo(expected, 2)
  })

  it('gives 6.112 hPa at 0 °C and 23.37 hPa at 20 °C (WMO-No. 8, Smithsonian tables)', () => {
    expect(saturationVapourPressureHpa(0)).toBeCloseTo(6.112, 3)
    expect(Math.abs(saturationVapourPressureHpa(20)! - 23.37)).toBeLessThan(0.05)
  })

  it.each([
    [20, 50, 13.7],
    [30, 80, 27.13],
  ])('%d °C at %d %% has a wet bulb of %d °C (Stull 2011; the first is the worked example of the paper)', (t, rh, expected) => {
    expect(wetBulbC(t, rh)).toBeCloseTo(expected, 2)
  })

  it.each([
    [1, 0.657],
    [10, 1.228],
    [20, 2.338],
    [30, 4.243],
    [40, 7.376],
  ])('has e°(%d °C) = %d kPa (FAO-56, annex 2, table 2.3)', (t, expected) => {
    expect(tetensKpa(t)).toBeCloseTo(expected, 2)
    expect(vapourPressureDeficitKpa(t, 0)).toBeCloseTo(expected, 2)
    expect(vapourPressureDeficitKpa(t, 100)).toBe(0)
  })

  it('inverts: humidity of the dew point is the humidity; dew point ≤ wet bulb ≤ temperature within the error of Stull', () => {
    assert(
      property(double({ min: -20, max: 50, noNaN: true }), double({ min: 5, max: 99, noNaN: true }), (t, rh) => {
        const dew = dewPointC(t, rh)!
        expect(relativeHumidityPct(t, dew)).toBeCloseTo(rh, 6)
        expect(dew).toBeLessThanOrEqual(t)
        expect(wetBulbC(t, rh)!).toBeLessThanOrEqual(t)
        expect(wetBulbC(t, rh)!).toBeGreaterThanOrEqual(dew - 1.1)
      }),
    )
  })

  it('reaches the temperature at saturation', () => {
    expect(dewPointC(15, 100)).toBeCloseTo(15, 9)
    expect(relativeHumidityPct(15, 15.3)).toBe(100)
    for (const t of [-10, 0, 20, 40]) expect(Math.abs(wetBulbC(t, 100)! - t)).toBeLessThan(0.35)
  })
})

describe('felt temperature', () => {
  it.each([
    [80, 40, 80],
    [90, 70, 106],
    [96, 50, 108],
    [100, 40, 109],
    [86, 90, 105],
    [110, 40, 136],
  ])('is %d °F at %d %% felt as %d °F (chart of the US National Weather Service)', (t, rh, expected) => {
    expect(Math.abs(fahrenheit(heatIndexC(celsius(t), rh)) - expected)).toBeLessThan(1)
  })

  it.each([
    [32.2, 70, 41.0],
    [35, 60, 45.1],
    [40, 10, 36.7],
    [28, 90, 34.0],
    [20, 50, 19.4],
  ])('uses both adjustments and the simple form: %d °C at %d %% is %d °C', (t, rh, expected) => {
    expect(heatIndexC(t, rh)).toBeCloseTo(expected, 1)
  })

  it.each([
    [0, 20, -5.2],
    [-10, 30, -19.5],
    [-20, 40, -34.1],
    [5, 10, 2.7],
  ])('chills %d °C in %d km/h to %d °C (JAG/TI)', (t, kmh, expected) => {
    expect(windChillC(t, kmh / 3.6)).toBeCloseTo(expected, 1)
  })

  it.each([
    [30, 30, 15],
    [0, 15, -19],
    [-20, 25, -51],
    [40, 5, 36],
  ])('chills %d °F in %d mph to %d °F (chart of the US National Weather Service)', (t, mph, expected) => {
    expect(Math.round(fahrenheit(windChillC(celsius(t), mph * 0.44704)))).toBe(expected)
  })

  it('is the temperature where wind chill is not defined, and never warms', () => {
    expect(windChillC(10.1, 20)).toBe(10.1)
    expect(windChillC(-20, 1.3)).toBe(-20)
    assert(
      property(double({ min: -50, max: 10, noNaN: true }), double({ min: 2, max: 40, noNaN: true }), (t, wind) => {
        expect(windChillC(t, wind)!).toBeLessThanOrEqual(t + 0.05)
        expect(windChillC(t, wind + 1)!).toBeLessThan(windChillC(t, wind)!)
      }),
    )
  })

  it.each([
    [30, 15, 34],
    [25, 20, 33],
    [30, 25, 42],
  ])('gives %d °C with a dew point of %d °C a humidex of %d (Environment Canada)', (t, dew, expected) => {
    expect(Math.round(humidexC(t, dew)!)).toBe(expected)
  })

  it.each([
    [30, 70, 2, 34.4],
    [10, 50, 5, 4.5],
    [0, 80, 8, -8.0],
    [30, 50, 0, 33],
  ])('has an apparent temperature for %d °C, %d %% and %d m/s of %d °C (Bureau of Meteorology)', (t, rh, wind, expected) => {
    expect(Math.abs(apparentTemperatureC(t, rh, wind)! - expected)).toBeLessThan(0.051)
  })

  it('has a humidex not below the temperature in dry air', () => {
    expect(humidexC(25, -10)).toBe(25)
  })
})

describe('sun', () => {
  it('agrees with the worked example of NREL SPA: zenith 50.1116° on 2003-10-17 12:30:30 −07:00 at 39.742476° N 105.1786° W', () => {
    const elevation = solarElevationDeg(Date.UTC(2003, 9, 17, 19, 30, 30), 39.742476, -105.1786)
    expect(Math.abs(elevation! - (90 - 50.11162))).toBeLessThan(0.02)
  })

  it('stands over the equator at an equinox noon and at 90° − 23.44° at solstice', () => {
    // 2024: March equinox on the 20th at 03:06Z; June solstice on the 20th. Noon at 0° E on 20 March is at 12:07:20Z.
    expect(solarElevationDeg(Date.UTC(2024, 2, 20, 12, 7, 20), 0, 0)).toBeGreaterThan(89.8)
    expect(solarElevationDeg(Date.UTC(2024, 5, 20, 12, 1, 50), 0, 0, { refraction: false })).toBeCloseTo(90 - 23.44, 1)
  })

  it('is at −0.833° at the published sunrise and sunset of Greenwich at the equinox, 2024-03-20: 06:03 and 18:14 UTC', () => {
    for (const minute of [6 * 60 + 3, 18 * 60 + 14]) {
      const elevation = solarElevationDeg(Date.UTC(2024, 2, 20, 0, minute), 51.4769, 0, { refraction: false })
      expect(Math.abs(elevation! + 0.833)).toBeLessThan(0.2)
    }
  })

  it('never leaves −90…90, and opposite places see opposite elevations', () => {
    const at = double({ min: Date.UTC(1950, 0), max: Date.UTC(2090, 0), noNaN: true })
    assert(
      property(
        at,
        double({ min: -90, max: 90, noNaN: true }),
        double({ min: -179, max: 0, noNaN: true }),
        (ms, latitude, longitude) => {
          const here = solarElevationDeg(ms, latitude, longitude, { refraction: false })!
          expect(Math.abs(here)).toBeLessThanOrEqual(90)
          expect(solarElevationDeg(ms, -latitude, longitude + 180, { refraction: false })!).toBeCloseTo(-here, 6)
        },
      ),
    )
  })
})

describe('reference evapotranspiration', () => {
  /** FAO-56 example 19: N'Diaye, Senegal, 16°13′ N 16°15′ W, 8 m, 1 October, clock of 15° W. Winds at 2 m there. */
  const senegal = (localHour: number) => ({
    startsAtMs: Date.UTC(1997, 9, 1, localHour + 1),
    latitudeDeg: 16.217,
    longitudeDeg: -16.25,
    elevationM: 8,
  })
  const at10m = (wind2m: number): number => wind2m / (4.87 / Math.log(67.8 * 10 - 5.42))

  it('gives 0.63 mm for 14–15 h and 0.00 mm for 2–3 h (FAO-56, example 19)', () => {
    const day = { temperatureC: 38, relativeHumidityPct: 52, windSpeedMps: at10m(3.3), solarWm2: 2.45 / 0.0036 }
    expect(referenceEvapotranspirationMm({ ...senegal(14), ...day })).toBeCloseTo(0.63, 2)
    const night = { temperatureC: 28, relativeHumidityPct: 90, windSpeedMps: at10m(1.9), solarWm2: 0 }
    expect(Math.abs(referenceEvapotranspirationMm({ ...senegal(2), ...night })!)).toBeLessThan(0.005)
  })

  it('is never negative, never NaN, and rises with radiation', () => {
    assert(
      property(
        double({ min: -45, max: 55, noNaN: true }),
        double({ min: 0, max: 100, noNaN: true }),
        double({ min: 0, max: 40, noNaN: true }),
        double({ min: 0, max: 900, noNaN: true }),
        double({ min: 0, max: 23, noNaN: true }),
        (temperatureC, humidity, windSpeedMps, solarWm2, hour) => {
          const base = { ...senegal(hour), temperatureC, relativeHumidityPct: humidity, windSpeedMps }
          const dim = referenceEvapotranspirationMm({ ...base, solarWm2 })!
          const bright = referenceEvapotranspirationMm({ ...base, solarWm2: solarWm2 + 300 })!
          expect(dim).toBeGreaterThanOrEqual(0)
          expect(bright).toBeGreaterThanOrEqual(dim)
        },
      ),
    )
  })
})

describe('growing degree days', () => {
  it.each([
    [90, 60, 23],
    [80, 40, 15],
    [48, 30, 0],
  ])('counts a maize day of %d/%d °F as %d °F (86/50 method, North Dakota State University)', (max, min, expected) => {
    expect(growingDegreeDays(celsius(max), celsius(min), { baseC: 10, upperC: 30 })! * 1.8).toBeCloseTo(expected, 9)
  })

  it('counts a day of hours at 15 °C over base 10 as 5, and fills up to a quarter of missing hours', () => {
    expect(growingDegreeDaysFromHours(hours(24, 15), { baseC: 10 })).toBe(5)
    expect(growingDegreeDaysFromHours([...hours(18, 15), ...hours(6, null)], { baseC: 10 })).toBe(5)
    expect(growingDegreeDaysFromHours([...hours(17, 15), ...hours(7, null)], { baseC: 10 })).toBeNull()
    expect(growingDegreeDaysFromHours([], { baseC: 10 })).toBeNull()
    expect(() => growingDegreeDays(20, 10, { baseC: 10, upperC: 5 })).toThrow(RangeError)
  })
})

describe('what is missing or impossible', () => {
  const now = Date.UTC(2024, 0)
  it.each<[string, () => number | null]>([
    ['dew point without humidity', () => dewPointC(20, null)],
    ['dew point of undefined', () => dewPointC(undefined, 50)],
    ['dew point of NaN', () => dewPointC(NaN, 50)],
    ['dew point at 0 %', () => dewPointC(20, 0)],
    ['dew point at 101 %', () => dewPointC(20, 101)],
    ['humidity of a dew point far above the temperature', () => relativeHumidityPct(10, 12)],
    ['wet bulb below the range of the formula', () => wetBulbC(-25, 50)],
    ['wet bulb in drier air than the formula knows', () => wetBulbC(20, 4)],
    ['vapour pressure of 1000 °C', () => saturationVapourPressureHpa(1000)],
    ['deficit without temperature', () => vapourPressureDeficitKpa(null, 50)],
    ['heat index of infinity', () => heatIndexC(Infinity, 50)],
    ['wind chill of negative wind', () => windChillC(0, -1)],
    ['wind chill without wind', () => windChillC(0, null)],
    ['humidex without dew point', () => humidexC(30, null)],
    ['sun at no time', () => solarElevationDeg(null, 0, 0)],
    ['sun beyond the pole', () => solarElevationDeg(now, 91, 0)],
    ['degree days without a minimum', () => growingDegreeDays(20, null, { baseC: 10 })],
    ['degree days of a maximum below the minimum', () => growingDegreeDays(10, 20, { baseC: 10 })],
    [
      'evapotranspiration without radiation',
      () =>
        referenceEvapotranspirationMm({
          startsAtMs: now,
          latitudeDeg: 0,
          longitudeDeg: 0,
          elevationM: 0,
          temperatureC: 20,
          relativeHumidityPct: 50,
          windSpeedMps: 2,
          solarWm2: null,
        }),
    ],
  ])('gives null for %s', (_, compute) => {
    expect(compute()).toBeNull()
  })
})
