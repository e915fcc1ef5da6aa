import { z } from 'zod'

const seconds = (byDefault: number) => z.coerce.number().nonnegative().default(byDefault)

export const policyBlock = z.object({
  alertGroupBy: z
    .string()
    .default('rule')
    .transform((text) =>
      text
        .split(',')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
    )
    .meta({ description: 'What makes alerts one notification: rule, severity and label names, separated by commas.' }),
  alertGroupWaitSeconds: seconds(30).meta({
    description: 'Event time a new group waits for company before its first notification.',
  }),
  alertGroupIntervalSeconds: seconds(300).meta({ description: 'Event time between notifications about changes of a group.' }),
  alertRepeatIntervalSeconds: seconds(4 * 3600).meta({
    description: 'Event time after which a group that still fires is told again.',
  }),
})
