/** Environment of the replay. */
import { z } from 'zod'
import { clickhouseBlock, clockBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'
import { BUNDLED_OBSERVATIONS } from './series.ts'

/** Hours of data per second; more is no pace any more but the back-fill. */
export const MAX_SPEED = 100_000

export const ReplayConfig = z.object({
  ...kafkaBlock.shape,
  ...registryBlock.shape,
  ...clickhouseBlock.shape,
  ...clockBlock.shape,
  replayCsv: z.string().default(BUNDLED_OBSERVATIONS).meta({
    description: 'Observation CSV to replay (docs/csv.md); default: the bundled one.',
    fix: 'give the path of a .csv or .csv.gz',
    example: 'observations.csv.gz',
  }),
  replayStation: z.string().regex(STATION_ID_PATTERN).optional().meta({
    description: 'Station of the rows of a CSV without the column stationId.',
    fix: 'use lower-case letters, digits, _ and -',
    example: 'roof',
  }),
  replayStations: z.string().optional().meta({
    description:
      'JSON list of the stations in the CSV; default: the bundled ones for the bundled CSV, otherwise none are published.',
    fix: 'give the path of a .json',
    example: 'stations.json',
  }),
  replayBackfillUntil: z.iso
    .datetime()
    .transform((text) => Date.parse(text))
    .optional()
    .meta({
      description:
        'Everything before is published at once, the rest paced; default: as the scenario says, else two thirds of the series.',
      fix: 'write UTC as 2013-07-01T00:00:00Z',
      example: '2013-07-01T00:00:00Z',
    }),
  replaySpeed: z.coerce.number().positive().max(MAX_SPEED).default(2).meta({
    description: 'Hours of data per second of wall time.',
    fix: 'use a number above 0',
    example: '2',
  }),
  replayFastForwardUntil: z.iso
    .datetime()
    .transform((text) => Date.parse(text))
    .optional()
    .meta({
      description:
        'From the back-fill to this instant hours are paced at REPLAY_FAST_FORWARD_SPEED; default: as the scenario says, else never.',
      fix: 'write UTC as 2013-07-15T00:00:00Z',
      example: '2013-07-15T00:00:00Z',
    }),
  replayFastForwardSpeed: z.coerce.number().positive().max(MAX_SPEED).default(24).meta({
    description:
      'Hours of data per second while fast-forwarding, at most: the services set the pace (REPLAY_MAX_BEHIND_HOURS); never slower than REPLAY_SPEED.',
    fix: 'use a number above 0',
    example: '24',
  }),
  replayMaxBehindHours: z.coerce.number().min(0).default(24).meta({
    description: 'The replay waits while a service is more hours of data behind, or a training is open; 0: it never waits.',
    fix: 'use 0 or more',
    example: '24',
  }),
  replayScenario: z.string().optional().meta({
    description: 'demo, none, or the path of a scenario in JSON; default: demo for the bundled CSV, otherwise none.',
    fix: 'use demo, none or a path',
    example: 'none',
  }),
  replayWaitForModels: z.stringbool().default(true).meta({
    description: 'Pace on only after every station and variable of the replay has a first model that is served.',
    fix: 'use true or false',
    example: 'true',
  }),
  replayWaitForReplicas: z.coerce.number().int().min(1).default(1).meta({
    description: 'How many inference replicas must have loaded a first model before it counts as served.',
    fix: 'a whole number from 1 on',
    example: '2',
  }),
})
export type ReplayConfig = z.output<typeof ReplayConfig>
