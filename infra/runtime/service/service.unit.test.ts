import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { type Service, defineService, runServices, startServices } from './index.ts'
import type { RunOptions } from './run.ts'

const ENV = { LOG_LEVEL: 'silent' }
const empty = z.object({})
const service = (start: Service['start'], name = 'probe'): Service => defineService({ name, config: empty, start })
const get = async (url: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(url)
  const text = await response.text()
  return {
    status: response.status,
    body: response.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as unknown) : text,
  }
}
const ignoreFailure = { onFailure: () => undefined }

/** runServices on fake signals; resolves with exit codes as they come. */
function run(
  services: Service[],
  env: Record<string, string> = ENV,
  options: Pick<RunOptions, 'drainDeadlineMs' | 'lowerPriority'> = {},
) {
  const signals = new EventEmitter() as EventEmitter & Pick<NodeJS.Process, 'on' | 'off'>
  const codes: number[] = []
  const exited = Promise.withResolvers<number>()
  const started = Promise.withResolvers<string>()
  void runServices(services, env, {
    ...options,
    signals,
    exit: (code) => {
      codes.push(code)
      exited.resolve(code)
    },
    onStarted: ({ probeUrl }) => started.resolve(probeUrl),
  })
  return { signals, codes, exited: exited.promise, started: started.promise }
}

it('closes what it owns in reverse order, by stop or close', async () => {
  const closed: string[] = []
  const running = await startServices(
    [
      service(async ({ own }) => {
        await own({ close: () => void closed.push('store') })
        await own(Promise.resolve({ stop: () => Promise.resolve(void closed.push('processor')) }))
      }),
    ],
    ENV,
    ignoreFailure,
  )
  expect(await running.stop()).toBe(0)
  expect(closed).toEqual(['processor', 'store'])
})

it('closes what was owned before a start that failed, and reports a close that failed', async () => {
  const closed: string[] = []
  const broken = service(async ({ own }) => {
    await own({ close: () => void closed.push('first') })
    throw new Error('second part cannot start')
  })
  await expect(startServices([broken], ENV, ignoreFailure)).rejects.toThrow('second part cannot start')
  expect(closed).toEqual(['first'])
  const stubborn = service(async ({ own }) => {
    await own({ close: () => void closed.push('other') })
    await own({ close: () => Promise.reject(new Error('no')) })
  })
  expect(await (await startServices([stubborn], ENV, ignoreFailure)).stop()).toBe(1)
  expect(closed).toEqual(['first', 'other'])
})

it('tells liveness, readiness with reasons, and metrics of every service', async () => {
  let age = 0
  let ready = false
  const running = await startServices(
    [
      service(async ({ own, addReadiness, metrics }) => {
        addReadiness('model', () => (ready ? { ready: true } : { ready: false, reason: 'no model yet' }))
        metrics.counter('things_total', 'Things.').inc()
        await own({ close: () => undefined, lastTickAgeMs: () => age, readiness: () => ({ ready: true }) })
      }),
      service(() => undefined, 'other-one'),
    ],
    ENV,
    ignoreFailure,
  )
  expect(await get(`${running.probeUrl}/readyz`)).toEqual({
    status: 503,
    body: { ready: false, reasons: [{ name: 'probe/model', reason: 'no model yet' }] },
  })
  ready = true
  expect((await get(`${running.probeUrl}/readyz`)).status).toBe(200)
  expect((await get(`${running.probeUrl}/livez`)).status).toBe(200)
  age = 60_001
  expect(await get(`${running.probeUrl}/livez`)).toMatchObject({ status: 503, body: { live: false } })
  const metrics = String((await get(`${running.probeUrl}/metrics`)).body)
  expect(metrics).toContain('isobar_probe_things_total 1')
  expect(metrics).toContain('process_cpu_seconds_total')
  expect(metrics).toContain('isobar_runtime_ready{check="probe/model"} 1')
  await running.stop()
})

it('is not ready while draining, and exits 0 after a signal', async () => {
  const release = Promise.withResolvers<void>()
  let aborted = false
  const { signals, exited, started } = run([
    service(async ({ own, signal }) => {
      signal.addEventListener('abort', () => (aborted = true))
      await own({ stop: () => release.promise })
    }),
  ])
  const probeUrl = await started
  signals.emit('SIGTERM')
  expect(await get(`${probeUrl}/readyz`)).toMatchObject({
    status: 503,
    body: { reasons: [{ name: 'probe', reason: 'draining' }] },
  })
  expect(aborted).toBe(true)
  release.resolve()
  expect(await exited).toBe(0)
})

it('drains when the parent process goes away', async () => {
  const { signals, exited, started } = run([service(() => undefined)])
  await started
  signals.emit('disconnect')
  expect(await exited).toBe(0)
})

it('exits at once on a second signal, and at the deadline when a part hangs', async () => {
  const hanging = () => service(async ({ own }) => void (await own({ stop: () => new Promise<void>(() => undefined) })))
  const impatient = run([hanging()])
  await impatient.started
  impatient.signals.emit('SIGINT')
  impatient.signals.emit('SIGINT')
  expect(await impatient.exited).toBe(1)
  const late = run([hanging()], ENV, { drainDeadlineMs: 50 })
  await late.started
  late.signals.emit('SIGTERM')
  expect(await late.exited).toBe(1)
})

it('exits 1 when an owned loop fails or a service says so, after closing', async () => {
  let closed = 0
  const failed = Promise.withResolvers<never>()
  const loop = run([service(async ({ own }) => void (await own({ stop: () => void closed++, failed: failed.promise })))])
  await loop.started
  failed.reject(new Error('lost the group'))
  expect([await loop.exited, closed]).toEqual([1, 1])
  const early = run([service(({ fail }) => fail(new Error('while starting')))])
  expect(await early.exited).toBe(1)
})

it('exits 2 for bad config, naming the problems of all services', async () => {
  const needs = (key: string) => defineService({ name: key, config: z.object({ [key]: z.string() }), start: () => undefined })
  const { exited } = run([needs('firstThing'), needs('secondThing')], {})
  expect(await exited).toBe(2)
  await expect(startServices([needs('firstThing'), needs('secondThing')], {}, ignoreFailure)).rejects.toThrow(
    /FIRST_THING[\s\S]*SECOND_THING/,
  )
})

it('gives each service its own event time', async () => {
  const times: number[] = []
  const clocked = (name: string) =>
    defineService({
      name,
      config: z.object({ clock: z.enum(['system', 'stream']) }),
      start: ({ clock }) => {
        if (name === 'a') clock.observe(1000)
        times.push(clock.now())
      },
    })
  const running = await startServices([clocked('a'), clocked('b')], { ...ENV, CLOCK: 'stream' }, ignoreFailure)
  expect(times).toEqual([1000, 0])
  await running.stop()
})

it('gives way to live work only in a process where nothing is live', async () => {
  const background = { ...service(() => undefined, 'background'), isBackground: true }
  const lowered = async (services: Service[]): Promise<number> => {
    let times = 0
    const { started, exited, signals } = run(services, ENV, { lowerPriority: () => void times++ })
    await started
    signals.emit('SIGTERM')
    await exited
    return times
  }
  expect(await lowered([background, background])).toBe(1)
  expect(await lowered([background, service(() => undefined, 'live')])).toBe(0)
})
