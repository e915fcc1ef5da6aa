/**
 * Hourly rows of one station, addressed by epoch hour: a sliding window (online) or a fixed span (offline), the same code.
 *
 * Memory: for each column that was ever observed 2 bytes an hour, 4 where values are no hundredths (hour-column.ts); 9 bytes a column and
 * UTC day for sums.
 * Sums of days and of the whole days of a month are kept, which makes 30-day means cheap. What is added to what, and in which order,
 * depends on the hours alone, so a window and a flat grid that hold the same hours return the same bits, whatever the order in which the
 * rows arrived and whatever was kept.
 */
import { type Arrays, separateArrays } from './arrays.ts'
import { COLUMN, COLUMN_COUNT, isWet } from './columns.ts'
import { addValues, copyValues, createHourColumn, type HourColumn, putValue, valueAt } from './hour-column.ts'

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
  /** Copies `count` hours from `fromHour` on into out, ascending. */
  copy(column: number, fromHour: number, count: number, out: Float32Array): void
  /** Mean of `count` hours from `fromHour` on: of those observed if they are at least half, else NaN. */
  mean(column: number, fromHour: number, count: number): number
  /** Sums over [fromHour, toHour] of each column's observed values (precipitation: count of wet hours), and how many they are. */
  sumInto(fromHour: number, toHour: number, sums: Float64Array, counts: Float64Array): void
}

/** A grid that accepts rows. */
export type HourlyWindow = HourlyGrid & {
  /** Writes one row (8 values, HOURLY_COLUMNS order). Returns false when the hour is older than the window reaches. */
  set(hour: number, row: ArrayLike<number>): boolean
}

/** A sliding window over the newest `capacityHours` hours; setting a newer hour drops the oldest and leaves gaps as NaN. */
export function createHourlyWindow(capacityHours: number = DEFAULT_WINDOW_HOURS, arrays: Arrays = separateArrays): HourlyWindow {
  return new HourlyStore(capacityHours, arrays)
}

/** A fixed span of `length` hours from `startHour`, all NaN until set. Hours outside are refused, nothing slides. */
export function createHourlyGrid(startHour: number, length: number): HourlyWindow {
  const store = new HourlyStore(length, separateArrays)
  store.fixTo(startHour)
  return store
}

/** Place of a whole number in a ring of so many, also of one below zero (hours and days before 1970). */
export function ringSlot(position: number, capacity: number): number {
  // | 0: the remainder of whole numbers, many times as fast as that of floats, which these are because a border may be NaN.
  const remainder = (position | 0) % capacity
  return remainder < 0 ? remainder + capacity : remainder
}

const NO_DAY = -(2 ** 31)

let scratch = new Float32Array(DAY_HOURS)

class HourlyStore implements HourlyWindow {
  readonly capacity: number
  oldestHour = NaN
  newestHour = NaN
  private fixed = false
  private readonly arrays: Arrays
  /** Undefined: never observed. */
  private readonly columns: Array<HourColumn | undefined> = []
  private readonly dayCapacity: number
  /** By day slot and column; after the slots those of the whole days from `wholeFrom` until before `wholeEnd`, and how many hours they are. */
  private readonly daySum: Float64Array
  private readonly dayCount: Uint8Array
  /** UTC day whose sums a slot holds. */
  private readonly dayHeld: Int32Array
  private wholeFrom = 0
  private wholeEnd = 0

