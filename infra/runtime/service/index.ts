export {
  defineService,
  type Own,
  type Ownable,
  type Readiness,
  type Service,
  type ServiceContext,
  type ServiceDefinition,
} from './define.ts'
export { EXIT, runServices, startServices, type RunOptions, type RunningServices } from './run.ts'
