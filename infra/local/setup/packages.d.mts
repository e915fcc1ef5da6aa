/** True when node_modules holds what package-lock.json of the folder asks for. */
export function packagesAreCurrent(project: string): boolean
