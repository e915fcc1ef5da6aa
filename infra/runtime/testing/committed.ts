/** What a kill leaves behind between the acknowledgement of what was made and the commit behind it: an older offset. The group must be empty. */
import type { TopicName } from '../../../schemas/topics.ts'
import { withAdmin } from '../kafka/admin-client.ts'
import { onBroker } from '../kafka/connection.ts'
import { testLog, type TestConfig } from './fixtures.ts'

export function commitBack(
  config: TestConfig,
  groupId: string,
  topic: TopicName,
  positions: ReadonlyArray<{ readonly partition: number; readonly offset: number }>,
): Promise<void> {
  return withAdmin(config, testLog, (admin) =>
    admin.setOffsets({
      groupId: onBroker(config, groupId),
      topic: onBroker(config, topic),
      partitions: positions.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }),
  )
}

/** The group has never been. */
export function forgetGroup(config: TestConfig, groupId: string): Promise<void> {
  return withAdmin(config, testLog, async (admin) => void (await admin.deleteGroups([onBroker(config, groupId)])))
}
