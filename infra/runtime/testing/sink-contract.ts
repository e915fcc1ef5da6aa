/**
 * What every sink must keep, whatever it writes: the processor calls `write` again with the same rows until it resolves, after a
 * failure or in another process, and queries must show each row exactly once. Used by `*.int.test.ts` of every sink.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClickHouse, applyMigrations, openClickHouse } from '../clickhouse/index.ts'
import { AppError } from '../errors.ts'
import type { Sink } from '../kafka/types.ts'
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts'
import { type TestConfig, isolatedConfig } from './fixtures.ts'

export type SinkUnderTest<Row> = {
  readonly sink: Sink<Row>
  /** Row number `n`: equal for equal n, with another key for another n. */
  row(n: number): Row
  /** The n of every row that a query sees, in any order, as often as it is seen. Reads through `ch`, as users do. */
  visible(ch: ClickHouse): Promise<number[]>
}

export type SinkContractOptions = {
  /** Rows of one write; enough for several inserts. Default 25,000. */
  readonly rows?: number
}

/** `open` gets a ClickHouse with the migrations applied; it is called anew wherever a process would have started anew. */
export function describeSinkContract<Row>(
  name: string,
  open: (ch: ClickHouse) => SinkUnderTest<Row> | Promise<SinkUnderTest<Row>>,
  options: SinkContractOptions = {},
): void {
  const count = options.rows ?? 25_000

  describe(`sink contract: ${name}`, () => {
    let config: TestConfig
    let direct: ClickHouse
    let proxy: FaultProxy

    beforeAll(async () => {
      config = isolatedConfig()
      direct = openClickHouse(config)
      await applyMigrations(direct)
      const { hostname, port } = new URL(config.clickhouseUrl)
      proxy = await openFaultProxy({ host: hostname, port: Number(port) })
    })
    afterAll(async () => {
      await direct.command(`DROP DATABASE IF EXISTS ${config.clickhouseDatabase}`)
      await direct.close()
      await proxy.close()
    })

    const throughProxy = (): ClickHouse => openClickHouse({ ...config, clickhouseUrl: `http://127.0.0.1:${proxy.port}` })
    const rowsOf = (tested: SinkUnderTest<Row>, from: number): Row[] =>
      Array.from({ length: count }, (_, i) => tested.row(from + i))
    const expectOnce = async (tested: SinkUnderTest<Row>, from: number): Promise<void> => {
      const seen = (await tested.visible(direct)).filter((n) => n >= from && n < from + count)
      expect(seen.length).toBe(count)
      expect(new Set(seen).size).toBe(count)
    }
    const rejectionOf = async (work: Promise<void>): Promise<unknown> =>
      work.then(
        () => 'resolved',
        (error: unknown) => error,
      )
    const expectTransient = (error: unknown): void => {
      expect(error).toBeInstanceOf(AppError)
      expect((error as AppError).retry).toBe('transient')
    }

    it('shows rows once after redelivery', async () => {
      const ch = throughProxy()
      const tested = await open(ch)
      await tested.sink.write(rowsOf(tested, 0))
      await tested.sink.write(rowsOf(tested, 0))
      await expectOnce(tested, 0)
      await ch.close()
    })

    it('rejects as transient when part of a write is lost, and shows rows once after the retry', async () => {
      const ch = throughProxy()
      const tested = await open(ch)
      proxy.loseAnswerAfter(1)
      expectTransient(await rejectionOf(tested.sink.write(rowsOf(tested, count))))
      await tested.sink.write(rowsOf(tested, count))
      await expectOnce(tested, count)
      await ch.close()
    })

    it('rejects as transient while the store is away, and writes when it is back', async () => {
      const ch = throughProxy()
      const tested = await open(ch)
      proxy.break()
      expectTransient(await rejectionOf(tested.sink.write(rowsOf(tested, 2 * count))))
      proxy.restore()
      await tested.sink.write(rowsOf(tested, 2 * count))
      await expectOnce(tested, 2 * count)
      await ch.close()
    })

    it('shows rows once when a process stopped in the middle of a write and another writes them again', async () => {
      const ch = throughProxy()
      const first = await open(ch)
      const interrupted = rejectionOf(first.sink.write(rowsOf(first, 3 * count)))
      await ch.close()
      await interrupted
      const again = throughProxy()
      const second = await open(again)
      await second.sink.write(rowsOf(second, 3 * count))
      await expectOnce(second, 3 * count)
      await again.close()
    })
  })
}
