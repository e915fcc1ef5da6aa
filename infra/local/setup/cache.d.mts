/** The download cache: ${XDG_CACHE_HOME:-~/.cache}/isobar. */
export function cacheRoot(env?: Readonly<Record<string, string | undefined>>): string
