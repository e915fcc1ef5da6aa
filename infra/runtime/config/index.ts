export { readConfig, environmentName, type Environment } from './read.ts'
export { redact } from './redact.ts'
export * from './blocks.ts'
