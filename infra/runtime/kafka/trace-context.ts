/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): what an event is made from passes its `traceparent` and `tracestate` on unchanged, as
 * the recommendation wants it of those that make no spans of their own. So one trace id names an observation, its features and its forecasts.
 */
import { type RawHeaders, textHeaders } from './messages.ts'
import type { OutboundEvent } from './types.ts'

export type TraceContext = { readonly traceparent: string; readonly tracestate?: string }

/** Version 00; all zeros is no trace and no parent. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const MAX_TRACESTATE_CHARACTERS = 512

/** Null without a valid traceparent: whoever comes next then begins anew. */
export function toTraceContext(traceparent: string | undefined, tracestate: string | undefined): TraceContext | null {
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return null
  return tracestate !== undefined && tracestate !== '' && tracestate.length <= MAX_TRACESTATE_CHARACTERS
    ? { traceparent, tracestate }
    : { traceparent }
}

/** Of a message as fetched. Most have none, and then no header is read. */
export function traceContextOf(headers: RawHeaders | undefined): TraceContext | null {
  if (headers?.['traceparent'] === undefined) return null
  const { traceparent, tracestate } = textHeaders(headers)
  return toTraceContext(traceparent, tracestate)
}

export function withTraceContext(event: OutboundEvent, trace: TraceContext): OutboundEvent {
  return { ...event, headers: { ...trace, ...event.headers } }
}
