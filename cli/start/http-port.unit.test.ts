import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { chooseHttpPort, openOnHttpPort } from './http-port.ts'

const held: Server[] = []
afterEach(() => {
  for (const server of held.splice(0)) server.close()
})

async function take(port: number): Promise<void> {
  const server = createServer()
  held.push(server)
  await once(server.listen(port, '127.0.0.1'), 'listening')
}

it('takes the next port when another program was quicker, and not when the port is fixed', async () => {
  const tried: number[] = []
  const lateFor = (times: number) => async (port: number) => {
    tried.push(port)
    if (tried.length > times) return
    await take(port)
    throw new Error('address in use')
  }
  const opened = await openOnHttpPort({}, lateFor(2))
  expect(tried).toHaveLength(3)
  expect(new Set(tried).size).toBe(3)
  expect(opened).toBe(tried.at(-1))

  tried.length = 0
  await expect(openOnHttpPort({ HTTP_PORT: String(opened) }, lateFor(1))).rejects.toThrow('address in use')
  expect(tried).toEqual([opened])
  await expect(chooseHttpPort({ HTTP_PORT: String(opened) })).rejects.toThrow('is taken by another program')
})

it('does not go on to another port over a failure of another kind', async () => {
  let tries = 0
  const broken = async (): Promise<never> => {
    tries++
    throw new Error('no broker')
  }
  await expect(openOnHttpPort({}, broken)).rejects.toThrow('no broker')
  expect(tries).toBe(1)
})

it('refuses what is no port by its name', async () => {
  await expect(chooseHttpPort({ HTTP_PORT: 'abc' })).rejects.toThrow(/HTTP_PORT: .*use a port number/)
  await expect(chooseHttpPort({ HTTP_PORT: '70000' })).rejects.toThrow(/HTTP_PORT/)
})
