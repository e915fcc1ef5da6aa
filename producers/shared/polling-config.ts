/** Environment that every polling producer shares. */
import { clickhouseBlock, clockBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'

/** What arrives from a live provider is received now, by the wall clock. */
const clock = clockBlock.shape.clock.refine((mode) => mode === 'system', 'live providers need the system clock')

export const pollingShape = { ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape, clock }

/** Providers ask automated clients to say who they are. */
export const USER_AGENT = 'isobar/0.1 (weather forecasts from station observations; self-hosted)'
