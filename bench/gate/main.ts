/**
 * Error rates of the gate on simulated trials (forecasting/promotion/simulation.ts): equal models, a worse one, better ones, each judged
 * at every look until a decision or the end of the trial. Seeded: the same figures on every machine.
 */
import { GATE_POLICY, type GatePolicy, judgeChallenger, PROBATION_POLICY } from '../../forecasting/promotion/index.ts'
import { simulateTrial, type TrialWorld } from '../../forecasting/promotion/simulation.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { type Figure, figure } from '../shared/figures.ts'

/** Correlation of the errors of two fits of one family on windows that differ by a week to a month, measured on JFK 2013: 0.984–0.999. */
const TYPICAL = 0.99
const DISSIMILAR = 0.985

export type TrialOutcome = { readonly promoted: number; readonly medianDays: number; readonly maximumDays: number }

/** Days of verified hours to promotion (of the former champion, with the probation's policy); trials that end without one count as infinite. */
export function runTrials(world: TrialWorld, trials: number, policy: GatePolicy = GATE_POLICY, seed = 0): TrialOutcome {
  const days: number[] = []
  for (let trial = 0; trial < trials; trial++) days.push(daysToPromotion(world, policy, seed + trial))
  days.sort((a, b) => a - b)
  return {
    promoted: days.filter(Number.isFinite).length,
    medianDays: days[Math.floor((trials - 1) / 2)] as number,
    maximumDays: days.at(-1) as number,
  }
}

function daysToPromotion(world: TrialWorld, policy: GatePolicy, seed: number): number {
  const rng = createRng(Math.imul(seed + 1, 0x9e3779b1))
  // The first hour of a trial verifies lead 1 only, which no simulated row has.
  const { hours, ...rest } = simulateTrial(world, policy.maximumHours + 2, rng)
  for (let n = policy.minimumHours; n <= policy.maximumHours; n += policy.lookEveryHours) {
    const { decision } = judgeChallenger({ ...rest, hours: hours.slice(0, n) }, { policy, rng })
    if (decision === 'promote') return n / 24
    if (decision === 'reject') return Number.POSITIVE_INFINITY
  }
  return Number.POSITIVE_INFINITY
}

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const trials = quick ? 200 : 1000
  const figures: Figure[] = []
  const add = (made: Figure): void => {
    figures.push(made)
    if (!json)
      process.stderr.write(
        `${made.met ? 'ok  ' : 'MISS'} ${made.name}: ${made.value} ${made.unit} (goal ${made.comparison} ${made.goal})\n`,
      )
  }
  const refused = (outcome: TrialOutcome): number => Math.round((1000 * (trials - outcome.promoted)) / trials) / 10

  add(figure('identical model refused', refused(runTrials({ ratio: 1, correlation: 1 }, trials)), '%', '>=', 95))
  for (const correlation of [TYPICAL, DISSIMILAR]) {
    const pair = `error correlation ${correlation}`
    add(figure(`equal skill refused, ${pair}`, refused(runTrials({ ratio: 1, correlation }, trials)), '%', '>=', 95))
    add(
      figure(
        `3 % worse promoted, of ${trials}, ${pair}`,
        runTrials({ ratio: 1.03, correlation }, trials).promoted,
        'trials',
        '<=',
        0,
      ),
    )
  }
  const better = runTrials({ ratio: 0.95, correlation: TYPICAL }, trials)
  add(figure('5 % better: median to promotion', better.medianDays, 'verified days', '<=', 7))
  add(figure('5 % better: promoted within the trial', Math.round((1000 * better.promoted) / trials) / 10, '%', '>=', 80))
  const afterChange = runTrials({ ratio: 0.7, correlation: DISSIMILAR }, trials)
  add(figure('30 % better (after a change point): median to promotion', afterChange.medianDays, 'verified days', '<=', 5))
  // On probation the former champion takes the challenger's part: better by 1/1.25 is a successor worse by a quarter.
  const equal = runTrials({ ratio: 1, correlation: DISSIMILAR }, trials, PROBATION_POLICY)
  add(figure('equal successor kept on probation', refused(equal), '%', '>=', 95))
  const regression = runTrials({ ratio: 1 / 1.25, correlation: DISSIMILAR }, trials, PROBATION_POLICY)
  add(figure('successor 25 % worse: median to rollback', regression.medianDays, 'verified days', '<=', 4))
  return figures
}
