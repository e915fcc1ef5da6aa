/** A replica that has left an order unanswered for this long is gone, not late: its reports outlive it in the topic. */
export const REPLICA_GONE_AFTER_MS = 7 * 24 * 3_600_000
