/**
 * For a process started by the supervisor with `ipc: true`: calls `onGone` once when the launcher has died (also by `kill -9`), which
 * closes the channel between them. Does nothing, and keeps nothing alive, in a process that was started by hand.
 */
export function watchParent(onGone: () => void): void {
  if (process.channel === undefined) return
  process.once('disconnect', onGone)
  // A listener keeps the channel, and with it the process, alive; only the process's own work should.
  process.channel.unref()
}
