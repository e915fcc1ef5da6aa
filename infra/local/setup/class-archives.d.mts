/** What a JVM must be told to use a class archive; nothing when there is none. */
export function archiveFlags(archive: string | null): string[]
