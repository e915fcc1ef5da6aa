/** The dashboard's port: HTTP_PORT exactly when set, else 8080 or the next free one. */
import { createServer } from 'node:net'
import { httpBlock, readConfig } from '../../infra/runtime/config/index.ts'
import { CliError } from '../exit.ts'

const FIRST = 8080
const TRIED = 100

/** HTTP_PORT; null where any free port will do (unset, or 0). */
function fixedPort(env: NodeJS.ProcessEnv): number | null {
  return readConfig(httpBlock.pick({ httpPort: true }), env).httpPort || null
}

export async function chooseHttpPort(env: NodeJS.ProcessEnv): Promise<number> {
  const wanted = fixedPort(env)
  if (wanted !== null) {
    if (!(await isFree(wanted)))
      throw new CliError(
        `HTTP_PORT ${wanted} is taken by another program; stop it, or unset HTTP_PORT to have a free port chosen`,
      )
    return wanted
  }
  for (let port = FIRST; port < FIRST + TRIED; port++) if (await isFree(port)) return port
  throw new CliError(`no free port between ${FIRST} and ${FIRST + TRIED - 1}; set HTTP_PORT`)
}

/** Opens on the chosen port. Another start may take it between the look and the opening: then there is a next one, unless HTTP_PORT fixes it. */
export async function openOnHttpPort(env: NodeJS.ProcessEnv, open: (port: number) => Promise<unknown>): Promise<number> {
  for (;;) {
    const port = await chooseHttpPort(env)
    try {
      await open(port)
      return port
    } catch (error) {
      if (fixedPort(env) !== null || (await isFree(port))) throw error
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
