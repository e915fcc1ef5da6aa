/** kafkajs with our repairs, which must be in place before it is loaded: everything in this folder takes its values from here. */
import './patch-coordinator.ts'
import './patch-fetch.ts'
import './patch-idle-timer.ts'
import './patch-produce.ts'

export { default } from 'kafkajs'
