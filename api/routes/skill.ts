/** Skill of what was issued, from the verification ledger. */
import { z } from '@hono/zod-openapi'
import { createKept } from '../kept.ts'
import { instantParam, stationIdParam, variableParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { addRoute, type App } from '../respond.ts'
import { headlines, skillRows } from '../skill/scores.ts'

const number = z.number().nullable()
const Row = z
  .object({
    stationId: z.string(),
    variable: z.string(),
    role: z.string(),
    leadBucket: z.string().openapi({ description: '1-6, 7-24, 25-72, 73-168 or all.' }),
    n: z.number().int(),
    mae: z.number(),
    rmse: z.number(),
    bias: z.number(),
    crps: z.number(),
    coverage80: z.number(),
    coverage95: z.number(),
    persistenceMae: number,
    recentredClimatologyMae: number,
    skillOverPersistence: number,
    skillOverRecentredClimatology: number,
  })
  .openapi('Skill')

const Answer = z.object({
  skill: z.array(Row),
  headlines: z.array(
    z.object({
      stationId: z.string(),
      variable: z.string(),
      usefulToHours: z.number().int(),
      days: z.number().int(),
      confidence: z.number(),
    }),
  ),
})
const MAX_KEPT = 100

export function addSkillRoute(app: App, { store }: RouteDeps): void {
  const kept = createKept<z.output<typeof Answer>>(MAX_KEPT)
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/skill',
      tag: 'Skill',
      summary: 'Scores by lead bucket against persistence and recentred climatology',
      description:
        'Errors are those of the medians, as kept in the ledger (32-bit). `headlines`: every lead up to `usefulToHours` beats recentred climatology, lower 95 % confidence bound above 0.',
      scope: 'read',
      query: z.strictObject({
        stationId: stationIdParam.optional(),
        variable: variableParam.optional(),
        role: z.enum(['champion', 'challenger', 'shadow']).default('champion'),
        version: z.string().max(100).optional().openapi({ description: 'Only what this model version issued.' }),
        from: instantParam('First verified hour. Default: the first there is.').optional(),
        to: instantParam('Last verified hour. Default: the last there is.').optional(),
      }),
      response: Answer,
    },
    async ({ query: { version, ...query } }) => {
      const filter = {
        ...query,
        modelVersion: version,
        from: query.from ?? Date.UTC(1970, 0, 1),
        to: query.to ?? Date.UTC(2200, 0, 1),
      }
      return kept(JSON.stringify(filter), await store.skill.position(filter), async () => {
        const [sums, gains] = await Promise.all([store.skill.sums(filter), store.skill.gains(filter)])
        return { skill: skillRows(sums).map((row) => ({ ...row, role: query.role })), headlines: headlines(gains) }
      })
    },
  )
}
