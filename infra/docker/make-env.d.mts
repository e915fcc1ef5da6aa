export declare const GENERATED: Readonly<Record<string, () => string>>
export declare function completeEnv(present: string): { text: string; added: string[] }
