/** Scores from sums, and the headline "useful to +N h". Pure. */
import { meanScores } from '../../forecasting/verification/index.ts'
import { LEAD_BUCKETS } from '../../schemas/quantities.ts'
import type { Gains, LeadGain, PairedSums, SkillSums } from '../ports.ts'

export type SkillRow = {
  stationId: string
  variable: string
  leadBucket: string
  n: number
  mae: number
  rmse: number
  bias: number
  crps: number
  /** Shares of 1. */
  coverage80: number
  coverage95: number
  persistenceMae: number | null
  recentredClimatologyMae: number | null
  /** 1 − MAE / MAE of the baseline, on the rows where both exist. */
  skillOverPersistence: number | null
  skillOverRecentredClimatology: number | null
}

function scoresOf(sums: SkillSums, leadBucket: string = sums.bucket): SkillRow {
  const { stationId, variable, n } = sums
  return {
    stationId,
    variable,
    leadBucket,
    n,
    ...meanScores(n, sums),
    persistenceMae: meanOf(sums.persistence),
    recentredClimatologyMae: meanOf(sums.recentredClimatology),
    skillOverPersistence: skillOf(sums.persistence),
    skillOverRecentredClimatology: skillOf(sums.recentredClimatology),
  }
}

/** Rows by bucket in lead order, then `all`, of each station and variable. */
export function skillRows(sums: readonly SkillSums[]): SkillRow[] {
  return [...Map.groupBy(sums, ({ stationId, variable }) => `${stationId}/${variable}`).values()].flatMap((own) => {
    const ordered = LEAD_BUCKETS.flatMap(({ name }) => own.find(({ bucket }) => bucket === name) ?? [])
    const total = ordered.reduce(add)
    return [...ordered.map((one) => scoresOf(one)), scoresOf(total, 'all')]
  })
}

function add(a: SkillSums, b: SkillSums): SkillSums {
  const paired = (x: PairedSums, y: PairedSums): PairedSums => ({
    n: x.n + y.n,
    absoluteError: x.absoluteError + y.absoluteError,
    forecastAbsoluteError: x.forecastAbsoluteError + y.forecastAbsoluteError,
  })
  return {
    ...a,
    n: a.n + b.n,
    absolute: a.absolute + b.absolute,
    squared: a.squared + b.squared,
    error: a.error + b.error,
    crps: a.crps + b.crps,
    in80: a.in80 + b.in80,
    in95: a.in95 + b.in95,
    persistence: paired(a.persistence, b.persistence),
    recentredClimatology: paired(a.recentredClimatology, b.recentredClimatology),
  }
}

function meanOf({ n, absoluteError }: PairedSums): number | null {
  return n === 0 ? null : absoluteError / n
}

function skillOf({ absoluteError, forecastAbsoluteError }: PairedSums): number | null {
  return absoluteError > 0 ? 1 - forecastAbsoluteError / absoluteError : null
}

export type Headline = {
  stationId: string
  variable: string
  /** Every lead up to this one beats recentred climatology with confidence; 0: not even the first, or too little is verified. */
  usefulToHours: number
  /** UTC days with verified hours. */
  days: number
  confidence: number
}

const CONFIDENCE = 0.95
/** One-sided 95 % quantiles of Student's t by degrees of freedom from 1 (standard tables); beyond, the normal one with Cornish–Fisher. */
const T95 = [6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833, 1.812]
const MIN_BLOCKS = 5

/** Longest lead up to which the lower 95 % confidence bound of the mean gain over recentred climatology (Student's t) is above 0. */
export function headlines(gains: readonly Gains[]): Headline[] {
  return gains.map(({ stationId, variable, days, leads }) => {
    const byLead = new Map(leads.map((one) => [one.lead, one]))
    let usefulToHours = 0
    while (isUseful(byLead.get(usefulToHours + 1))) usefulToHours++
    return { stationId, variable, usefulToHours, days, confidence: CONFIDENCE }
  })
}

function isUseful(gain: LeadGain | undefined): boolean {
  if (!gain || gain.blocks < MIN_BLOCKS || gain.variance === null) return false
  return gain.mean - studentT95(gain.blocks - 1) * Math.sqrt(gain.variance / gain.blocks) > 0
}

/** One-sided 95 % quantile of Student's t. */
export function studentT95(degrees: number): number {
  const z = 1.6448536269514722
  return T95[degrees - 1] ?? z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
}
