import { z } from 'zod'

export const queuesBlock = z.object({
  amqpPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/)
    .default('isobar')
    .meta({
      description: 'What names of exchanges and queues begin with; keeps installations on one broker apart.',
      example: 'isobar',
    }),
})
