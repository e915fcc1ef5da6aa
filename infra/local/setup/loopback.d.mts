export const HOST: string
/** Kafka: an ApiVersions request (v0) answered without an error code. */
export function kafkaAnswers(port: number): Promise<boolean>
/** Sends bytes and resolves with the first `atLeast` bytes of the answer or more; null when there is none in time. */
export function exchange(port: number, request: Buffer | null, atLeast: number): Promise<Buffer | null>
