/** A topic by the name a person typed. */
import { TOPIC_NAMES, type TopicName } from '../schemas/topics.ts'
import { unknownName } from './arguments.ts'
import { CliError, EXIT } from './exit.ts'

export function topicNamed(name: string): TopicName {
  const found = TOPIC_NAMES.find((topic) => topic === name)
  if (!found) throw new CliError(unknownName('topic', name, TOPIC_NAMES), EXIT.usage)
  return found
}
