export const within = (x: number, limit: number): number => Math.max(-limit, Math.min(limit, x))
