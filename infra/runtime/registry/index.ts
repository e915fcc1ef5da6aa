export { openRegistry, type Registry } from './client.ts'
export { registerSchemas } from './deploy.ts'
