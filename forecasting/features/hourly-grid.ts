/**
 * Hourly rows of one station, addressed by epoch hour: a sliding window (online) or a fixed span (offline), the same code.
 *
 * Memory: 8 columns × capacity × 4 bytes, plus sums per UTC day. A default window is 34 KB.
 * Day sums make 30-day means cheap: they are always added up in hour order from the same Float32 values, so a window and a flat
 * grid that hold the same hours return the same bits, whatever the order in which the rows arrived.
 */
import { COLUMN, COLUMN_COUNT, isWet } from './columns.ts'

/** 30 days for the longest mean and 10 days more, so that late or corrected hours up to 10 days back rebuild exactly. */
const DEFAULT_WINDOW_HOURS = 960

const DAY_HOURS = 24
const PRECIPITATION = COLUMN.precipitationMm

/** Read side of the grid. Hours outside [oldestHour, newestHour] read as NaN. */
export type HourlyGrid = {
  readonly capacity: number
  /** Oldest hour held; NaN while empty. */
  readonly oldestHour: number
  /** Newest hour held; NaN while empty. */
  readonly newestHour: number
  /** Value of a column (position in HOURLY_COLUMNS) at an epoch hour; NaN = not observed. */
  value(column: number, hour: number): number
  /**
   * Copies hours ending at `lastHour` into out (column-major, `hours` places a column, ascending in time): of each column the last
   * `reach[column]` of those places, the others are left as they are.
   */
  copyEndingAt(lastHour: number, hours: number, reach: ArrayLike<number>, out: Float32Array): void
  /** Sums over [fromHour, toHour] of each column's observed values (precipitation: count of wet hours), and how many they are. */
  sumInto(fromHour: number, toHour: number, sums: Float64Array, counts: Float64Array): void
}

/** A grid that accepts rows. */
export type HourlyWindow = HourlyGrid & {
  /** Writes one row (8 values, HOURLY_COLUMNS order). Returns false when the hour is older than the window reaches. */
  set(hour: number, row: ArrayLike<number>): boolean
}

/** A sliding window over the newest `capacityHours` hours; setting a newer hour drops the oldest and leaves gaps as NaN. */
export function createHourlyWindow(capacityHours: number = DEFAULT_WINDOW_HOURS): HourlyWindow {
  return new HourlyStore(capacityHours)
}

/** A fixed span of `length` hours from `startHour`, all NaN until set. Hours outside are refused, nothing slides. */
export function createHourlyGrid(startHour: number, length: number): HourlyWindow {
  const store = new HourlyStore(length)
  store.fixTo(startHour)
  return store
}

