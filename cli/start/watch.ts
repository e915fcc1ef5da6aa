/** Follows every topic of the story and reports stages as they happen. */
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { startFollower } from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { TOPIC_NAMES } from '../../schemas/topics.ts'
import { type Announcement, createStory, type Stage, type StoryOptions } from './story.ts'

export type StoryWatch = {
  readonly stages: () => Stage[]
  /** Resolves when every stage has happened. */
  readonly complete: Promise<void>
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** From the beginning of the topics: after a restart, what happened before is found again (and announced again, marked as earlier). */
export async function watchStory(
  env: NodeJS.ProcessEnv,
  options: StoryOptions,
  log: Logger,
  announce: (announcement: Announcement) => void,
): Promise<StoryWatch> {
  const story = createStory(options)
  let completed: () => void = () => {}
  const complete = new Promise<void>((resolve) => {
    completed = resolve
  })
  const follower = await startFollower({
    config: { ...readConfig(kafkaBlock, env), ...readConfig(registryBlock, env) },
    log,
    name: 'story',
    topics: [...TOPIC_NAMES],
    from: 'beginning',
    onEvents: (events) => {
      for (const event of events) {
        if (event.value === null) continue
        for (const announcement of story.take(event)) announce(announcement)
      }
      if (story.isComplete()) completed()
    },
  })
  return { stages: story.stages, complete, failed: follower.failed, stop: () => follower.stop() }
}
