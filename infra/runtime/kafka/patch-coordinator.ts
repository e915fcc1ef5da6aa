/**
 * A broker that goes down says first that it coordinates no group any more, then nothing. When the lookup of the coordinator finds no
 * broker at all, kafkajs 2.2.4 calls that an error that no retry can mend, and ends the consumer for good; every other lost connection
 * is retried. It is one of those.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { KafkaJSGroupCoordinatorNotFound } = require('kafkajs/src/errors') as {
  KafkaJSGroupCoordinatorNotFound: { prototype: object }
}

// The constructor assigns the property to the instance: only an accessor on the prototype keeps its value.
Object.defineProperty(KafkaJSGroupCoordinatorNotFound.prototype, 'retriable', {
  get: () => true,
  set(_isRetriable: boolean) {
    // Always true.
  },
})
