/** The dashboard's port: HTTP_PORT exactly when set, else 8080 or the next free one. */
import { createServer } from 'node:net'
import { CliError } from '../exit.ts'

const FIRST = 8080
const TRIED = 100

export async function chooseHttpPort(env: NodeJS.ProcessEnv): Promise<number> {
  const wanted = env['HTTP_PORT']
  if (wanted !== undefined) {
    const port = Number(wanted)
    if (!(await isFree(port)))
      throw new CliError(
        `HTTP_PORT ${wanted} is taken by another program; stop it, or unset HTTP_PORT to have a free port chosen`,
      )
    return port
  }
  for (let port = FIRST; port < FIRST + TRIED; port++) if (await isFree(port)) return port
  throw new CliError(`no free port between ${FIRST} and ${FIRST + TRIED - 1}; set HTTP_PORT`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
