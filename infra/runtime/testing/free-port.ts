/** A port for a server under test. */
import { choosePorts } from '../../local/ports.ts'

/** Free now, and never one that the system gives to an outgoing connection between the look and the opening. */
export async function freePort(): Promise<number> {
  return (await choosePorts(['port'])).port
}
