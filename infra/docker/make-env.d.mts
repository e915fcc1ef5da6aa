export const GENERATED: Readonly<Record<string, () => string>>
export function completeEnv(present: string): { text: string; added: string[] }
