/** Values of options as a person types them, checked before anything happens; errors name the option and, for names, the nearest one. */
import { InvalidArgumentError } from 'commander'
import { nearest } from '../api/nearest.ts'
import { parseInstant } from '../api/params.ts'

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Write a whole number, for example 20.')
  return Number(text)
}

export function countingNumber(text: string): number {
  const value = wholeNumber(text)
  if (value < 1) throw new InvalidArgumentError('Write a whole number from 1 on.')
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(text.trim() !== '' && value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Write a number above 0.')
  return value
}

export function decimalNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Write a number, for example -6.26.')
  return value
}

export function wholeNumbers(text: string): number[] {
  return text.split(',').map((part) => wholeNumber(part.trim()))
}

/** ISO 8601, or a date; UTC where no zone is given, as in observation CSV; epoch ms. */
export function instant(text: string): number {
  const ms = parseInstant(text) ?? parseInstant(`${text}Z`)
  if (ms === null) throw new InvalidArgumentError('Write it like 2013-07-01T12:00:00Z, or a date like 2013-07-01.')
  return ms
}

/** For an option that may be given several times. */
export function collect(text: string, before: readonly string[]): string[] {
  return [...before, text]
}

/** "no KIND named X; did you mean Y?" and all there are. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `no ${kind} named ${name}${meant === null ? '' : `; did you mean ${meant}?`}\n  there are: ${known.join(', ')}`
}
