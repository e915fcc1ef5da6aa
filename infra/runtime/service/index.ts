export { defineService, type Readiness, type Service } from './define.ts'
export { runServices, startServices, type RunningServices } from './run.ts'
