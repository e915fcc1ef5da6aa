/** Follows every topic of the story and reports stages as they happen. */
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { type RunningFollower, startFollower } from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { TOPIC_NAMES, type TopicName } from '../../schemas/topics.ts'
import { type Announcement, createStory, type Stage, type StageName, type StoryOptions } from './story.ts'

export type StoryWatch = {
  readonly stages: () => Stage[]
  /** Resolves when every stage has happened. */
  readonly complete: Promise<void>
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Once these have happened, the many messages of the weather topics have nothing more to tell: they need not be decoded. */
const WEATHER_STAGES: readonly StageName[] = ['observed', 'checked', 'featured', 'forecast', 'verified']

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
  const config = { ...readConfig(kafkaBlock, env), ...readConfig(registryBlock, env) }
  const follow = (name: string, topics: readonly TopicName[], afterwards: () => void): Promise<RunningFollower> =>
    startFollower({
      config,
      log,
      name,
      topics,
      from: 'beginning',
      onEvents: (events) => {
        for (const event of events) {
          if (event.value === null) continue
          for (const announcement of story.take(event)) announce(announcement)
        }
        afterwards()
        if (story.isComplete()) completed()
      },
    })
  const [model, weather] = await Promise.all([
    follow(
      'story',
      TOPIC_NAMES.filter((topic) => !isWeather(topic)),
      () => {},
    ),
    follow('story-weather', TOPIC_NAMES.filter(isWeather), () => {
      if (WEATHER_STAGES.every((name) => story.has(name))) stopWeather()
    }),
  ])
  let weatherStopped: Promise<void> | null = null
  function stopWeather(): void {
    // Not inside the handler of the very follower that is to be stopped.
    setImmediate(() => {
      weatherStopped ??= weather.stop()
    })
  }
  return {
    stages: () => story.stages(),
    complete,
    failed: Promise.race([model.failed, weather.failed]),
    async stop() {
      await Promise.all([model.stop(), (weatherStopped ??= weather.stop())])
    },
  }
}

const isWeather = (topic: TopicName): boolean => topic.startsWith('weather.')
