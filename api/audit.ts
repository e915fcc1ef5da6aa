/** Operator actions for audit.v1. `retraining`, `promotion` and alert policy obey what is accepted there. */
import { randomUUID } from 'node:crypto'
import type { OutboundEvent } from '../infra/runtime/kafka/types.ts'
import type { Audit } from '../schemas/generated/types.ts'

/** `at`: wall instant. The id is new each time: an action repeated on purpose is another action. */
export function auditEvent(
  action: Omit<Audit, 'auditId' | 'outcome'> & { outcome?: Audit['outcome'] },
): OutboundEvent & { value: Audit } {
  const value: Audit = { outcome: 'accepted', ...action, auditId: `audit/${randomUUID()}` }
  return { topic: 'audit.v1', key: value.actor, value }
}
