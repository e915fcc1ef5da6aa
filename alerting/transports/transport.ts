/** What a channel's transport is: one attempt to hand a notification to its receiver. Expected failures are values. */
import type { Channel, Notification } from '../shared/notification.ts'

export type Delivered =
  | { readonly ok: true; readonly detail: string; readonly thread?: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly retry: 'transient' | 'permanent'; readonly detail: string; readonly retryAfterMs?: number }

export type Transport = {
  readonly channel: Channel
  /** `thread`: what an earlier delivery of the same thread asked to be remembered. */
  deliver(notification: Notification, thread: Readonly<Record<string, string>> | undefined): Promise<Delivered>
  close?(): void
}

const MAX_DETAIL_CHARACTERS = 300

export function transient(detail: string, retryAfterMs?: number): Delivered {
  return {
    ok: false,
    retry: 'transient',
    detail: detail.slice(0, MAX_DETAIL_CHARACTERS),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

export function permanent(detail: string): Delivered {
  return { ok: false, retry: 'permanent', detail: detail.slice(0, MAX_DETAIL_CHARACTERS) }
}