class HourlyStore implements HourlyWindow {
  readonly capacity: number
  oldestHour = NaN
  newestHour = NaN
  private fixed = false
  private readonly data: Float32Array
  private readonly dayCapacity: number
  private readonly daySum: Float64Array
  private readonly dayCount: Uint8Array
  /** UTC day whose sums a slot holds, −1 = none; days before 1970 are never cached. */
  private readonly dayHeld: Int32Array

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be a positive whole number of hours, got ${capacity}`)
    this.capacity = capacity
    this.data = new Float32Array(capacity * COLUMN_COUNT).fill(NaN)
    this.dayCapacity = Math.ceil(capacity / DAY_HOURS) + 2
    this.daySum = new Float64Array(this.dayCapacity * COLUMN_COUNT)
    this.dayCount = new Uint8Array(this.dayCapacity * COLUMN_COUNT)
    this.dayHeld = new Int32Array(this.dayCapacity).fill(-1)
  }

  fixTo(startHour: number): void {
    this.fixed = true
    this.oldestHour = startHour
    this.newestHour = startHour + this.capacity - 1
  }

  value(column: number, hour: number): number {
    if (!(hour >= this.oldestHour && hour <= this.newestHour)) return NaN
    return this.data[column * this.capacity + this.slot(hour)]!
  }

  set(hour: number, row: ArrayLike<number>): boolean {
    if (!Number.isInteger(hour)) throw new RangeError(`hour must be a whole number of hours since 1970, got ${hour}`)
    if (this.fixed) {
      if (hour < this.oldestHour || hour > this.newestHour) return false
    } else if (Number.isNaN(this.newestHour)) {
      this.oldestHour = hour
      this.newestHour = hour
    } else if (hour > this.newestHour) {
      this.slideTo(hour)
    } else if (hour <= this.newestHour - this.capacity) {
      return false
    } else if (hour < this.oldestHour) {
      this.oldestHour = hour
    }
    const slot = this.slot(hour)
    for (let column = 0; column < COLUMN_COUNT; column++) this.data[column * this.capacity + slot] = row[column] ?? NaN
    const day = Math.floor(hour / DAY_HOURS)
    this.dayHeld[this.daySlot(day)] = -1
    return true
  }

  copyEndingAt(lastHour: number, hours: number, reach: ArrayLike<number>, out: Float32Array): void {
    const { capacity, data } = this
    const to = Math.min(lastHour, this.newestHour)
    for (let column = 0; column < COLUMN_COUNT; column++) {
      const first = lastHour - reach[column]! + 1
      const from = Math.max(first, this.oldestHour)
      let target = (column + 1) * hours - reach[column]!
      // Not `from > to`: both are NaN while the grid is empty.
      if (!(from <= to)) {
        out.fill(NaN, target, target + reach[column]!)
        continue
      }
      for (let hour = first; hour < from; hour++) out[target++] = NaN
      const base = column * capacity
      let slot = this.slot(from)
      for (let hour = from; hour <= to; hour++) {
        out[target++] = data[base + slot]!
        if (++slot === capacity) slot = 0
      }
      for (let hour = to; hour < lastHour; hour++) out[target++] = NaN
    }
  }

  sumInto(fromHour: number, toHour: number, sums: Float64Array, counts: Float64Array): void {
    const { capacity, data, daySum, dayCount } = this
    const to = Math.min(toHour, this.newestHour)
    sums.fill(0)
    counts.fill(0)
    let hour = Math.max(fromHour, this.oldestHour)
    while (hour <= to) {
      const day = Math.floor(hour / DAY_HOURS)
      const nextDay = (day + 1) * DAY_HOURS
      if (hour === day * DAY_HOURS && nextDay - 1 <= to && day >= 0) {
        const slot = this.daySlot(day)
        if (this.dayHeld[slot] !== day) this.sumDay(day, slot)
        const held = slot * COLUMN_COUNT
        for (let column = 0; column < COLUMN_COUNT; column++) {
          sums[column]! += daySum[held + column]!
          counts[column]! += dayCount[held + column]!
        }
      } else {
        // Same shape as a cached day (own subtotal first): the order of additions must not depend on what is cached.
        const end = Math.min(nextDay - 1, to)
        const first = this.slot(hour)
        for (let column = 0; column < COLUMN_COUNT; column++) {
          const base = column * capacity
          let slot = first
          let part = 0
          let count = 0
          for (let h = hour; h <= end; h++) {
            const x = data[base + slot]!
            if (++slot === capacity) slot = 0
            if (x === x) {
              part += column === PRECIPITATION ? (isWet(x) ? 1 : 0) : x
              count++
            }
          }
          sums[column]! += part
          counts[column]! += count
        }
      }
      hour = nextDay
    }
  }

  private sumDay(day: number, slot: number): void {
    const first = day * DAY_HOURS
    for (let column = 0; column < COLUMN_COUNT; column++) {
      let total = 0
      let count = 0
      for (let hour = first; hour < first + DAY_HOURS; hour++) {
        const x = this.data[column * this.capacity + this.slot(hour)]!
        if (x === x) {
          total += column === PRECIPITATION ? (isWet(x) ? 1 : 0) : x
          count++
        }
      }
      this.daySum[slot * COLUMN_COUNT + column] = total
      this.dayCount[slot * COLUMN_COUNT + column] = count
    }
    this.dayHeld[slot] = day
  }

  private slideTo(hour: number): void {
    const stale = Math.min(hour - this.newestHour, this.capacity)
    for (let h = hour - stale + 1; h <= hour; h++) {
      const slot = this.slot(h)
      for (let column = 0; column < COLUMN_COUNT; column++) this.data[column * this.capacity + slot] = NaN
    }
    this.newestHour = hour
    this.oldestHour = Math.max(this.oldestHour, hour - this.capacity + 1)
  }

  private slot(hour: number): number {
    const remainder = hour % this.capacity
    return remainder < 0 ? remainder + this.capacity : remainder
  }

  private daySlot(day: number): number {
    const remainder = day % this.dayCapacity
    return remainder < 0 ? remainder + this.dayCapacity : remainder
  }
}
