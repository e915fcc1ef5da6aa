/** The Java-compatible partitioner, with the answers for the keys of late remembered: a fleet of stations is asked for over and over. */
import kafkajs from './kafkajs.ts'
import type { ICustomPartitioner } from 'kafkajs'

/** About 10 MB of keys; a larger fleet is worked out anew now and then. */
const MAX_REMEMBERED = 100_000

export const createKeyPartitioner: ICustomPartitioner = () => {
  const workOut = kafkajs.Partitioners.DefaultPartitioner()
  /** Partition count → key → partition: a key's place depends on nothing else. */
  const remembered = new Map<number, Map<string, number>>()
  return (choice) => {
    const { key } = choice.message
    if (typeof key !== 'string' || typeof choice.message.partition === 'number') return workOut(choice)
    const count = choice.partitionMetadata.length
    let places = remembered.get(count)
    if (!places || places.size >= MAX_REMEMBERED) remembered.set(count, (places = new Map()))
    let place = places.get(key)
    if (place === undefined) places.set(key, (place = workOut(choice)))
    return place
  }
}
