import { describe, expect, it } from 'vitest'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import {
  adapt,
  adaptationFor,
  type AdaptationRecord,
  blockOf,
  completeUntil,
  foldBlock,
  NO_ADAPTATION,
  recordOf,
} from './index.ts'

const START = 372_000
const NOTHING: AdaptationRecord = { end: START, versions: [] }
const part = (modelVersion: string, leadHours: number[], level: number) => ({
  modelVersion,
  leadHours,
  pit: leadHours.map(() => level),
})

describe('blocks', () => {
  it('begin at multiples of six hours and are complete when the third hour after them was scored', () => {
    expect(START % 6).toBe(0)
    expect([START, START + 5].map(blockOf)).toEqual([START, START])
    expect([7, 8, 13, 14].map((hour) => completeUntil(START + hour) - START)).toEqual([0, 6, 6, 12])
  })
  it('fold hour by hour, as adapt does', () => {
    const { end, versions } = foldBlock(NOTHING, (hour) => (hour === START + 2 ? [] : [part('v1', [1, 30], 0.01)]))
    expect(end).toBe(START + 6)
    let expected = NO_ADAPTATION
    for (let i = 0; i < 5; i++) expected = adapt(expected, [1, 30], [0.01, 0.01])
    expect(versions).toEqual([
      { modelVersion: 'v1', verifiedHour: START + 5, logFactors: expected, previousLogFactors: NO_ADAPTATION },
    ])
  })
  it('take both roles of a version that changed its role for one', () => {
    const apart = foldBlock(NOTHING, () => [part('v1', [1], 0.01), part('v1', [2, 3], 0.5)])
    const [together] = foldBlock(NOTHING, () => [{ modelVersion: 'v1', leadHours: [1, 2, 3], pit: [0.01, 0.5, 0.5] }]).versions
    expect(apart.versions[0]).toEqual(together)
  })
  it('keep a version that did not verify, and of many the four verified last', () => {
    const first = foldBlock(NOTHING, () => [part('v1', [1], 0.01)])
    const second = foldBlock(first, () => [part('v2', [1], 0.01)])
    expect(second.versions.map(({ modelVersion }) => modelVersion)).toEqual(['v2', 'v1'])
    expect(second.versions[1]?.previousLogFactors).toEqual(first.versions[0]?.logFactors)
    const many = ['v3', 'v4', 'v5'].reduce((record, version) => foldBlock(record, () => [part(version, [1], 0.5)]), second)
    expect(many.versions.map(({ modelVersion }) => modelVersion)).toEqual(['v5', 'v4', 'v3', 'v2'])
  })
})

describe('a forecast', () => {
  const first = foldBlock(NOTHING, () => [part('v1', [1], 0.01)])
  const record = foldBlock(first, () => [part('v1', [1], 0.99)])

  it('applies the newest record from a block after its end, the one before in between, and nothing that was verified after its issue', () => {
    expect(adaptationFor(record, 'v1', record.end + 6)).toBe(record.versions[0]?.logFactors)
    expect(adaptationFor(record, 'v1', record.end + 1000)).toBe(record.versions[0]?.logFactors)
    for (const hour of [record.end, record.end + 5])
      expect(adaptationFor(record, 'v1', hour)).toEqual(adaptationFor(first, 'v1', hour + 6))
    expect(adaptationFor(record, 'v1', record.end - 1)).toBeNull()
    expect(adaptationFor(NOTHING, 'v1', START + 6)).toBeNull()
  })
  it('of a version that has not verified applies a part of what the one verified newest has learnt, and the version goes on from there', () => {
    const both = foldBlock(record, () => [part('v1', [1], 0.01), part('v0', [1], 0.5)])
    const begun = adaptationFor(both, 'v2', both.end + 6)!
    const learnt = both.versions[0]!
    expect(learnt.modelVersion).toBe('v1')
    const share = begun[0]! / learnt.logFactors[0]!
    expect(share).toBeGreaterThan(0)
    expect(share).toBeLessThan(1)
    expect(begun).toEqual(learnt.logFactors.map((theta) => share * theta))
    expect(adaptationFor(both, 'v2', both.end)).toEqual(learnt.previousLogFactors.map((theta) => share * theta))
    const next = foldBlock(both, (hour) => [part('v1', [1], 0.5), ...(hour === both.end ? [part('v2', [1], 0.99)] : [])])
    const v2 = next.versions.find(({ modelVersion }) => modelVersion === 'v2')
    expect(v2).toMatchObject({ logFactors: adapt(begun, [1], [0.99]), previousLogFactors: begun })
  })
  it('of a version that begins anew applies nothing, and it goes on from there', () => {
    expect(adaptationFor(record, 'v2', record.end + 6, () => true)).toEqual(NO_ADAPTATION)
    const next = foldBlock(
      record,
      (hour) => (hour === record.end ? [part('v1', [1], 0.5), part('v2', [1], 0.99)] : []),
      () => true,
    )
    const [v1, v2] = ['v1', 'v2'].map((name) => next.versions.find(({ modelVersion }) => modelVersion === name))
    expect(v2).toMatchObject({ logFactors: adapt(NO_ADAPTATION, [1], [0.99]), previousLogFactors: NO_ADAPTATION })
    expect(v1?.logFactors).toEqual(adapt(record.versions[0]!.logFactors, [1], [0.5]))
  })
  it('applies the same from the published event', () => {
    const published = JSON.parse(
      JSON.stringify({
        verifiedUntil: record.end * 3_600_000,
        versions: record.versions.map(({ verifiedHour, ...version }) => ({ ...version, verifiedAt: verifiedHour * 3_600_000 })),
      }),
    ) as Parameters<typeof recordOf>[0]
    expect(recordOf(published)).toEqual(record)
    expect(record.versions[0]?.logFactors).toHaveLength(8 * QUANTILE_LEVELS.length)
  })
})