  constructor(capacity: number, arrays: Arrays) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be a positive whole number of hours, got ${capacity}`)
    this.capacity = capacity
    this.arrays = arrays
    for (let column = 0; column < COLUMN_COUNT; column++) this.columns.push(undefined)
    this.dayCapacity = Math.ceil(capacity / DAY_HOURS) + 2
    this.daySum = arrays.take(Float64Array, (this.dayCapacity + 2) * COLUMN_COUNT)
    this.dayCount = arrays.take(Uint8Array, this.dayCapacity * COLUMN_COUNT)
    this.dayHeld = arrays.take(Int32Array, this.dayCapacity).fill(NO_DAY)
  }

  fixTo(startHour: number): void {
    this.fixed = true
    this.oldestHour = startHour
    this.newestHour = startHour + this.capacity - 1
  }

  value(column: number, hour: number): number {
    const held = this.columns[column]
    if (held === undefined || !(hour >= this.oldestHour && hour <= this.newestHour)) return NaN
    return valueAt(held, column, this.slot(hour))
  }

  set(hour: number, row: ArrayLike<number>): boolean {
    if ((hour | 0) !== hour) throw new RangeError(`hour must be a whole number of hours since 1970, got ${hour}`)
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
    for (let column = 0; column < COLUMN_COUNT; column++) {
      const value = Math.fround(row[column] ?? NaN)
      let held = this.columns[column]
      if (held === undefined) {
        if (Number.isNaN(value)) continue
        held = createHourColumn(this.arrays, column, this.capacity, value)
      }
      this.columns[column] = putValue(this.arrays, held, column, slot, value)
    }
    const day = Math.floor(hour / DAY_HOURS)
    this.dayHeld[this.daySlot(day)] = NO_DAY
    if (day >= this.wholeFrom && day < this.wholeEnd) this.wholeEnd = this.wholeFrom
    return true
  }

  copy(column: number, fromHour: number, count: number, out: Float32Array): void {
    const held = this.columns[column]
    const from = Math.max(fromHour, this.oldestHour)
    const to = Math.min(fromHour + count - 1, this.newestHour)
    // Not `from > to`: both are NaN while the grid is empty.
    if (held === undefined || !(from <= to)) {
      out.fill(NaN, 0, count)
      return
    }
    const at = from - fromHour
    const hours = to - from + 1
    out.fill(NaN, 0, at)
    const slot = this.slot(from)
    const untilEnd = Math.min(hours, this.capacity - slot)
    copyValues(held, column, slot, untilEnd, out, at)
    if (untilEnd < hours) copyValues(held, column, 0, hours - untilEnd, out, at + untilEnd)
    out.fill(NaN, at + hours, count)
  }

  mean(column: number, fromHour: number, count: number): number {
    const total = this.totalOf(column, fromHour, count)
    // One gap makes the sum NaN; then, and seldom, what was observed is picked out.
    if (total === total) return total / count
    this.copy(column, fromHour, count, scratchOf(count))
    const observed = countIn(count)
    return observed * 2 >= count ? totalIn(count) / observed : NaN
  }

  sumInto(fromHour: number, toHour: number, sums: Float64Array, counts: Float64Array): void {
    sums.fill(0)
    counts.fill(0)
    const from = Math.max(fromHour, this.oldestHour)
    const to = Math.min(toHour, this.newestHour)
    if (!(from <= to)) return
    const firstDay = Math.ceil(from / DAY_HOURS)
    const endDay = Math.floor((to + 1) / DAY_HOURS)
    if (firstDay < endDay) {
      this.addPart(from, firstDay * DAY_HOURS, sums, counts)
      this.addWholeDays(firstDay, endDay, sums, counts)
      this.addPart(endDay * DAY_HOURS, to + 1, sums, counts)
    } else {
      const midnight = Math.min(firstDay * DAY_HOURS, to + 1)
      this.addPart(from, midnight, sums, counts)
      this.addPart(midnight, to + 1, sums, counts)
    }
  }

  /** Part of a day. */
  private addPart(from: number, end: number, sums: Float64Array, counts: Float64Array): void {
    if (from >= end) return
    for (let column = 0; column < COLUMN_COUNT; column++) {
      counts[column]! += this.sumPart(column, from, end - from)
      sums[column]! += partSum
    }
  }

  private addWholeDays(firstDay: number, endDay: number, sums: Float64Array, counts: Float64Array): void {
    const { daySum, dayCount } = this
    const wholeSums = this.dayCapacity * COLUMN_COUNT
    const wholeCounts = wholeSums + COLUMN_COUNT
    if (firstDay !== this.wholeFrom || endDay !== this.wholeEnd) {
      daySum.fill(0, wholeSums)
      for (let day = firstDay; day < endDay; day++) {
        const slot = this.daySlot(day)
        if (this.dayHeld[slot] !== day) this.sumDay(day, slot)
        for (let column = 0; column < COLUMN_COUNT; column++) {
          daySum[wholeSums + column]! += daySum[slot * COLUMN_COUNT + column]!
          daySum[wholeCounts + column]! += dayCount[slot * COLUMN_COUNT + column]!
        }
      }
      this.wholeFrom = firstDay
      this.wholeEnd = endDay
    }
    for (let column = 0; column < COLUMN_COUNT; column++) {
      sums[column]! += daySum[wholeSums + column]!
      counts[column]! += daySum[wholeCounts + column]!
    }
  }

  private sumDay(day: number, slot: number): void {
    for (let column = 0; column < COLUMN_COUNT; column++) {
      this.dayCount[slot * COLUMN_COUNT + column] = this.sumPart(column, day * DAY_HOURS, DAY_HOURS)
      this.daySum[slot * COLUMN_COUNT + column] = partSum
    }
    this.dayHeld[slot] = day
  }

  /** How many of the hours, all of them held, were observed; their sum (precipitation: how many were wet) is left in `partSum`. */
  private sumPart(column: number, fromHour: number, count: number): number {
    if (column !== PRECIPITATION) {
      partSum = this.totalOf(column, fromHour, count)
      if (partSum === partSum) return count
    }
    this.copy(column, fromHour, count, scratchOf(count))
    partSum = column === PRECIPITATION ? wetIn(count) : totalIn(count)
    return countIn(count)
  }

  /** Sum of hours in their order; NaN when one of them is none. */
  private totalOf(column: number, fromHour: number, count: number): number {
    const held = this.columns[column]
    if (held === undefined || !(fromHour >= this.oldestHour && fromHour + count - 1 <= this.newestHour)) return NaN
    const slot = this.slot(fromHour)
    const untilEnd = Math.min(count, this.capacity - slot)
    const total = addValues(held, column, slot, untilEnd, 0)
    return untilEnd < count ? addValues(held, column, 0, count - untilEnd, total) : total
  }

  private slideTo(hour: number): void {
    const stale = Math.min(hour - this.newestHour, this.capacity)
    for (let h = hour - stale + 1; h <= hour; h++) {
      const slot = this.slot(h)
      for (let column = 0; column < COLUMN_COUNT; column++) {
        const held = this.columns[column]
        if (held !== undefined) putValue(this.arrays, held, column, slot, NaN)
      }
    }
    this.newestHour = hour
    this.oldestHour = Math.max(this.oldestHour, hour - this.capacity + 1)
  }

  private slot(hour: number): number {
    return ringSlot(hour, this.capacity)
  }

  private daySlot(day: number): number {
    return ringSlot(day, this.dayCapacity)
  }
}

/** What the last `sumPart` added up: a pair to return would be an object for each column and hour. */
let partSum = 0

function scratchOf(count: number): Float32Array {
  if (scratch.length < count) scratch = new Float32Array(count)
  return scratch
}

/** Sum of what was observed among the first `count` of the scratch, in their order. */
function totalIn(count: number): number {
  let total = 0
  for (let i = 0; i < count; i++) if (!Number.isNaN(scratch[i]!)) total += scratch[i]!
  return total
}

function countIn(count: number): number {
  let observed = 0
  for (let i = 0; i < count; i++) if (!Number.isNaN(scratch[i]!)) observed++
  return observed
}

function wetIn(count: number): number {
  let wet = 0
  for (let i = 0; i < count; i++) if (isWet(scratch[i]!)) wet++
  return wet
}
