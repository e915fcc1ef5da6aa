/** The least that Hono can do: the bytes it was given, at every address. */
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const body = readFileSync(process.env['BARE_BODY'] as string, 'utf8')
const app = new Hono()
app.get('*', () => new Response(body, { headers: { 'content-type': 'application/json' } }))
serve({ fetch: app.fetch, port: Number(process.env['HTTP_PORT']), hostname: '127.0.0.1' })
process.on('SIGTERM', () => process.exit(0))
