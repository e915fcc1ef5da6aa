import { describe, expect, it } from 'vitest'
import { createRng } from '../verification/index.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { chooseShares, type Damped } from './shares.ts'

const H = 168
const ROWS = 300

/** Departures of size 1 that stay alike over the leads of a row, and a maker of members: a share of the truth plus independent noise. */
function weather() {
  const random = createRng(5)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const departures = new Float64Array(ROWS * H)
  for (let r = 0; r < ROWS; r++) departures.fill(normal(), r * H, (r + 1) * H)
  return { departures, member: (share: number, noise: number) => departures.map((value) => share * value + noise * normal()) }
}

const QUANTITY = { isProbability: false, leavesRest: true }
/** Regressions for all leads. */
const said = (...members: Float64Array[]) => members.map((values) => ({ values, lastLead: H }))
/** A damped departure that says nothing of use. */
const USELESS: Damped = {
  share: new Float64Array(H).fill(1),
  newest: Float64Array.from({ length: ROWS }, (_, r) => (r % 2 === 0 ? 3 : -3)),
}

describe('shares', () => {
  it('are ≥ 0 and leave the rest to the climatology', () => {
    const { departures, member } = weather()
    for (const shares of chooseShares(departures, USELESS, said(member(1, 1), member(1, 0.5), member(1, 2)), QUANTITY)) {
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(0)
      expect(shares.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(1 + 1e-12)
      expect(shares[0]!).toBeLessThan(0.03)
      expect(shares[2]!).toBeGreaterThan(shares[1]!)
      expect(shares[1]!).toBeGreaterThan(shares[3]!)
    }
  })

  it('are 0 where nobody has skill, and take a member by half that says twice what comes', () => {
    const { departures, member } = weather()
    for (const shares of chooseShares(departures, USELESS, said(member(0, 1), member(0, 2)), QUANTITY))
      expect(shares.reduce((a, b) => a + b, 0)).toBeLessThan(0.1)
    for (const [, share] of chooseShares(departures, USELESS, said(member(2, 0)), QUANTITY)) expect(share!).toBeCloseTo(0.5, 2)
  })

  it('add up to 1 where the climatology is not to be trusted', () => {
    const { departures, member } = weather()
    const sure = { ...QUANTITY, leavesRest: false }
    for (const shares of chooseShares(departures, USELESS, said(member(0, 1), member(0, 1.2)), sure))
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
  })

  it('are learned for each group of leads by itself', () => {
    const { departures, member } = weather()
    const [early, late] = [member(1, 0.1), member(1, 0.1)]
    const noise = member(0, 1)
    for (let i = 0; i < departures.length; i++)
      if (i % H < 24) late[i] = noise[i]!
      else early[i] = noise[i]!
    chooseShares(departures, USELESS, said(early, late), QUANTITY).forEach(([, first, second], g) =>
      expect(first! > 0.9 && second! < 0.1).toBe(LEAD_GROUPS[g]![1] <= 24),
    )
  })

  it('are 0 for a regression at leads that it does not serve, and the damped departure has one where it is right', () => {
    const { departures, member } = weather()
    const right = {
      share: new Float64Array(H).fill(1),
      newest: Float64Array.from({ length: ROWS }, (_, r) => departures[r * H]!),
    }
    const near = { values: member(1, 0.1), lastLead: 24 }
    chooseShares(departures, USELESS, [near], QUANTITY).forEach(([, share], g) => {
      if (LEAD_GROUPS[g]![1] <= 24) expect(share!).toBeGreaterThan(0.9)
      else expect(share).toBe(0)
    })
    for (const [share] of chooseShares(departures, right, said(member(0, 1)), QUANTITY)) expect(share!).toBeGreaterThan(0.9)
  })

  it('make the mean of a probability right, and the median of a quantity', () => {
    // Four of five times 10 below, else 90 above: mean 10, median −10.
    const departures = Float64Array.from({ length: ROWS * H }, (_, i) => ((i % H) % 5 === Math.floor(i / H) % 5 ? 90 : -10))
    const says = said(new Float64Array(ROWS * H).fill(10))
    for (const [, share] of chooseShares(departures, USELESS, says, { ...QUANTITY, isProbability: true }))
      expect(share!).toBeGreaterThan(0.9)
    for (const [, share] of chooseShares(departures, USELESS, says, QUANTITY)) expect(share!).toBeLessThan(0.1)
  })

  it('take no notice of what was not observed, and the damped departure alone when nothing was', () => {
    const { departures, member } = weather()
    const close = said(member(1, 0.2))
    const gappy = departures.map((value, i) => (i % 5 === 0 ? Number.NaN : value))
    for (const [, share] of chooseShares(gappy, USELESS, close, QUANTITY)) expect(share!).toBeGreaterThan(0.9)
    const silent = departures.map(() => Number.NaN)
    for (const shares of chooseShares(silent, USELESS, close, QUANTITY)) expect(shares).toEqual([1, 0])
  })
})
