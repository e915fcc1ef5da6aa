/** Structured logs, one JSON line each, on stderr: stdout belongs to data. */
import { type Logger, destination, pino, stdSerializers } from 'pino'

export type { Logger } from 'pino'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export function createLogger(name: string, level: LogLevel = 'info'): Logger {
  return pino(
    {
      level,
      base: { service: name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause },
    },
    // Synchronous: the last line before an exit is the one that matters.
    destination({ fd: 2, sync: true }),
  )
}
